/* SPDX-License-Identifier: Apache-2.0
 *
 * A form posted by another site arrives without our SameSite=Lax cookies. Where such a POST is
 * legitimate (authorization, logout) the request is kept and answered 303 to itself, so that it
 * comes again as a GET, with them. */
#ifndef IDP_PROTOCOLS_OIDC_CROSS_SITE_H
#define IDP_PROTOCOLS_OIDC_CROSS_SITE_H

#include "base/buf.h"
#include "idp/request.h"

#define CROSS_SITE_QUERY_MAX 7000 /* bytes: the URL must fit into a request line */

/* Says the browser that this POST comes from another site (Fetch Metadata, else Origin)? */
bool cross_site_post(const struct request *req);
/* 303 to `path` with that query. False when the query did not fit: nothing is answered yet. */
bool cross_site_redirect(struct request *req, const char *path, const struct buf *query);

#endif
