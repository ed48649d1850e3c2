/* SPDX-License-Identifier: Apache-2.0
 *
 * Which authorization requests pass, which are answered at the redirect URI, and which must not be
 * redirected at all. Rows come in twins: one parameter apart, the other verdict. */
#include <string.h>

#include "base/cleanup.h"
#include "check.h"
#include "idp/config.h"
#include "protocols/oidc/authz_request.h"
#include "protocols/oidc/redirect.h"

#define URI "https%3A%2F%2Fportal.example%2Fcb"
#define BASE "client_id=portal&redirect_uri=" URI "&response_type=code&scope=openid"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define PKCE "&code_challenge=" CHALLENGE "&code_challenge_method=S256"

static struct arena arena = ARENA_INIT(4 * 1024 * 1024);
static const struct config cfg = {.issuer = {"http://localhost:8080", 21}};

static struct client sample(void) {
    struct client c = {
        .client_id = SPAN("portal"),
        .is_enabled = true,
        .grant_types = GRANT_AUTHORIZATION_CODE | GRANT_REFRESH_TOKEN,
        .response_modes = RESPONSE_MODE_QUERY | RESPONSE_MODE_FORM_POST,
        .n_redirect_uris = 1,
        .scope = SPAN("openid profile offline_access"),
        .default_max_age = -1,
    };
    c.redirect_uri[0].uri = SPAN("https://portal.example/cb");
    return c;
}

static struct params split(const char *query) {
    struct params params = {0};
    assert_int_equal(params_split(&arena, span_of(query), &params), ERR_OK);
    return params;
}

/* Errors that forbid a redirect come back as `ret_page`. */
static enum oidc_error run(const struct client *c, const char *query, struct authz_request *r,
                           enum err *ret_page) {
    struct params params = split(query);
    struct span id;
    memset(r, 0, sizeof *r);
    *ret_page = authz_client_id_parse(&params, &id);
    if (!*ret_page)
        *ret_page = authz_redirect_uri_check(&params, c, r);
    if (*ret_page)
        return OIDC_INVALID_REQUEST;
    const struct audience_rules rules = {.cfg = &cfg, .client = c};
    return authz_request_check(&arena, &rules, &params, r).error;
}

struct row {
    const char *id, *query;
    enum oidc_error error;
};

static void check_rows(const struct client *c, const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct authz_request r;
        enum err page;
        enum oidc_error got = run(c, rows[i].query, &r, &page);
        if (page || got != rows[i].error)
            fail_msg("%s: %s: page %s, error \"%s\", expected \"%s\"", rows[i].id, rows[i].query,
                     err_name(page), oidc_error_code(got), oidc_error_code(rows[i].error));
    }
    arena_reset(&arena);
}
#define CHECK(c, rows) check_rows((c), (rows), sizeof(rows) / sizeof((rows)[0]))

