/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: cutting a span visits every byte once, never leaves the span, and tells an absent part
 * from an empty one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

static void test_cut_tells_absent_from_empty(void **state) {
    (void)state;
    struct span rest = SPAN("a=");
    assert_true(span_is(span_cut(&rest, '='), "a"));
    assert_non_null(rest.ptr);
    assert_int_equal(rest.len, 0);

    rest = SPAN("a");
    assert_true(span_is(span_cut(&rest, '='), "a"));
    assert_null(rest.ptr);

    rest = SPAN_NONE;
    assert_null(span_cut(&rest, '=').ptr);
    assert_null(rest.ptr);
}

static void test_cut_stays_inside(void **state) {
    (void)state;
    /* The separator stands right behind the span: it must not be found. */
    static const char text[] = "abc.def";
    struct span rest = {text, 3};
    struct span head = span_cut(&rest, '.');
    assert_int_equal(head.len, 3);
    assert_null(rest.ptr);
}

static void test_words(void **state) {
    (void)state;
    struct span rest = SPAN("  openid   profile ");
    assert_true(span_is(span_word(&rest), "openid"));
    assert_true(span_is(span_word(&rest), "profile"));
    assert_null(span_word(&rest).ptr);
    assert_null(span_word(&rest).ptr);
}

static void test_list_has_whole_words_only(void **state) {
    (void)state;
    struct span list = SPAN("openid offline_access");
    assert_true(span_list_has(list, SPAN("openid")));
    assert_true(span_list_has(list, SPAN("offline_access")));
    assert_false(span_list_has(list, SPAN("offline")));
    assert_false(span_list_has(list, SPAN("openid offline_access")));
    assert_false(span_list_has(list, SPAN("OpenID")));
    assert_false(span_list_has(list, SPAN("")));
    assert_false(span_list_has(SPAN_NONE, SPAN("openid")));
}

static void test_equality(void **state) {
    (void)state;
    assert_true(span_eq(SPAN_NONE, SPAN("")));
    assert_true(span_eq(SPAN("a\0b"), span_bytes("a\0b", 3)));
    assert_false(span_eq(SPAN("a\0b"), SPAN("a\0c")));
    assert_false(span_is(SPAN("a\0"), "a"));
    assert_true(span_starts(SPAN("Bearer x"), "Bearer "));
    assert_false(span_starts(SPAN("Bear"), "Bearer "));
}

static void test_order(void **state) {
    (void)state;
    const struct span sorted[] = {SPAN_NONE, SPAN("a"), SPAN("a\0"), SPAN("ab"), SPAN("b"), SPAN("\xff")};
    const int n = sizeof sorted / sizeof sorted[0];
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            int order = span_order(sorted[i], sorted[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    assert_int_equal(span_order(SPAN_NONE, SPAN("")), 0);
}

static void test_among(void **state) {
    (void)state;
    const struct span list[] = {SPAN("https://a.vn/cb"), SPAN("b")};
    assert_true(span_among(list, 2, SPAN("b")));
    assert_false(span_among(list, 1, SPAN("b")));
    assert_false(span_among(list, 2, SPAN("https://a.vn/")));
    assert_false(span_among(list, 0, SPAN("b")));
    assert_false(span_among(list, 2, SPAN_NONE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_tells_absent_from_empty),
        cmocka_unit_test(test_cut_stays_inside),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_list_has_whole_words_only),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_among),
    };
    return cmocka_run_group_tests_name("base/span", tests, NULL, NULL);
}
