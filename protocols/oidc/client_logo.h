/* SPDX-License-Identifier: Apache-2.0
 *
 * Logos of clients (RFC 7591 2, logo_uri) for the consent page. The browser never asks the client's
 * server, which would learn who is deciding about it (A35): this server fetches the picture, looks
 * at its first bytes, and keeps a few. */
#ifndef IDP_PROTOCOLS_OIDC_CLIENT_LOGO_H
#define IDP_PROTOCOLS_OIDC_CLIENT_LOGO_H

#include "base/err.h"
#include "idp/client.h"
#include "idp/request.h"

#define CLIENT_LOGO_MAX     65536 /* bytes of a picture */
#define CLIENT_LOGOS_MAX    64    /* kept; the one longest unused makes room */
#define CLIENT_LOGO_SECONDS 3600  /* kept, also that there is none */

struct client_logos;

must_check enum err client_logos_new(struct client_logos **ret_logos);
void client_logos_free(struct client_logos *logos); /* accepts NULL */

/* Where the page finds it, in the arena; absent: the client has none, or none may be fetched. */
struct span client_logo_path(const struct request *req, const struct client *client);

#endif
