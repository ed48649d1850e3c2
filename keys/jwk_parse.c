/* SPDX-License-Identifier: Apache-2.0
 *
 * JWK and JWKS input (RFC 7517, 7518 6, 8037). Everything is measured before OpenSSL sees it. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/shortage.h"
#include "keys/jwk_internal.h"

#define RSA_MIN_BITS 2048
#define RSA_EXPONENT_MAX_BITS 64
#define KEY_OPS_MAX 16
#define OCT_MIN_BYTES 32
#define OCT_MAX_BYTES 1024

static void bn_cleanup(BIGNUM **n) {
    BN_clear_free(*n);
}
static void bld_cleanup(OSSL_PARAM_BLD **b) {
    OSSL_PARAM_BLD_free(*b);
}
static void params_cleanup(OSSL_PARAM **p) {
    OSSL_PARAM_free(*p);
}
static void pkey_ctx_cleanup(EVP_PKEY_CTX **c) {
    EVP_PKEY_CTX_free(*c);
}
#define AUTO_BN CLEANUP(bn_cleanup)

/* ---- members ---- */

/* Decodes a base64url member of exactly `want` bytes (0: any from 1 to size). ERR_MISSING when
 * there is none. */
static enum err member_bytes(const json_t *j, const char *name, size_t want, unsigned char *out,
                             size_t size, size_t *ret_len) {
    const json_t *v = json_object_get(j, name);
    if (!v)
        return ERR_MISSING;
    if (!json_is_string(v))
        return ERR_SYNTAX;
    enum err e = b64url_decode(json_str(j, name), out, size, ret_len);
    if (e)
        return e == ERR_TOO_LONG ? ERR_RANGE : e;
    if (*ret_len == 0 || (want && *ret_len != want))
        return ERR_RANGE;
    return ERR_OK;
}

static enum err member_number(const json_t *j, const char *name, BIGNUM **ret_number) {
    unsigned char bytes[RSA_MAX_BITS / 8 + 1];
    size_t len;
    enum err e = member_bytes(j, name, 0, bytes, sizeof bytes, &len);
    if (e)
        return e;
    BIGNUM *n = BN_bin2bn(bytes, (int)len, NULL);
    wipe(bytes, sizeof bytes);
    if (!n)
        return ERR_NOMEM;
    *ret_number = n;
    return ERR_OK;
}

/* ---- EC ---- */

enum pkey_check { CHECK_NOTHING, CHECK_PUBLIC, CHECK_PAIR };

static bool pkey_is_sound(EVP_PKEY *pkey, enum pkey_check check) {
    CLEANUP(pkey_ctx_cleanup) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    if (!ctx)
        return false;
    return (check == CHECK_PAIR ? EVP_PKEY_pairwise_check(ctx) : EVP_PKEY_public_check(ctx)) == 1;
}

static enum err pkey_from_params(const char *type, OSSL_PARAM_BLD *bld, bool is_private,
                                 enum pkey_check check, EVP_PKEY **ret_pkey) {
    CLEANUP(params_cleanup) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    CLEANUP(pkey_ctx_cleanup) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1)
        return ERR_NOMEM;
    int selection = is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        return ERR_RANGE;
    if (check != CHECK_NOTHING && !pkey_is_sound(pkey, check)) {
        EVP_PKEY_free(pkey);
        return ERR_RANGE;
    }
    *ret_pkey = pkey;
    return ERR_OK;
}

static enum err parse_ec(const json_t *j, struct jwk *k) {
    if (!span_is(json_str(j, "crv"), "P-256"))
        return ERR_UNSUPPORTED;
    unsigned char point[1 + 2 * P256_BYTES] = {4}, d[P256_BYTES];
    size_t len;
    enum err e = member_bytes(j, "x", P256_BYTES, point + 1, P256_BYTES, &len);
    if (!e)
        e = member_bytes(j, "y", P256_BYTES, point + 1 + P256_BYTES, P256_BYTES, &len);
    if (e)
        return e;
    enum err has_d = member_bytes(j, "d", P256_BYTES, d, sizeof d, &len);
    if (has_d && has_d != ERR_MISSING)
        return has_d;

