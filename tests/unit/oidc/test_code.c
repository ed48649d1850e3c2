/* SPDX-License-Identifier: Apache-2.0
 *
 * A code opens only as it was made, tells its grant's key at any age, and redeems only with the
 * redirect URI and the verifier that it was made for (B04, B05, B06). */
#include <sodium.h>

#include "base/encode.h"
#include "check.h"
#include "protocols/oidc/code.h"

#define NOW 1800000000
#define VERIFIER SPAN("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") /* RFC 7636 appendix B */
#define CHALLENGE SPAN("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")

static struct arena arena = ARENA_INIT(8 * 1024 * 1024);

static struct code_content sample(void) {
    struct code_content c = {
        .client_id = SPAN("portal"),
        .redirect_uri = SPAN("https://portal.example/cb"),
        .has_challenge = true,
        .user_id = {{7}},
        .session_key = {{8}},
        .session_expires_at = NOW + 43200,
        .auth_time = NOW - 5,
        .amr = AMR_PWD,
        .acr = SPAN("LoA1"),
        .nonce = SPAN("n-1"),
        .scope = SPAN("openid profile"),
        .resource = SPAN("https://api.example.vn"),
    };
    size_t len;
    assert_int_equal(b64url_decode(CHALLENGE, c.challenge, sizeof c.challenge, &len), ERR_OK);
    return c;
}

static struct span seal(const struct code_content *c, struct grant_key *key, struct span *pending) {
    struct span code;
    assert_int_equal(code_seal(NULL, &arena, c, NOW, &code, key, pending), ERR_OK);
    return code;
}

static void test_round_trip(void **state) {
    (void)state;
    struct code_content c = sample(), got;
    struct grant_key key;
    struct span pending, code = seal(&c, &key, &pending);
    assert_null(pending.ptr);
    assert_true(code.len <= CODE_TEXT_MAX);

    struct code_text text;
    assert_int_equal(code_parse(&arena, code, &text), ERR_OK);
    assert_int_equal(text.issued_at, NOW);
    assert_memory_equal(text.key.b, key.b, GRANT_KEY_BYTES);
    assert_memory_not_equal(text.key.b + 4, text.head + 4, 16); /* a row does not tell the id */
    assert_int_equal(code_open(NULL, &arena, &text, text.sealed, NOW + 3, &got), ERR_OK);
    assert_span(got.client_id, "portal");
    assert_span(got.nonce, "n-1");
    assert_span(got.scope, "openid profile");
    assert_span(got.resource, "https://api.example.vn");
    assert_span(got.acr, "LoA1");
    assert_int_equal(got.auth_time, NOW - 5);
    assert_int_equal(got.session_expires_at, NOW + 43200);
    assert_int_equal(got.amr, AMR_PWD);
    assert_memory_equal(got.user_id.b, c.user_id.b, USER_ID_BYTES);
    assert_memory_equal(got.session_key.b, c.session_key.b, SESSION_KEY_BYTES);
    arena_reset(&arena);
}

static void test_absent_stays_absent(void **state) {
    (void)state;
    struct code_content c = sample(), got;
    c.nonce = c.acr = SPAN_NONE;
    struct grant_key key;
    struct span pending, code = seal(&c, &key, &pending);
    struct code_text text;
    assert_int_equal(code_parse(&arena, code, &text), ERR_OK);
    assert_int_equal(code_open(NULL, &arena, &text, text.sealed, NOW, &got), ERR_OK);
    assert_null(got.nonce.ptr);
    assert_null(got.acr.ptr);
    arena_reset(&arena);
}

static void test_A64_codes_differ(void **state) {
    (void)state;
    struct code_content c = sample();
    struct grant_key one, two;
    struct span pending, a = seal(&c, &one, &pending), b = seal(&c, &two, &pending);
    assert_false(span_eq(a, b));
    assert_memory_not_equal(one.b, two.b, GRANT_KEY_BYTES);
    assert_memory_equal(one.b, two.b, 4); /* keys of hot tables begin with time */
    arena_reset(&arena);
}

static void test_large_content_goes_to_a_row(void **state) {
    (void)state;
    static char nonce[513];
    memset(nonce, 'n', 512);
    struct code_content c = sample(), got;
    c.nonce = span_of(nonce);
    struct grant_key key;
    struct span pending, code = seal(&c, &key, &pending);
    assert_int_equal(code.len, B64URL_LEN(CODE_HEAD_BYTES));
    assert_true(pending.len > 512);
    struct code_text text;
    assert_int_equal(code_parse(&arena, code, &text), ERR_OK);
    assert_null(text.sealed.ptr);
    assert_memory_equal(text.key.b, key.b, GRANT_KEY_BYTES);
    assert_int_equal(code_open(NULL, &arena, &text, pending, NOW, &got), ERR_OK);
    assert_span(got.nonce, nonce);

    /* A row of one code does not open under another. */
    struct span other_pending, other = seal(&c, &key, &other_pending);
    assert_int_equal(code_parse(&arena, other, &text), ERR_OK);
    assert_int_equal(code_open(NULL, &arena, &text, pending, NOW, &got), ERR_BAD_SIGNATURE);
    arena_reset(&arena);
}

