/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: an arena never hands out more than its limit, always zeroed and aligned memory, and
 * keeps nothing of one request for the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/cleanup.h"

static bool all_zero(const unsigned char *p, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (p[i])
            return false;
    return true;
}

static void test_limit_is_exact(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(64);
    assert_non_null(arena_alloc(&a, 48));
    assert_null(arena_alloc(&a, 17));
    assert_non_null(arena_alloc(&a, 16));
    assert_null(arena_alloc(&a, 1));
    assert_null(arena_alloc(&a, 0));
}

static void test_hostile_sizes(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(SIZE_MAX);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 15));
    assert_null(arena_strndup(&a, "", SIZE_MAX));
    CLEANUP(arena_done) struct arena none = ARENA_INIT(0);
    assert_null(arena_alloc(&none, 1));
}

static void test_aligned_zeroed_separate(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    unsigned char *before = NULL;
    for (size_t size = 1; size < 10000; size = size * 3 + 1) {
        unsigned char *p = arena_alloc(&a, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(all_zero(p, size));
        memset(p, 0xAA, size);
        if (before)
            assert_int_equal(before[0], 0xAA);
        before = p;
    }
}

static void test_reset_wipes(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    char *password = arena_strdup(&a, "correct horse");
    for (int i = 0; i < 10; i++)
        assert_non_null(arena_alloc(&a, 5000));
    arena_reset(&a);
    assert_int_equal(a.used, 0);
    /* The first chunk is kept; what it held is gone. */
    unsigned char *again = arena_alloc(&a, 32);
    assert_ptr_equal(again, password);
    assert_true(all_zero(again, 32));
}

static void test_copies_end_in_nul(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
    assert_string_equal(arena_strndup(&a, NULL, 0), "");
    assert_string_equal(arena_printf(&a, "%s-%d", "a", 7), "a-7");
    struct span s = arena_dup(&a, SPAN("x\0y"));
    assert_int_equal(s.len, 3);
    assert_int_equal(s.ptr[3], 0);
    assert_null(arena_dup(&a, SPAN_NONE).ptr);
    assert_non_null(arena_dup(&a, SPAN("")).ptr);
}

static void test_copies_past_the_limit_are_absent(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(16);
    assert_null(arena_dup(&a, SPAN("sixteen bytes 16")).ptr); /* with its NUL: 17 */
    assert_null(arena_printf(&a, "%20d", 1));
    assert_non_null(arena_dup(&a, SPAN("fifteen bytes 1")).ptr);
}

static void test_done_accepts_unused_and_twice(void **state) {
    (void)state;
    struct arena a = ARENA_INIT(100);
    arena_done(&a);
    assert_non_null(arena_alloc(&a, 10));
    arena_done(&a);
    arena_done(&a);
    arena_reset(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_is_exact),
        cmocka_unit_test(test_hostile_sizes),
        cmocka_unit_test(test_aligned_zeroed_separate),
        cmocka_unit_test(test_reset_wipes),
        cmocka_unit_test(test_copies_end_in_nul),
        cmocka_unit_test(test_copies_past_the_limit_are_absent),
        cmocka_unit_test(test_done_accepts_unused_and_twice),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
