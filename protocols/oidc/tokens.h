/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that issues tokens: builds the claims of access token (RFC 9068) and ID token
 * (OIDC Core 2) and has the signer sign them. */
#ifndef IDP_PROTOCOLS_OIDC_TOKENS_H
#define IDP_PROTOCOLS_OIDC_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/client.h"
#include "idp/grant.h"
#include "idp/keyring.h"
#include "idp/request.h"
#include "protocols/oidc/audience.h"

/* What the tokens say. */
struct token_order {
    const struct client *client;
    const struct grant *grant; /* the person's grant; NULL: the client acts for itself */
    struct audience audience;  /* of the access token, and its scope */
    struct span nonce;         /* ID token, at redemption of the code only */
    const struct user *person; /* with single claims for the ID token; else NULL */
};

struct token_set {
    struct span access_token;
    bool has_id_token;    /* not without openid, and not without a person */
    struct span id_token;
    int64_t expires_in;   /* of the access token, seconds */
};

/* In a handler's sign phase: asks for what the answer carries (req->signing). ERR_UNAVAILABLE (no key
 * of the client's algorithm), ERR_NOMEM. */
must_check enum err tokens_ask(struct request *req, const struct token_order *order,
                               struct token_set *ret_tokens);
/* In its respond phase: puts in what the signer answered, in the request's arena. ERR_UNAVAILABLE
 * (no signer), ERR_REFUSED (the signer's policy), ERR_NOMEM. */
must_check enum err tokens_take(struct request *req, struct token_set *tokens);

/* The same for one JWT that is no token: an answer to introspection, signed userinfo. */
must_check enum err jwt_ask(struct request *req, const struct jose_alg *alg, const char *typ,
                            const struct buf *claims);
must_check enum err jwt_take(const struct request *req, struct span *ret_jwt);

/* The person as this client knows them: pairwise in its sector, or public (OIDC Core 8). */
void tokens_sub(const struct keyring *k, const struct client *client, const struct user_id *user,
                char out[SUB_CHARS + 1]);
/* As the audience of an access token knows them: two services that compare their tokens must not find
 * out that these speak of one person (OIDC Core 17.3). `resource` NULL: the client itself. */
void tokens_sub_at(const struct keyring *k, const struct client *client,
                   const struct resource *resource, const struct user_id *user,
                   char out[SUB_CHARS + 1]);

#define SID_BYTES 16
#define SID_CHARS B64URL_LEN(SID_BYTES)
/* The session as this client knows it, by a grant's sid_key: unlinkable between clients. With a NUL
 * behind it. */
void tokens_sid(const struct keyring *k, const struct client *client, const struct session_key *key,
                char out[SID_CHARS + 1]);

#endif
