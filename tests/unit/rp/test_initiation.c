/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a login that another site begins is for our provider, and ends on our own origin: no
 * text makes another host, port, scheme or user part of it (F18). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "protocols/rp/rp_internal.h"

#define ISSUER "https://sso.example.gov.vn"
#define ORIGIN "https://p.example"

static struct rp *rp;

static enum err parse(struct arena *a, const char *query, struct rp_initiation *ret) {
    struct params params = {.count = 0};
    enum err e = params_split(a, span_of(query), &params);
    return e ? e : rp_initiation_parse(a, &params, ret);
}

static void test_parameters(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct rp_initiation i;
    assert_int_equal(parse(&a, "iss=x&login_hint=a%26b&target_link_uri=u&more=1", &i), ERR_OK);
    assert_true(span_is(i.iss, "x") && span_is(i.login_hint, "a&b") && span_is(i.target_link_uri, "u"));
    assert_int_equal(parse(&a, "iss=x", &i), ERR_OK);
    assert_true(!i.login_hint.ptr && !i.target_link_uri.ptr);
    assert_int_equal(parse(&a, "login_hint=a", &i), ERR_MISSING);
    assert_int_equal(parse(&a, "iss=", &i), ERR_MISSING);
    assert_int_equal(parse(&a, "iss=x&iss=x", &i), ERR_REPEATED);
    assert_int_equal(parse(&a, "iss=x&target_link_uri=a&target_link_uri=b", &i), ERR_REPEATED);
    assert_int_equal(parse(&a, "iss=x&target_link_uri=%0d%0a", &i), ERR_SYNTAX);
    assert_int_equal(parse(&a, "iss=x&login_hint=%ff", &i), ERR_SYNTAX);
    char query[4096] = "iss=x&login_hint=";
    memset(query + strlen(query), 'a', 257);
    assert_int_equal(parse(&a, query, &i), ERR_TOO_LONG);
}

static void test_provider(void **state) {
    (void)state;
    static const char *const others[] = {"", "https://sso.example.gov.vn/", "https://sso.example.gov.v",
                                         "https://SSO.example.gov.vn", "https://evil.example"};
    struct rp_initiation i = {.iss = SPAN(ISSUER)};
    assert_int_equal(rp_initiation_check(rp, &i, ORIGIN), ERR_OK);
    for (size_t k = 0; k < ARRAY_LEN(others); k++) {
        i.iss = span_of(others[k]);
        assert_int_equal(rp_initiation_check(rp, &i, ORIGIN), ERR_REFUSED);
    }
}

static void test_F18_targets(void **state) {
    (void)state;
    static const char *const own[] = {ORIGIN, ORIGIN "/", ORIGIN "?a=b", ORIGIN "#a", ORIGIN "/a/b?c=d#e",
                                      ORIGIN "//evil.example", ORIGIN "/?u=https://evil.example"};
    static const char *const foreign[] = {
        "", "/", "//evil.example", "https://evil.example/", ORIGIN ".evil.example", ORIGIN "@evil.example",
        ORIGIN ":443/", ORIGIN "\\@evil.example", ORIGIN "/\\evil.example", ORIGIN "/ x", ORIGIN "%2eevil",
        ORIGIN "/\x7f", ORIGIN "/\xc3\xa1", "http://p.example/", "HTTPS://p.example/", "https://P.example/",
        "https://p.example.", " " ORIGIN "/", "https:/p.example/", "https://p.exampl", "javascript:alert(1)"};
    struct rp_initiation i = {.iss = SPAN(ISSUER)};
    for (size_t k = 0; k < ARRAY_LEN(own); k++) {
        i.target_link_uri = span_of(own[k]);
        assert_int_equal(rp_initiation_check(rp, &i, ORIGIN), ERR_OK);
    }
    for (size_t k = 0; k < ARRAY_LEN(foreign); k++) {
        i.target_link_uri = span_of(foreign[k]);
        assert_int_equal(rp_initiation_check(rp, &i, ORIGIN), ERR_REFUSED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_provider),
        cmocka_unit_test(test_F18_targets),
    };
    const struct rp_config config = {.issuer = ISSUER, .client_id = "c", .client_secret = "s",
                                     .redirect_uri = ORIGIN "/cb", .scope = "openid", .id_token_alg = "ES256"};
    if (secret_init() || rp_new(&config, &rp))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rp_free(rp);
    return failed;
}
