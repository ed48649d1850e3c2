/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: the verifier accepts what the specifications publish and what our signer writes, with
 * every algorithm, and nothing that differs from it by one character; the signer writes what the
 * specifications publish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "keys/jws.h"
#include "tests/unit/keys/forge.h"
#include "tests/unit/keys/rfc_keys.h"

static const struct jws_expect any = {.typ = NULL, .algs = NULL};

static enum err verify(const struct jwk_set *set, struct span token,
                       const struct jws_expect *expect) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct jws jws = {0};
    enum err e = jws_verify(&a, token, expect, set, &jws);
    assert_true((e == ERR_OK) == (jws.key != NULL));
    return e;
}

#define JOE                                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define FRODO                                                                                      \
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb25"  \
    "0byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2"  \
    "hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"

static const struct {
    const char *name, *key, *token;
} vectors[] = {
    {"RFC 7515 A.1", RFC7515_A1_KEY,
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
     ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RFC 7515 A.2", RFC7515_A2_KEY,
     "eyJhbGciOiJSUzI1NiJ9." JOE
     ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7A"
     "AuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75v"
     "RK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7n"
     "oOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"RFC 7515 A.3", RFC7515_A3_KEY,
     "eyJhbGciOiJFUzI1NiJ9." JOE
     ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSAp"
     "mWQxfKTUJqPP3-Kg6NU1Q"},
    {"RFC 8037 A.4", RFC8037_A_KEY,
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
     "09PGcvMg3"
     "AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
    {"RFC 7520 4.1",
     "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"alg\":"
     "\"RS256\","
     "\"n\":\"" RFC7520_3_N "\",\"e\":\"AQAB\"}",
     "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO
     ".MRjdkly7_-o"
     "TPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB"
     "-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QP"
     "ocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uO"
     "ZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"},
    {"RFC 7520 4.4",
     "{\"kty\":\"oct\",\"kid\":\"018c0ae5-4d9b-471b-bfd6-eef314bc7037\",\"use\":\"sig\","
     "\"alg\":\"HS256\",\"k\":\"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg\"}",
     "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9." FRODO
     ".s0h6"
     "KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"},
};

static void test_published_vectors(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        CLEANUP(jwk_set_done) struct jwk_set set = forge_set(vectors[i].key);
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct jws jws;
        if (jws_verify(&a, span_of(vectors[i].token), &any, &set, &jws))
            fail_msg("%s does not verify", vectors[i].name);
        assert_ptr_equal(jws.key, set.key[0]);
        assert_true(jws.payload.len > 20);
        /* RFC 7520 4.2 and 4.3 (PS384, ES512) are of algorithms that have no row. */
    }
}

/* Each character of each published token, replaced by its neighbour in the alphabet. */
static void test_every_character_counts(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        CLEANUP(jwk_set_done) struct jwk_set set = forge_set(vectors[i].key);
        char token[2048];
        size_t len = strlen(vectors[i].token);
        assert_true(len < sizeof token);
        for (size_t at = 0; at < len; at++) {
            memcpy(token, vectors[i].token, len);
            token[at] = token[at] == 'A' ? 'B' : 'A';
            assert_int_not_equal(verify(&set, span_bytes(token, len), &any), ERR_OK);
        }
        for (size_t cut = 0; cut < len; cut++)
            assert_int_not_equal(verify(&set, span_bytes(vectors[i].token, cut), &any), ERR_OK);
    }
}

static void test_eddsa_signature_is_the_published_one(void **state) {
    (void)state;
    AUTO_JWK struct jwk *k = NULL;
    struct jws_signer *s = NULL;
    assert_int_equal(jwk_parse(SPAN(RFC8037_A_PRIVATE_KEY), &k), ERR_OK);
    assert_int_equal(jws_signer_new(k, &s), ERR_OK);
    for (int round = 0; round < 3; round++) {
        CLEANUP(buf_done) struct buf out = BUF_INIT(JWS_MAX_BYTES);
        assert_int_equal(jws_sign(s, NULL, SPAN("Example of Ed25519 signing"), &out), ERR_OK);
        assert_string_equal(out.data, vectors[3].token);
    }
    jws_signer_free(s);
    jws_signer_free(NULL);
}

