/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of keys/: writes tokens that our own signer never would. It calls OpenSSL directly, so
 * that a fault in keys/jws.c cannot cancel itself out. */
#ifndef IDP_TESTS_UNIT_KEYS_FORGE_H
#define IDP_TESTS_UNIT_KEYS_FORGE_H

#include "base/arena.h"
#include "base/span.h"
#include "keys/jwk.h"

#define FORGE_PSS_SALT_DIGEST (-1)

/* BASE64URL(header) "." BASE64URL(payload), in the arena. */
struct span forge_text(struct arena *a, struct span header, struct span payload);
/* text "." BASE64URL(signature) */
struct span forge_join(struct arena *a, struct span text, struct span signature);
struct span forge_hmac(struct arena *a, struct span key, struct span text);
/* DER, as OpenSSL gives it. */
struct span forge_ecdsa_der(struct arena *a, EVP_PKEY *pkey, struct span text);
/* r || s */
struct span forge_ecdsa(struct arena *a, EVP_PKEY *pkey, struct span text);
struct span forge_rsa(struct arena *a, EVP_PKEY *pkey, const char *digest, struct span text);
struct span forge_pss(struct arena *a, EVP_PKEY *pkey, const char *mgf1_digest, int salt_len,
                      struct span text);
/* A whole token with an HMAC. */
struct span forge_hs256(struct arena *a, struct span key, const char *header, struct span payload);

/* A set with one key, given as JSON text; fails the test when it does not parse. */
struct jwk_set forge_set(const char *jwk);

#endif
