/* SPDX-License-Identifier: Apache-2.0
 *
 * A hint is an ID token of ours, of any age; nothing else says who somebody is (A19, E16). */
#include "check.h"
#include "idp/config.h"
#include "protocols/oidc/id_token_hint.h"
#include "signed.h"

static struct arena arena = ARENA_INIT(4 * 1024 * 1024);
static const struct config cfg = {.issuer = {"http://localhost:1", 18}};
static struct signed_by ours, other;

#define GOOD "{\"iss\":\"http://localhost:1\",\"aud\":\"c\",\"sub\":\"s\",\"exp\":1}" /* long expired */

static enum err verify(struct span token, struct id_token_hint *ret) {
    return id_token_hint_verify(&arena, &cfg, &ours.keys, token, ret);
}

static void test_expired_ones_count(void **state) {
    (void)state;
    struct id_token_hint hint;
    assert_int_equal(verify(signed_token(&arena, &ours, "JWT", GOOD), &hint), ERR_OK);
    assert_span(hint.sub, "s");
    assert_span(hint.client_id, "c");
}

static void test_A19_what_is_no_hint(void **state) {
    (void)state;
    static const struct {
        const char *typ, *claims;
    } bad[] = {
        {"at+jwt", GOOD},
        {"logout+jwt", GOOD},
        {NULL, GOOD},
        {"JWT", "{\"iss\":\"http://localhost:2\",\"aud\":\"c\",\"sub\":\"s\"}"},
        {"JWT", "{\"iss\":\"http://localhost:1\",\"aud\":[\"c\",\"d\"],\"sub\":\"s\"}"},
        {"JWT", "{\"iss\":\"http://localhost:1\",\"sub\":\"s\"}"},
        {"JWT", "{\"iss\":\"http://localhost:1\",\"aud\":\"c\"}"},
        {"JWT", "{\"iss\":\"http://localhost:1\",\"aud\":\"c\",\"sub\":\"\"}"},
        {"JWT", "[]"},
    };
    struct id_token_hint hint;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (verify(signed_token(&arena, &ours, bad[i].typ, bad[i].claims), &hint) == ERR_OK)
            fail_msg("accepted: %s %s", bad[i].typ ? bad[i].typ : "-", bad[i].claims);
    assert_int_not_equal(verify(signed_token(&arena, &other, "JWT", GOOD), &hint), ERR_OK);
    assert_int_not_equal(verify(SPAN("a.b.c"), &hint), ERR_OK);
    assert_int_not_equal(verify(SPAN(""), &hint), ERR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expired_ones_count),
        cmocka_unit_test(test_A19_what_is_no_hint),
    };
    signed_by_new("RS256", "k1", &ours);
    signed_by_new("RS256", "k1", &other);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    signed_by_free(&ours);
    signed_by_free(&other);
    arena_done(&arena);
    return failed;
}
