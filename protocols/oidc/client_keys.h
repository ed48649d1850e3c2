/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys that clients sign with: registered inline, or published at their jwks_uri, which is
 * fetched (idp/outbound.h) and kept for all threads. OIDC Core 10.1.1: rotation is by URI, so a kid
 * that is not known may be new; it is asked for again, at most CLIENT_KEYS_BURST times and then once
 * in CLIENT_KEYS_REFETCH_SECONDS. When the URI does not answer, the old set goes on for
 * CLIENT_KEYS_STALE_SECONDS: a service is not locked out by its own web server.
 *
 *   find ─► verify ─┬─► done
 *                   └─► ERR_NOT_FOUND, should_fetch: STEP_FETCH (client_keys_fetch), then again */
#ifndef IDP_PROTOCOLS_OIDC_CLIENT_KEYS_H
#define IDP_PROTOCOLS_OIDC_CLIENT_KEYS_H

#include <stdbool.h>

#include "base/err.h"
#include "idp/client.h"
#include "idp/request.h"
#include "keys/jwk.h"

#define CLIENT_KEYS_URIS_MAX        256 /* sets kept; the one longest unused makes room */
#define CLIENT_KEYS_BURST           3
#define CLIENT_KEYS_REFETCH_SECONDS 10
#define CLIENT_KEYS_FRESH_MIN       60   /* seconds; bounds of Cache-Control max-age */
#define CLIENT_KEYS_FRESH_MAX       3600
#define CLIENT_KEYS_FRESH_DEFAULT   60 /* a key without a kid is noticed within a minute */
#define CLIENT_KEYS_STALE_SECONDS   (24 * 3600)

struct client_keys;

must_check enum err client_keys_new(struct client_keys **ret_keys);
void client_keys_free(struct client_keys *keys); /* accepts NULL */

/* One verification; in a request's state, zeroed. */
struct client_keys_turn {
    bool is_fetching, joins_only, has_fetched;
    enum err shortage; /* of the fetch: what is not known then, is not wrong */
};

/* Takes in what a fetch has brought, and gives references of the caller's own (jwk_set_done).
 * ERR_NOT_FOUND: the set is at a URI, and not here or not fresh; ERR_BUSY: and too many wait already;
 * ERR_NOMEM. */
must_check enum err client_keys_find(struct request *req, const struct client *client,
                                     struct client_keys_turn *turn, struct jwk_set *ret_set);
/* After ERR_NOT_FOUND, by client_keys_find or by jws_verify: whether to return STEP_FETCH. */
bool client_keys_should_fetch(struct request *req, const struct client *client,
                              struct client_keys_turn *turn);
/* handler->fetch. */
void client_keys_fetch(struct request *req, const struct client *client,
                       const struct client_keys_turn *turn);

#endif
