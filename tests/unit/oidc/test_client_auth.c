/* SPDX-License-Identifier: Apache-2.0
 *
 * A client authenticates by exactly the method it registered, and whatever else a request presents
 * is refused the same way (B07, B08, B09, B10). */
#include <openssl/sha.h>

#include "base/buf.h"
#include "base/encode.h"
#include "check.h"
#include "protocols/oidc/client_assertion.h"
#include "protocols/oidc/client_auth.h"

#define NOW 1700000000

static enum verdict check_at(const struct client *c, const struct client_auth_claim *claim,
                             int64_t now) {
    const struct client_secret *secret = (const void *)c; /* to be seen to be set, or left alone */
    enum verdict v = client_auth_check(c, claim, now, &secret);
    if (v != ALLOW)
        assert_ptr_equal(secret, c);
    else if (claim->method == CLIENT_AUTH_NONE)
        assert_null(secret);
    else
        assert_in_range((uintptr_t)secret, (uintptr_t)&c->secret[0], (uintptr_t)&c->secret[1]);
    return v;
}

static enum verdict check_now(const struct client *c, const struct client_auth_claim *claim) {
    return check_at(c, claim, NOW);
}

static struct arena arena = ARENA_INIT(1024 * 1024);

static struct span basic(const char *id_and_secret) {
    struct buf b = BUF_INIT(8192);
    buf_add_str(&b, "Basic ");
    b64_add(&b, id_and_secret, strlen(id_and_secret));
    struct span header = arena_dup(&arena, buf_span(&b));
    buf_done(&b);
    return header;
}

static struct client_auth_input header_input(struct span header) {
    return (struct client_auth_input){.authorization = header, .n_authorization = 1};
}

static enum oidc_error parse(const struct client_auth_input *in, struct client_auth_claim *claim) {
    return client_auth_parse(&arena, in, claim).error;
}

static void test_B09_basic_is_form_decoded(void **state) {
    (void)state;
    static const struct {
        const char *text, *id, *secret;
    } cases[] = {
        {"portal:secret", "portal", "secret"},
        {"a%3Ab%25c%2Bd:s%3A1+2", "a:b%c+d", "s:1 2"},
        {"portal:a:b", "portal", "a:b"},
        {"c%C3%B4ng:m%E1%BA%ADt", "công", "mật"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_auth_claim claim;
        struct client_auth_input in = header_input(basic(cases[i].text));
        assert_int_equal(parse(&in, &claim), OIDC_NO_ERROR);
        assert_int_equal(claim.method, CLIENT_AUTH_SECRET_BASIC);
        assert_span(claim.client_id, cases[i].id);
        assert_span(claim.secret, cases[i].secret);
        assert_true(claim.used_header);
    }
    struct client_auth_claim claim;
    struct client_auth_input in = header_input(basic("portal:secret"));
    in.authorization = span_of(arena_printf(&arena, "bAsIc %s", in.authorization.ptr + 6));
    assert_int_equal(parse(&in, &claim), OIDC_NO_ERROR);
}

static void test_B08_malformed_headers(void **state) {
    (void)state;
    const struct span headers[] = {
        SPAN("Basic"),       SPAN("Basic "),          SPAN("Basic !!!"),     SPAN("Basic cG9ydGFs"),
        SPAN("Bearer abc"),  SPAN("Bearer"),          SPAN(""),              SPAN("BasiccG9ydGFsOnM="),
        SPAN("Basic  cG9ydGFsOnM="), SPAN("Basic cG9ydGFsOnM"), basic(":secret"), basic("a%zz:secret"),
        basic("a%00b:secret"), basic("a:\xff"), SPAN("Digest username=\"a\""),
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct client_auth_claim claim;
        struct client_auth_input in = header_input(headers[i]);
        assert_int_equal(parse(&in, &claim), OIDC_INVALID_CLIENT);
        assert_true(claim.used_header);
        assert_int_equal(check_now(NULL, &claim), DENY);
    }
}

static void test_B07_one_method_only(void **state) {
    (void)state;
    struct client_auth_claim claim;
    struct client_auth_input in = header_input(basic("portal:secret"));
    in.client_secret = SPAN("secret");
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_REQUEST);
    in = header_input(basic("portal:secret"));
    in.client_assertion = SPAN("a.b.c");
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_REQUEST);
    in = header_input(basic("portal:secret"));
    in.n_authorization = 2;
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_REQUEST);
    in = header_input(basic("portal:secret"));
    in.client_id = SPAN("other");
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_REQUEST);
    in.client_id = SPAN("portal");
    assert_int_equal(parse(&in, &claim), OIDC_NO_ERROR);
    in = (struct client_auth_input){0};
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_CLIENT);
}

/* base64url of {} and of {"sub":"portal"} */
#define ASSERTION "e30.eyJzdWIiOiJwb3J0YWwifQ.AAAA"

