/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a service believes an access token only when every rule of RFC 9068 4 holds; each rule has a
 * token that breaks it alone, and no other kind of token passes (D17, E12, E13, E16). */
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
#define API    "https://api.example.gov.vn"

struct fixture {
    struct rp *rp;
    struct jwk *key, *other;
    struct arena arena;
};

static int setup(void **state) {
    static struct fixture f;
    CLEANUP(buf_done) struct buf public = BUF_INIT(JWK_MAX_BYTES);
    const struct rp_config config = {.issuer = ISSUER,
                                     .client_id = API,
                                     .redirect_uri = API,
                                     .scope = "openid",
                                     .id_token_alg = "ES256"};
    f = (struct fixture){.arena = ARENA_INIT(ARENA_LIMIT_DEFAULT)};
    assert_int_equal(rp_new(&config, &f.rp), ERR_OK);
    assert_int_equal(jwk_generate(jose_alg_find(SPAN("ES256")), &f.key), ERR_OK);
    assert_int_equal(jwk_generate(jose_alg_find(SPAN("ES256")), &f.other), ERR_OK);
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
    jwk_unref(f->key);
    jwk_unref(f->other);
    rp_free(f->rp);
    arena_done(&f->arena);
    return 0;
}

static struct span sign(struct fixture *f, struct jwk *key, const char *typ) {
    CLEANUP(buf_done) struct buf token = BUF_INIT(JWS_MAX_BYTES);
    struct jws_signer *signer;
    const char *claims =
        arena_printf(&f->arena,
                     "{\"iss\":\"" ISSUER "\",\"aud\":\"" API "\",\"exp\":%lld,\"client_id\":\"c\","
                     "\"sub\":\"s\",\"scope\":\"read\"}",
                     (long long)clock_now() + 60);
    assert_int_equal(jws_signer_new(key, &signer), ERR_OK);
    assert_int_equal(jws_sign(signer, typ, span_of(claims), &token), ERR_OK);
    jws_signer_free(signer);
    return arena_dup(&f->arena, buf_span(&token));
}

static void test_D17_E16_signature_and_typ(void **state) {
    struct fixture *f = *state;
    struct rp_access_token t;
    assert_int_equal(rp_access_token_check(f->rp, &f->arena, sign(f, f->key, "at+jwt"), API, &t), ERR_OK);
    assert_true(span_is(t.client_id, "c") && span_is(t.scope, "read") && span_is(t.sub, "s"));
    assert_int_equal(
        rp_access_token_check(f->rp, &f->arena, sign(f, f->key, "application/at+jwt"), API, &t), ERR_OK);
    static const char *const other_types[] = {"JWT", NULL, "logout+jwt"};
    for (size_t i = 0; i < ARRAY_LEN(other_types); i++)
        assert_int_equal(
            rp_access_token_check(f->rp, &f->arena, sign(f, f->key, other_types[i]), API, &t),
            ERR_UNSUPPORTED);
    assert_int_not_equal(rp_access_token_check(f->rp, &f->arena, sign(f, f->other, "at+jwt"), API, &t),
                         ERR_OK);
}

static void test_D17_E12_E13_each_claim_rule_refuses_alone(void **state) {
#define CLAIMS(iss, aud, exp, who)                                                                 \
    "{\"iss\":\"" iss "\",\"aud\":" aud ",\"exp\":" exp "," who "}"
#define WHO "\"client_id\":\"c\",\"sub\":\"s\""
    static const struct {
        const char *claims;
        enum err result;
    } rows[] = {
        {CLAIMS(ISSUER, "\"" API "\"", "1700000001", WHO), ERR_OK},
        {CLAIMS(ISSUER, "[\"x\",\"" API "\"]", "1700000001", WHO), ERR_OK},
        {CLAIMS("https://other.example", "\"" API "\"", "1700000001", WHO), ERR_REFUSED},
        {CLAIMS(ISSUER, "\"" API "/\"", "1700000001", WHO), ERR_REFUSED},
        {CLAIMS(ISSUER, "[\"x\"]", "1700000001", WHO), ERR_REFUSED},
        {CLAIMS(ISSUER, "{\"" API "\":1}", "1700000001", WHO), ERR_REFUSED},
        {CLAIMS(ISSUER, "\"" API "\"", "1700000000", WHO), ERR_EXPIRED},
        {CLAIMS(ISSUER, "\"" API "\"", "\"1700000001\"", WHO), ERR_EXPIRED},
        {CLAIMS(ISSUER, "\"" API "\"", "1700000001", "\"sub\":\"s\""), ERR_REFUSED},
        {CLAIMS(ISSUER, "\"" API "\"", "1700000001", "\"client_id\":\"c\""), ERR_REFUSED},
        {"{}", ERR_REFUSED},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON json_t *claims = json_loads(rows[i].claims, 0, NULL);
        struct rp_access_token t;
        assert_non_null(claims);
        assert_int_equal(rp_access_claims_check(f->rp, claims, API, NOW, &f->arena, &t), rows[i].result);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_D17_E16_signature_and_typ),
        cmocka_unit_test(test_D17_E12_E13_each_claim_rule_refuses_alone),
    };
    if (secret_init())
        return 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}
