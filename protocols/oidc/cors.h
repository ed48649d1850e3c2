/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls by scripts of another origin (Fetch 3.2): a page that is a public client calls token,
 * userinfo and revocation itself, with no cookie (RFC 9700 2.6). The preflight goes by the origins
 * of all such clients, the answer by those of the one client that the request is from. */
#ifndef IDP_PROTOCOLS_OIDC_CORS_H
#define IDP_PROTOCOLS_OIDC_CORS_H

#include "idp/client.h"
#include "idp/request.h"

/* In the respond phase of an endpoint that such scripts call. `client`: whom the request was
 * proven to come from, or NULL. */
void cors_answer(struct request *req, const struct client *client);

#endif
