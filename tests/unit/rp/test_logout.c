/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a logout token ends sessions only when every rule of Back-Channel Logout 1.0 2.6 holds
 * (D11); each rule has a token that breaks it alone, and no other kind of token passes (E16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "protocols/rp/rp_internal.h"

#define NOW    1700000000
#define ISSUER "https://sso.example.gov.vn"
#define EVENTS "{\"http://schemas.openid.net/event/backchannel-logout\":{}}"

struct fixture {
    struct rp *rp;
    struct jwk *key;
    struct jws_signer *signer;
    struct arena arena;
};

static int setup(void **state) {
    static struct fixture f;
    CLEANUP(buf_done) struct buf public = BUF_INIT(JWK_MAX_BYTES);
    const struct rp_config config = {.issuer = ISSUER,
                                     .client_id = "portal",
                                     .redirect_uri = "https://p.example/cb",
                                     .scope = "openid",
                                     .id_token_alg = "ES256"};
    f = (struct fixture){.arena = ARENA_INIT(ARENA_LIMIT_DEFAULT)};
    assert_int_equal(rp_new(&config, &f.rp), ERR_OK);
    assert_int_equal(jwk_generate(jose_alg_find(SPAN("ES256")), &f.key), ERR_OK);
    assert_int_equal(jws_signer_new(f.key, &f.signer), ERR_OK);
    assert_int_equal(jwk_public_add(f.key, &public), ERR_OK);
    assert_int_equal(jwk_parse(buf_span(&public), &f.rp->jwks.keys.key[0]), ERR_OK);
    f.rp->jwks.keys.count = 1;
    f.rp->jwks.fetched_us = clock_mono_us();
    f.rp->is_located = true;
    f.rp->ready = true;
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    jws_signer_free(f->signer);
    jwk_unref(f->key);
    rp_free(f->rp);
    arena_done(&f->arena);
    return 0;
}

static struct span sign(struct fixture *f, const char *typ, const char *claims) {
    CLEANUP(buf_done) struct buf token = BUF_INIT(JWS_MAX_BYTES);
    assert_int_equal(jws_sign(f->signer, typ, span_of(claims), &token), ERR_OK);
    return arena_dup(&f->arena, buf_span(&token));
}

static const char *fresh(struct fixture *f, const char *more) {
    int64_t now = clock_now();
    return arena_printf(&f->arena,
                        "{\"iss\":\"" ISSUER "\",\"aud\":\"portal\",\"iat\":%lld,\"exp\":%lld,"
                        "\"jti\":\"j\",\"sub\":\"s\"%s}",
                        (long long)now, (long long)now + 60, more);
}

static enum err check(struct fixture *f, struct span token) {
    struct rp_logout_token t;
    return rp_logout_token_check(f->rp, &f->arena, token, &t);
}

static void test_a_good_token(void **state) {
    struct fixture *f = *state;
    struct rp_logout_token t;
    const char *claims = fresh(f, ",\"sid\":\"1\",\"events\":" EVENTS);
    static const char *const typ[] = {"logout+jwt", "JWT", "application/logout+jwt", NULL};
    for (size_t i = 0; i < ARRAY_LEN(typ); i++) {
        assert_int_equal(
            rp_logout_token_check(f->rp, &f->arena, sign(f, typ[i], claims), &t), ERR_OK);
        assert_true(span_is(t.sub, "s") && span_is(t.sid, "1") && span_is(t.jti, "j"));
        assert_true(t.expires_at > clock_now() &&
                    t.expires_at <= clock_now() + RP_LOGOUT_TOKEN_SECONDS);
    }
    f->rp->ready = false;
    assert_int_equal(check(f, sign(f, "logout+jwt", claims)), ERR_UNAVAILABLE);
}

static void test_D11_E16_another_kind_of_token_ends_nothing(void **state) {
    struct fixture *f = *state;
    assert_int_equal(check(f, sign(f, "JWT", fresh(f, ",\"nonce\":\"n\""))), ERR_REFUSED);
    assert_int_equal(check(f, sign(f, "JWT", fresh(f, ""))), ERR_REFUSED); /* of a refresh */
    const char *claims = fresh(f, ",\"events\":" EVENTS);
    assert_int_equal(check(f, sign(f, "at+jwt", claims)), ERR_UNSUPPORTED);
    assert_int_equal(check(f, sign(f, "logout+jwt", claims)), ERR_OK);
    /* ... and a logout token is no ID token. */
    AUTO_JSON json_t *got = NULL;
    const struct rp_id_token_expect expect = {.now = clock_now()};
    assert_int_equal(
        rp_id_token_check(f->rp, &f->arena, sign(f, "logout+jwt", claims), &expect, &got),
        ERR_UNSUPPORTED);
}

static void test_D11_E01_the_signature_counts(void **state) {
    struct fixture *f = *state;
    const char *claims = fresh(f, ",\"events\":" EVENTS);
    struct span token = sign(f, "logout+jwt", claims);
    char *edited = arena_strndup(&f->arena, token.ptr, token.len);
    edited[token.len - 10] = edited[token.len - 10] == 'A' ? 'B' : 'A';
    assert_int_equal(check(f, span_of(edited)), ERR_BAD_SIGNATURE);
    /* {"alg":"none"} */
    struct span none = span_of(arena_printf(&f->arena, "eyJhbGciOiJub25lIn0.%s.", "e30"));
    assert_int_equal(check(f, none), ERR_UNSUPPORTED);
    assert_int_equal(check(f, SPAN("a.b")), ERR_SYNTAX);
    assert_int_equal(check(f, SPAN_NONE), ERR_SYNTAX);
    struct fixture other = {.arena = ARENA_INIT(65536)};
    assert_int_equal(jwk_generate(f->key->alg, &other.key), ERR_OK);
    assert_int_equal(jws_signer_new(other.key, &other.signer), ERR_OK);
    assert_int_equal(check(f, sign(&other, "logout+jwt", claims)), ERR_UNKNOWN_KEY);
    jws_signer_free(other.signer);
    jwk_unref(other.key);
    arena_done(&other.arena);
}

static void test_D11_each_claim_rule_refuses_alone(void **state) {
    struct fixture *f = *state;
    /* clang-format off */
    static const struct {
        const char *what, *claims;
        enum err expect;
        int64_t expires_at;
    } rows[] = {
#define TOKEN(iss, aud, iat, exp, jti, events, more) \
    "{\"iss\":" iss ",\"aud\":" aud ",\"iat\":" iat ",\"exp\":" exp jti ",\"events\":" events more "}"
#define I "\"" ISSUER "\""
#define P "\"portal\""
#define J ",\"jti\":\"j\""
#define S ",\"sub\":\"s\""
        {"good", TOKEN(I, P, "1700000000", "1700000060", J, EVENTS, S), ERR_OK, NOW + 90},
        {"sid alone", TOKEN(I, P, "1700000000", "1700000060", J, EVENTS, ",\"sid\":\"x\""), ERR_OK, NOW + 90},
        {"a long life is cut", TOKEN(I, P, "1700000000", "1800000000", J, EVENTS, S), ERR_OK, NOW + 120},
        {"just not old", TOKEN(I, P, "1699999881", "1700000060", J, EVENTS, S), ERR_OK, NOW + 1},
        {"neither sub nor sid", TOKEN(I, P, "1700000000", "1700000060", J, EVENTS, ""), ERR_REFUSED, 0},
        {"empty sub", TOKEN(I, P, "1700000000", "1700000060", J, EVENTS, ",\"sub\":\"\",\"sid\":\"x\""), ERR_REFUSED, 0},
        {"number as sid", TOKEN(I, P, "1700000000", "1700000060", J, EVENTS, ",\"sub\":\"s\",\"sid\":1"), ERR_REFUSED, 0},
        {"nonce", TOKEN(I, P, "1700000000", "1700000060", J, EVENTS, S ",\"nonce\":\"n\""), ERR_REFUSED, 0},
        {"null as nonce", TOKEN(I, P, "1700000000", "1700000060", J, EVENTS, S ",\"nonce\":null"), ERR_REFUSED, 0},
        {"no jti", TOKEN(I, P, "1700000000", "1700000060", "", EVENTS, S), ERR_REFUSED, 0},
        {"empty jti", TOKEN(I, P, "1700000000", "1700000060", ",\"jti\":\"\"", EVENTS, S), ERR_REFUSED, 0},
        {"other event", TOKEN(I, P, "1700000000", "1700000060", J, "{\"http://x\":{}}", S), ERR_REFUSED, 0},
        {"events as text", TOKEN(I, P, "1700000000", "1700000060", J, "\"http://schemas.openid.net/event/backchannel-logout\"", S), ERR_REFUSED, 0},
        {"event that is no object", TOKEN(I, P, "1700000000", "1700000060", J, "{\"http://schemas.openid.net/event/backchannel-logout\":1}", S), ERR_REFUSED, 0},
        {"other issuer", TOKEN("\"https://evil.example\"", P, "1700000000", "1700000060", J, EVENTS, S), ERR_REFUSED, 0},
        {"other audience", TOKEN(I, "\"portal2\"", "1700000000", "1700000060", J, EVENTS, S), ERR_REFUSED, 0},
        {"no audience", TOKEN(I, "[]", "1700000000", "1700000060", J, EVENTS, S), ERR_REFUSED, 0},
        {"array audience", TOKEN(I, "[\"portal\"]", "1700000000", "1700000060", J, EVENTS, S), ERR_OK, NOW + 90},
        {"old iat", TOKEN(I, P, "1699999880", "1700000060", J, EVENTS, S), ERR_EXPIRED, 0},
        {"from the future", TOKEN(I, P, "1700000031", "1700000060", J, EVENTS, S), ERR_EXPIRED, 0},
        {"expired", TOKEN(I, P, "1699999950", "1699999970", J, EVENTS, S), ERR_EXPIRED, 0},
        {"text as exp", TOKEN(I, P, "1700000000", "\"1700000060\"", J, EVENTS, S), ERR_EXPIRED, 0},
        {"the least exp", TOKEN(I, P, "1700000000", "-9223372036854775808", J, EVENTS, S), ERR_EXPIRED, 0},
        {"the greatest iat", TOKEN(I, P, "9223372036854775807", "9223372036854775807", J, EVENTS, S), ERR_EXPIRED, 0},
        {"no events", "{\"iss\":" I ",\"aud\":" P ",\"iat\":1700000000,\"exp\":1700000060,\"jti\":\"j\",\"sub\":\"s\"}", ERR_REFUSED, 0},
        {"no iat", "{\"iss\":" I ",\"aud\":" P ",\"exp\":1700000060,\"jti\":\"j\",\"sub\":\"s\",\"events\":" EVENTS "}", ERR_EXPIRED, 0},
#undef S
#undef J
#undef P
#undef I
#undef TOKEN
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON json_t *claims = NULL;
        struct rp_logout_token t = {.expires_at = 0};
        assert_int_equal(json_parse_object(span_of(rows[i].claims), 4096, &claims), ERR_OK);
        enum err e = rp_logout_claims_check(f->rp, claims, NOW, &f->arena, &t);
        if (e != rows[i].expect || t.expires_at != rows[i].expires_at)
            print_error("%s\n", rows[i].what);
        assert_int_equal(e, rows[i].expect);
        assert_int_equal(t.expires_at, rows[i].expires_at);
    }
}

static void test_D11_texts_have_an_end(void **state) {
    struct fixture *f = *state;
    static const char *const names[] = {"sub", "sid", "jti"};
    for (size_t i = 0; i < 2 * ARRAY_LEN(names); i++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT(1024);
        AUTO_JSON json_t *claims = NULL;
        struct rp_logout_token t;
        for (size_t n = i % 2 ? 256 : 255; n; n--)
            buf_add_char(&text, 'x');
        assert_int_equal(
            json_parse_object(span_of(fresh(f, ",\"events\":" EVENTS)), 4096, &claims), ERR_OK);
        json_object_set_new(claims, names[i / 2], json_stringn(text.data, text.len));
        assert_int_equal(rp_logout_claims_check(f->rp, claims, clock_now(), &f->arena, &t),
                         i % 2 ? ERR_REFUSED : ERR_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_a_good_token),
        T(test_D11_E16_another_kind_of_token_ends_nothing),
        T(test_D11_E01_the_signature_counts),
        T(test_D11_each_claim_rule_refuses_alone),
        T(test_D11_texts_have_an_end),
#undef T
    };
    if (secret_init())
        return 1;
    return cmocka_run_group_tests_name("rp/logout", tests, NULL, NULL);
}
