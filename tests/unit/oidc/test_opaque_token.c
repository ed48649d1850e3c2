/* SPDX-License-Identifier: Apache-2.0
 *
 * opaque_token: what comes out is what went in; nothing of it can be read or changed from outside;
 * no two are alike; after its end it is nothing. */
#include <string.h>

#include "check.h"
#include "protocols/oidc/opaque_token.h"

#define NOW 1800000000

static struct arena arena = ARENA_INIT(8 * 1024 * 1024);

static struct access_token sample(void) {
    return (struct access_token){
        .has_grant = true,
        .grant = {{1, 2, 3}},
        .sub = SPAN("person"),
        .client_id = SPAN("portal"),
        .scope = SPAN("openid profile"),
        .aud = SPAN("https://id.example.vn"),
        .jti = SPAN("jti-1"),
        .acr = SPAN("LoA1"),
        .auth_time = NOW - 5,
        .issued_at = NOW,
        .expires_at = NOW + 300,
    };
}

static struct span seal(const struct access_token *t) {
    struct span token;
    assert_int_equal(opaque_token_seal(NULL, &arena, t, &token), ERR_OK);
    return token;
}

static enum err open_at(struct span token, int64_t now) {
    struct access_token got;
    return opaque_token_open(NULL, &arena, token, now, &got);
}

static void test_round_trip(void **state) {
    (void)state;
    struct access_token t = sample(), got;
    struct span token = seal(&t);
    assert_true(opaque_token_is(token));
    assert_false(memmem(token.ptr, token.len, "portal", 6) != NULL);
    assert_int_equal(opaque_token_open(NULL, &arena, token, NOW + 299, &got), ERR_OK);
    assert_true(got.has_grant);
    assert_memory_equal(got.grant.b, t.grant.b, GRANT_KEY_BYTES);
    assert_span(got.sub, "person");
    assert_span(got.client_id, "portal");
    assert_span(got.scope, "openid profile");
    assert_span(got.aud, "https://id.example.vn");
    assert_span(got.jti, "jti-1");
    assert_span(got.acr, "LoA1");
    assert_int_equal(got.auth_time, NOW - 5);
    assert_int_equal(got.issued_at, NOW);
    assert_int_equal(got.expires_at, NOW + 300);
    assert_false(span_eq(seal(&t), token));

    t = (struct access_token){.sub = SPAN("machine"), .client_id = SPAN("machine"), .aud = SPAN("x"),
                              .jti = SPAN("j"), .issued_at = NOW, .expires_at = NOW + 300};
    assert_int_equal(opaque_token_open(NULL, &arena, seal(&t), NOW, &got), ERR_OK);
    assert_false(got.has_grant);
    assert_null(got.scope.ptr);
    assert_null(got.acr.ptr);
}

static void test_after_its_end_it_is_nothing(void **state) {
    (void)state;
    struct access_token t = sample();
    struct span token = seal(&t);
    assert_int_equal(open_at(token, NOW + 300), ERR_EXPIRED);
    assert_int_equal(open_at(token, NOW + 3 * 86400), ERR_EXPIRED);
}

static void test_every_change_is_seen(void **state) {
    (void)state;
    struct access_token t = sample();
    struct span token = seal(&t);
    char *copy = arena_strndup(&arena, token.ptr, token.len);
    for (size_t i = 0; i < token.len; i++) {
        copy[i] ^= 1;
        assert_int_not_equal(open_at(span_bytes(copy, token.len), NOW), ERR_OK);
        copy[i] ^= 1;
    }
    assert_int_equal(open_at(span_bytes(copy, token.len), NOW), ERR_OK);
    for (size_t len = 0; len < token.len; len++)
        assert_int_not_equal(open_at(span_bytes(copy, len), NOW), ERR_OK);
    assert_int_not_equal(open_at(SPAN("idp_at_"), NOW), ERR_OK);
    assert_int_not_equal(open_at(SPAN("eyJhbGciOiJFUzI1NiJ9.e30.AA"), NOW), ERR_OK);
    static char huge[3 * OPAQUE_TOKEN_MAX] = "idp_at_";
    memset(huge + 7, 'A', sizeof huge - 7);
    assert_int_equal(open_at(span_bytes(huge, sizeof huge), NOW), ERR_SYNTAX);
}

static void test_what_does_not_fit_is_refused(void **state) {
    (void)state;
    static char scope[OPAQUE_TOKEN_MAX];
    struct access_token t = sample();
    struct span token;
    memset(scope, 'a', sizeof scope);
    t.scope = span_bytes(scope, sizeof scope);
    assert_int_equal(opaque_token_seal(NULL, &arena, &t, &token), ERR_TOO_LONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_after_its_end_it_is_nothing),
        cmocka_unit_test(test_every_change_is_seen),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
