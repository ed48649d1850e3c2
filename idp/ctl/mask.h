/* SPDX-License-Identifier: Apache-2.0
 *
 * Personal data as staff may see it: enough to recognise what the person tells them, not to learn it. */
#ifndef IDP_CTL_MASK_H
#define IDP_CTL_MASK_H

#include <jansson.h>

#include "base/buf.h"

/* "030090001234" becomes "0300*****234". Of a text of 12 characters or more the first 4 and last 3
 * stay, of 6 or more the first and the last, of a shorter one none; of what is no text, none. Control
 * characters are masked wherever they stand. */
void mask_add(struct buf *out, const json_t *value);

#endif