static void test_requests_of_a_confidential_client(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"plain", BASE, OIDC_NO_ERROR},
        {"A07 unknown once", BASE "&x=1", OIDC_NO_ERROR},
        {"A07 unknown twice", BASE "&x=1&x=1", OIDC_INVALID_REQUEST},
        {"A07 nonce twice", BASE "&nonce=a&nonce=a", OIDC_INVALID_REQUEST},
        {"A07 state twice", BASE "&state=a&state=b", OIDC_INVALID_REQUEST},
        {"A07 resource twice", BASE "&resource=http://localhost:8080&resource=http://localhost:8080", OIDC_NO_ERROR},
        {"A08 empty", BASE "&code_challenge=&state=&nonce=&max_age=", OIDC_NO_ERROR},
        {"A09 token", "client_id=portal&redirect_uri=" URI "&response_type=token&scope=openid", OIDC_UNSUPPORTED_RESPONSE_TYPE},
        {"A09 hybrid", "client_id=portal&redirect_uri=" URI "&response_type=code+id_token&scope=openid", OIDC_UNSUPPORTED_RESPONSE_TYPE},
        {"A09 code code", "client_id=portal&redirect_uri=" URI "&response_type=code+code&scope=openid", OIDC_UNSUPPORTED_RESPONSE_TYPE},
        {"A09 none given", "client_id=portal&redirect_uri=" URI "&scope=openid", OIDC_INVALID_REQUEST},
        {"A10 query", BASE "&response_mode=query", OIDC_NO_ERROR},
        {"A10 form_post", BASE "&response_mode=form_post", OIDC_NO_ERROR},
        {"A10 fragment", BASE "&response_mode=fragment", OIDC_INVALID_REQUEST},
        {"A13 S256", BASE PKCE, OIDC_NO_ERROR},
        {"A13 plain", BASE "&code_challenge=" CHALLENGE "&code_challenge_method=plain", OIDC_INVALID_REQUEST},
        {"A13 no method", BASE "&code_challenge=" CHALLENGE, OIDC_INVALID_REQUEST},
        {"A13 S512", BASE "&code_challenge=" CHALLENGE "&code_challenge_method=S512", OIDC_INVALID_REQUEST},
        {"A13 42", BASE "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c&code_challenge_method=S256", OIDC_INVALID_REQUEST},
        {"A13 42, canonical", BASE "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-A&code_challenge_method=S256", OIDC_INVALID_REQUEST},
        {"A13 44", BASE "&code_challenge=" CHALLENGE "A&code_challenge_method=S256", OIDC_INVALID_REQUEST},
        {"A13 alphabet", BASE "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw/cM&code_challenge_method=S256", OIDC_INVALID_REQUEST},
        {"A15 none", BASE "&prompt=none", OIDC_NO_ERROR},
        {"A15 none login", BASE "&prompt=none+login", OIDC_INVALID_REQUEST},
        {"A15 login consent", BASE "&prompt=login+consent", OIDC_NO_ERROR},
        {"A15 unknown", BASE "&prompt=please", OIDC_INVALID_REQUEST},
        {"A17 0", BASE "&max_age=0", OIDC_NO_ERROR},
        {"A17 -1", BASE "&max_age=-1", OIDC_INVALID_REQUEST},
        {"A17 abc", BASE "&max_age=abc", OIDC_INVALID_REQUEST},
        {"A17 1e99", BASE "&max_age=1e99", OIDC_INVALID_REQUEST},
        {"A17 2^31", BASE "&max_age=2147483648", OIDC_INVALID_REQUEST},

        {"registration", BASE "&registration=%7B%7D", OIDC_REGISTRATION_NOT_SUPPORTED},
        {"A39 reduced", "client_id=portal&redirect_uri=" URI "&response_type=code&scope=openid+root", OIDC_NO_ERROR},
        {"A39 nothing left", "client_id=portal&redirect_uri=" URI "&response_type=code&scope=root", OIDC_INVALID_SCOPE},
        {"A39 no scope", "client_id=portal&redirect_uri=" URI "&response_type=code", OIDC_INVALID_SCOPE},
        {"A40 resource", BASE "&resource=https://api.example", OIDC_INVALID_TARGET},
    };
    struct client c = sample();
    CHECK(&c, rows);
}

static void test_A10_only_registered_response_modes(void **state) {
    (void)state;
    static const struct row only_query[] = {
        {"A10 default", BASE, OIDC_NO_ERROR},
        {"A10 form_post not registered", BASE "&response_mode=form_post", OIDC_INVALID_REQUEST},
    };
    static const struct row only_form_post[] = {
        {"A10 form_post", BASE "&response_mode=form_post", OIDC_NO_ERROR},
        {"A10 default not registered", BASE, OIDC_INVALID_REQUEST},
        {"A10 query not registered", BASE "&response_mode=query", OIDC_INVALID_REQUEST},
    };
    struct client c = sample();
    c.response_modes = RESPONSE_MODE_QUERY;
    CHECK(&c, only_query);
    c.response_modes = RESPONSE_MODE_FORM_POST;
    CHECK(&c, only_form_post);
}

