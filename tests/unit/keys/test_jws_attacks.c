/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: the known attacks on JWS are refused. Names carry the rows of the attack catalogue,
 * E01 to E19; each group has a twin that differs only in not being an attack, and is accepted.
 * Rows about claims (E12, E13, E17) belong to those who read claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "keys/jws.h"
#include "tests/unit/keys/forge.h"
#include "tests/unit/keys/rfc_keys.h"

static struct arena arena = ARENA_INIT(64 * 1024 * 1024);
static struct jwk_set hs, ec, rs, ps; /* public or symmetric: what a verifier holds */
static EVP_PKEY *ec_pkey, *rsa_pkey;  /* private: what a signer holds */
static struct span secret_key;
static const struct jws_expect any = {.typ = NULL, .algs = NULL};

static enum err verify(const struct jwk_set *set, struct span token) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct jws jws = {0};
    enum err e = jws_verify(&a, token, &any, set, &jws);
    assert_true((e == ERR_OK) == (jws.key != NULL));
    return e;
}

static struct jwk_set public_set(EVP_PKEY *pkey, const char *alg) {
    AUTO_JWK struct jwk *k = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT(JWK_MAX_BYTES);
    EVP_PKEY_up_ref(pkey);
    assert_int_equal(jwk_from_pkey(pkey, jose_alg_find(span_of(alg)), "", &k), ERR_OK);
    assert_int_equal(jwk_public_add(k, &text), ERR_OK);
    return forge_set(text.data);
}

static int init(void **state) {
    (void)state;
    if (secret_init())
        return -1;
    ec_pkey = EVP_EC_gen("P-256");
    rsa_pkey = EVP_RSA_gen(2048);
    hs = forge_set(RFC7515_A1_KEY);
    ec = public_set(ec_pkey, "ES256");
    rs = public_set(rsa_pkey, "RS256");
    ps = public_set(rsa_pkey, "PS256");
    return b64url_decode_arena(&arena, SPAN(RFC7515_A1_K), &secret_key) != ERR_OK;
}

static int done(void **state) {
    (void)state;
    jwk_set_done(&hs);
    jwk_set_done(&ec);
    jwk_set_done(&rs);
    jwk_set_done(&ps);
    EVP_PKEY_free(ec_pkey);
    EVP_PKEY_free(rsa_pkey);
    arena_done(&arena);
    return 0;
}

/* A header under a good HMAC: refused for the header's sake alone. */
static enum err with_header(const char *header) {
    return verify(&hs, forge_hs256(&arena, secret_key, header, SPAN("{}")));
}

static void test_E01_alg_none(void **state) {
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"nOnE\"}",
        "{\"alg\":\"none \"}",
        "{}",
        "{\"alg\":null}",
        "{\"alg\":\"\"}",
        "{\"alg\":[\"HS256\"]}",
        "{\"alg\":256}",
        "{\"Alg\":\"HS256\"}",
        "{\"alg\":{\"alg\":\"HS256\"}}",
    };
    assert_int_equal(with_header("{\"alg\":\"HS256\"}"), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        assert_int_equal(with_header(headers[i]), ERR_UNSUPPORTED);
        struct span text = forge_text(&arena, span_of(headers[i]), SPAN("{}"));
        struct span unsigned_token = forge_join(&arena, text, SPAN(""));
        assert_int_equal(verify(&hs, unsigned_token), ERR_UNSUPPORTED);
        assert_int_equal(verify(&rs, unsigned_token), ERR_UNSUPPORTED);
    }
    /* A known algorithm and no signature. */
    static const char *const known[] = {"{\"alg\":\"HS256\"}", "{\"alg\":\"ES256\"}",
                                        "{\"alg\":\"RS256\"}", "{\"alg\":\"PS256\"}"};
    const struct jwk_set *const sets[] = {&hs, &ec, &rs, &ps};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct span text = forge_text(&arena, span_of(known[i]), SPAN("{}"));
        assert_int_equal(verify(sets[i], forge_join(&arena, text, SPAN(""))), ERR_BAD_SIGNATURE);
    }
}

