/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: exactly five algorithm names exist, in exactly this spelling; `none` is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "keys/alg.h"

static void test_known(void **state) {
    (void)state;
    static const char *const known[] = {"ES256", "RS256", "PS256", "EdDSA", "HS256"};
    assert_int_equal(jose_algs_count, ARRAY_LEN(known));
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_string_equal(jose_alg_find(span_of(known[i]))->name, known[i]);
    assert_false(jose_alg_find(SPAN("HS256"))->signs_tokens);
}

static void test_unknown_e01_e11(void **state) {
    (void)state;
    static const char *const unknown[] = {"",       "none",   "None",  "nOnE",  "none ", "NONE",
                                          "es256",  "Es256",  "rs256", "eddsa", "EDDSA", "RS384",
                                          "HS384",  "ES256K", "ES384", "PS512", "RS1",   "ES256 ",
                                          " ES256", "ES25",   "ES2566"};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_null(jose_alg_find(span_of(unknown[i])));
    assert_null(jose_alg_find(SPAN_NONE));
    assert_null(jose_alg_find(SPAN("ES256\0")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_unknown_e01_e11),
    };
    return cmocka_run_group_tests_name("keys/alg", tests, NULL, NULL);
}
