/* SPDX-License-Identifier: Apache-2.0
 *
 * private_key_jwt (RFC 7523 3, OIDC Core 9): a client shows that it holds its registered key by
 * signing a short-lived JWT for this provider, good for one request. */
#ifndef IDP_PROTOCOLS_OIDC_CLIENT_ASSERTION_H
#define IDP_PROTOCOLS_OIDC_CLIENT_ASSERTION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/client.h"
#include "idp/store/batch.h"

struct config;

#define CLIENT_ASSERTION_TYPE        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define CLIENT_ASSERTION_MAX         16384 /* bytes */
#define CLIENT_ASSERTION_SECONDS_MAX 3600  /* how far ahead it may expire */
#define CLIENT_ASSERTION_JTI_MAX     256

/* Whose it says it is, before anything of it is verified: only to find the keys. ERR_SYNTAX,
 * ERR_NOMEM. */
must_check enum err client_assertion_subject(struct arena *a, struct span token,
                                             struct span *ret_client_id);

struct client_assertion {
    struct span client_id, jti; /* jti in the arena */
    int64_t expires_at;
};
/* Signed by one of `keys` (the client's own), with the algorithm it registered or, without one,
 * the key's; about and by `client`, for us alone, of now. ERR_NOT_FOUND: no key of that name.
 * Whether it was used before is client_assertion_spend()'s question. */
must_check enum err client_assertion_verify(struct arena *a, const struct config *cfg,
                                            const struct client *client, const struct jwk_set *keys,
                                            struct span token, int64_t now,
                                            struct client_assertion *ret_assertion);
/* Gate: ERR_REPLAYED when the client has used its jti before (B15). */
void client_assertion_spend(struct batch *b, const struct client_assertion *assertion);

#endif
