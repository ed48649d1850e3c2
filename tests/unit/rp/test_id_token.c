/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: an ID token passes the relying party only when the strict gate, libjwt and every rule
 * of OIDC Core 3.1.3.7 agree (U03); each rule has a token that breaks it alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/secret.h"
#include "protocols/rp/rp_internal.h"

#define NOW    1700000000
#define ISSUER "https://sso.example.gov.vn"

struct fixture {
    struct rp *rp;
    struct jwk *key;
    struct jws_signer *signer;
    struct arena arena;
};

static struct rp *rp_of(const char *alg) {
    const struct rp_config config = {
        .issuer = ISSUER,
        .client_id = "portal",
        .client_secret = "secret",
        .redirect_uri = "https://p.example/cb",
        .scope = "openid",
        .id_token_alg = alg,
    };
    struct rp *rp = NULL;
    assert_int_equal(rp_new(&config, &rp), ERR_OK);
    return rp;
}

static int setup_alg(void **state, const char *alg) {
    struct fixture *f = calloc(1, sizeof *f);
    CLEANUP(buf_done) struct buf public = BUF_INIT(JWK_MAX_BYTES);
    f->arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    f->rp = rp_of(alg);
    assert_int_equal(jwk_generate(jose_alg_find(span_of(alg)), &f->key), ERR_OK);
    assert_int_equal(jws_signer_new(f->key, &f->signer), ERR_OK);
    assert_int_equal(jwk_public_add(f->key, &public), ERR_OK);
    assert_int_equal(jwk_parse(buf_span(&public), &f->rp->jwks.keys.key[0]), ERR_OK);
    f->rp->jwks.keys.count = 1;
    f->rp->jwks.fetched_us = clock_mono_us();
    *state = f;
    return 0;
}

static int setup(void **state) {
    return setup_alg(state, "ES256");
}

static int setup_rsa(void **state) {
    return setup_alg(state, "RS256");
}

static int setup_pss(void **state) {
    return setup_alg(state, "PS256");
}

static int setup_eddsa(void **state) {
    return setup_alg(state, "EdDSA");
}

