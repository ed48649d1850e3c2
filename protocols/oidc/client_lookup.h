/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the client of a request: in the thread's cache, else by the store, then into the cache.
 *   client_lookup_load()   in handler->load: adds the read when the cache has no answer
 *   client_lookup_finish() in handler->decide, after it ran */
#ifndef IDP_PROTOCOLS_OIDC_CLIENT_LOOKUP_H
#define IDP_PROTOCOLS_OIDC_CLIENT_LOOKUP_H

#include "base/err.h"
#include "idp/client.h"
#include "idp/request.h"
#include "idp/store/store.h"

struct client_lookup {
    struct span client_id;
    const struct client *client; /* NULL: no such client; valid while the request lives */
    struct client_row row;
    uint64_t epoch;              /* of the clients when the row was asked for */
};

void client_lookup_load(struct request *req, struct client_lookup *l);
/* ERR_STORE, ERR_NOMEM; an unknown client is ERR_OK with `client` NULL. */
must_check enum err client_lookup_finish(struct request *req, struct client_lookup *l);

/* In the request's language; the id when no name is registered. */
struct span client_display_name(const struct request *req, const struct client *client);

#endif
