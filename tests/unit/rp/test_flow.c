/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what goes out carries state, nonce and PKCE of its own and nothing unescaped; what
 * comes back passes only with this login's state and this provider's name (U01, U02, U07);
 * addresses that are not https, or not this machine for a provider on it, are never used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/params.h"
#include "base/secret.h"
#include "protocols/rp/rp_internal.h"

#define ISSUER "https://sso.example.gov.vn"

static const struct rp_config good_config = {
    .issuer = ISSUER,
    .client_id = "cổng & 1",
    .client_secret = "s",
    .redirect_uri = "https://p.example/cb?a=b",
    .post_logout_redirect_uri = "https://p.example/bye",
    .scope = "openid profile",
    .id_token_alg = "ES256",
};

/* As after discovery. */
static int setup(void **state) {
    struct rp *rp = NULL;
    assert_int_equal(rp_new(&good_config, &rp), ERR_OK);
    rp->at = (struct rp_endpoints){.authorization = strdup(ISSUER "/authorize?tenant=1"),
                                   .token = strdup(ISSUER "/token"),
                                   .end_session = strdup(ISSUER "/logout"),
                                   .iss_in_answer = true};
    rp->ready = true;
    *state = rp;
    return 0;
}

static int teardown(void **state) {
    rp_free(*state);
    return 0;
}

static struct span value_of(struct arena *a, const struct buf *url, const char *name) {
    struct params params = {.count = 0};
    struct span rest = buf_span(url);
    (void)span_cut(&rest, '?');
    assert_int_equal(params_split(a, rest, &params), ERR_OK);
    assert_true(params_count(&params, name) <= 1);
    return params_find(&params, name);
}

