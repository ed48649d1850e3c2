/* SPDX-License-Identifier: Apache-2.0
 *
 * Compact JWS: the strict verifier and the signer; see jws.h. */
#include "keys/jws.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/shortage.h"

#define ES256_HALF 32
#define ES256_DER_MAX 72
#define SIGNATURE_MAX (RSA_MAX_BITS / 8)

static void md_ctx_cleanup(EVP_MD_CTX **c) {
    EVP_MD_CTX_free(*c);
}
static void ecdsa_cleanup(ECDSA_SIG **s) {
    ECDSA_SIG_free(*s);
}

/* ---- ES256: r || s on the wire (RFC 7518 3.4), DER in OpenSSL ---- */

static enum err es256_to_der(struct span raw, unsigned char der[ES256_DER_MAX], size_t *ret_len) {
    if (raw.len != 2 * ES256_HALF)
        return ERR_BAD_SIGNATURE;
    const unsigned char *p = (const unsigned char *)raw.ptr;
    CLEANUP(ecdsa_cleanup) ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, ES256_HALF, NULL), *s = BN_bin2bn(p + ES256_HALF, ES256_HALF, NULL);
    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return ERR_NOMEM;
    }
    int len = i2d_ECDSA_SIG(sig, NULL);
    if (len <= 0 || len > ES256_DER_MAX || i2d_ECDSA_SIG(sig, &der) != len)
        return ERR_NOMEM;
    *ret_len = (size_t)len;
    return ERR_OK;
}

static enum err es256_from_der(const unsigned char *der, size_t len,
                               unsigned char raw[2 * ES256_HALF]) {
    CLEANUP(ecdsa_cleanup) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, ES256_HALF) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + ES256_HALF, ES256_HALF) < 0)
        return ERR_CRYPTO;
    return ERR_OK;
}

/* ---- verification ---- */

struct jws_parts {
    struct span header, payload, signature, signed_text;
};

static enum err split(struct span token, struct jws_parts *ret) {
    struct span rest = token;
    ret->header = span_cut(&rest, '.');
    if (!rest.ptr)
        return ERR_SYNTAX;
    ret->payload = span_cut(&rest, '.');
    if (!rest.ptr || memchr(rest.ptr, '.', rest.len))
        return ERR_SYNTAX;
    ret->signature = rest;
    ret->signed_text = (struct span){token.ptr, (size_t)(rest.ptr - token.ptr) - 1};
    return ret->header.len > B64URL_LEN(JWS_MAX_HEADER_BYTES) ? ERR_TOO_LONG : ERR_OK;
}

static bool typ_matches(struct span given, const char *want) {
    static const char prefix[] = "application/";
    size_t n = sizeof prefix - 1;
    if (given.len > n && strncasecmp(given.ptr, prefix, n) == 0) {
        given.ptr += n;
        given.len -= n;
    }
    return given.len == strlen(want) && strncasecmp(given.ptr, want, given.len) == 0;
}

static bool typ_expected(const json_t *header, const char *const *typ) {
    const json_t *v = json_object_get(header, "typ");
    if (v && !json_is_string(v))
        return false;
    for (; *typ; typ++)
        if (v ? (*typ)[0] && typ_matches(json_str(header, "typ"), *typ) : !(*typ)[0])
            return true;
    return false;
}

static bool alg_expected(const struct jose_alg *alg, const char *const *algs) {
    for (; *algs; algs++)
        if (strcmp(*algs, alg->name) == 0)
            return true;
    return false;
}

static enum err header_check(const json_t *header, const struct jws_expect *expect,
                             const struct jose_alg **ret_alg) {
    //= https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11
    //# If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS is invalid.
    if (json_object_get(header, "crit") || json_object_get(header, "b64"))
        return ERR_UNSUPPORTED;
    const struct jose_alg *alg = jose_alg_find(json_str(header, "alg"));
    if (!alg || (expect->algs && !alg_expected(alg, expect->algs)))
        return ERR_UNSUPPORTED;
    if (expect->typ && !typ_expected(header, expect->typ))
        return ERR_UNSUPPORTED;
    const json_t *kid = json_object_get(header, "kid");
    if (kid && !json_is_string(kid))
        return ERR_SYNTAX;
    *ret_alg = alg;
    return ERR_OK;
}

