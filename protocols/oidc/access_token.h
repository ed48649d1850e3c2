/* SPDX-License-Identifier: Apache-2.0
 *
 * Access tokens as JWTs (RFC 9068): their jti, which leads back to the grant, and their
 * verification where we are the resource. */
#ifndef IDP_PROTOCOLS_OIDC_ACCESS_TOKEN_H
#define IDP_PROTOCOLS_OIDC_ACCESS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/grant.h"
#include "idp/store/store.h"

struct config;
struct jws_memory;
struct keyring;

#define ACCESS_TOKEN_JTI_CHARS 38 /* base64url(random 8 || grant key 20, masked) */

struct access_token {
    bool has_grant; /* false: the client acts for itself, or the jti is none of ours */
    struct grant_key grant;
    struct span sub, client_id, scope, aud, jti;
    struct span acr;   /* absent without a person, as auth_time is 0 */
    int64_t auth_time, issued_at, expires_at;
};

/* The key is masked by a MAC of what stands before it: two resources that compare the tokens of one
 * grant must not see by them that they speak of one person (OIDC Core 17.3). `key` NULL: 28 random
 * bytes whose first is 0xFF; with a key its first bit is 0. */
void access_token_jti_build(const struct keyring *k, const struct grant_key *key,
                            char out[ACCESS_TOKEN_JTI_CHARS + 1]);

/* Under which a token that was revoked alone is remembered until it expires. */
void access_token_revocation_key(const struct access_token *t,
                                 unsigned char ret_key[PENDING_KEY_BYTES]);

/* Signature by one of our keys, typ at+jwt, iss, exp. Whom it is for (aud) is the caller's to
 * compare; whether it still stands says access_use.h. `memory`: of such tokens alone; NULL: none.
 * Spans are in the arena. ERR_SYNTAX, ERR_BAD_SIGNATURE, ERR_EXPIRED, ERR_REFUSED (not ours),
 * ERR_NOMEM and those of jws_verify. */
must_check enum err access_token_verify(struct arena *a, const struct config *cfg,
                                        const struct keyring *k, struct jws_memory *memory,
                                        struct span token, int64_t now,
                                        struct access_token *ret_token);

#endif