    CLEANUP(bld_cleanup) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    AUTO_BN BIGNUM *scalar = has_d ? NULL : BN_bin2bn(d, sizeof d, BN_secure_new());
    wipe(d, sizeof d);
    if (!bld || (!has_d && !scalar) ||
        !OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ||
        !OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) ||
        (scalar && !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, scalar)))
        return ERR_NOMEM;
    k->is_private = !has_d;
    return pkey_from_params("EC", bld, k->is_private, k->is_private ? CHECK_PAIR : CHECK_PUBLIC,
                            &k->pkey);
}

/* ---- RSA ---- */

/* A modulus that one of these primes divides is no product of two large ones. And keys of the
 * Infineon library (ROCA, CVE-2017-15361): modulo each of these primes their modulus lies in the
 * subgroup that 65537 generates, which happens by chance once in 2^27. */
static bool is_weak_modulus(const BIGNUM *n) {
    static const unsigned primes[] = {3,  5,  7,  11, 13,  17,  19,  23,  29,  31,  37,  41,  43,
                                      47, 53, 59, 61, 67,  71,  73,  79,  83,  89,  97,  101, 103,
                                      107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
    bool roca = true;
    for (size_t i = 0; i < ARRAY_LEN(primes); i++) {
        unsigned p = primes[i], rest = (unsigned)BN_mod_word(n, p), power = 1;
        bool in_subgroup = false;
        if (rest == 0)
            return true;
        do {
            in_subgroup = in_subgroup || power == rest;
            power = power * (65537 % p) % p;
        } while (power != 1);
        roca = roca && in_subgroup;
    }
    return roca;
}

static enum err rsa_public_check(const BIGNUM *n, const BIGNUM *e) {
    int bits = BN_num_bits(n);
    if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS || !BN_is_odd(n))
        return ERR_RANGE;
    if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > RSA_EXPONENT_MAX_BITS)
        return ERR_RANGE;
    return is_weak_modulus(n) ? ERR_RANGE : ERR_OK;
}

static const struct {
    const char *member, *param;
} rsa_private[] = {
    {"d", OSSL_PKEY_PARAM_RSA_D},           {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},     {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},  {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

static enum err push_rsa_private(const json_t *j, OSSL_PARAM_BLD *bld, BIGNUM **numbers) {
    //= https://www.rfc-editor.org/rfc/rfc7518#section-6.3.2.7
    //# If the consumer of a JWK does not support private keys with more than two primes and it encounters a private key that includes the "oth" parameter, then it MUST NOT use the key.
    if (json_object_get(j, "oth"))
        return ERR_UNSUPPORTED;
    for (size_t i = 0; i < ARRAY_LEN(rsa_private); i++) {
        enum err e = member_number(j, rsa_private[i].member, &numbers[i]);
        if (e)
            return e;
        if (!OSSL_PARAM_BLD_push_BN(bld, rsa_private[i].param, numbers[i]))
            return ERR_NOMEM;
    }
    return ERR_OK;
}

static enum err parse_rsa(const json_t *j, struct jwk *k) {
    AUTO_BN BIGNUM *n = NULL;
    AUTO_BN BIGNUM *e = NULL;
    enum err err = member_number(j, "n", &n);
    if (!err)
        err = member_number(j, "e", &e);
    if (!err)
        err = rsa_public_check(n, e);
    if (err)
        return err;
    CLEANUP(bld_cleanup) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (!bld || !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e))
        return ERR_NOMEM;
    BIGNUM *numbers[ARRAY_LEN(rsa_private)] = {NULL};
    k->is_private = json_object_get(j, "d") != NULL;
    if (k->is_private)
        err = push_rsa_private(j, bld, numbers);
    /* OpenSSL's check of a public RSA key is a primality test: 158 ms for 8192 bits, which whoever
     * sends a key set could make us spend (C08, CVE-2023-6237). rsa_public_check stands in. */
    if (!err)
        err = pkey_from_params("RSA", bld, k->is_private,
                               k->is_private ? CHECK_PAIR : CHECK_NOTHING, &k->pkey);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        BN_clear_free(numbers[i]);
    return err;
}

/* ---- OKP, oct ---- */

static enum err parse_okp(const json_t *j, struct jwk *k) {
    if (!span_is(json_str(j, "crv"), "Ed25519"))
        return ERR_UNSUPPORTED;
    unsigned char x[ED25519_BYTES], d[ED25519_BYTES], derived[ED25519_BYTES];
    size_t len;
    enum err e = member_bytes(j, "x", sizeof x, x, sizeof x, &len);
    if (e)
        return e;
    /* OpenSSL takes any 32 bytes. Under a point of small order a signature fits every message. */
    if (!crypto_core_ed25519_is_valid_point(x))
        return ERR_RANGE;
    e = member_bytes(j, "d", sizeof d, d, sizeof d, &len);
    if (e && e != ERR_MISSING)
        return e;
    k->is_private = !e;
    k->pkey = k->is_private ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d, sizeof d)
                            : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, sizeof x);
    wipe(d, sizeof d);
    if (!k->pkey)
        return ERR_RANGE;
    len = sizeof derived;
    if (EVP_PKEY_get_raw_public_key(k->pkey, derived, &len) != 1 ||
        memcmp(derived, x, sizeof x) != 0)
        return ERR_RANGE;
    return ERR_OK;
}

