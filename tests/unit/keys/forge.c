/* SPDX-License-Identifier: Apache-2.0
 *
 * Forged tokens for tests; see forge.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "tests/unit/keys/forge.h"

static struct span b64url(struct arena *a, struct span bytes) {
    char *out = arena_alloc(a, B64URL_LEN(bytes.len) + 1);
    assert_non_null(out);
    return (struct span){out, b64url_encode(bytes.ptr, bytes.len, out)};
}

struct span forge_join(struct arena *a, struct span text, struct span signature) {
    struct span end = b64url(a, signature);
    return span_of(arena_printf(a, "%.*s.%.*s", SPAN_FMT(text), SPAN_FMT(end)));
}

struct span forge_text(struct arena *a, struct span header, struct span payload) {
    return forge_join(a, b64url(a, header), payload);
}

struct span forge_hmac(struct arena *a, struct span key, struct span text) {
    unsigned char *mac = arena_alloc(a, 32);
    unsigned len = 0;
    HMAC(EVP_sha256(), key.len ? key.ptr : "", (int)key.len, (const unsigned char *)text.ptr,
         text.len, mac, &len);
    assert_int_equal(len, 32);
    return span_bytes(mac, len);
}

static struct span sign(struct arena *a, EVP_MD_CTX *ctx, struct span text) {
    size_t len = 2048;
    unsigned char *out = arena_alloc(a, len);
    assert_int_equal(EVP_DigestSign(ctx, out, &len, (const unsigned char *)text.ptr, text.len), 1);
    EVP_MD_CTX_free(ctx);
    return span_bytes(out, len);
}

struct span forge_rsa(struct arena *a, EVP_PKEY *pkey, const char *digest, struct span text) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, pkey, NULL), 1);
    return sign(a, ctx, text);
}

struct span forge_ecdsa_der(struct arena *a, EVP_PKEY *pkey, struct span text) {
    return forge_rsa(a, pkey, "SHA256", text);
}

struct span forge_ecdsa(struct arena *a, EVP_PKEY *pkey, struct span text) {
    struct span der = forge_ecdsa_der(a, pkey, text);
    const unsigned char *p = (const unsigned char *)der.ptr;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len);
    unsigned char *raw = arena_alloc(a, 64);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32), 32);
    ECDSA_SIG_free(sig);
    return span_bytes(raw, 64);
}

struct span forge_pss(struct arena *a, EVP_PKEY *pkey, const char *mgf1_digest, int salt_len,
                      struct span text) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    assert_int_equal(EVP_DigestSignInit_ex(ctx, &pctx, "SHA256", NULL, NULL, pkey, NULL), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt_len), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx, mgf1_digest, NULL), 1);
    return sign(a, ctx, text);
}

struct span forge_hs256(struct arena *a, struct span key, const char *header, struct span payload) {
    struct span text = forge_text(a, span_of(header), payload);
    return forge_join(a, text, forge_hmac(a, key, text));
}

struct jwk_set forge_set(const char *jwk) {
    struct jwk_set set = {.count = 1};
    assert_int_equal(jwk_parse(span_of(jwk), &set.key[0]), ERR_OK);
    return set;
}
