/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: exactly the bytes asked for are filled, and two calls differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static void test_fills_exactly(void **state) {
    (void)state;
    unsigned char seen[32] = {0};
    for (int round = 0; round < 64; round++) {
        unsigned char bytes[34] = {0};
        random_bytes(bytes + 1, 32);
        assert_int_equal(bytes[0], 0);
        assert_int_equal(bytes[33], 0);
        for (size_t i = 0; i < 32; i++)
            seen[i] |= bytes[i + 1];
    }
    for (size_t i = 0; i < 32; i++)
        assert_int_not_equal(seen[i], 0);
    random_bytes(NULL, 0);
}

static void test_calls_differ(void **state) {
    (void)state;
    unsigned char a[16], b[16];
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_exactly),
        cmocka_unit_test(test_calls_differ),
    };
    return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