static void sign_and_verify(const struct jose_alg *alg) {
    AUTO_JWK struct jwk *k = NULL, *other = NULL;
    struct jws_signer *s = NULL;
    assert_int_equal(jwk_generate(alg, &k), ERR_OK);
    assert_int_equal(jwk_generate(alg, &other), ERR_OK);
    assert_int_equal(jws_signer_new(k, &s), ERR_OK);
    CLEANUP(buf_done) struct buf public = BUF_INIT(JWK_MAX_BYTES);
    assert_int_equal(jwk_public_add(k, &public), ERR_OK);
    CLEANUP(jwk_set_done) struct jwk_set set = forge_set(public.data);
    static const struct span payloads[] = {{"{\"sub\":\"x\"}", 11}, {"", 0}, {"\0\xff\n", 3}};
    for (int round = 0; round < 20; round++) {
        struct span payload = payloads[round % 3];
        CLEANUP(buf_done) struct buf out = BUF_INIT(JWS_MAX_BYTES);
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct jws jws;
        buf_add_str(&out, "before:");
        assert_int_equal(jws_sign(s, "at+jwt", payload, &out), ERR_OK);
        struct span token = {out.data + 7, out.len - 7};
        assert_int_equal(jws_verify(&a, token, &any, &set, &jws), ERR_OK);
        assert_true(span_eq(jws.payload, payload));
        assert_true(span_is(jws.typ, "at+jwt"));
        assert_true(span_is(jws.kid, k->kid));
        /* The same name, another key. */
        (void)snprintf(other->kid, sizeof other->kid, "%s", k->kid);
        struct jwk_set wrong = {.key = {other}, .count = 1};
        assert_int_equal(verify(&wrong, token, &any), ERR_BAD_SIGNATURE);
    }
    jws_signer_free(s);
}

static void test_what_we_sign_verifies(void **state) {
    (void)state;
    for (size_t i = 0; i < jose_algs_count; i++)
        if (jose_algs[i].signs_tokens)
            sign_and_verify(&jose_algs[i]);
}

static void test_signer_refuses(void **state) {
    (void)state;
    static const char *const keys[] = {RFC7515_A1_KEY, RFC7515_A2_KEY, RFC7515_A3_KEY,
                                       RFC8037_A_KEY};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) { /* secret or public: nothing to sign with */
        AUTO_JWK struct jwk *k = NULL;
        struct jws_signer *s = NULL;
        assert_int_equal(jwk_parse(span_of(keys[i]), &k), ERR_OK);
        assert_int_equal(jws_signer_new(k, &s), ERR_UNSUPPORTED);
        assert_null(s);
    }
    AUTO_JWK struct jwk *k = NULL;
    struct jws_signer *s = NULL;
    assert_int_equal(jwk_parse(SPAN(RFC7515_A3_PRIVATE_KEY), &k), ERR_OK);
    assert_int_equal(jws_signer_new(k, &s), ERR_OK);
    CLEANUP(buf_done) struct buf small = BUF_INIT(50);
    assert_int_equal(jws_sign(s, "JWT", SPAN("{}"), &small), ERR_TOO_LONG);
    jws_signer_free(s);
}

/* ---- choice of keys ---- */

#define HS_KEY(kid) "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"" RFC7515_A1_K "\"" kid "}"

static struct span secret_key(struct arena *a) {
    struct span key;
    assert_int_equal(b64url_decode_arena(a, SPAN(RFC7515_A1_K), &key), ERR_OK);
    return key;
}

static void test_E18_kid(void **state) {
    (void)state;
    static const struct {
        const char *key, *header;
        enum err want;
    } cases[] = {
        {HS_KEY(""), "{\"alg\":\"HS256\"}", ERR_OK},
        {HS_KEY(""), "{\"alg\":\"HS256\",\"kid\":\"a\"}", ERR_OK},
        {HS_KEY(",\"kid\":\"a\""), "{\"alg\":\"HS256\"}", ERR_OK},
        {HS_KEY(",\"kid\":\"a\""), "{\"alg\":\"HS256\",\"kid\":\"a\"}", ERR_OK},
        {HS_KEY(",\"kid\":\"a\""), "{\"alg\":\"HS256\",\"kid\":\"A\"}", ERR_NOT_FOUND},
        {HS_KEY(",\"kid\":\"a\""), "{\"alg\":\"HS256\",\"kid\":\"\"}", ERR_NOT_FOUND},
        {HS_KEY(",\"kid\":\"a\""), "{\"alg\":\"HS256\",\"kid\":\"ab\"}", ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        CLEANUP(jwk_set_done) struct jwk_set set = forge_set(cases[i].key);
        struct span token = forge_hs256(&a, secret_key(&a), cases[i].header, SPAN("x"));
        assert_int_equal(verify(&set, token, &any), cases[i].want);
    }
}

static void test_E16_typ(void **state) {
    (void)state;
    static const char *const at[] = {"at+jwt", NULL}, *const at_or_none[] = {"at+jwt", "", NULL};
    static const struct {
        const char *header;
        const char *const *typ;
        enum err want;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", at, ERR_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"AT+JWT\"}", at, ERR_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"application/at+jwt\"}", at, ERR_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"Application/at+JWT\"}", at, ERR_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", at, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", at, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"typ\":\"application/application/at+jwt\"}", at, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt \"}", at, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"typ\":\"\"}", at_or_none, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"typ\":\"application/\"}", at_or_none, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"typ\":[\"at+jwt\"]}", at, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"typ\":null}", at_or_none, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\"}", at, ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\"}", at_or_none, ERR_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"anything\"}", NULL, ERR_OK},
    };
    CLEANUP(jwk_set_done) struct jwk_set set = forge_set(HS_KEY(""));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct span token = forge_hs256(&a, secret_key(&a), cases[i].header, SPAN("x"));
        const struct jws_expect expect = {.typ = cases[i].typ};
        assert_int_equal(verify(&set, token, &expect), cases[i].want);
    }
}