static void test_E02_public_key_as_hmac_secret(void **state) {
    (void)state;
    static const char *const both[] = {"RS256", "HS256", NULL};
    CLEANUP(buf_done) struct buf jwk = BUF_INIT(JWK_MAX_BYTES);
    assert_int_equal(jwk_public_add(rs.key[0], &jwk), ERR_OK);
    unsigned char *der = NULL;
    int der_len = i2d_PUBKEY(rsa_pkey, &der);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    PEM_write_bio_PUBKEY(bio, rsa_pkey);
    long pem_len = BIO_get_mem_data(bio, &pem);
    BIGNUM *n = NULL;
    unsigned char modulus[256];
    EVP_PKEY_get_bn_param(rsa_pkey, "n", &n);
    BN_bn2bin(n, modulus);
    const struct span secrets[] = {span_bytes(pem, (size_t)pem_len),
                                   span_bytes(pem, (size_t)pem_len - 1),
                                   span_bytes(der, (size_t)der_len),
                                   span_bytes(modulus, sizeof modulus),
                                   SPAN(""),
                                   buf_span(&jwk)};
    /* Also a key that names no algorithm, with a caller who allows both. */
    CLEANUP(jwk_set_done) struct jwk_set open = forge_set(jwk.data);
    open.key[0]->alg = NULL;
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct jws jws;
        struct span token = forge_hs256(&arena, secrets[i], "{\"alg\":\"HS256\"}", SPAN("{}"));
        assert_int_equal(verify(&rs, token), ERR_NOT_FOUND);
        assert_int_equal(jws_verify(&a, token, &(struct jws_expect){.algs = both}, &open, &jws),
                         ERR_NOT_FOUND);
    }
    struct span text = forge_text(&arena, SPAN("{\"alg\":\"RS256\"}"), SPAN("{}"));
    assert_int_equal(
        verify(&rs, forge_join(&arena, text, forge_rsa(&arena, rsa_pkey, "SHA256", text))), ERR_OK);
    BN_free(n);
    BIO_free(bio);
    OPENSSL_free(der);
}

