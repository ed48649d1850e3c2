/* SPDX-License-Identifier: Apache-2.0
 *
 * What passes for an access token at our own resource: signed by us, typ at+jwt, for us, not
 * expired; each of these alone is enough to refuse (D06, D17, RFC 9068 4). Its jti leads to its grant,
 * for us alone. */
#include "base/encode.h"
#include "check.h"
#include "fake_keyring.h"
#include "idp/config.h"
#include "keys/jws_memory.h"
#include "protocols/oidc/access_token.h"
#include "signed.h"

#define NOW 1800000000
#define REST "\"iat\":1800000000,\"sub\":\"s\",\"client_id\":\"c\",\"scope\":\"openid\",\"jti\":\"x\"}"
#define GOOD "{\"iss\":\"http://localhost:1\",\"aud\":\"http://localhost:1\",\"exp\":1800000300," REST

static struct arena arena = ARENA_INIT(4 * 1024 * 1024);
static const struct config cfg = {.issuer = {"http://localhost:1", 18}};
static struct signed_by ours, other;

static struct jws_memory *memory;

/* Twice: the second time from memory, where the answer must be the same. */
static enum err verify(struct span token, int64_t now, struct access_token *ret) {
    enum err first = access_token_verify(&arena, &cfg, NULL, memory, token, now, ret);
    enum err again = access_token_verify(&arena, &cfg, NULL, memory, token, now, ret);
    assert_int_equal(first, again);
    return first;
}

static void test_good(void **state) {
    (void)state;
    struct access_token t;
    assert_int_equal(verify(signed_token(&arena, &ours, "at+jwt", GOOD), NOW, &t), ERR_OK);
    assert_span(t.sub, "s");
    assert_span(t.client_id, "c");
    assert_span(t.scope, "openid");
    assert_span(t.aud, "http://localhost:1"); /* whom it is for, the caller compares */
    assert_int_equal(t.issued_at, NOW);
    assert_int_equal(t.auth_time, 0);
    assert_int_equal(t.expires_at, NOW + 300);
    assert_false(t.has_grant);
}

static void test_D06_D17_each_check_alone_refuses(void **state) {
    (void)state;
    static const struct {
        const char *typ, *claims;
    } bad[] = {
        {"JWT", GOOD},
        {NULL, GOOD},
        {"logout+jwt", GOOD},
        {"at+jwt", "{\"iss\":\"http://localhost:2\",\"aud\":\"http://localhost:1\",\"exp\":1800000300," REST},
        {"at+jwt", "{\"iss\":\"http://localhost:1\",\"exp\":1800000300," REST},
        {"at+jwt", "{\"iss\":\"http://localhost:1\",\"aud\":\"c\",\"exp\":1800000300,\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"x\"}"},
        {"at+jwt", "{\"iss\":\"http://localhost:1\",\"aud\":\"c\",\"exp\":1800000300,\"iat\":1,\"sub\":\"s\",\"client_id\":\"c\"}"},
        {"at+jwt", "{\"iss\":\"http://localhost:1\",\"aud\":[\"http://localhost:1\",\"x\"],\"exp\":1800000300," REST},
        {"at+jwt", "{\"iss\":\"http://localhost:1\",\"aud\":\"http://localhost:1\",\"exp\":\"1800000300\"," REST},
        {"at+jwt", "{\"iss\":\"http://localhost:1\",\"aud\":\"http://localhost:1\",\"exp\":1.8e9," REST},
        {"at+jwt", "{\"iss\":\"http://localhost:1\",\"aud\":\"http://localhost:1\"," REST},
        {"at+jwt", "{\"iss\":\"http://localhost:1\",\"aud\":\"http://localhost:1\",\"exp\":1800000300}"},
        {"at+jwt", "[]"},
        {"at+jwt", "no JSON"},
    };
    struct access_token t;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (verify(signed_token(&arena, &ours, bad[i].typ, bad[i].claims), NOW, &t) == ERR_OK)
            fail_msg("accepted: %s %s", bad[i].typ ? bad[i].typ : "-", bad[i].claims);
    assert_int_not_equal(verify(signed_token(&arena, &other, "at+jwt", GOOD), NOW, &t), ERR_OK);
}

static void test_E12_expiry(void **state) {
    (void)state;
    struct access_token t;
    struct span token = signed_token(&arena, &ours, "at+jwt", GOOD);
    assert_int_equal(verify(token, NOW + 299, &t), ERR_OK);
    assert_int_equal(verify(token, NOW + 300, &t), ERR_EXPIRED);
}

static bool jti_leads_to(const char *jti, struct grant_key *key) {
    struct access_token t;
    char *claims = arena_printf(&arena,
                                "{\"iss\":\"http://localhost:1\",\"aud\":\"http://localhost:1\","
                                "\"iat\":1800000000,\"exp\":1800000300,\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"%s\"}",
                                jti);
    assert_int_equal(verify(signed_token(&arena, &ours, "at+jwt", claims), NOW, &t), ERR_OK);
    *key = t.grant;
    return t.has_grant;
}

static void test_D19_jti(void **state) {
    (void)state;
    struct grant_key key, got;
    memset(key.b, 0x6b, sizeof key.b);
    char one[ACCESS_TOKEN_JTI_CHARS + 1], two[ACCESS_TOKEN_JTI_CHARS + 1];
    access_token_jti_build(NULL, &key, one);
    access_token_jti_build(NULL, &key, two);
    unsigned char bytes[28], others[28];
    size_t len;
    assert_int_equal(b64url_decode(span_of(one), bytes, sizeof bytes, &len), ERR_OK);
    assert_int_equal(b64url_decode(span_of(two), others, sizeof others, &len), ERR_OK);
    for (size_t i = 0; i + 4 <= sizeof bytes; i++) /* D19: nothing tells that they are of one grant */
        assert_memory_not_equal(bytes + i, others + i, 4);
    assert_true(jti_leads_to(two, &got));
    assert_memory_equal(got.b, key.b, sizeof key.b);
    assert_true(jti_leads_to(one, &got));
    assert_memory_equal(got.b, key.b, sizeof key.b);
    access_token_jti_build(NULL, NULL, one);
    assert_false(jti_leads_to(one, &got));
    assert_false(jti_leads_to("", &got));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_D06_D17_each_check_alone_refuses),
        cmocka_unit_test(test_E12_expiry),
        cmocka_unit_test(test_D19_jti),
    };
    assert_int_equal(jws_memory_new(&memory), ERR_OK);
    signed_by_new("ES256", "k1", &ours);
    signed_by_new("ES256", "k1", &other);
    fake_keys = &ours.keys;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    signed_by_free(&ours);
    signed_by_free(&other);
    jws_memory_free(memory);
    arena_done(&arena);
    return failed;
}