static void test_B06_every_changed_byte_is_noticed(void **state) {
    (void)state;
    struct code_content c = sample(), got;
    struct grant_key key;
    struct span pending, code = seal(&c, &key, &pending), bytes;
    assert_int_equal(b64url_decode_arena(&arena, code, &bytes), ERR_OK);
    for (size_t i = 0; i < bytes.len; i++) {
        struct span copy = arena_dup(&arena, bytes);
        ((char *)(uintptr_t)copy.ptr)[i] ^= 1;
        char *text = arena_alloc(&arena, B64URL_LEN(copy.len) + 1);
        struct code_text t;
        size_t len = b64url_encode(copy.ptr, copy.len, text);
        assert_int_equal(code_parse(&arena, span_bytes(text, len), &t), ERR_OK);
        assert_int_not_equal(code_open(NULL, &arena, &t, t.sealed, NOW, &got), ERR_OK);
    }
    arena_reset(&arena);
}

static void test_B06_text_form(void **state) {
    (void)state;
    struct code_content c = sample();
    struct grant_key key;
    struct span pending, code = seal(&c, &key, &pending);
    struct code_text t;
    assert_int_equal(code_parse(&arena, code, &t), ERR_OK);
    static const char *const tails[] = {" ", "\n", "=", "A*", "%00"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char *text = arena_printf(&arena, "%.*s%s", SPAN_FMT(code), tails[i]);
        assert_int_not_equal(code_parse(&arena, span_of(text), &t), ERR_OK);
    }
    assert_int_not_equal(code_parse(&arena, SPAN(""), &t), ERR_OK);
    assert_int_not_equal(code_parse(&arena, SPAN("AAAA"), &t), ERR_OK);
    static char huge[CODE_TEXT_MAX + 2];
    memset(huge, 'A', CODE_TEXT_MAX + 1);
    assert_int_equal(code_parse(&arena, span_of(huge), &t), ERR_TOO_LONG);
    arena_reset(&arena);
}

static void test_B02_key_of_an_old_code(void **state) {
    (void)state;
    struct code_content c = sample(), got;
    struct grant_key key;
    struct span pending, code = seal(&c, &key, &pending);
    struct code_text t;
    assert_int_equal(code_parse(&arena, code, &t), ERR_OK);
    assert_int_equal(code_open(NULL, &arena, &t, t.sealed, NOW + 10 * 86400, &got), ERR_EXPIRED);
    assert_memory_equal(t.key.b, key.b, GRANT_KEY_BYTES);
    arena_reset(&arena);
}

static void test_B04_redirect_uri(void **state) {
    (void)state;
    struct code_content c = sample(), got;
    struct grant_key key;
    struct span pending, code = seal(&c, &key, &pending);
    struct code_text t;
    assert_int_equal(code_parse(&arena, code, &t), ERR_OK);
    assert_int_equal(code_open(NULL, &arena, &t, t.sealed, NOW, &got), ERR_OK);
    assert_true(code_redirect_uri_matches(&got, c.redirect_uri));
    assert_false(code_redirect_uri_matches(&got, SPAN("https://portal.example/cb/")));
    assert_false(code_redirect_uri_matches(&got, SPAN("https://portal.example/c")));
    assert_false(code_redirect_uri_matches(&got, SPAN_NONE));
    arena_reset(&arena);
}

static void test_B05_verifier(void **state) {
    (void)state;
    struct code_content c = sample();
    assert_true(code_verifier_matches(&c, VERIFIER));
    assert_false(code_verifier_matches(&c, SPAN_NONE));
    assert_false(code_verifier_matches(&c, SPAN("DBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
    assert_false(code_verifier_matches(&c, SPAN("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX")));
    assert_false(code_verifier_matches(&c, CHALLENGE)); /* plain */

    /* Lengths and alphabet hold even when the hash would match. */
    static const char *const bad[] = {"short", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOE X*"};
    for (size_t i = 0; i < 2; i++) {
        crypto_hash_sha256(c.challenge, (const unsigned char *)bad[i], strlen(bad[i]));
        assert_false(code_verifier_matches(&c, span_of(bad[i])));
    }
    static char text[130];
    memset(text, 'a', 128);
    crypto_hash_sha256(c.challenge, (const unsigned char *)text, 128);
    assert_true(code_verifier_matches(&c, span_of(text)));
    text[128] = 'a';
    crypto_hash_sha256(c.challenge, (const unsigned char *)text, 129);
    assert_false(code_verifier_matches(&c, span_of(text)));
}

static void test_B05_downgrade(void **state) {
    (void)state;
    struct code_content c = sample();
    c.has_challenge = false;
    assert_true(code_verifier_matches(&c, SPAN_NONE));
    assert_false(code_verifier_matches(&c, VERIFIER));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_absent_stays_absent),
        cmocka_unit_test(test_A64_codes_differ),
        cmocka_unit_test(test_large_content_goes_to_a_row),
        cmocka_unit_test(test_B06_every_changed_byte_is_noticed),
        cmocka_unit_test(test_B06_text_form),
        cmocka_unit_test(test_B02_key_of_an_old_code),
        cmocka_unit_test(test_B04_redirect_uri),
        cmocka_unit_test(test_B05_verifier),
        cmocka_unit_test(test_B05_downgrade),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