static int teardown(void **state) {
    struct fixture *f = *state;
    jws_signer_free(f->signer);
    jwk_unref(f->key);
    rp_free(f->rp);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static struct span sign(struct fixture *f, const char *typ, const char *claims) {
    CLEANUP(buf_done) struct buf token = BUF_INIT(JWS_MAX_BYTES);
    assert_int_equal(jws_sign(f->signer, typ, span_of(claims), &token), ERR_OK);
    return arena_dup(&f->arena, buf_span(&token));
}

static const struct rp_id_token_expect expected = {.nonce = {"n", 1}, .now = NOW};
static const char good[] =
    "{\"iss\":\"" ISSUER "\",\"sub\":\"s\",\"aud\":\"portal\",\"iat\":1700000000,"
    "\"exp\":1700000300,\"nonce\":\"n\"}";

static enum err check_token(struct fixture *f, struct span token) {
    AUTO_JSON json_t *claims = NULL;
    return rp_id_token_check(f->rp, &f->arena, token, &expected, &claims);
}

static void test_a_good_token_passes_both_verifiers(void **state) {
    struct fixture *f = *state;
    assert_int_equal(check_token(f, sign(f, "JWT", good)), ERR_OK);
    assert_int_equal(check_token(f, sign(f, NULL, good)), ERR_OK);
    assert_int_equal(rp_libjwt_agrees(f->rp->jwks.keys.key[0], f->rp->alg, sign(f, "JWT", good)),
                     ALLOW);
}

static void test_E16_another_kind_of_token_is_refused(void **state) {
    struct fixture *f = *state;
    assert_int_not_equal(check_token(f, sign(f, "at+jwt", good)), ERR_OK);
    assert_int_not_equal(check_token(f, sign(f, "logout+jwt", good)), ERR_OK);
}

static void test_E01_edited_or_foreign_signatures_are_refused(void **state) {
    struct fixture *f = *state;
    struct span token = sign(f, "JWT", good);
    char *edited = arena_strndup(&f->arena, token.ptr, token.len);
    edited[token.len - 10] = edited[token.len - 10] == 'A' ? 'B' : 'A';
    assert_int_not_equal(check_token(f, span_of(edited)), ERR_OK);
    assert_int_equal(rp_libjwt_agrees(f->rp->jwks.keys.key[0], f->rp->alg, span_of(edited)), DENY);
    struct fixture other = {.arena = ARENA_INIT(65536)};
    assert_int_equal(jwk_generate(jose_alg_find(span_of(f->key->alg->name)), &other.key), ERR_OK);
    memcpy(other.key->kid, f->key->kid, sizeof other.key->kid);
    assert_int_equal(jws_signer_new(other.key, &other.signer), ERR_OK);
    assert_int_not_equal(check_token(f, sign(&other, "JWT", good)), ERR_OK);
    jws_signer_free(other.signer);
    jwk_unref(other.key);
    arena_done(&other.arena);
    /* {"alg":"none"} */
    struct span none = span_of(arena_printf(&f->arena, "eyJhbGciOiJub25lIn0.%s.", "e30"));
    assert_int_not_equal(check_token(f, none), ERR_OK);
}

static void test_U03_each_claim_rule_refuses_alone(void **state) {
    struct fixture *f = *state;
    /* clang-format off */
    static const struct {
        const char *what, *claims;
        enum err expect;
    } rows[] = {
#define TOKEN(iss, sub, aud, iat, exp, nonce, more)                                                          \
    "{\"iss\":" iss ",\"sub\":" sub ",\"aud\":" aud ",\"iat\":" iat ",\"exp\":" exp ",\"nonce\":" nonce more "}"
#define I "\"" ISSUER "\""
        {"good", TOKEN(I, "\"s\"", "\"portal\"", "1700000000", "1700000300", "\"n\"", ""), ERR_OK},
        {"array audience", TOKEN(I, "\"s\"", "[\"portal\"]", "1700000000", "1700000300", "\"n\"", ""), ERR_OK},
        {"other issuer", TOKEN("\"https://evil.example\"", "\"s\"", "\"portal\"", "1700000000", "1700000300", "\"n\"", ""), ERR_REFUSED},
        {"issuer with a slash", TOKEN("\"" ISSUER "/\"", "\"s\"", "\"portal\"", "1700000000", "1700000300", "\"n\"", ""), ERR_REFUSED},
        {"other audience", TOKEN(I, "\"s\"", "\"portal2\"", "1700000000", "1700000300", "\"n\"", ""), ERR_REFUSED},
        {"no audience", TOKEN(I, "\"s\"", "[]", "1700000000", "1700000300", "\"n\"", ""), ERR_REFUSED},
        {"two audiences, no azp", TOKEN(I, "\"s\"", "[\"portal\",\"x\"]", "1700000000", "1700000300", "\"n\"", ""), ERR_REFUSED},
        {"two audiences, azp", TOKEN(I, "\"s\"", "[\"portal\",\"x\"]", "1700000000", "1700000300", "\"n\"", ",\"azp\":\"portal\""), ERR_OK},
        {"other azp", TOKEN(I, "\"s\"", "\"portal\"", "1700000000", "1700000300", "\"n\"", ",\"azp\":\"x\""), ERR_REFUSED},
        {"number as sub", TOKEN(I, "1", "\"portal\"", "1700000000", "1700000300", "\"n\"", ""), ERR_REFUSED},
        {"empty sub", TOKEN(I, "\"\"", "\"portal\"", "1700000000", "1700000300", "\"n\"", ""), ERR_REFUSED},
        {"expired", TOKEN(I, "\"s\"", "\"portal\"", "1699999000", "1699999960", "\"n\"", ""), ERR_EXPIRED},
        {"from the future", TOKEN(I, "\"s\"", "\"portal\"", "1700000040", "1700000300", "\"n\"", ""), ERR_EXPIRED},
        {"text as exp", TOKEN(I, "\"s\"", "\"portal\"", "1700000000", "\"1700000300\"", "\"n\"", ""), ERR_EXPIRED},
        {"old", TOKEN(I, "\"s\"", "\"portal\"", "1699999399", "1700000300", "\"n\"", ""), ERR_EXPIRED},
        {"just not old", TOKEN(I, "\"s\"", "\"portal\"", "1699999400", "1700000300", "\"n\"", ""), ERR_OK},
        {"not yet", TOKEN(I, "\"s\"", "\"portal\"", "1700000000", "1700000300", "\"n\"", ",\"nbf\":1700000040"), ERR_EXPIRED},
        {"since now", TOKEN(I, "\"s\"", "\"portal\"", "1700000000", "1700000300", "\"n\"", ",\"nbf\":1700000000"), ERR_OK},
        {"text as nbf", TOKEN(I, "\"s\"", "\"portal\"", "1700000000", "1700000300", "\"n\"", ",\"nbf\":\"1\""), ERR_EXPIRED},
        {"number in the audience", TOKEN(I, "\"s\"", "[\"portal\",1]", "1700000000", "1700000300", "\"n\"", ",\"azp\":\"portal\""), ERR_REFUSED},
        {"audience twice", TOKEN(I, "\"s\"", "\"x\",\"aud\":\"portal\"", "1700000000", "1700000300", "\"n\"", ""), ERR_SYNTAX},
        {"other nonce", TOKEN(I, "\"s\"", "\"portal\"", "1700000000", "1700000300", "\"m\"", ""), ERR_REFUSED},
        {"number as nonce", TOKEN(I, "\"s\"", "\"portal\"", "1700000000", "1700000300", "1", ""), ERR_REFUSED},
#undef I
#undef TOKEN
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum err e = check_token(f, sign(f, "JWT", rows[i].claims));
        if (e != rows[i].expect)
            print_error("%s\n", rows[i].what);
        assert_int_equal(e, rows[i].expect);
    }
}

static void test_at_hash_binds_the_access_token(void **state) {
    struct fixture *f = *state;
    AUTO_JSON json_t *claims = NULL;
    /* OIDC Core A.3's access token and its at_hash. */
    static const char text[] =
        "{\"iss\":\"" ISSUER "\",\"sub\":\"s\",\"aud\":\"portal\",\"iat\":1700000000,"
        "\"exp\":1700000300,\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"}";
    struct rp_id_token_expect expect = {
        .access_token = span_of("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), .now = NOW};
    assert_int_equal(json_parse_object(span_of(text), 4096, &claims), ERR_OK);
    assert_int_equal(rp_id_token_claims_check(f->rp, claims, &expect), ERR_OK);
    expect.access_token = span_of("another");
    assert_int_equal(rp_id_token_claims_check(f->rp, claims, &expect), ERR_REFUSED);
}

/* An HS256 token whose key is the provider's public key as text: the confusion that libjwt 1.10.2
 * alone falls for. The strict gate goes by the algorithm that was agreed. */
static void test_E02_the_public_key_is_no_shared_secret(void **state) {
    struct fixture *f = *state;
    CLEANUP(buf_done) struct buf token = BUF_INIT(JWS_MAX_BYTES);
    BIO *pem = BIO_new(BIO_s_mem());
    char *text;
    unsigned char mac[32];
    assert_int_equal(PEM_write_bio_PUBKEY(pem, f->key->pkey), 1);
    long len = BIO_get_mem_data(pem, &text);
    CLEANUP(buf_done) struct buf header = BUF_INIT(1024);
    buf_addf(&header, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", f->key->kid);
    b64url_add(&token, header.data, header.len);
    buf_add_char(&token, '.');
    b64url_add(&token, good, strlen(good));
    assert_non_null(HMAC(EVP_sha256(), text, (int)len, (const unsigned char *)token.data, token.len,
                         mac, NULL));
    buf_add_char(&token, '.');
    b64url_add(&token, mac, sizeof mac);
    BIO_free(pem);
    assert_int_equal(check_token(f, buf_span(&token)), ERR_UNSUPPORTED);
    assert_int_equal(rp_libjwt_agrees(f->rp->jwks.keys.key[0], f->rp->alg, buf_span(&token)), DENY);
}

/* A key that names no algorithm is used with the agreed one, and only with that. */
static void test_a_key_without_alg_serves_the_agreed_one(void **state) {
    struct fixture *f = *state;
    f->rp->jwks.keys.key[0]->alg = NULL;
    assert_int_equal(check_token(f, sign(f, "JWT", good)), ERR_OK);
    f->rp->alg = jose_alg_find(SPAN("PS256"));
    assert_int_not_equal(check_token(f, sign(f, "JWT", good)), ERR_OK);
}

/* An ID token that the strict gate lets pass and Debian's libjwt does not: this spelling of its typ.
 * Its word counts. */
static void test_what_libjwt_does_not_verify_is_refused(void **state) {
    struct fixture *f = *state;
    struct span token = sign(f, "application/JWT", good);
    const char *const algs[] = {f->rp->alg->name, NULL}, *const typ[] = {"JWT", NULL};
    struct jws jws;
    assert_int_equal(
        jws_verify(&f->arena, token, &(struct jws_expect){typ, algs}, &f->rp->jwks.keys, &jws),
        ERR_OK);
    assert_int_equal(check_token(f, token), ERR_BAD_SIGNATURE);
}

/* For an algorithm that libjwt has no name for, the strict gate stands alone and is no less strict:
 * setup_eddsa and setup_pss run the other tests. It is always asked for those that it knows. */
static void test_only_what_libjwt_lacks_goes_unasked(void **state) {
    (void)state;
    assert_true(rp_libjwt_knows(jose_alg_find(SPAN("ES256"))));
    assert_true(rp_libjwt_knows(jose_alg_find(SPAN("RS256"))));
    assert_false(rp_libjwt_knows(&(const struct jose_alg){.name = "ES999"}));
}

static void test_a_good_token_that_libjwt_cannot_judge(void **state) {
    struct fixture *f = *state;
    assert_int_equal(check_token(f, sign(f, "JWT", good)), ERR_OK);
    struct span token = sign(f, "JWT", good);
    char *edited = arena_strndup(&f->arena, token.ptr, token.len);
    edited[token.len - 10] = edited[token.len - 10] == 'A' ? 'B' : 'A';
    assert_int_equal(check_token(f, span_of(edited)), ERR_BAD_SIGNATURE);
}

/* Also when the strict gate were wrong, libjwt alone would stop a token (and the other way round).
 */
static void test_a_key_that_was_replaced_behind_the_gate(void **state) {
    struct fixture *f = *state;
    AUTO_JWK struct jwk *other = NULL;
    assert_int_equal(jwk_generate(f->key->alg, &other), ERR_OK);
    assert_int_equal(rp_libjwt_agrees(other, f->rp->alg, sign(f, "JWT", good)), DENY);
    assert_int_equal(rp_libjwt_agrees(f->key, jose_alg_find(SPAN("PS256")), sign(f, "JWT", good)),
                     DENY);
    assert_int_equal(rp_libjwt_agrees(f->key, f->rp->alg, sign(f, "JWT", good)), ALLOW);
}

static struct span sign_by_stranger(struct fixture *f, const char *claims) {
    struct fixture other = {.arena = ARENA_INIT(65536)};
    assert_int_equal(jwk_generate(f->key->alg, &other.key), ERR_OK);
    assert_int_equal(jws_signer_new(other.key, &other.signer), ERR_OK);
    struct span token = arena_dup(&f->arena, sign(&other, "JWT", claims));
    jws_signer_free(other.signer);
    jwk_unref(other.key);
    arena_done(&other.arena);
    return token;
}

static void test_U09_a_key_that_is_not_known_is_told_apart(void **state) {
    struct fixture *f = *state;
    assert_int_equal(check_token(f, sign(f, "JWT", good)), ERR_OK);
    assert_false(f->rp->jwks.is_lacking);
    assert_int_equal(check_token(f, sign_by_stranger(f, good)), ERR_UNKNOWN_KEY);
    assert_true(f->rp->jwks.is_lacking);
}

static void test_an_old_key_set_is_not_believed_for_ever(void **state) {
    struct fixture *f = *state;
    f->rp->jwks.fetched_us = clock_mono_us() - (RP_KEYS_STALE_SECONDS - 60) * INT64_C(1000000);
    assert_int_equal(check_token(f, sign(f, "JWT", good)), ERR_OK);
    f->rp->jwks.fetched_us = clock_mono_us() - (RP_KEYS_STALE_SECONDS + 60) * INT64_C(1000000);
    assert_int_equal(check_token(f, sign(f, "JWT", good)), ERR_UNAVAILABLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_a_good_token_passes_both_verifiers),
        T(test_E16_another_kind_of_token_is_refused),
        T(test_E01_edited_or_foreign_signatures_are_refused),
        T(test_U03_each_claim_rule_refuses_alone),
        T(test_at_hash_binds_the_access_token),
        T(test_E02_the_public_key_is_no_shared_secret),
        T(test_a_key_without_alg_serves_the_agreed_one),
        T(test_what_libjwt_does_not_verify_is_refused),
        T(test_a_key_that_was_replaced_behind_the_gate),
        T(test_only_what_libjwt_lacks_goes_unasked),
        T(test_U09_a_key_that_is_not_known_is_told_apart),
        T(test_an_old_key_set_is_not_believed_for_ever),
#undef T
#define WITH(setup_alg, name) cmocka_unit_test_setup_teardown(name, setup_alg, teardown)
        WITH(setup_pss, test_a_good_token_that_libjwt_cannot_judge),
        WITH(setup_pss, test_E16_another_kind_of_token_is_refused),
        WITH(setup_pss, test_U03_each_claim_rule_refuses_alone),
        WITH(setup_pss, test_E02_the_public_key_is_no_shared_secret),
        WITH(setup_eddsa, test_a_good_token_that_libjwt_cannot_judge),
        WITH(setup_eddsa, test_E16_another_kind_of_token_is_refused),
        WITH(setup_eddsa, test_U03_each_claim_rule_refuses_alone),
        WITH(setup_eddsa, test_E02_the_public_key_is_no_shared_secret),
#undef WITH
        cmocka_unit_test_setup_teardown(test_a_good_token_passes_both_verifiers, setup_rsa,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_key_without_alg_serves_the_agreed_one, setup_rsa,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_E02_the_public_key_is_no_shared_secret, setup_rsa,
                                        teardown),
    };
    if (secret_init())
        return 1;
    return cmocka_run_group_tests_name("rp/id_token", tests, NULL, NULL);
}