/* A key without an algorithm of its own is used only with one that the caller names. */
static void test_E11_key_without_alg(void **state) {
    (void)state;
    static const char *const rs[] = {"RS256", NULL}, *const ps[] = {"PS256", NULL};
    static const char *const es[] = {"ES256", NULL}, *const none[] = {NULL};
    CLEANUP(jwk_set_done)
    struct jwk_set set = forge_set("{\"kty\":\"RSA\",\"n\":\"" RFC7515_A2_N "\",\"e\":\"AQAB\"}");
    struct span token = span_of(vectors[1].token);
    assert_int_equal(verify(&set, token, &any), ERR_NOT_FOUND);
    assert_int_equal(verify(&set, token, &(struct jws_expect){.algs = rs}), ERR_OK);
    assert_int_equal(verify(&set, token, &(struct jws_expect){.algs = ps}), ERR_UNSUPPORTED);
    assert_int_equal(verify(&set, token, &(struct jws_expect){.algs = none}), ERR_UNSUPPORTED);
    /* And one with an algorithm only with that. */
    CLEANUP(jwk_set_done) struct jwk_set named = forge_set(RFC7515_A2_KEY);
    assert_int_equal(verify(&named, token, &(struct jws_expect){.algs = rs}), ERR_OK);
    assert_int_equal(verify(&named, token, &(struct jws_expect){.algs = es}), ERR_UNSUPPORTED);
}

static void test_E18_choice_among_many(void **state) {
    (void)state;
    CLEANUP(jwk_set_done) struct jwk_set set = {.count = 0};
    assert_int_equal(jwk_set_parse(SPAN("{\"keys\":[{" OKP_MEMBERS ",\"kid\":\"a\"},"
                                        "{" EC_MEMBERS ",\"kid\":\"b\"}," RFC7515_A2_KEY "]}"),
                                   &set),
                     ERR_OK);
    for (size_t i = 1; i < 4; i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct jws jws;
        assert_int_equal(jws_verify(&a, span_of(vectors[i].token), &any, &set, &jws), ERR_OK);
    }
    struct jwk_set empty = {.count = 0};
    assert_int_equal(verify(&empty, span_of(vectors[2].token), &any), ERR_NOT_FOUND);
}

/* A set may be its owner's choice, and so may a token that none of its keys signed: the work that it
 * makes must not grow with the set. */
static void test_E18_only_so_many_are_tried(void **state) {
    (void)state;
    const struct span token = span_of(vectors[2].token);
    for (size_t before = 0; before <= JWS_CANDIDATES_MAX; before++) {
        CLEANUP(jwk_set_done) struct jwk_set set = {.count = 0};
        struct jwk *other;
        for (; set.count < before; set.count++) {
            assert_int_equal(jwk_generate(jose_alg_find(SPAN("ES256")), &other), ERR_OK);
            other->kid[0] = '\0';
            set.key[set.count] = other;
        }
        set.key[set.count] = NULL;
        assert_int_equal(jwk_parse(SPAN(RFC7515_A3_KEY), &set.key[set.count]), ERR_OK);
        set.count++;
        assert_int_equal(verify(&set, token, &any),
                         before < JWS_CANDIDATES_MAX ? ERR_OK : ERR_BAD_SIGNATURE);
    }
}

static int init(void **state) {
    (void)state;
    return secret_init() != ERR_OK;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_every_character_counts),
        cmocka_unit_test(test_eddsa_signature_is_the_published_one),
        cmocka_unit_test(test_what_we_sign_verifies),
        cmocka_unit_test(test_signer_refuses),
        cmocka_unit_test(test_E18_kid),
        cmocka_unit_test(test_E16_typ),
        cmocka_unit_test(test_E11_key_without_alg),
        cmocka_unit_test(test_E18_choice_among_many),
        cmocka_unit_test(test_E18_only_so_many_are_tried),
    };
    return cmocka_run_group_tests_name("keys/jws", tests, init, NULL);
}
