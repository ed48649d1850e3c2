/* SPDX-License-Identifier: Apache-2.0
 *
 * at_hash is what OpenID Connect Core's own examples say (appendix A.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keys/at_hash.h"

#define TOKEN "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"

static void check_alg(const char *alg, const char *token, const char *expected) {
    char out[AT_HASH_MAX];
    assert_int_equal(at_hash_build(jose_alg_find(span_of(alg)), span_of(token), out), ERR_OK);
    assert_string_equal(out, expected);
}

static void test_B35_vector(void **state) {
    (void)state;
    check_alg("RS256", TOKEN, "77QmUPtjPfzWtF2AnpK9RQ");
    check_alg("ES256", TOKEN, "77QmUPtjPfzWtF2AnpK9RQ");
    check_alg("PS256", TOKEN, "77QmUPtjPfzWtF2AnpK9RQ");
    check_alg("EdDSA", TOKEN, "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM");
}

static void test_B35_other_token(void **state) {
    (void)state;
    char out[AT_HASH_MAX];
    assert_int_equal(at_hash_build(jose_alg_find(SPAN("RS256")), SPAN(TOKEN "x"), out), ERR_OK);
    assert_string_not_equal(out, "77QmUPtjPfzWtF2AnpK9RQ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_B35_vector),
        cmocka_unit_test(test_B35_other_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