static void test_the_request_carries_all_it_must(void **state) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    /* RFC 7636 appendix B: verifier and challenge. */
    const struct rp_login login = {
        .state = "st", .nonce = "no", .verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"};
    assert_int_equal(rp_authorize_url(*state, &login, "&ui_locales=vi", &url), ERR_OK);
    static const char *const wanted[][2] = {
        {"tenant", "1"},
        {"response_type", "code"},
        {"client_id", "cổng & 1"},
        {"redirect_uri", "https://p.example/cb?a=b"},
        {"scope", "openid profile"},
        {"state", "st"},
        {"nonce", "no"},
        {"code_challenge_method", "S256"},
        {"code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
        {"ui_locales", "vi"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_true(span_is(value_of(&a, &url, wanted[i][0]), wanted[i][1]));
    assert_null(strstr(url.data, "dBjftJeZ4CVP")); /* the verifier stays here */
}

static void test_no_two_logins_share_a_value(void **state) {
    (void)state;
    struct rp_login a, b;
    rp_login_new(&a);
    rp_login_new(&b);
    assert_int_equal(strlen(a.state), 43);
    assert_int_equal(strlen(a.nonce), 43);
    assert_int_equal(strlen(a.verifier), 43);
    assert_string_not_equal(a.state, b.state);
    assert_string_not_equal(a.nonce, b.nonce);
    assert_string_not_equal(a.verifier, b.verifier);
    assert_string_not_equal(a.state, a.nonce);
}

static void test_U01_U02_callbacks_of_others_are_refused(void **state) {
    struct rp *rp = *state;
    struct rp_login login;
    rp_login_new(&login);
    const struct rp_callback good = {
        .code = SPAN("c"), .state = span_of(login.state), .iss = SPAN(ISSUER)};
    assert_int_equal(rp_callback_check(rp, &login, &good), ERR_OK);
    struct rp_callback c = good;
    c.iss = SPAN("https://evil.example");
    assert_int_equal(rp_callback_check(rp, &login, &c), ERR_REFUSED);
    c.iss = SPAN(ISSUER "/");
    assert_int_equal(rp_callback_check(rp, &login, &c), ERR_REFUSED);
    c.iss = SPAN_NONE; /* advertised, so its absence is an attack */
    assert_int_equal(rp_callback_check(rp, &login, &c), ERR_REFUSED);
    rp->at.iss_in_answer = false;
    assert_int_equal(rp_callback_check(rp, &login, &c), ERR_OK);
    c.iss = SPAN("https://evil.example"); /* not promised, but wrong all the same */
    assert_int_equal(rp_callback_check(rp, &login, &c), ERR_REFUSED);
    rp->at.iss_in_answer = true;
    c = good;
    c.state = SPAN("other");
    assert_int_equal(rp_callback_check(rp, &login, &c), ERR_REFUSED);
    c.state = SPAN_NONE;
    assert_int_equal(rp_callback_check(rp, &login, &c), ERR_REFUSED);
    c = good;
    c.code = SPAN_NONE;
    assert_int_equal(rp_callback_check(rp, &login, &c), ERR_REFUSED);
    struct rp_login forgotten = {.state = ""};
    c = (struct rp_callback){.code = SPAN("c"), .state = SPAN(""), .iss = SPAN(ISSUER)};
    assert_int_equal(rp_callback_check(rp, &forgotten, &c), ERR_REFUSED);
}

static void test_an_error_answer_counts_only_with_state_and_iss(void **state) {
    struct rp_login login;
    rp_login_new(&login);
    struct rp_callback c = {
        .error = SPAN("access_denied"), .state = span_of(login.state), .iss = SPAN(ISSUER)};
    assert_int_equal(rp_callback_check(*state, &login, &c), ERR_NOT_FOUND);
    c.state = SPAN("x");
    assert_int_equal(rp_callback_check(*state, &login, &c), ERR_REFUSED);
    c.state = span_of(login.state);
    c.iss = SPAN("https://evil.example");
    assert_int_equal(rp_callback_check(*state, &login, &c), ERR_REFUSED);
}

static void test_nothing_is_judged_before_discovery(void **state) {
    struct rp *rp = *state;
    struct rp_login login;
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    struct rp_tokens tokens;
    json_t *claims = NULL;
    rp_login_new(&login);
    const struct rp_callback good = {
        .code = SPAN("c"), .state = span_of(login.state), .iss = SPAN(ISSUER)};
    rp->ready = false;
    assert_int_equal(rp_callback_check(rp, &login, &good), ERR_UNAVAILABLE);
    assert_int_equal(rp_finish(rp, &login, &good, &a, &tokens), ERR_UNAVAILABLE);
    assert_int_equal(rp_refresh(rp, SPAN("r"), SPAN("s"), &a, &tokens), ERR_UNAVAILABLE);
    assert_int_equal(rp_userinfo(rp, SPAN("t"), SPAN("s"), &a, &claims), ERR_UNAVAILABLE);
    assert_int_equal(rp_authorize_url(rp, &login, NULL, &url), ERR_UNAVAILABLE);
    assert_int_equal(rp_logout_url(rp, SPAN("t"), NULL, &url), ERR_UNAVAILABLE);
}

static void test_a_callback_is_read_strictly(void **state) {
    const struct rp *rp = *state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    static const struct {
        const char *query;
        enum err expect;
    } rows[] = {
        {"code=a%2Bb&state=s&iss=https%3A%2F%2Fx&more=1", ERR_OK},
        {"error=access_denied&error_description=kh%C3%B4ng&state=s", ERR_OK},
        {"", ERR_OK},
        {"code=a&code=b&state=s", ERR_REPEATED},
        {"code=a&state=s&state=s", ERR_REPEATED},
        {"code=a&iss=x&state=s&iss=y", ERR_REPEATED},
        {"code=%ZZ", ERR_SYNTAX},
        {"code=a%00b", ERR_SYNTAX},
        {"code=%C3%B4", ERR_SYNTAX},
        {"state=%0d%0aSet-Cookie:x", ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rp_callback c = {.code = SPAN("untouched")};
        assert_int_equal(rp_callback_parse(rp, &a, span_of(rows[i].query), &c), rows[i].expect);
        if (i == 0)
            assert_true(span_is(c.code, "a+b") && span_is(c.state, "s") &&
                        span_is(c.iss, "https://x"));
        if (rows[i].expect)
            assert_true(span_is(c.code, "untouched"));
    }
    char *text = arena_alloc(&a, 6000);
    memset(text, 'a', 5999);
    memcpy(text, "code=", 5);
    struct rp_callback c;
    assert_int_equal(rp_callback_parse(rp, &a, span_of(text), &c), ERR_TOO_LONG);
}

static void test_the_logout_request(void **state) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    assert_int_equal(rp_logout_url(*state, SPAN("a.b.c"), "s&x", &url), ERR_OK);
    assert_true(span_is(value_of(&a, &url, "id_token_hint"), "a.b.c"));
    assert_true(span_is(value_of(&a, &url, "client_id"), "cổng & 1"));
    assert_true(span_is(value_of(&a, &url, "post_logout_redirect_uri"), "https://p.example/bye"));
    assert_true(span_is(value_of(&a, &url, "state"), "s&x"));
}

static void test_addresses(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool https_rules, loopback_rules;
    } rows[] = {
        {"https://sso.example/token?a=b", true, true},
        {"https://sso.example:8443", true, true},
        {"http://localhost:8400/x", false, true},
        {"http://127.0.0.1", false, true},
        {"http://[::1]:1/", false, true},
        {"http://sso.example", false, false},
        {"http://localhost.evil.example", false, false},
        {"http://localhost:8400@evil.example/", false, false},
        {"http://127.0.0.1.evil.example/", false, false},
        {"http://10.0.0.1/", false, false},
        {"https://user@sso.example", false, false},
        {"https://user:word@sso.example", false, false},
        {"https://sso.example/#x", false, false},
        {"https://", false, false},
        {"https://a b/", false, false},
        {"https://sso.example/\r\nX: y", false, false},
        {"ftp://localhost/", false, false},
        {"file:///etc/passwd", false, false},
        {"javascript:alert(1)", false, false},
        {"sso.example", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if ((rp_url_check(rows[i].url, false) == ERR_OK) != rows[i].https_rules ||
            (rp_url_check(rows[i].url, true) == ERR_OK) != rows[i].loopback_rules)
            fail_msg("%s", rows[i].url);
    }
}

static void test_U07_only_configurations_that_hold(void **state) {
    (void)state;
    struct rp *rp = NULL;
    struct rp_config config = good_config;
    static const char *const bad[] = {"http://sso.example", "http://localhost.evil.example",
                                      "ftp://x", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        config.issuer = bad[i];
        assert_int_equal(rp_new(&config, &rp), ERR_UNSUPPORTED);
    }
    config.issuer = "http://localhost:8400";
    static const char *const bad_algs[] = {"HS256", "none", "PS384", "es256", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad_algs); i++) {
        config.id_token_alg = bad_algs[i];
        assert_int_equal(rp_new(&config, &rp), ERR_UNSUPPORTED);
    }
    static const char *const good_algs[] = {"RS256", "ES256", "PS256", "EdDSA"};
    for (size_t i = 0; i < ARRAY_LEN(good_algs); i++) {
        config.id_token_alg = good_algs[i];
        assert_int_equal(rp_new(&config, &rp), ERR_OK);
        rp_free(rp);
    }
    config.id_token_alg = NULL;
    assert_int_equal(rp_new(&config, &rp), ERR_UNSUPPORTED);
    config.no_id_token = true;
    assert_int_equal(rp_new(&config, &rp), ERR_OK);
    rp_free(rp);
}

/* ---- dialects ---- */

static void test_a_plus_survives_where_it_is_one(void **state) {
    struct rp *rp = *state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    struct span query = SPAN("code=a+b%2Bc%20d+&state=s");
    struct rp_callback c;
    assert_int_equal(rp_callback_parse(rp, &a, query, &c), ERR_OK);
    assert_true(span_is(c.code, "a b+c d "));
    rp->raw_plus = true;
    assert_int_equal(rp_callback_parse(rp, &a, query, &c), ERR_OK);
    assert_true(span_is(c.code, "a+b+c d+") && span_is(c.state, "s"));
    /* ... and reads as strictly as ever. */
    assert_int_equal(rp_callback_parse(rp, &a, SPAN("code=a+&code=a+"), &c), ERR_REPEATED);
    assert_int_equal(rp_callback_parse(rp, &a, SPAN("code=+%ZZ"), &c), ERR_SYNTAX);
    assert_int_equal(rp_callback_parse(rp, &a, SPAN_NONE, &c), ERR_OK);
}

static void test_without_id_tokens_no_nonce_is_sent(void **state) {
    struct rp *rp = *state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    struct rp_login login;
    rp_login_new(&login);
    rp->no_id_token = true;
    assert_int_equal(rp_authorize_url(rp, &login, NULL, &url), ERR_OK);
    assert_null(value_of(&a, &url, "nonce").ptr);
    assert_true(span_is(value_of(&a, &url, "state"), login.state));
    assert_true(value_of(&a, &url, "code_challenge").len == 43);
}

/* ---- requests as data ---- */

static void test_the_code_request(void **state) {
    struct rp *rp = *state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    struct rp_login login;
    struct rp_exchange x;
    rp_login_new(&login);
    struct rp_callback c = {
        .code = SPAN("a+b&c"), .state = span_of(login.state), .iss = SPAN(ISSUER)};
    assert_int_equal(rp_code_exchange(rp, &login, &c, &a, &x), ERR_OK);
    assert_string_equal(x.url.ptr, ISSUER "/token");
    struct params form = {.count = 0};
    assert_int_equal(params_split(&a, x.form, &form), ERR_OK);
    assert_true(span_is(params_find(&form, "grant_type"), "authorization_code"));
    assert_true(span_is(params_find(&form, "code"), "a+b&c"));
    assert_true(span_is(params_find(&form, "code_verifier"), login.verifier));
    assert_true(span_is(params_find(&form, "redirect_uri"), "https://p.example/cb?a=b"));
    assert_null(params_find(&form, "client_secret").ptr);
    /* base64 of "c%E1%BB%95ng%20%26%201:s" (RFC 6749 2.3.1) */
    assert_true(span_is(x.authorization, "Basic YyVFMSVCQiU5NW5nJTIwJTI2JTIwMTpz"));
    c.state = SPAN("other");
    assert_int_equal(rp_code_exchange(rp, &login, &c, &a, &x), ERR_REFUSED);
}

static void test_the_userinfo_request_and_U06_its_answer(void **state) {
    struct rp *rp = *state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    struct rp_exchange x;
    assert_int_equal(rp_userinfo_exchange(rp, SPAN("at"), &a, &x), ERR_UNSUPPORTED);
    rp->at.userinfo = strdup(ISSUER "/userinfo");
    assert_int_equal(rp_userinfo_exchange(rp, SPAN("at"), &a, &x), ERR_OK);
    assert_true(span_is(x.authorization, "Bearer at") && !x.form.ptr);
    assert_int_equal(rp_userinfo_exchange(rp, SPAN("a\r\nX: y"), &a, &x), ERR_SYNTAX);
    assert_int_equal(rp_userinfo_exchange(rp, SPAN(""), &a, &x), ERR_SYNTAX);
    static const struct {
        struct span sub;
        long status;
        const char *body;
        enum err expect;
    } rows[] = {
        {{"s", 1}, 200, "{\"sub\":\"s\"}", ERR_OK},
        {{"s", 1}, 200, "{\"sub\":\"t\"}", ERR_REFUSED},
        {{"s", 1}, 200, "{}", ERR_REFUSED},
        {{"", 0}, 200, "{}", ERR_REFUSED}, /* an empty name is nobody's */
        {{"", 0}, 200, "{\"sub\":\"\"}", ERR_REFUSED},
        {{NULL, 0}, 200, "{\"TechID\":\"s\"}", ERR_OK},
        {{NULL, 0}, 200, "[]", ERR_SYNTAX},
        {{NULL, 0}, 401, "{}", ERR_REFUSED},
        {{NULL, 0}, 302, "{}", ERR_REFUSED},
        {{NULL, 0}, 503, "{}", ERR_UNAVAILABLE},
        {{NULL, 0}, 0, "", ERR_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON json_t *claims = NULL;
        assert_int_equal(
            rp_userinfo_take(rows[i].sub, rows[i].status, span_of(rows[i].body), &claims),
            rows[i].expect);
        assert_int_equal(claims != NULL, rows[i].expect == ERR_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_the_request_carries_all_it_must),
        cmocka_unit_test(test_no_two_logins_share_a_value),
        T(test_U01_U02_callbacks_of_others_are_refused),
        T(test_an_error_answer_counts_only_with_state_and_iss),
        T(test_nothing_is_judged_before_discovery),
        T(test_a_callback_is_read_strictly),
        T(test_the_logout_request),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_U07_only_configurations_that_hold),
        T(test_a_plus_survives_where_it_is_one),
        T(test_without_id_tokens_no_nonce_is_sent),
        T(test_the_code_request),
        T(test_the_userinfo_request_and_U06_its_answer),
#undef T
    };
    if (secret_init())
        return 1;
    return cmocka_run_group_tests_name("rp/flow", tests, NULL, NULL);
}