static void test_E03_kid(void **state) {
    (void)state;
    CLEANUP(jwk_set_done)
    struct jwk_set named =
        forge_set("{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"k1\",\"k\":\"" RFC7515_A1_K "\"}");
    static const struct {
        const char *header;
        enum err want;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"kid\":\"k1\"}", ERR_OK},
        {"{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", ERR_NOT_FOUND},
        {"{\"alg\":\"HS256\",\"kid\":\"' OR 1=1 --\"}", ERR_NOT_FOUND},
        {"{\"alg\":\"HS256\",\"kid\":\"k1%00\"}", ERR_NOT_FOUND},
        {"{\"alg\":\"HS256\",\"kid\":\"k1\\u0000\"}", ERR_SYNTAX},
        {"{\"alg\":\"HS256\",\"kid\":1}", ERR_SYNTAX},
        {"{\"alg\":\"HS256\",\"kid\":[\"k1\"]}", ERR_SYNTAX},
        {"{\"alg\":\"HS256\",\"kid\":null}", ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(
            verify(&named, forge_hs256(&arena, secret_key, cases[i].header, SPAN("{}"))),
            cases[i].want);
    char *longest = arena_printf(&arena, "{\"alg\":\"HS256\",\"kid\":\"%65536s\"}", "");
    assert_int_equal(verify(&named, forge_hs256(&arena, secret_key, longest, SPAN("{}"))),
                     ERR_TOO_LONG);
}

static void test_E04_keys_in_the_header(void **state) {
    (void)state;
    EVP_PKEY *evil = EVP_EC_gen("P-256");
    CLEANUP(jwk_set_done) struct jwk_set evil_set = public_set(evil, "ES256");
    CLEANUP(buf_done) struct buf jwk = BUF_INIT(JWK_MAX_BYTES);
    assert_int_equal(jwk_public_add(evil_set.key[0], &jwk), ERR_OK);
    const char *const headers[] = {
        arena_printf(&arena, "{\"alg\":\"ES256\",\"jwk\":%s}", jwk.data),
        "{\"alg\":\"ES256\",\"jku\":\"https://evil.example/jwks\"}",
        "{\"alg\":\"ES256\",\"x5u\":\"https://evil.example/cert\"}",
        "{\"alg\":\"ES256\",\"x5c\":[\"MIIB\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct span text = forge_text(&arena, span_of(headers[i]), SPAN("{}"));
        assert_int_equal(verify(&ec, forge_join(&arena, text, forge_ecdsa(&arena, evil, text))),
                         ERR_BAD_SIGNATURE);
        /* Ignored, so a good signature stays good. */
        assert_int_equal(verify(&ec, forge_join(&arena, text, forge_ecdsa(&arena, ec_pkey, text))),
                         ERR_OK);
    }
    EVP_PKEY_free(evil);
}

static void test_E05_crit(void **state) {
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"HS256\",\"crit\":[]}",
        "{\"alg\":\"HS256\",\"crit\":[\"alg\"]}",
        "{\"alg\":\"HS256\",\"crit\":null}",
        "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"HS256\",\"b64\":false}",
        "{\"alg\":\"HS256\",\"b64\":true}",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        assert_int_equal(with_header(headers[i]), ERR_UNSUPPORTED);
    assert_int_equal(with_header("{\"alg\":\"HS256\",\"crit\":[],\"crit\":[]}"), ERR_SYNTAX);
    assert_int_equal(with_header("{\"alg\":\"HS256\",\"exp\":1}"), ERR_OK);
}

static void test_E06_duplicate_members(void **state) {
    (void)state;
    assert_int_equal(with_header("{\"alg\":\"none\",\"alg\":\"HS256\"}"), ERR_SYNTAX);
    assert_int_equal(with_header("{\"alg\":\"HS256\",\"alg\":\"HS256\"}"), ERR_SYNTAX);
    assert_int_equal(with_header("{\"alg\":\"HS256\",\"\\u0061lg\":\"HS256\"}"), ERR_SYNTAX);
    assert_int_equal(with_header("{\"alg\":\"HS256\",\"x\":{\"a\":1,\"a\":2}}"), ERR_SYNTAX);
}

static void test_E07_shape(void **state) {
    (void)state;
    struct span good = forge_hs256(&arena, secret_key, "{\"alg\":\"HS256\"}", SPAN("{}"));
    const char *t = good.ptr;
    assert_int_equal(verify(&hs, good), ERR_OK);
    const char *const bad[] = {
        arena_printf(&arena, " %s", t),
        arena_printf(&arena, "%s ", t),
        arena_printf(&arena, "%s\n", t),
        arena_printf(&arena, "%s\r\n", t),
        arena_printf(&arena, "\t%s", t),
        arena_printf(&arena, "%s.", t),
        arena_printf(&arena, ".%s", t),
        arena_printf(&arena, "%s.e30", t),
        arena_printf(&arena, "%s..", t),
        arena_printf(&arena, "%s.e30.e30", t), /* JWE's five */
        arena_printf(&arena, "%s.e30.e30.e30", t),
        arena_printf(&arena, "\xEF\xBB\xBF%s", t),
        arena_printf(&arena, "Bearer %s", t),
        "",
        ".",
        "..",
        "...",
        "....",
        "a",
        "a.b",
        "e30",
        "e30.e30",
        "..e30",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(verify(&hs, span_of(bad[i])), ERR_SYNTAX);
    /* JSON serialisations, flattened and general, of the very same token. */
    const char *dot = strchr(t, '.'), *dot2 = strrchr(t, '.');
    const char *flat =
        arena_printf(&arena, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%s\"}",
                     (int)(dot - t), t, (int)(dot2 - dot - 1), dot + 1, dot2 + 1);
    assert_int_equal(verify(&hs, span_of(flat)), ERR_SYNTAX);
    assert_int_equal(verify(&hs, SPAN_NONE), ERR_SYNTAX);
}

static void test_E08_base64url(void **state) {
    (void)state;
    /* One byte more than a multiple of three leaves unused bits in each segment. */
    struct span text = forge_text(&arena, SPAN("{\"alg\":\"HS256\" }"), SPAN("{}  "));
    struct span token = forge_join(&arena, text, forge_hmac(&arena, secret_key, text));
    assert_int_equal(verify(&hs, token), ERR_OK);
    static const char junk[] = "=+/ \n?%\x80\x01*,";
    for (size_t at = 0; at <= token.len; at++) {
        for (size_t j = 0; j < sizeof junk; j++) { /* with the NUL */
            char *bad = arena_strndup(&arena, token.ptr, token.len + 1);
            memmove(bad + at + 1, bad + at, token.len - at);
            bad[at] = junk[j];
            assert_int_equal(verify(&hs, span_bytes(bad, token.len + 1)), ERR_SYNTAX);
        }
        if (at % 40 == 0)
            continue;
    }
    /* The last digit of each segment, all 63 others: none verifies, also where the bytes that a
     * lenient decoder gets are the same. */
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t at = 0; at < token.len; at++) {
        if (at + 1 < token.len && token.ptr[at + 1] != '.')
            continue;
        for (size_t d = 0; d < 64; d++) {
            char *bad = arena_strndup(&arena, token.ptr, token.len);
            if (bad[at] == digits[d])
                continue;
            bad[at] = digits[d];
            assert_int_not_equal(verify(&hs, span_bytes(bad, token.len)), ERR_OK);
        }
    }
    /* Padded, and signed over the padded text: what a lenient decoder would accept. */
    static const char *const texts[] = {"eyJhbGciOiJIUzI1NiJ9.e30=", "eyJhbGciOiJIUzI1NiJ9=.e30",
                                        "eyJhbGciOiJIUzI1NiJ9.e3 0", "eyJhbGciOiJIUzI1NiJ9.e31"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct span t = span_of(texts[i]);
        assert_int_equal(verify(&hs, forge_join(&arena, t, forge_hmac(&arena, secret_key, t))),
                         ERR_SYNTAX);
    }
}

#define N_HEX                                                                                      \
    "\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"                             \
    "\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51"

static void test_E09_ecdsa_values(void **state) {
    (void)state;
    struct span text = forge_text(&arena, SPAN("{\"alg\":\"ES256\"}"), SPAN("{}"));
    struct span good = forge_ecdsa(&arena, ec_pkey, text);
    assert_int_equal(verify(&ec, forge_join(&arena, text, good)), ERR_OK);

    static const unsigned char zero[32] = {0}, one[32] = {[31] = 1};
    unsigned char ones[32];
    memset(ones, 0xFF, sizeof ones);
    const void *const halves[] = {zero, one, N_HEX, ones, good.ptr, good.ptr + 32};
    for (size_t r = 0; r < ARRAY_LEN(halves); r++) {
        for (size_t s = 0; s < ARRAY_LEN(halves); s++) {
            char raw[64];
            memcpy(raw, halves[r], 32);
            memcpy(raw + 32, halves[s], 32);
            if (r == 4 && s == 5)
                continue; /* the good one */
            assert_int_equal(verify(&ec, forge_join(&arena, text, span_bytes(raw, 64))),
                             ERR_BAD_SIGNATURE);
        }
    }
    for (size_t len = 0; len <= 200; len++) {
        char *raw = arena_alloc(&arena, 256);
        memcpy(raw, good.ptr, len < 64 ? len : 64);
        if (len != 64)
            assert_int_equal(verify(&ec, forge_join(&arena, text, span_bytes(raw, len))),
                             ERR_BAD_SIGNATURE);
    }
    struct span der = forge_ecdsa_der(&arena, ec_pkey, text);
    assert_int_equal(verify(&ec, forge_join(&arena, text, der)), ERR_BAD_SIGNATURE);
    char front[65] = {0};
    memcpy(front + 1, good.ptr, 64);
    assert_int_equal(verify(&ec, forge_join(&arena, text, span_bytes(front, 65))),
                     ERR_BAD_SIGNATURE);
}

static void test_E09_other_curves_under_es256(void **state) {
    (void)state;
    struct jwk *k = NULL;
    assert_int_equal(
        jwk_parse(SPAN("{\"kty\":\"EC\",\"crv\":\"P-521\",\"alg\":\"ES256\",\"x\":\"" RFC7515_A3_X
                       "\",\"y\":\"" RFC7515_A3_Y "\"}"),
                  &k),
        ERR_UNSUPPORTED);
    assert_null(k);
}

static void test_E10_rsa_padding(void **state) {
    (void)state;
    static const struct {
        int salt;
        const char *mgf1;
        enum err want;
    } pss[] = {{32, "SHA256", ERR_OK},
               {0, "SHA256", ERR_BAD_SIGNATURE},
               {20, "SHA256", ERR_BAD_SIGNATURE},
               {31, "SHA256", ERR_BAD_SIGNATURE},
               {33, "SHA256", ERR_BAD_SIGNATURE},
               {RSA_PSS_SALTLEN_MAX_SIGN, "SHA256", ERR_BAD_SIGNATURE},
               {32, "SHA1", ERR_BAD_SIGNATURE},
               {32, "SHA384", ERR_BAD_SIGNATURE}};
    struct span text = forge_text(&arena, SPAN("{\"alg\":\"PS256\"}"), SPAN("{}"));
    for (size_t i = 0; i < ARRAY_LEN(pss); i++) {
        struct span sig = forge_pss(&arena, rsa_pkey, pss[i].mgf1, pss[i].salt, text);
        assert_int_equal(verify(&ps, forge_join(&arena, text, sig)), pss[i].want);
    }
    /* Each padding under the other's name. */
    struct span pkcs1 = forge_rsa(&arena, rsa_pkey, "SHA256", text);
    assert_int_equal(verify(&ps, forge_join(&arena, text, pkcs1)), ERR_BAD_SIGNATURE);
    struct span rs_text = forge_text(&arena, SPAN("{\"alg\":\"RS256\"}"), SPAN("{}"));
    struct span as_pss = forge_pss(&arena, rsa_pkey, "SHA256", 32, rs_text);
    assert_int_equal(verify(&rs, forge_join(&arena, rs_text, as_pss)), ERR_BAD_SIGNATURE);
    static const char *const digests[] = {"SHA1", "SHA384", "SHA512", "SHA3-256"};
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        struct span sig = forge_rsa(&arena, rsa_pkey, digests[i], rs_text);
        assert_int_equal(verify(&rs, forge_join(&arena, rs_text, sig)), ERR_BAD_SIGNATURE);
    }
    struct span sig = forge_rsa(&arena, rsa_pkey, "SHA256", rs_text);
    assert_int_equal(verify(&rs, forge_join(&arena, rs_text, sig)), ERR_OK);
    char *longer = arena_alloc(&arena, 257);
    memcpy(longer + 1, sig.ptr, 256);
    assert_int_equal(verify(&rs, forge_join(&arena, rs_text, span_bytes(longer, 257))),
                     ERR_BAD_SIGNATURE);
}

