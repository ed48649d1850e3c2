/* SPDX-License-Identifier: Apache-2.0
 *
 * An assertion is the client's own, by its registered key and algorithm, about itself and for this
 * provider, and each names one use (B13, B14, B15, E16). */
#include "check.h"
#include "fake_store.h"
#include "idp/config.h"
#include "protocols/oidc/client_assertion.h"
#include "signed.h"

#define NOW 1800000000

static struct arena arena = ARENA_INIT(16 * 1024 * 1024);
static const struct config cfg = {.issuer = {"http://localhost:1", 18}};
static struct signed_by own, other, rsa;

#define CLAIMS(iss, sub, aud, rest)                                                                \
    "{\"iss\":\"" iss "\",\"sub\":\"" sub "\",\"aud\":\"" aud "\"," rest "}"
#define REST "\"exp\":1800000060,\"jti\":\"j1\""
#define GOOD CLAIMS("machine", "machine", "http://localhost:1", REST)

static struct client machine(const char *alg) {
    return (struct client){.client_id = SPAN("machine"),
                           .assertion_alg = alg ? jose_alg_find(span_of(alg)) : NULL};
}

static enum err verify(const struct client *c, struct signed_by *by, const char *typ,
                       const char *claims, struct client_assertion *ret) {
    struct span token = signed_token(&arena, by, typ, claims);
    return client_assertion_verify(&arena, &cfg, c, &own.keys.verify, token, NOW, ret);
}

