/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what has to be fetched is told step by step, and only as often as the budget allows
 * (U09); what was configured is not discovered, and no document can change it (U07); old keys are
 * asked for again, serve on while that fails, and are not believed for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"
#include "protocols/rp/rp_internal.h"

#define ISSUER   "https://sso.example.gov.vn/realms/x/"
#define DOCUMENT "https://sso.example.gov.vn/realms/x/.well-known/openid-configuration"
#define KEYS     "https://sso.example.gov.vn/keys"

static const struct rp_config plain = {
    .issuer = ISSUER,
    .client_id = "portal",
    .client_secret = "s",
    .redirect_uri = "https://p.example/cb",
    .scope = "openid",
    .id_token_alg = "ES256",
};

/* RFC 7517 A.1's first key. */
static const char key_set[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\",\"use\":\"sig\","
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

#define METADATA(more)                                                                             \
    "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"https://sso.example.gov.vn/a\","      \
    "\"token_endpoint\":\"https://sso.example.gov.vn/t\",\"jwks_uri\":\"" KEYS "\"" more "}"

struct fixture {
    struct arena arena;
    struct rp *rp;
};

static void use(struct fixture *f, const struct rp_config *config) {
    rp_free(f->rp);
    f->rp = NULL;
    assert_int_equal(rp_new(config, &f->rp), ERR_OK);
}

static int setup(void **state) {
    static struct fixture f;
    f = (struct fixture){.arena = ARENA_INIT(ARENA_LIMIT_DEFAULT)};
    use(&f, &plain);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    rp_free(f->rp);
    arena_done(&f->arena);
    return 0;
}

static struct rp_exchange due(struct fixture *f, bool kid_is_unknown, const char *url) {
    struct rp_exchange x;
    assert_int_equal(rp_fetch_due(f->rp, kid_is_unknown, &f->arena, &x), ERR_OK);
    assert_string_equal(x.url.ptr, url);
    assert_true(!x.form.ptr && !x.authorization.ptr);
    return x;
}

static enum err nothing_due(struct fixture *f, bool kid_is_unknown) {
    struct rp_exchange x;
    return rp_fetch_due(f->rp, kid_is_unknown, &f->arena, &x);
}

static enum err take(struct fixture *f, const struct rp_exchange *x, long status,
                     const char *body) {
    return rp_fetch_take(f->rp, x, status, span_of(body));
}

static void discover(struct fixture *f, const char *metadata) {
    struct rp_exchange x = due(f, false, DOCUMENT);
    assert_int_equal(take(f, &x, 200, metadata), ERR_OK);
    x = due(f, false, KEYS);
    assert_int_equal(take(f, &x, 200, key_set), ERR_OK);
    assert_true(rp_is_ready(f->rp));
}

static void age(struct fixture *f, int64_t seconds) {
    f->rp->jwks.fetched_us = clock_mono_us() - seconds * INT64_C(1000000);
}

static void test_metadata_then_keys_then_nothing(void **state) {
    struct fixture *f = *state;
    struct rp_exchange x = due(f, false, DOCUMENT);
    assert_false(x.is_joined);
    assert_false(rp_is_ready(f->rp));
    assert_int_equal(take(f, &x, 200, METADATA("")), ERR_OK);
    assert_false(rp_is_ready(f->rp));
    x = due(f, false, KEYS);
    assert_int_equal(take(f, &x, 200, key_set), ERR_OK);
    assert_true(rp_is_ready(f->rp));
    assert_int_equal(nothing_due(f, false), ERR_NOT_FOUND);
    assert_int_equal(nothing_due(f, true), ERR_NOT_FOUND); /* no token has missed a key */
}

static void test_U07_a_document_that_does_not_hold(void **state) {
    struct fixture *f = *state;
    static const struct {
        long status;
        const char *body;
        enum err expect;
    } rows[] = {
        {200, "{\"issuer\":\"https://evil.example\"}", ERR_REFUSED},
        {200, "{\"issuer\":\"" ISSUER "\"}", ERR_MISSING},
        {200, METADATA(",\"userinfo_endpoint\":\"http://evil.example\""), ERR_REFUSED},
        {200, "[]", ERR_SYNTAX},
        {302, METADATA(""), ERR_UNAVAILABLE},
        {0, "", ERR_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->rp->flight[RP_FETCH_METADATA].budget = RP_FETCH_BURST;
        struct rp_exchange x = due(f, false, DOCUMENT);
        assert_int_equal(take(f, &x, rows[i].status, rows[i].body), rows[i].expect);
        assert_false(rp_is_ready(f->rp));
    }
    f->rp->flight[RP_FETCH_METADATA].budget = RP_FETCH_BURST;
    discover(f, METADATA(""));
}

/* The document may have been put right meanwhile. */
static void test_without_keys_the_document_is_read_again(void **state) {
    struct fixture *f = *state;
    struct rp_exchange x = due(f, false, DOCUMENT), keys;
    assert_int_equal(take(f, &x, 200, METADATA("")), ERR_OK);
    keys = due(f, false, KEYS);
    assert_int_equal(take(f, &keys, 404, ""), ERR_UNAVAILABLE);
    x = due(f, false, DOCUMENT);
    /* Keys from where the forgotten document pointed come too late. */
    assert_int_equal(take(f, &keys, 200, key_set), ERR_UNAVAILABLE);
    assert_false(rp_is_ready(f->rp));
    assert_int_equal(take(f, &x, 200, METADATA("")), ERR_OK);
    keys = due(f, false, KEYS);
    assert_int_equal(take(f, &keys, 200, key_set), ERR_OK);
    assert_true(rp_is_ready(f->rp));
}

static void test_U09_who_asks_meanwhile_joins(void **state) {
    struct fixture *f = *state;
    struct rp_exchange first = due(f, false, DOCUMENT), joined = due(f, false, DOCUMENT);
    assert_true(!first.is_joined && joined.is_joined);
    assert_int_equal(take(f, &first, 200, METADATA("")), ERR_OK);
    assert_int_equal(take(f, &joined, 0, ""), ERR_OK); /* the answer is known already */
    first = due(f, false, KEYS);
    joined = due(f, false, KEYS);
    assert_int_equal(take(f, &joined, 0, ""), ERR_UNAVAILABLE);
    /* One that gave up spoils nothing for the one that is answered. */
    struct rp_exchange x = due(f, false, DOCUMENT);
    assert_int_equal(take(f, &x, 200, METADATA("")), ERR_OK);
    assert_int_equal(take(f, &first, 200, key_set), ERR_OK);
    assert_true(rp_is_ready(f->rp));
}

static void test_U09_unknown_keys_have_a_budget(void **state) {
    struct fixture *f = *state;
    discover(f, METADATA(""));
    for (int i = 0; i < RP_FETCH_BURST; i++) {
        f->rp->jwks.is_lacking = true;
        struct rp_exchange x = due(f, true, KEYS);
        assert_int_equal(take(f, &x, 200, key_set), ERR_OK);
        assert_int_equal(nothing_due(f, true), ERR_NOT_FOUND); /* they are newer than the token */
    }
    f->rp->jwks.is_lacking = true;
    assert_int_equal(nothing_due(f, true), ERR_BUSY);
    assert_int_equal(nothing_due(f, false), ERR_NOT_FOUND);
    f->rp->flight[RP_FETCH_KEYS].refilled_us -= RP_REFETCH_SECONDS * INT64_C(1000000);
    struct rp_exchange x = due(f, true, KEYS);
    assert_int_equal(take(f, &x, 200, "{"), ERR_SYNTAX);
    assert_int_equal(f->rp->jwks.keys.count, 1); /* a failure changes nothing */
    assert_int_equal(nothing_due(f, true), ERR_BUSY);
}

static void test_old_keys_are_fetched_again_and_serve_on_meanwhile(void **state) {
    struct fixture *f = *state;
    discover(f, METADATA(""));
    age(f, RP_KEYS_FRESH_SECONDS - 60);
    assert_int_equal(nothing_due(f, false), ERR_NOT_FOUND);
    age(f, RP_KEYS_FRESH_SECONDS + 60);
    for (int i = 0; i < RP_FETCH_BURST; i++) {
        struct rp_exchange x = due(f, false, KEYS);
        assert_int_equal(take(f, &x, 500, ""), ERR_UNAVAILABLE);
    }
    assert_int_equal(nothing_due(f, false), ERR_NOT_FOUND); /* over the budget: they serve on */
    age(f, RP_KEYS_STALE_SECONDS + 60);
    assert_int_equal(nothing_due(f, false), ERR_BUSY); /* ... but not for ever */
    f->rp->flight[RP_FETCH_KEYS].budget = 1;
    struct rp_exchange x = due(f, false, KEYS);
    assert_int_equal(take(f, &x, 200, key_set), ERR_OK);
    assert_int_equal(nothing_due(f, false), ERR_NOT_FOUND);
}

/* ---- what is configured ---- */

static void test_U07_nothing_is_discovered_that_was_given(void **state) {
    struct fixture *f = *state;
    struct rp_config config = plain;
    config.authorization_endpoint = "https://a.example/authorize";
    config.token_endpoint = "https://a.example/token";
    config.jwks_uri = "https://a.example/keys";
    use(f, &config);
    struct rp_exchange x = due(f, false, "https://a.example/keys");
    assert_int_equal(take(f, &x, 404, ""), ERR_UNAVAILABLE);
    x = due(f, false, "https://a.example/keys"); /* no document is asked instead */
    assert_int_equal(take(f, &x, 200, key_set), ERR_OK);
    assert_true(rp_is_ready(f->rp));
    assert_string_equal(f->rp->at.token, "https://a.example/token");
    /* Half of it given: the document says the rest, and nothing else. */
    config.authorization_endpoint = config.jwks_uri = NULL;
    use(f, &config);
    discover(f, METADATA(""));
    assert_string_equal(f->rp->at.token, "https://a.example/token");
    assert_string_equal(f->rp->at.authorization, "https://sso.example.gov.vn/a");
}

static void test_without_id_tokens_no_keys_are_needed(void **state) {
    struct fixture *f = *state;
    struct rp_config config = plain;
    config.no_id_token = true;
    config.id_token_alg = NULL;
    config.authorization_endpoint = config.token_endpoint = "http://127.0.0.1:1/x";
    use(f, &config);
    assert_false(rp_is_ready(f->rp)); /* where identity comes from is not known */
    struct rp_exchange x = due(f, false, DOCUMENT);
    assert_int_equal(take(f, &x, 200, METADATA("")), ERR_MISSING);
    config.userinfo_endpoint = "https://a.example/userinfo";
    use(f, &config);
    assert_true(rp_is_ready(f->rp));
    assert_int_equal(nothing_due(f, false), ERR_NOT_FOUND);
    assert_int_equal(nothing_due(f, true), ERR_NOT_FOUND);
    /* With keys configured for logout tokens: when one comes. */
    config.jwks_uri = KEYS;
    config.id_token_alg = "ES256";
    use(f, &config);
    assert_true(rp_is_ready(f->rp));
    assert_int_equal(nothing_due(f, false), ERR_NOT_FOUND);
    x = due(f, true, KEYS);
    assert_int_equal(take(f, &x, 200, key_set), ERR_OK);
    age(f, RP_KEYS_FRESH_SECONDS + 60);
    (void)due(f, false, KEYS);
}

static void test_U02_iss_is_required_where_it_is_known_to_come(void **state) {
    struct fixture *f = *state;
    struct rp_login login;
    rp_login_new(&login);
    struct rp_config config = plain;
    config.no_id_token = true;
    config.authorization_endpoint = config.token_endpoint = config.userinfo_endpoint =
        "https://a.example/x";
    struct rp_callback c = {.code = SPAN("c"), .state = span_of(login.state)};
    for (int known = 0; known < 2; known++) {
        config.iss_in_answer = known;
        use(f, &config);
        c.iss = SPAN_NONE;
        assert_int_equal(rp_callback_check(f->rp, &login, &c), known ? ERR_REFUSED : ERR_OK);
        c.iss = SPAN(ISSUER);
        assert_int_equal(rp_callback_check(f->rp, &login, &c), ERR_OK);
        c.iss = SPAN("https://evil.example");
        assert_int_equal(rp_callback_check(f->rp, &login, &c), ERR_REFUSED);
    }
}

static void test_U07_only_addresses_that_hold_are_given(void **state) {
    struct fixture *f = *state;
    static const char *const bad[] = {"http://a.example/x", "", "javascript:alert(1)",
                                      "http://127.0.0.1@evil.example/"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct rp_config config = plain;
        struct rp *rp = NULL;
        config.userinfo_endpoint = bad[i];
        assert_int_equal(rp_new(&config, &rp), ERR_UNSUPPORTED);
        assert_null(rp);
    }
    struct rp_config config = plain;
    config.userinfo_endpoint = "http://127.0.0.1:8/userinfo";
    use(f, &config);
    assert_false(f->rp->https_only);
    use(f, &plain);
    assert_true(f->rp->https_only);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_metadata_then_keys_then_nothing),
        T(test_U07_a_document_that_does_not_hold),
        T(test_without_keys_the_document_is_read_again),
        T(test_U09_who_asks_meanwhile_joins),
        T(test_U09_unknown_keys_have_a_budget),
        T(test_old_keys_are_fetched_again_and_serve_on_meanwhile),
        T(test_U07_nothing_is_discovered_that_was_given),
        T(test_without_id_tokens_no_keys_are_needed),
        T(test_U02_iss_is_required_where_it_is_known_to_come),
        T(test_U07_only_addresses_that_hold_are_given),
#undef T
    };
    if (secret_init())
        return 1;
    return cmocka_run_group_tests_name("rp/fetch", tests, NULL, NULL);
}