static void test_E11_registered_algorithm_only(void **state) {
    (void)state;
    static const char *const headers[] = {"{\"alg\":\"RS384\"}", "{\"alg\":\"rs256\"}",
                                          "{\"alg\":\"RS256 \"}", "{\"alg\":\"RS512\"}"};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct span text = forge_text(&arena, span_of(headers[i]), SPAN("{}"));
        struct span sig = forge_rsa(&arena, rsa_pkey, i ? "SHA256" : "SHA384", text);
        assert_int_equal(verify(&rs, forge_join(&arena, text, sig)), ERR_UNSUPPORTED);
    }
    /* Known, but not the key's: a good PS256 signature by a key that is registered for RS256. */
    struct span text = forge_text(&arena, SPAN("{\"alg\":\"PS256\"}"), SPAN("{}"));
    struct span sig = forge_pss(&arena, rsa_pkey, "SHA256", 32, text);
    assert_int_equal(verify(&rs, forge_join(&arena, text, sig)), ERR_NOT_FOUND);
    assert_int_equal(verify(&ps, forge_join(&arena, text, sig)), ERR_OK);
}

static void test_E14_sizes(void **state) {
    (void)state;
    static const size_t sizes[] = {JWS_MAX_BYTES + 1, 1024 * 1024, 9 * 1024 * 1024};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *token = arena_alloc(&arena, sizes[i]);
        memset(token, 'A', sizes[i]);
        CLEANUP(arena_done) struct arena none = ARENA_INIT(0); /* refused before any memory */
        struct jws jws;
        assert_int_equal(jws_verify(&none, span_bytes(token, sizes[i]), &any, &hs, &jws),
                         ERR_TOO_LONG);
    }
    /* Exactly 16 KiB, and one byte more. */
    struct span shortest = forge_hs256(&arena, secret_key, "{\"alg\":\"HS256\"}", SPAN(""));
    size_t room = (JWS_MAX_BYTES - shortest.len) * 3 / 4;
    char *payload = arena_alloc(&arena, room + 1);
    struct span whole =
        forge_hs256(&arena, secret_key, "{\"alg\":\"HS256\"}", span_bytes(payload, room));
    assert_true(whole.len <= JWS_MAX_BYTES && whole.len > JWS_MAX_BYTES - 2);
    assert_int_equal(verify(&hs, whole), ERR_OK);
    whole = forge_hs256(&arena, secret_key, "{\"alg\":\"HS256\"}", span_bytes(payload, room + 1));
    assert_int_equal(verify(&hs, whole), ERR_TOO_LONG);
}

