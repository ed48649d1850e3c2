/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: times are written as documented, never past the room given, and a time that cannot be
 * written gives the empty string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_formats(void **state) {
    (void)state;
    char utc[21], vn[17];
    clock_format_utc(1795427400, utc, sizeof utc);
    assert_string_equal(utc, "2026-11-23T09:50:00Z");
    clock_format_vn(1795427400, vn, sizeof vn);
    assert_string_equal(vn, "23/11/2026 16:50");
    clock_format_vn(1798736399, vn, sizeof vn); /* 23:59:59 on the last day of the year there */
    assert_string_equal(vn, "31/12/2026 23:59");
    clock_format_vn(1798736400, vn, sizeof vn);
    assert_string_equal(vn, "01/01/2027 00:00");
    clock_format_utc(0, utc, sizeof utc);
    assert_string_equal(utc, "1970-01-01T00:00:00Z");
}

static void test_hostile_times_and_rooms(void **state) {
    (void)state;
    static const int64_t times[] = {INT64_MIN, INT64_MAX, INT64_MAX - 1, -62167219201,
                                    253402300800};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char out[24] = "x";
        clock_format_utc(times[i], out, sizeof out);
        assert_string_equal(out, "");
        out[0] = 'x';
        clock_format_vn(times[i], out, sizeof out);
        assert_true(out[0] == '\0' || times[i] == -62167219201); /* 7 hours later it is year 0 */
    }
    char small[21] = "xxxxxxxxxxxxxxxxxxxx";
    clock_format_utc(1795427400, small, 20);
    assert_string_equal(small, "");
    assert_int_equal(small[20], 0);
    small[0] = 'x';
    clock_format_utc(1795427400, small, 0);
    assert_int_equal(small[0], 'x');
}

static void test_clocks_run(void **state) {
    (void)state;
    assert_true(clock_now() > 1700000000);
    int64_t before = clock_mono_us();
    assert_true(clock_mono_us() >= before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_hostile_times_and_rooms),
        cmocka_unit_test(test_clocks_run),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