static void test_A39_portals_of_the_national_dialect_may_send_no_scope(void **state) {
    (void)state;
    static const char *const queries[] = {
        "client_id=portal&redirect_uri=" URI "&response_type=code",
        "client_id=portal&redirect_uri=" URI "&response_type=code&scope=",
    };
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct client c = sample();
        struct authz_request r;
        enum err page;
        assert_int_equal(run(&c, queries[i], &r, &page), OIDC_INVALID_SCOPE);
        c.dvcqg_profile = true;
        assert_int_equal(run(&c, queries[i], &r, &page), OIDC_NO_ERROR);
        assert_span(r.scope, "openid");
        c.scope = SPAN("profile");
        assert_int_equal(run(&c, queries[i], &r, &page), OIDC_INVALID_SCOPE);
    }
}

static void test_A12_public_clients_need_pkce(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"A12 without", BASE, OIDC_INVALID_REQUEST},
        {"A12 with", BASE PKCE, OIDC_NO_ERROR},
        {"A12 empty", BASE "&code_challenge=&code_challenge_method=S256", OIDC_INVALID_REQUEST},
    };
    struct client c = sample();
    c.is_public = true;
    CHECK(&c, rows);
    c = sample();
    c.require_pkce = true;
    CHECK(&c, rows);
}

static void test_unregistered_grant(void **state) {
    (void)state;
    static const struct row rows[] = {{"A09", BASE, OIDC_UNAUTHORIZED_CLIENT}};
    struct client c = sample();
    c.grant_types = GRANT_CLIENT_CREDENTIALS;
    CHECK(&c, rows);
}

static void test_errors_that_must_not_redirect(void **state) {
    (void)state;
    static const struct {
        const char *id, *query;
        enum err err;
    } rows[] = {
        {"A05 no redirect_uri", "client_id=portal&response_type=code&scope=openid", ERR_MISSING},
        {"A06 no client", "redirect_uri=" URI "&response_type=code&scope=openid", ERR_MISSING},
        {"A07 client twice", BASE "&client_id=portal", ERR_REPEATED},
        {"A07 client twice, one empty", BASE "&client_id=", ERR_REPEATED},
        {"A07 redirect_uri twice", BASE "&redirect_uri=" URI, ERR_REPEATED},
        {"A01 slash", "client_id=portal&redirect_uri=" URI "%2F&response_type=code&scope=openid", ERR_REFUSED},
        {"A02 other host", "client_id=portal&redirect_uri=https%3A%2F%2Fportal.example.evil%2Fcb&response_type=code", ERR_REFUSED},
        {"A06 script", "client_id=portal&redirect_uri=javascript%3Aalert(1)&response_type=code", ERR_REFUSED},
        {"A06 client id syntax", "client_id=a%0D%0Ab&redirect_uri=" URI, ERR_SYNTAX},
    };
    struct client c = sample();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct authz_request r;
        enum err page;
        (void)run(&c, rows[i].query, &r, &page);
        if (page != rows[i].err)
            fail_msg("%s: %s, expected %s", rows[i].id, err_name(page), err_name(rows[i].err));
    }
    arena_reset(&arena);
}

static void test_fields(void **state) {
    (void)state;
    struct client c = sample();
    c.default_max_age = 600;
    struct authz_request r;
    enum err page;
    assert_int_equal(run(&c, BASE "&state=a%2Bb+c&nonce=n&prompt=login+select_account&acr_values=LoA1"
                                  "&login_hint=012345678901", &r, &page),
                     OIDC_NO_ERROR);
    assert_span(r.state_raw, "a%2Bb+c");
    assert_span(r.nonce, "n");
    assert_int_equal(r.prompt, PROMPT_LOGIN | PROMPT_SELECT_ACCOUNT);
    assert_int_equal(r.max_age, 600);
    assert_span(r.acr_values, "LoA1");
    assert_span(r.login_hint, "012345678901");
    assert_false(r.has_challenge);

    assert_int_equal(run(&c, BASE PKCE "&max_age=5", &r, &page), OIDC_NO_ERROR);
    assert_int_equal(r.max_age, 5);
    assert_true(r.has_challenge);
    assert_int_equal(r.challenge[0], 0x13);
    arena_reset(&arena);
}

