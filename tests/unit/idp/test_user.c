/* SPDX-License-Identifier: Apache-2.0
 *
 * Property (F03): two spellings that a person would call the same name are one account, and names
 * that look empty or hide characters are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <unistr.h>

#include "base/cleanup.h"
#include "idp/user.h"

static void test_fold(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    static const struct {
        const char *typed, *folded; /* NULL: refused */
    } cases[] = {
        {"lan.nguyen", "lan.nguyen"},
        {"Lan.Nguyen", "lan.nguyen"},
        {"ｌａｎ", "lan"},
        {"001099012345", "001099012345"},
        {"００１", "001"},
        {"NGUYỄN", "nguyễn"},
        {"nguye\xcc\x82\xcc\x83n", "nguyễn"},
        {"Straße", "strasse"},
        {"ﬁ", "fi"},
        {"a@b.vn", "a@b.vn"},
        {"\xe1\xb4\xac"
         "dmin",
         "admin"},                /* modifier capital A: folds only after NFKC */
        {"\xcf\x93", "\xcf\x8d"}, /* upsilon with acute and hook symbol: likewise */
        {"", NULL},
        {" a", NULL},
        {"a ", NULL},
        {"a b", NULL},
        {"a\tb", NULL},
        {"a\nb", NULL},
        {"a\x7f", NULL},
        {"a\xc2\xa0", NULL},     /* no-break space */
        {"a\xe3\x80\x80", NULL}, /* ideographic space */
        {"a\xe2\x80\x8b", NULL}, /* zero width space */
        {"a\xe2\x80\x8d", NULL}, /* zero width joiner */
        {"\xe2\x80\xae"
         "nal",
         NULL},                  /* right-to-left override */
        {"a\xef\xbb\xbf", NULL}, /* byte order mark */
        {"a\xc2\xad", NULL},     /* soft hyphen */
        {"a\xe1\x85\x9f", NULL}, /* Hangul filler */
        {"a\xef\xb8\x8f", NULL}, /* variation selector */
        {"a\xc2\xb4", NULL},     /* acute accent: NFKC makes a space of it */
        {"a\xee\x80\x80", NULL}, /* private use */
        {"a\xed\xa0\x80", NULL}, /* surrogate */
        {"a\xff", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span got = SPAN_NONE;
        enum err e = username_fold(&a, span_of(cases[i].typed), &got);
        if ((e == ERR_OK) != (cases[i].folded != NULL) || (!e && !span_is(got, cases[i].folded)))
            fail_msg("case %zu \"%s\": %s \"%.*s\"", i, cases[i].typed, err_name(e), SPAN_FMT(got));
        struct span twice = SPAN_NONE;
        if (!e) {
            assert_int_equal(username_fold(&a, got, &twice), ERR_OK);
            assert_true(span_eq(got, twice));
        }
    }
    struct span got;
    assert_int_equal(username_fold(&a, SPAN("a\0b"), &got), ERR_SYNTAX);
}

/* Folding what was folded changes nothing, for every character that a name may hold. */
static void test_fixed_point(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    unsigned accepted = 0;
    for (ucs4_t c = 1; c < 0x110000; c++) {
        uint8_t text[6];
        int n = u8_uctomb(text, c, sizeof text);
        struct span once, twice;
        arena_reset(&a);
        if (n <= 0 || username_fold(&a, span_bytes(text, (size_t)n), &once))
            continue;
        accepted++;
        assert_int_equal(username_fold(&a, once, &twice), ERR_OK);
        assert_true(span_eq(once, twice));
    }
    assert_true(accepted > 100000);
}

static void test_lengths(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    AUTO_FREE char *big = malloc(1 << 20);
    assert_non_null(big);
    memset(big, 'A', 1 << 20);
    struct span got;
    assert_int_equal(username_fold(&a, span_bytes(big, USERNAME_MAX), &got), ERR_OK);
    assert_int_equal(username_fold(&a, span_bytes(big, USERNAME_MAX + 1), &got), ERR_TOO_LONG);
    assert_int_equal(username_fold(&a, span_bytes(big, 1 << 20), &got), ERR_TOO_LONG);
}

static void test_names(void **state) {
    (void)state;
    enum user_type t;
    for (int i = USER_CITIZEN; i <= USER_OFFICIAL; i++) {
        assert_int_equal(user_type_find(span_of(user_type_name((enum user_type)i)), &t), ERR_OK);
        assert_int_equal(t, i);
    }
    assert_int_equal(user_type_find(SPAN("Citizen"), &t), ERR_NOT_FOUND);
    assert_int_equal(user_type_find(SPAN(""), &t), ERR_NOT_FOUND);
    assert_string_equal(user_type_name((enum user_type)99), "unknown");
    assert_string_equal(user_status_name(USER_LOCKED), "locked");
    assert_string_equal(user_status_name((enum user_status)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_fixed_point),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