static enum err parse_oct(const json_t *j, struct jwk *k) {
    unsigned char bytes[OCT_MAX_BYTES];
    size_t len;
    enum err e = member_bytes(j, "k", 0, bytes, sizeof bytes, &len);
    //= https://www.rfc-editor.org/rfc/rfc7518#section-3.2
    //# A key of the same size as the hash output (for instance, 256 bits for "HS256") or larger MUST be used with this algorithm.
    if (!e && len < OCT_MIN_BYTES)
        e = ERR_RANGE;
    if (!e)
        e = secret_copy(span_bytes(bytes, len), &k->oct);
    wipe(bytes, sizeof bytes);
    k->is_private = true;
    return e;
}

/* ---- common ---- */

static const struct {
    const char *name;
    enum jose_kty kty;
    enum err (*parse)(const json_t *j, struct jwk *k);
    const char *implied_alg; /* by the only curve that we accept */
} types[] = {
    {"EC", KTY_EC, parse_ec, "ES256"},
    {"RSA", KTY_RSA, parse_rsa, NULL},
    {"OKP", KTY_OKP, parse_okp, "EdDSA"},
    {"oct", KTY_OCT, parse_oct, NULL},
};

/* A public key can only verify; a private or symmetric one is there to sign, verify or both. */
static enum err check_ops(const json_t *ops, bool is_private) {
    bool allowed = false;
    size_t n = json_array_size(ops);
    if (!json_is_array(ops))
        return ERR_SYNTAX;
    if (n > KEY_OPS_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < n; i++) {
        const json_t *op = json_array_get(ops, i);
        if (!json_is_string(op))
            return ERR_SYNTAX;
        //= https://www.rfc-editor.org/rfc/rfc7517#section-4.3
        //# Duplicate key operation values MUST NOT be present in the array.
        for (size_t k = 0; k < i; k++)
            if (json_equal(op, json_array_get(ops, k)))
                return ERR_REPEATED;
        struct span name = span_of(json_string_value(op));
        allowed = allowed || span_is(name, "verify") || (is_private && span_is(name, "sign"));
    }
    return allowed ? ERR_OK : ERR_UNSUPPORTED;
}

static enum err parse_purpose(const json_t *j, struct jwk *k) {
    const json_t *use = json_object_get(j, "use"), *ops = json_object_get(j, "key_ops");
    bool is_private = k->kty == KTY_OCT || json_object_get(j, "d");
    if (use && !span_is(json_str(j, "use"), "sig"))
        return json_is_string(use) ? ERR_UNSUPPORTED : ERR_SYNTAX;
    if (use)
        (void)snprintf(k->use, sizeof k->use, "sig");
    return ops ? check_ops(ops, is_private) : ERR_OK;
}

static enum err parse_kid(const json_t *j, struct jwk *k) {
    const json_t *v = json_object_get(j, "kid");
    if (!v)
        return ERR_OK;
    struct span kid = json_str(j, "kid");
    if (!kid.ptr)
        return ERR_SYNTAX;
    if (kid.len >= sizeof k->kid)
        return ERR_TOO_LONG;
    memcpy(k->kid, kid.ptr, kid.len);
    return ERR_OK;
}

static enum err parse_alg(const json_t *j, const char *implied, struct jwk *k) {
    const json_t *v = json_object_get(j, "alg");
    if (v && !json_is_string(v))
        return ERR_SYNTAX;
    if (!v && !implied)
        return ERR_OK;
    k->alg = jose_alg_find(v ? json_str(j, "alg") : span_of(implied));
    return k->alg && k->alg->kty == k->kty ? ERR_OK : ERR_UNSUPPORTED;
}

