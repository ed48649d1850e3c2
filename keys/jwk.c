/* SPDX-License-Identifier: Apache-2.0
 *
 * Life and output of keys; see jwk.h. Input is in jwk_parse.c. */
#include "keys/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/sha256.h"
#include "keys/jwk_internal.h"

#define RSA_BITS 2048
#define BIGNUM_MAX_BYTES (RSA_MAX_BITS / 8)
#define PRIVATE_DER_MAX 8192
#define PEM_LINE 64 /* RFC 7468 2 */

static void bn_cleanup(BIGNUM **n) {
    BN_clear_free(*n);
}
static void pkcs8_cleanup(PKCS8_PRIV_KEY_INFO **p8) {
    PKCS8_PRIV_KEY_INFO_free(*p8);
}

struct jwk *jwk_new(enum jose_kty kty) {
    struct jwk *k = calloc(1, sizeof *k);
    if (k) {
        k->kty = kty;
        k->refs = 1;
    }
    return k;
}

struct jwk *jwk_ref(struct jwk *k) {
    __atomic_add_fetch(&k->refs, 1, __ATOMIC_RELAXED);
    return k;
}

void jwk_unref(struct jwk *k) {
    if (!k || __atomic_sub_fetch(&k->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    EVP_PKEY_free(k->pkey);
    secret_done(&k->oct);
    free(k);
}

void jwk_cleanup(struct jwk **k) {
    jwk_unref(*k);
    *k = NULL;
}

/* secp256k1 has 256 bits as well, so the curve is asked by name. */
static bool is_p256(const EVP_PKEY *pkey) {
    char group[32];
    size_t len;
    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                          &len) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static bool fits_alg(const EVP_PKEY *pkey, const struct jose_alg *alg) {
    int bits = EVP_PKEY_get_bits(pkey);
    switch (alg->kty) {
    case KTY_EC:
        return is_p256(pkey);
    case KTY_RSA:
        return EVP_PKEY_is_a(pkey, "RSA") && bits >= (int)alg->min_bits && bits <= RSA_MAX_BITS;
    case KTY_OKP:
        return EVP_PKEY_is_a(pkey, "ED25519");
    case KTY_OCT:
        break;
    }
    return false;
}

static bool has_private(const EVP_PKEY *pkey, enum jose_kty kty) {
    if (kty == KTY_OKP) {
        size_t len;
        return EVP_PKEY_get_raw_private_key(pkey, NULL, &len) == 1;
    }
    __attribute__((cleanup(bn_cleanup))) BIGNUM *n = NULL;
    const char *param = kty == KTY_EC ? OSSL_PKEY_PARAM_PRIV_KEY : OSSL_PKEY_PARAM_RSA_D;
    return EVP_PKEY_get_bn_param(pkey, param, &n) == 1;
}

static const char *use_of(const struct jose_alg *alg) {
    return alg == &jose_rsa1_5 ? "enc" : "sig";
}

enum err jwk_from_pkey(EVP_PKEY *pkey, const struct jose_alg *alg, const char *kid,
                       struct jwk **ret_jwk) {
    if (strlen(kid) >= sizeof ((struct jwk *)0)->kid)
        return ERR_TOO_LONG;
    if (!fits_alg(pkey, alg))
        return ERR_RANGE;
    struct jwk *k = jwk_new(alg->kty);
    if (!k)
        return ERR_NOMEM;
    k->alg = alg;
    k->pkey = pkey;
    k->is_private = has_private(pkey, alg->kty);
    (void)snprintf(k->kid, sizeof k->kid, "%s", kid);
    (void)snprintf(k->use, sizeof k->use, "%s", use_of(alg));
    *ret_jwk = k;
    return ERR_OK;
}

static EVP_PKEY *pkey_generate(const struct jose_alg *alg) {
    switch (alg->kty) {
    case KTY_EC:
        return EVP_EC_gen("P-256");
    case KTY_RSA:
        return EVP_RSA_gen(RSA_BITS);
    case KTY_OKP:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case KTY_OCT:
        break;
    }
    return NULL;
}

enum err jwk_generate(const struct jose_alg *alg, struct jwk **ret_jwk) {
    EVP_PKEY *pkey = pkey_generate(alg);
    if (!pkey)
        return alg->kty == KTY_OCT ? ERR_UNSUPPORTED : ERR_CRYPTO;
    AUTO_JWK struct jwk *k = NULL;
    enum err e = jwk_from_pkey(pkey, alg, "", &k);
    if (e) {
        EVP_PKEY_free(pkey);
        return e;
    }
    e = jwk_thumbprint(k, k->kid);
    if (e)
        return e;
    *ret_jwk = TAKE(k);
    return ERR_OK;
}

/* ---- output ---- */

/* A big-endian integer; `len` 0: as short as possible (RFC 7518 2, Base64urlUInt). */
static enum err add_number(const struct jwk *k, const char *param, size_t len, struct json_out *o,
                           const char *name) {
    __attribute__((cleanup(bn_cleanup))) BIGNUM *n = NULL;
    unsigned char bytes[BIGNUM_MAX_BYTES];
    char text[B64URL_LEN(BIGNUM_MAX_BYTES)];
    if (EVP_PKEY_get_bn_param(k->pkey, param, &n) != 1)
        return ERR_CRYPTO;
    if (len == 0)
        len = (size_t)BN_num_bytes(n);
    if (len > sizeof bytes || BN_bn2binpad(n, bytes, (int)len) < 0)
        return ERR_RANGE;
    json_add_str(o, name, span_bytes(text, b64url_encode(bytes, len, text)));
    return ERR_OK;
}

static enum err add_ed25519(const struct jwk *k, struct json_out *o) {
    unsigned char bytes[ED25519_BYTES];
    char text[B64URL_LEN(ED25519_BYTES)];
    size_t len = sizeof bytes;
    if (EVP_PKEY_get_raw_public_key(k->pkey, bytes, &len) != 1)
        return ERR_CRYPTO;
    json_add_str(o, "x", span_bytes(text, b64url_encode(bytes, len, text)));
    return ERR_OK;
}

/* Required public members in the order of RFC 7638 3.2. */
static enum err add_required(const struct jwk *k, struct json_out *o) {
    enum err e;
    switch (k->kty) {
    case KTY_EC:
        json_add_str(o, "crv", SPAN("P-256"));
        json_add_str(o, "kty", SPAN("EC"));
        e = add_number(k, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES, o, "x");
        return e ? e : add_number(k, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES, o, "y");
    case KTY_RSA:
        e = add_number(k, OSSL_PKEY_PARAM_RSA_E, 0, o, "e");
        if (e)
            return e;
        json_add_str(o, "kty", SPAN("RSA"));
        return add_number(k, OSSL_PKEY_PARAM_RSA_N, 0, o, "n");
    case KTY_OKP:
        json_add_str(o, "crv", SPAN("Ed25519"));
        json_add_str(o, "kty", SPAN("OKP"));
        return add_ed25519(k, o);
    case KTY_OCT:
        break;
    }
    return ERR_UNSUPPORTED; /* a symmetric key has no public form */
}

enum err jwk_public_add(const struct jwk *k, struct buf *out) {
    struct json_out o = JSON_OUT(out);
    json_open_object(&o, NULL);
    enum err e = add_required(k, &o);
    if (e)
        return e;
    if (k->kid[0])
        json_add_str(&o, "kid", span_of(k->kid));
    json_add_str(&o, "use", span_of(use_of(k->alg)));
    if (k->alg)
        json_add_str(&o, "alg", span_of(k->alg->name));
    json_close_object(&o);
    return buf_err(out);
}

enum err jwk_public_pem(const struct jwk *k, struct buf *out) {
    unsigned char *der = NULL;
    int len = k->pkey ? i2d_PUBKEY(k->pkey, &der) : 0;
    if (len <= 0)
        return k->pkey ? ERR_CRYPTO : ERR_UNSUPPORTED;
    CLEANUP(buf_done) struct buf text = BUF_INIT(JWK_MAX_BYTES);
    b64_add(&text, der, (size_t)len);
    OPENSSL_free(der);
    buf_add_str(out, "-----BEGIN PUBLIC KEY-----\n");
    for (size_t at = 0; at < text.len; at += PEM_LINE)
        buf_addf(out, "%.*s\n", PEM_LINE, text.data + at);
    buf_add_str(out, "-----END PUBLIC KEY-----\n");
    return buf_err(&text) ? buf_err(&text) : buf_err(out);
}

enum err jwk_thumbprint(const struct jwk *k, char out[44]) {
    CLEANUP(buf_done) struct buf canonical = BUF_INIT(JWK_MAX_BYTES);
    struct json_out o = JSON_OUT(&canonical);
    json_open_object(&o, NULL);
    enum err e = add_required(k, &o);
    json_close_object(&o);
    if (!e)
        e = buf_err(&canonical);
    if (e)
        return e;
    unsigned char digest[32];
    sha256(buf_span(&canonical), digest);
    out[b64url_encode(digest, sizeof digest, out)] = '\0';
    return ERR_OK;
}

/* ---- wrapping ---- */

enum err jwk_private_der(const struct jwk *k, struct secret *ret_der) {
    if (!k->pkey || !k->is_private)
        return ERR_UNSUPPORTED;
    unsigned char *der = NULL;
    CLEANUP(pkcs8_cleanup) PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(k->pkey);
    int len = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : 0;
    if (len <= 0)
        return ERR_CRYPTO;
    enum err e = secret_copy(span_bytes(der, (size_t)len), ret_der);
    OPENSSL_clear_free(der, (size_t)len);
    return e;
}

enum err jwk_from_private_der(struct span der, const struct jose_alg *alg, const char *kid,
                              struct jwk **ret_jwk) {
    if (alg->kty == KTY_OCT)
        return ERR_UNSUPPORTED;
    if (der.len > PRIVATE_DER_MAX)
        return ERR_TOO_LONG;
    const unsigned char *p = (const unsigned char *)der.ptr;
    CLEANUP(pkcs8_cleanup)
    PKCS8_PRIV_KEY_INFO *p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);
    if (!p8 || p != (const unsigned char *)der.ptr + der.len)
        return ERR_SYNTAX;
    EVP_PKEY *pkey = EVP_PKCS82PKEY(p8);
    if (!pkey)
        return ERR_CRYPTO;
    enum err e = jwk_from_pkey(pkey, alg, kid, ret_jwk);
    if (e)
        EVP_PKEY_free(pkey);
    return e;
}