static void test_E14_hostile_headers(void **state) {
    (void)state;
    char *deep = arena_alloc(&arena, 4000);
    memset(deep, '[', 3000);
    const char *nested = arena_printf(&arena, "{\"alg\":\"HS256\",\"x\":%s", deep);
    assert_int_equal(with_header(nested), ERR_TOO_LONG);
    static const struct {
        struct span header;
        enum err want;
    } cases[] = {{SPAN("{\"alg\":\"HS256\"}\0"), ERR_SYNTAX},
                 {SPAN("{\"alg\":\"HS256\"}{}"), ERR_SYNTAX},
                 {SPAN("{\"alg\":\"HS256\",\"x\":\"\xff\"}"), ERR_SYNTAX},
                 {SPAN("\xEF\xBB\xBF{\"alg\":\"HS256\"}"), ERR_SYNTAX},
                 {SPAN("[\"HS256\"]"), ERR_SYNTAX},
                 {SPAN("\"HS256\""), ERR_SYNTAX},
                 {SPAN("{\"alg\":\"HS256\"} "), ERR_OK}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span text = forge_text(&arena, cases[i].header, SPAN("{}"));
        assert_int_equal(
            verify(&hs, forge_join(&arena, text, forge_hmac(&arena, secret_key, text))),
            cases[i].want);
    }
}

