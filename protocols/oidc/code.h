/* SPDX-License-Identifier: Apache-2.0
 *
 * The authorization code (RFC 6749 1.3.1): everything that redemption needs, sealed, so that
 * issuing one writes nothing.
 *
 *   code = base64url(time 4 || id 16 || sealed)     as long as the code is at most CODE_SEALED_MAX
 *   code = base64url(time 4 || id 16)               when it is not; `sealed` is a pending row then
 *
 * Time and id are bound to the seal as associated data. They stand outside it so that a replay is
 * recognised at any age, also when the key of its day is gone: the grant's key is derived from
 * them (idp/grant.h). */
#ifndef IDP_PROTOCOLS_OIDC_CODE_H
#define IDP_PROTOCOLS_OIDC_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/grant.h"
#include "idp/session.h"
#include "idp/user.h"

struct keyring;

#define CODE_SEALED_MAX  600 /* bytes of a code that carries its content */
#define CODE_CONTENT_MAX 8192
#define CODE_TEXT_MAX    1024 /* characters */
#define CODE_HEAD_BYTES  20   /* time || id */

struct code_content {
    struct span client_id;
    struct span redirect_uri; /* when built; only its hash when opened */
    unsigned char redirect_uri_hash[32];
    bool has_challenge;
    unsigned char challenge[32];
    struct user_id user_id;
    struct session_key session_key;
    int64_t session_expires_at;
    bool has_actor;
    struct user_id actor; /* the session's */
    int64_t auth_time;
    unsigned amr;
    struct span acr, nonce, scope;
    struct span claims;   /* claims_request_build()'s; absent: none */
    struct span resource; /* resource_list_build()'s; absent: none */
};

/* A code as it stands on the wire, before it is opened. */
struct code_text {
    int64_t issued_at;
    unsigned char head[CODE_HEAD_BYTES];
    struct grant_key key; /* of the grant that it makes or made; also the pending row's */
    struct span sealed;   /* absent: look for the pending row */
};

/* A fresh code. `ret_pending` is absent, or the bytes that must be stored under `ret_key` before
 * the code is given out. All in the arena. ERR_TOO_LONG, ERR_NOMEM, ERR_CRYPTO. */
must_check enum err code_seal(const struct keyring *k, struct arena *a,
                              const struct code_content *c, int64_t now, struct span *ret_code,
                              struct grant_key *ret_key, struct span *ret_pending);
/* ERR_SYNTAX, ERR_TOO_LONG. Authenticates nothing. */
must_check enum err code_parse(struct arena *a, struct span text, struct code_text *ret_code);
/* ERR_BAD_SIGNATURE, ERR_EXPIRED (the key of its day is gone), ERR_SYNTAX. Does not judge age. */
must_check enum err code_open(const struct keyring *k, struct arena *a,
                              const struct code_text *code, struct span sealed, int64_t now,
                              struct code_content *ret_content);

/* Whether the redirect URI of the token request is the one that the code was made for. */
bool code_redirect_uri_matches(const struct code_content *c, struct span redirect_uri);
/* RFC 7636 4.6; a verifier without a challenge is a mismatch, too (RFC 9700 4.8.2). */
bool code_verifier_matches(const struct code_content *c, struct span verifier);

#endif