static void test_B10_assertions(void **state) {
    (void)state;
    struct client_auth_claim claim;
    const struct client_auth_input good = {.client_assertion = SPAN(ASSERTION),
                                           .client_assertion_type = SPAN(CLIENT_ASSERTION_TYPE)};
    struct client_auth_input in = good;
    assert_int_equal(parse(&in, &claim), OIDC_NO_ERROR);
    assert_int_equal(claim.method, CLIENT_AUTH_PRIVATE_KEY_JWT);
    assert_span(claim.client_id, "portal");
    assert_span(claim.assertion, ASSERTION);
    in.client_id = SPAN("portal");
    assert_int_equal(parse(&in, &claim), OIDC_NO_ERROR);
    in.client_id = SPAN("other");
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_CLIENT);

    in = good;
    in.client_secret = SPAN("secret");
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_CLIENT);
    in = good;
    in.client_assertion_type = SPAN_NONE;
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_CLIENT);
    in.client_assertion_type = SPAN("urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_CLIENT);
    in = good;
    in.client_assertion = SPAN_NONE;
    in.client_id = SPAN("portal");
    assert_int_equal(parse(&in, &claim), OIDC_INVALID_CLIENT);
    static const char *const bad[] = {"a", "a.b.c", "e30", "e30.", "e30..", "e30.e30.AAAA", "e30.W10.AAAA",
                                      "e30.eyJzdWIiOjF9.AAAA" /* sub 1 */,
                                      "e30.eyJzdWIiOiIifQ.AAAA" /* sub "" */};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        in = good;
        in.client_assertion = span_of(bad[i]);
        assert_int_equal(parse(&in, &claim), OIDC_INVALID_CLIENT);
        assert_int_equal(claim.method, CLIENT_AUTH_INVALID);
    }
}

static struct client sample(enum client_auth auth) {
    struct client c = {.client_id = SPAN("portal"),
                       .is_enabled = true,
                       .is_public = auth == CLIENT_AUTH_NONE,
                       .auth = auth,
                       .n_secrets = auth == CLIENT_AUTH_NONE ? 0 : 2};
    SHA256((const unsigned char *)"secret", 6, c.secret[0].hash);
    SHA256((const unsigned char *)"before", 6, c.secret[1].hash);
    c.secret[1].expires_at = NOW + 10;
    return c;
}

static void test_B10_registered_method_and_secret(void **state) {
    (void)state;
    static const enum client_auth methods[] = {CLIENT_AUTH_NONE, CLIENT_AUTH_SECRET_BASIC,
                                               CLIENT_AUTH_SECRET_POST, CLIENT_AUTH_PRIVATE_KEY_JWT,
                                               CLIENT_AUTH_INVALID};
    for (size_t registered = 0; registered < 5; registered++)
        for (size_t presented = 0; presented < 4; presented++) {
            struct client c = sample(methods[registered]);
            struct client_auth_claim claim = {
                .method = methods[presented],
                .client_id = SPAN("portal"),
                .secret = methods[presented] == CLIENT_AUTH_NONE ? SPAN_NONE : SPAN("secret"),
            };
            bool good = registered == presented && presented < 3; /* an assertion needs more */
            assert_int_equal(check_now(&c, &claim), good ? ALLOW : DENY);
        }
}

static void test_B08_wrong_secret(void **state) {
    (void)state;
    struct client c = sample(CLIENT_AUTH_SECRET_BASIC);
    struct client_auth_claim claim = {.method = CLIENT_AUTH_SECRET_BASIC, .client_id = SPAN("portal")};
    static const char *const wrong[] = {"", "Secret", "secret ", "secre", "secret1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        claim.secret = span_of(wrong[i]);
        assert_int_equal(check_now(&c, &claim), DENY);
    }
    claim.secret = SPAN("secret");
    assert_int_equal(check_now(&c, &claim), ALLOW);
    c.is_enabled = false;
    assert_int_equal(check_now(&c, &claim), DENY);
    assert_int_equal(check_now(NULL, &claim), DENY);
    assert_int_equal(check_now(NULL, &(struct client_auth_claim){0}), DENY);
}

/* Both are good until the older ends; the moment of its end is too late. */
static void test_two_secrets_and_their_ends(void **state) {
    (void)state;
    struct client c = sample(CLIENT_AUTH_SECRET_POST);
    struct client_auth_claim claim = {.method = CLIENT_AUTH_SECRET_POST, .client_id = SPAN("portal"),
                                      .secret = SPAN("before")};
    assert_int_equal(check_at(&c, &claim, NOW + 9), ALLOW);
    assert_int_equal(check_at(&c, &claim, NOW + 10), DENY);
    claim.secret = SPAN("secret");
    assert_int_equal(check_at(&c, &claim, NOW + 10), ALLOW);
    c.secret[0].expires_at = NOW + 20;
    assert_int_equal(check_at(&c, &claim, NOW + 19), ALLOW);
    assert_int_equal(check_at(&c, &claim, NOW + 20), DENY);
    claim.secret = SPAN("third");
    assert_int_equal(check_at(&c, &claim, NOW), DENY);
    c.n_secrets = 0;
    claim.secret = SPAN("secret");
    assert_int_equal(check_at(&c, &claim, NOW), DENY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_B09_basic_is_form_decoded),
        cmocka_unit_test(test_B08_malformed_headers),
        cmocka_unit_test(test_B07_one_method_only),
        cmocka_unit_test(test_B10_assertions),
        cmocka_unit_test(test_B10_registered_method_and_secret),
        cmocka_unit_test(test_B08_wrong_secret),
        cmocka_unit_test(test_two_secrets_and_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