static void test_E15_encrypted(void **state) {
    (void)state;
    /* RFC 7516 A.1's shape: five segments. And an encrypted token's header on a signed one. */
    assert_int_equal(
        verify(&rs, SPAN("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA")),
        ERR_SYNTAX);
    assert_int_equal(with_header("{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}"), ERR_UNSUPPORTED);
    assert_int_equal(with_header("{\"alg\":\"PBES2-HS256+A128KW\",\"p2c\":2147483647}"),
                     ERR_UNSUPPORTED);
    assert_int_equal(with_header("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}"), ERR_UNSUPPORTED);
}

static void test_E19_huge_ecdsa_signature(void **state) {
    (void)state;
    struct span text = forge_text(&arena, SPAN("{\"alg\":\"ES256\"}"), SPAN("{}"));
    char *huge = arena_alloc(&arena, 16000);
    struct span good = forge_ecdsa(&arena, ec_pkey, text);
    memcpy(huge, good.ptr, good.len);
    assert_int_equal(verify(&ec, forge_join(&arena, text, span_bytes(huge, 12000))),
                     ERR_BAD_SIGNATURE);
    char *text_form = arena_alloc(&arena, 21830);
    memset(text_form, 'A', 21830);
    const char *token = arena_printf(&arena, "%.*s.%.21830s", SPAN_FMT(text), text_form);
    assert_int_equal(verify(&ec, span_of(token)), ERR_TOO_LONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_E01_alg_none),
        cmocka_unit_test(test_E02_public_key_as_hmac_secret),
        cmocka_unit_test(test_E03_kid),
        cmocka_unit_test(test_E04_keys_in_the_header),
        cmocka_unit_test(test_E05_crit),
        cmocka_unit_test(test_E06_duplicate_members),
        cmocka_unit_test(test_E07_shape),
        cmocka_unit_test(test_E08_base64url),
        cmocka_unit_test(test_E09_ecdsa_values),
        cmocka_unit_test(test_E09_other_curves_under_es256),
        cmocka_unit_test(test_E10_rsa_padding),
        cmocka_unit_test(test_E11_registered_algorithm_only),
        cmocka_unit_test(test_E14_sizes),
        cmocka_unit_test(test_E14_hostile_headers),
        cmocka_unit_test(test_E15_encrypted),
        cmocka_unit_test(test_E19_huge_ecdsa_signature),
    };
    return cmocka_run_group_tests_name("keys/jws attacks", tests, init, done);
}
