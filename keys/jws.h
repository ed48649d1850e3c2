/* SPDX-License-Identifier: Apache-2.0
 *
 * The one strict JWS verifier (RFC 7515, 8725), and the compact serialisation for those who hold
 * a key. Compact form only; canonical base64url; no duplicate header members; no `crit`, no `b64`;
 * jku, x5u, x5c and jwk headers are ignored, never trusted or fetched. The payload may be any
 * bytes. */
#ifndef IDP_KEYS_JWS_H
#define IDP_KEYS_JWS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "keys/jwk.h"

#define JWS_MAX_BYTES 16384
#define JWS_MAX_HEADER_BYTES 4096
#define JWS_CANDIDATES_MAX 4 /* keys that one token is tried with: each costs its sender nothing */

struct jws_expect {
    const char *const *typ;      /* accepted values (compared without case and an "application/"
                                  * prefix, RFC 7515 4.1.9), NULL-terminated; "" accepts absence.
                                  * NULL: typ is not looked at */
    const char *const *algs;     /* accepted algorithms, NULL-terminated; NULL: the key's own */
};

struct jws {
    const struct jwk *key;       /* the key that verified it, borrowed from the set */
    struct span kid;             /* absent when the header has none */
    struct span typ;
    struct span payload;         /* decoded bytes, in the arena */
};

/* Verifies `token` with one of `keys`: those whose kid equals the header's (all, when either
 * has none) and whose alg equals the header's alg, the first JWS_CANDIDATES_MAX of them. A key without an alg of its own is only used
 * with an algorithm that `expect->algs` names and its kty allows. `ret_jws` is written on success
 * only. ERR_TOO_LONG, ERR_SYNTAX, ERR_UNSUPPORTED (alg, crit, typ), ERR_NOT_FOUND (no candidate
 * key), ERR_BAD_SIGNATURE. */
must_check enum err jws_verify(struct arena *a, struct span token, const struct jws_expect *expect,
                               const struct jwk_set *keys, struct jws *ret_jws);

/* A signing key with its prepared context: parsed once, copied per signature. One thread. */
struct jws_signer;
must_check enum err jws_signer_new(struct jwk *key, struct jws_signer **ret_signer);
void jws_signer_free(struct jws_signer *s);
/* Appends header.payload.signature. `typ` NULL leaves typ out. */
must_check enum err jws_sign(struct jws_signer *s, const char *typ, struct span payload,
                             struct buf *out);

#endif