/* kid is a hint (a key without one is a candidate for all); the algorithm is a rule: a key without
 * one is used only where the caller named algorithms. */
static bool key_fits(const struct jwk *k, struct span kid, const struct jose_alg *alg,
                     const struct jws_expect *expect) {
    if (kid.ptr && k->kid[0] && !span_is(kid, k->kid))
        return false;
    if (k->kty != alg->kty)
        return false;
    return k->alg ? k->alg == alg : expect->algs != NULL;
}

static enum err hmac_verify(const struct jwk *k, struct span text, struct span signature) {
    unsigned char mac[32];
    size_t len;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, k->oct.ptr, k->oct.len,
                   (const unsigned char *)text.ptr, text.len, mac, sizeof mac, &len))
        return ERR_CRYPTO;
    return ct_equal(span_bytes(mac, len), signature) ? ERR_OK : ERR_BAD_SIGNATURE;
}

static bool pss_setup(EVP_PKEY_CTX *ctx) {
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static enum err pkey_verify(const struct jwk *k, const struct jose_alg *alg, struct span text,
                            struct span signature) {
    unsigned char der[ES256_DER_MAX];
    if (alg->kty == KTY_EC) {
        size_t len;
        enum err e = es256_to_der(signature, der, &len);
        if (e)
            return e;
        signature = span_bytes(der, len);
    } else {
        size_t want = alg->sig_len ? alg->sig_len : (size_t)EVP_PKEY_get_size(k->pkey);
        if (signature.len != want)
            return ERR_BAD_SIGNATURE;
    }
    shortage_clear();
    CLEANUP(md_ctx_cleanup) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    if (!ctx || EVP_DigestVerifyInit_ex(ctx, &pctx, alg->digest, NULL, NULL, k->pkey, NULL) != 1 ||
        (alg->pss && !pss_setup(pctx)))
        return shortage_met() ? ERR_NOMEM : ERR_CRYPTO;
    if (EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
                         (const unsigned char *)text.ptr, text.len) == 1)
        return ERR_OK;
    return shortage_met() ? ERR_NOMEM : ERR_BAD_SIGNATURE;
}

static enum err find_and_verify(const struct jws_parts *parts, struct span signature,
                                const struct jose_alg *alg, struct span kid,
                                const struct jws_expect *expect, const struct jwk_set *keys,
                                const struct jwk **ret_key) {
    enum err e = ERR_NOT_FOUND;
    unsigned tried = 0;
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-10.1
    //# If there are multiple keys in the referenced JWK Set document, a kid value MUST be provided in
    //# the JOSE Header.
    for (size_t i = 0; i < keys->count && tried < JWS_CANDIDATES_MAX; i++) {
        const struct jwk *k = keys->key[i];
        if (!key_fits(k, kid, alg, expect))
            continue;
        tried++;
        e = alg->kty == KTY_OCT ? hmac_verify(k, parts->signed_text, signature)
                                : pkey_verify(k, alg, parts->signed_text, signature);
        if (e == ERR_OK)
            *ret_key = k;
        if (e != ERR_BAD_SIGNATURE)
            return e;
    }
    return e;
}

enum err jws_verify(struct arena *a, struct span token, const struct jws_expect *expect,
                    const struct jwk_set *keys, struct jws *ret_jws) {
    if (token.len > JWS_MAX_BYTES)
        return ERR_TOO_LONG;
    struct jws_parts parts;
    struct span header_text, signature;
    struct jws jws = {0};
    enum err e = split(token, &parts);
    if (!e)
        e = b64url_decode_arena(a, parts.header, &header_text);
    if (!e)
        e = b64url_decode_arena(a, parts.payload, &jws.payload);
    if (!e)
        e = b64url_decode_arena(a, parts.signature, &signature);
    if (e)
        return e;

    AUTO_JSON json_t *header = NULL;
    const struct jose_alg *alg;
    e = json_parse_object(header_text, JWS_MAX_HEADER_BYTES, &header);
    if (!e)
        e = header_check(header, expect, &alg);
    if (e)
        return e;
    struct span kid = json_str(header, "kid");
    e = find_and_verify(&parts, signature, alg, kid, expect, keys, &jws.key);
    if (e)
        return e;
    jws.kid = arena_dup(a, kid);
    jws.typ = arena_dup(a, json_str(header, "typ"));
    *ret_jws = jws;
    return ERR_OK;
}