must_check static enum err parse_object(const json_t *j, struct jwk **ret_jwk) {
    size_t t = 0;
    struct span kty = json_str(j, "kty");
    while (t < ARRAY_LEN(types) && !span_is(kty, types[t].name))
        t++;
    if (t == ARRAY_LEN(types))
        return kty.ptr ? ERR_UNSUPPORTED : ERR_SYNTAX;
    AUTO_JWK struct jwk *k = jwk_new(types[t].kty);
    if (!k)
        return ERR_NOMEM;
    enum err e = parse_purpose(j, k);
    if (!e)
        e = parse_kid(j, k);
    if (!e)
        e = parse_alg(j, types[t].implied_alg, k);
    shortage_clear();
    if (!e)
        e = types[t].parse(j, k);
    if (shortage_met()) /* also when OpenSSL is content: such a key may verify nothing */
        return ERR_NOMEM;
    if (e)
        return e;
    *ret_jwk = TAKE(k);
    return ERR_OK;
}

enum err jwk_parse(struct span json, struct jwk **ret_jwk) {
    AUTO_JSON json_t *j = NULL;
    enum err e = json_parse_object(json, JWK_MAX_BYTES, &j);
    return e ? e : parse_object(j, ret_jwk);
}

/* ---- sets ---- */

/* What keys are chosen by. Compared before the keys are parsed, so that a broken twin cannot hide
 * behind being broken (E18). */
static bool same_name(const json_t *a, const json_t *b) {
    static const char *const members[] = {"kid", "kty", "alg", "use"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *x = json_object_get(a, members[i]), *y = json_object_get(b, members[i]);
        if (x != y && !json_equal(x, y))
            return false;
    }
    return json_object_get(a, "kid") != NULL;
}

static bool has_twins(const json_t *keys) {
    size_t n = json_array_size(keys);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (same_name(json_array_get(keys, i), json_array_get(keys, k)))
                return true;
    return false;
}

static enum err set_add(struct jwk_set *set, struct jwk *k) {
    /* Secret and public keys side by side invite taking one for the other (E02). */
    if (set->count && (set->key[0]->kty == KTY_OCT) != (k->kty == KTY_OCT))
        return ERR_UNSUPPORTED;
    if (k->is_private && k->kty != KTY_OCT)
        return ERR_REFUSED;
    /* Again for what parsing made equal: one names the algorithm that the other's curve implies. */
    for (size_t i = 0; i < set->count; i++)
        if (k->kid[0] && strcmp(set->key[i]->kid, k->kid) == 0 && set->key[i]->alg == k->alg)
            return ERR_REPEATED;
    set->key[set->count++] = jwk_ref(k);
    return ERR_OK;
}

enum err jwk_set_parse(struct span json, struct jwk_set *ret_set) {
    AUTO_JSON json_t *j = NULL;
    enum err e = json_parse_object(json, JWKS_MAX_BYTES, &j);
    if (e)
        return e;
    const json_t *keys = json_object_get(j, "keys"), *item;
    if (!json_is_array(keys))
        return ERR_SYNTAX;
    if (json_array_size(keys) > JWKS_MAX_KEYS)
        return ERR_TOO_LONG;
    if (has_twins(keys))
        return ERR_REPEATED;
    CLEANUP(jwk_set_done) struct jwk_set set = {.count = 0};
    size_t i;
    json_array_foreach(keys, i, item) {
        AUTO_JWK struct jwk *k = NULL;
        if (!json_is_object(item))
            return ERR_SYNTAX;
        //= https://www.rfc-editor.org/rfc/rfc7517#section-5
        //# Implementations SHOULD ignore JWKs within a JWK Set that use "kty" (key type) values that are not understood by them, that are missing required members, or for which values are out of the supported ranges.
        e = parse_object(item, &k);
        if (e && e != ERR_NOMEM)
            continue;
        if (!e)
            e = set_add(&set, k);
        if (e)
            return e;
    }
    *ret_set = set;
    set.count = 0;
    return ERR_OK;
}

void jwk_set_done(struct jwk_set *set) {
    for (size_t i = 0; i < set->count; i++)
        jwk_unref(set->key[i]);
    set->count = 0;
}
