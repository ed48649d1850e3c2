/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /static/NAME.HASH.EXT: files compiled into the program. The URL is compared as a whole with
 * the known ones; no file system is asked, so there is nothing to climb out of (F21). The hash is
 * of the content, therefore browsers may keep an answer for a year. */
#ifndef IDP_WEB_STATIC_H
#define IDP_WEB_STATIC_H

#include "idp/request.h"

extern const struct handler static_handler;

#endif
