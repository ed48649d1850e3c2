/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider's routes, from routes.tbl.h. */
#ifndef IDP_WEB_ROUTES_H
#define IDP_WEB_ROUTES_H

#include "web/server.h"

extern const struct route idp_routes[];
extern const size_t idp_routes_count;

#endif
