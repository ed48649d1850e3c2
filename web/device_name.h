/* SPDX-License-Identifier: Apache-2.0
 *
 * What to call a device on the account page: "Chrome, Windows" instead of a User-Agent header.
 * A help for people to recognise their own; never a basis for a decision. */
#ifndef IDP_WEB_DEVICE_NAME_H
#define IDP_WEB_DEVICE_NAME_H

#include "base/arena.h"
#include "base/span.h"

/* Browser and system, or the one that is known, in the arena; empty when neither is, or when
 * memory is short. */
struct span device_name(struct arena *a, struct span user_agent);

#endif