static void test_good_ones(void **state) {
    (void)state;
    static const char *const types[] = {NULL, "JWT", "jwt", "client-authentication+jwt",
                                        "application/client-authentication+jwt"};
    static const char *const claims[] = {
        GOOD,
        CLAIMS("machine", "machine", "http://localhost:1/token", REST),
        CLAIMS("machine", "machine", "http://localhost:1/oauth2/token", REST),
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (size_t j = 0; j < sizeof claims / sizeof claims[0]; j++) {
            struct client c = machine(NULL);
            struct client_assertion got;
            assert_int_equal(verify(&c, &own, types[i], claims[j], &got), ERR_OK);
            assert_span(got.client_id, "machine");
            assert_span(got.jti, "j1");
            assert_int_equal(got.expires_at, NOW + 60);
        }
}

static void test_B13_B14_bad_claims(void **state) {
    (void)state;
    static const char *const claims[] = {
        CLAIMS("other", "machine", "http://localhost:1", REST),
        CLAIMS("machine", "other", "http://localhost:1", REST),
        CLAIMS("other", "other", "http://localhost:1", REST),
        CLAIMS("", "", "http://localhost:1", REST),
        CLAIMS("machine", "machine", "http://localhost:1/", REST),
        CLAIMS("machine", "machine", "http://localhost:1/userinfo", REST),
        CLAIMS("machine", "machine", "http://localhost:2", REST),
        CLAIMS("machine", "machine", "", REST),
        CLAIMS("machine", "machine", "http://localhost:1", "\"exp\":1800000060"),
        CLAIMS("machine", "machine", "http://localhost:1", "\"exp\":1800000060,\"jti\":\"\""),
        CLAIMS("machine", "machine", "http://localhost:1", "\"exp\":1800000060,\"jti\":7"),
        CLAIMS("machine", "machine", "http://localhost:1", "\"jti\":\"j1\""),
        CLAIMS("machine", "machine", "http://localhost:1", "\"exp\":1800000000,\"jti\":\"j1\""),
        CLAIMS("machine", "machine", "http://localhost:1", "\"exp\":1800003601,\"jti\":\"j1\""),
        CLAIMS("machine", "machine", "http://localhost:1", REST ",\"nbf\":1800000061"),
        "[]",
        "{}",
    };
    struct client c = machine(NULL);
    struct client_assertion got;
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
        if (verify(&c, &own, "JWT", claims[i], &got) == ERR_OK)
            fail_msg("accepted: %s", claims[i]);
}

static void test_B15_length_of_jti(void **state) {
    (void)state;
    struct client c = machine(NULL);
    struct client_assertion got;
    for (int more = 0; more < 2; more++) {
        const char *claims = arena_printf(&arena,
                                          CLAIMS("machine", "machine", "http://localhost:1",
                                                 "\"exp\":1800000060,\"jti\":\"%0*d\""),
                                          CLIENT_ASSERTION_JTI_MAX + more, 7);
        assert_int_equal(verify(&c, &own, "JWT", claims, &got), more ? ERR_SYNTAX : ERR_OK);
    }
}

static void test_B13_keys_types_and_algorithms(void **state) {
    (void)state;
    struct client c = machine(NULL);
    struct client_assertion got;
    assert_int_not_equal(verify(&c, &other, "JWT", GOOD, &got), ERR_OK);
    static const char *const types[] = {"at+jwt", "logout+jwt", "dpop+jwt", "oauth-authz-req+jwt",
                                        "x"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_int_equal(verify(&c, &own, types[i], GOOD, &got), ERR_UNSUPPORTED);
    c = machine("ES256");
    assert_int_equal(verify(&c, &own, "JWT", GOOD, &got), ERR_OK);
    c = machine("RS256");
    assert_int_not_equal(verify(&c, &own, "JWT", GOOD, &got), ERR_OK);
    assert_int_equal(verify(&c, &rsa, "JWT", GOOD, &got), ERR_NOT_FOUND);

    /* An RSA key that names no algorithm serves the one that was registered, or any of ours. */
    struct span token = signed_token(&arena, &rsa, "JWT", GOOD);
    struct jwk *key = rsa.keys.verify.key[0];
    const struct jose_alg *alg = key->alg;
    static const struct {
        const char *registered;
        enum err want;
    } cases[] = {
        {NULL, ERR_OK}, {"RS256", ERR_OK}, {"PS256", ERR_UNSUPPORTED}, {"ES256", ERR_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        c = machine(cases[i].registered);
        key->alg = NULL;
        enum err e = client_assertion_verify(&arena, &cfg, &c, &rsa.keys.verify, token, NOW, &got);
        key->alg = alg;
        assert_int_equal(e, cases[i].want);
    }
    static const struct jwk_set none = {0};
    assert_int_equal(client_assertion_verify(&arena, &cfg, &c, &none, token, NOW, &got),
                     ERR_UNSUPPORTED);
    c = machine(NULL);
    assert_int_equal(client_assertion_verify(&arena, &cfg, &c, &none, token, NOW, &got),
                     ERR_NOT_FOUND);
}

static void spend(const char *client_id, const char *jti,
                  unsigned char ret_key[PENDING_KEY_BYTES]) {
    struct client_assertion a = {span_of(client_id), span_of(jti), NOW + 5};
    client_assertion_spend(NULL, &a);
    memcpy(ret_key, fake_once_key, PENDING_KEY_BYTES);
    assert_int_equal(fake_once_expires_at, NOW + 5);
}

static void test_B15_what_counts_as_used(void **state) {
    (void)state;
    unsigned char first[PENDING_KEY_BYTES], again[PENDING_KEY_BYTES], more[3][PENDING_KEY_BYTES];
    spend("machine", "j1", first);
    spend("machine", "j1", again);
    spend("machine", "j2", more[0]);
    spend("other", "j1", more[1]);
    spend("machinej", "1", more[2]);
    assert_memory_equal(first, again, sizeof first);
    for (size_t i = 0; i < 3; i++)
        assert_memory_not_equal(first, more[i], sizeof first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones),
        cmocka_unit_test(test_B13_B14_bad_claims),
        cmocka_unit_test(test_B15_length_of_jti),
        cmocka_unit_test(test_B13_keys_types_and_algorithms),
        cmocka_unit_test(test_B15_what_counts_as_used),
    };
    signed_by_new("ES256", "k1", &own);
    signed_by_new("ES256", "k1", &other);
    signed_by_new("RS256", "k1", &rsa);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    signed_by_free(&own);
    signed_by_free(&other);
    signed_by_free(&rsa);
    arena_done(&arena);
    return failed;
}
