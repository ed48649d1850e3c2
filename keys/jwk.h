/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Keys (RFC 7517, 7518 6, 8037), parsed once into an OpenSSL key. A struct jwk is
 * immutable and reference-counted (atomic), so threads may share it. */
#ifndef IDP_KEYS_JWK_H
#define IDP_KEYS_JWK_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "keys/alg.h"

#define JWK_MAX_BYTES 16384
#define JWKS_MAX_BYTES 262144
#define JWKS_MAX_KEYS 64
#define RSA_MAX_BITS 8192 /* larger moduli make verification a denial of service (C08) */

struct jwk {
    const struct jose_alg *alg; /* NULL: the JWK names none and kty does not settle it (RSA, oct) */
    enum jose_kty kty;
    EVP_PKEY *pkey;             /* NULL for oct */
    struct secret oct;          /* oct only */
    bool is_private;
    char kid[128];              /* "" when absent */
    char use[8];                /* "sig", "enc" or "" */
    int refs;
};

/* Parses one public, private or symmetric JWK. ERR_SYNTAX (JSON, base64url, members), ERR_RANGE
 * (point not on its curve or of small order, value longer than its field, modulus below 2048 or
 * above RSA_MAX_BITS bits or with a known weakness, exponent even, 1 or huge, private members that
 * do not match the public ones), ERR_UNSUPPORTED (kty, crv, alg; alg that contradicts kty or crv;
 * key_ops or use that exclude signatures). */
must_check enum err jwk_parse(struct span json, struct jwk **ret_jwk);
/* Makes a key of `alg` (RSA: 2048 bits). */
must_check enum err jwk_generate(const struct jose_alg *alg, struct jwk **ret_jwk);
/* Takes over `pkey`, public or private, on success. ERR_RANGE when it is no key of `alg` (kind,
 * curve, size). */
must_check enum err jwk_from_pkey(EVP_PKEY *pkey, const struct jose_alg *alg, const char *kid,
                                  struct jwk **ret_jwk);
struct jwk *jwk_ref(struct jwk *k);
void jwk_unref(struct jwk *k); /* accepts NULL */
void jwk_cleanup(struct jwk **k);
#define AUTO_JWK __attribute__((cleanup(jwk_cleanup)))

/* The public JWK as JSON, with kid, use (sig; enc for jose_rsa1_5) and alg; never a private member. */
must_check enum err jwk_public_add(const struct jwk *k, struct buf *out);
/* The public key as SubjectPublicKeyInfo in PEM (RFC 7468 13). ERR_UNSUPPORTED: symmetric. */
must_check enum err jwk_public_pem(const struct jwk *k, struct buf *out);
/* RFC 7638 SHA-256 thumbprint, 43 characters of base64url and a NUL. */
must_check enum err jwk_thumbprint(const struct jwk *k, char out[44]);
/* Private key as DER (PKCS#8), for wrapping; and back. ERR_SYNTAX (no PKCS#8, bytes behind it),
 * ERR_RANGE (no key of `alg`). */
must_check enum err jwk_private_der(const struct jwk *k, struct secret *ret_der);
must_check enum err jwk_from_private_der(struct span der, const struct jose_alg *alg,
                                         const char *kid, struct jwk **ret_jwk);

struct jwk_set {
    struct jwk *key[JWKS_MAX_KEYS];
    size_t count;
};
/* Keys that we cannot use (other kty, use=enc) are passed over, as RFC 7517 5 says; two keys with
 * the same kid, alg and use are ERR_REPEATED. A private key (not oct) is ERR_REFUSED: sets come
 * from others, and who publishes a private key has lost it. */
must_check enum err jwk_set_parse(struct span json, struct jwk_set *ret_set);
void jwk_set_done(struct jwk_set *set);

#endif
