/* SPDX-License-Identifier: Apache-2.0
 *
 * id_token_hint (OIDC Core 3.1.2.1, RP-Initiated Logout 2): one of our own ID tokens, which may
 * have expired, given back to say whom a request is about. */
#ifndef IDP_PROTOCOLS_OIDC_ID_TOKEN_HINT_H
#define IDP_PROTOCOLS_OIDC_ID_TOKEN_HINT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

struct config;
struct key_snapshot;

#define ID_TOKEN_HINT_MAX 5000 /* bytes: it must fit into a flow */

struct id_token_hint {
    struct span sub;
    struct span client_id; /* its audience */
};

/* Signed by one of our keys (retired ones included), typ JWT, our iss, one audience. The expiry is
 * not looked at. Spans are in the arena. ERR_SYNTAX, ERR_TOO_LONG, ERR_REFUSED (not ours), ERR_NOMEM
 * and those of jws_verify. */
must_check enum err id_token_hint_verify(struct arena *a, const struct config *cfg,
                                         const struct key_snapshot *keys, struct span token,
                                         struct id_token_hint *ret_hint);

#endif
