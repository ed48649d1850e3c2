/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: every value has a name and a text, also values that do not exist; zero is OK, and a
 * zeroed verdict is no. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

static void test_every_value_has_name_and_text(void **state) {
    (void)state;
    for (int e = 0; e < ERR_COUNT; e++) {
        assert_memory_equal(err_name((enum err)e), "ERR_", 4);
        assert_true(err_text((enum err)e)[0] != '\0');
    }
    assert_string_equal(err_name(ERR_EXPIRED), "ERR_EXPIRED");
    assert_string_equal(err_text(ERR_EXPIRED), "expired");
}

static void test_unknown_values(void **state) {
    (void)state;
    static const int unknown[] = {ERR_COUNT, ERR_COUNT + 1, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_string_equal(err_name((enum err)unknown[i]), "ERR_UNKNOWN");
        assert_string_equal(err_text((enum err)unknown[i]), "unknown error");
    }
}

static void test_zeros(void **state) {
    (void)state;
    assert_int_equal(ERR_OK, 0);
    assert_int_equal(DENY, 0);
    assert_int_not_equal(ALLOW, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_has_name_and_text),
        cmocka_unit_test(test_unknown_values),
        cmocka_unit_test(test_zeros),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