/* OIDC Registration 2: default_acr_values are voluntary, and a request or its claims override them. */
static void test_default_acr_values(void **state) {
    (void)state;
    json_t *levels = json_pack("[ss]", "urn:x:2", "LoA1");
    struct client c = sample();
    c.default_acr_values = levels;
    struct authz_request r;
    enum err page;
    assert_int_equal(run(&c, BASE PKCE, &r, &page), OIDC_NO_ERROR);
    assert_span(r.acr_values, "urn:x:2 LoA1");
    assert_int_equal(run(&c, BASE PKCE "&acr_values=LoA2", &r, &page), OIDC_NO_ERROR);
    assert_span(r.acr_values, "LoA2");
    assert_int_equal(run(&c, BASE PKCE "&claims=%7B%22id_token%22%3A%7B%22acr%22%3A%7B%22value%22%3A%22LoA3%22%7D%7D%7D",
                         &r, &page),
                     OIDC_NO_ERROR);
    assert_int_equal(r.acr_values.len, 0);
    assert_span(r.claims.acr_values, "LoA3");
    json_decref(levels);
    arena_reset(&arena);
}

static void test_offline_access_needs_refresh_tokens(void **state) {
    (void)state;
    static const char query[] = "client_id=portal&redirect_uri=" URI
                                "&response_type=code&scope=openid+offline_access";
    struct client c = sample();
    struct authz_request r;
    enum err page;
    assert_int_equal(run(&c, query, &r, &page), OIDC_NO_ERROR);
    assert_span(r.scope, "openid offline_access");
    c.grant_types = GRANT_AUTHORIZATION_CODE;
    assert_int_equal(run(&c, query, &r, &page), OIDC_NO_ERROR);
    assert_span(r.scope, "openid");
    arena_reset(&arena);
}

static void test_A31_limits(void **state) {
    (void)state;
    static char query[4 * STATE_MAX];
    struct client c = sample();
    struct authz_request r;
    enum err page;
    static const char start[] = BASE "&state=";
    size_t at = sizeof start - 1;
    memcpy(query, start, at);
    memset(query + at, 's', STATE_MAX);
    assert_int_equal(run(&c, query, &r, &page), OIDC_NO_ERROR);
    assert_int_equal(r.state_raw.len, STATE_MAX);
    query[at + STATE_MAX] = 's';
    assert_int_equal(run(&c, query, &r, &page), OIDC_INVALID_REQUEST);
    assert_int_equal(r.state_raw.len, 0);
    /* Within the limit when decoded, but not as received. */
    for (size_t i = 0; i < STATE_MAX / 2; i++)
        memcpy(query + at + 3 * i, "%41", 4);
    assert_int_equal(run(&c, query, &r, &page), OIDC_INVALID_REQUEST);
    arena_reset(&arena);
}

static void test_build_keeps_what_is_known(void **state) {
    (void)state;
    struct params params = split(BASE "&state=a%2bb/+=&seen_session=forged&x=1&nonce=&prompt=login");
    struct buf b = BUF_INIT(4096);
    authz_request_build(&params, &b);
    assert_span(buf_span(&b), BASE "&state=a%2bb/+=&prompt=login");
    buf_done(&b);
    arena_reset(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_a_confidential_client),
        cmocka_unit_test(test_A10_only_registered_response_modes),
        cmocka_unit_test(test_A39_portals_of_the_national_dialect_may_send_no_scope),
        cmocka_unit_test(test_A12_public_clients_need_pkce),
        cmocka_unit_test(test_unregistered_grant),
        cmocka_unit_test(test_errors_that_must_not_redirect),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_default_acr_values),
        cmocka_unit_test(test_offline_access_needs_refresh_tokens),
        cmocka_unit_test(test_A31_limits),
        cmocka_unit_test(test_build_keeps_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