/* ---- signing ---- */

struct jws_signer {
    struct jwk *key;
    EVP_MD_CTX *prepared; /* initialised once; copied for each signature */
    EVP_MD_CTX *scratch;
};

enum err jws_signer_new(struct jwk *key, struct jws_signer **ret_signer) {
    if (!key->alg || !key->is_private || !key->pkey)
        return ERR_UNSUPPORTED;
    struct jws_signer *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->key = jwk_ref(key);
    s->prepared = EVP_MD_CTX_new();
    s->scratch = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    if (!s->prepared || !s->scratch ||
        EVP_DigestSignInit_ex(s->prepared, &pctx, key->alg->digest, NULL, NULL, key->pkey,
                              NULL) != 1 ||
        (key->alg->pss && !pss_setup(pctx))) {
        jws_signer_free(s);
        return ERR_CRYPTO;
    }
    *ret_signer = s;
    return ERR_OK;
}

void jws_signer_free(struct jws_signer *s) {
    if (!s)
        return;
    EVP_MD_CTX_free(s->prepared);
    EVP_MD_CTX_free(s->scratch);
    jwk_unref(s->key);
    free(s);
}

static void add_header(const struct jwk *k, const char *typ, struct buf *out) {
    char text[512];
    CLEANUP(buf_done) struct buf header = BUF_INIT(sizeof text);
    struct json_out o = JSON_OUT(&header);
    json_open_object(&o, NULL);
    json_add_str(&o, "alg", span_of(k->alg->name));
    if (typ)
        json_add_str(&o, "typ", span_of(typ));
    if (k->kid[0])
        json_add_str(&o, "kid", span_of(k->kid));
    json_close_object(&o);
    if (buf_err(&header))
        out->failed = ERR_TOO_LONG;
    else
        b64url_add(out, header.data, header.len);
}

static enum err sign_bytes(struct jws_signer *s, struct span text,
                           unsigned char out[SIGNATURE_MAX], size_t *ret_len) {
    /* EdDSA has no digest to copy: its context is one-shot and set up in place. */
    EVP_MD_CTX *ctx = s->scratch;
    if (s->key->alg->kty == KTY_OKP) {
        EVP_MD_CTX_reset(ctx);
        if (EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, s->key->pkey, NULL) != 1)
            return ERR_CRYPTO;
    } else if (EVP_MD_CTX_copy_ex(ctx, s->prepared) != 1) {
        return ERR_CRYPTO;
    }
    size_t len = SIGNATURE_MAX;
    if (EVP_DigestSign(ctx, out, &len, (const unsigned char *)text.ptr, text.len) != 1)
        return ERR_CRYPTO;
    if (s->key->alg->kty == KTY_EC) {
        unsigned char raw[2 * ES256_HALF];
        enum err e = es256_from_der(out, len, raw);
        if (e)
            return e;
        memcpy(out, raw, sizeof raw);
        len = sizeof raw;
    }
    *ret_len = len;
    return ERR_OK;
}

enum err jws_sign(struct jws_signer *s, const char *typ, struct span payload, struct buf *out) {
    size_t start = out->len;
    add_header(s->key, typ, out);
    buf_add_char(out, '.');
    b64url_add(out, payload.ptr, payload.len);
    if (buf_err(out))
        return buf_err(out);
    unsigned char signature[SIGNATURE_MAX];
    size_t len;
    struct span text = {out->data + start, out->len - start};
    enum err e = sign_bytes(s, text, signature, &len);
    if (e) {
        out->len = start; /* no half token in somebody's answer */
        return e;
    }
    buf_add_char(out, '.');
    b64url_add(out, signature, len);
    return buf_err(out);
}
