/* SPDX-License-Identifier: Apache-2.0
 *
 * language and trace: a language is what was asked for first, Vietnamese when nobody asks; a
 * traceparent that is not exactly one starts a trace of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "web/language.h"
#include "web/trace.h"

static enum lang choose(const char *lang, const char *locales, const char *cookie,
                        const char *accept) {
    bool is_asked;
    return language_choose(&(struct language_wishes){span_of(lang), span_of(locales),
                                                     span_of(cookie), span_of(accept)},
                           &is_asked);
}

static void the_first_wish_that_can_be_met_counts(void **state) {
    (void)state;
    assert_int_equal(choose(NULL, NULL, NULL, NULL), LANG_VI);
    assert_int_equal(choose("en", "vi", "vi", "vi"), LANG_EN);
    assert_int_equal(choose("fr", "fr en-GB vi", "vi", "vi"), LANG_EN);
    assert_int_equal(choose(NULL, "fr", "en", "vi"), LANG_EN);
    assert_int_equal(choose(NULL, NULL, "xx", "en"), LANG_EN);
    assert_int_equal(choose("eng", "enx", "e", ""), LANG_VI);
    assert_int_equal(choose(NULL, "EN-us", NULL, NULL), LANG_EN);
}

static void qualities_are_weighed(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        enum lang wanted;
    } cases[] = {
        {"en", LANG_EN},
        {"en-US,en;q=0.9", LANG_EN},
        {"vi-VN, en;q=0.9", LANG_VI},
        {"en;q=0.8, vi;q=0.9", LANG_VI},
        {"en;q=0.81, vi;q=0.809", LANG_EN},
        {"en;q=0", LANG_VI},
        {"fr, de;q=0.9, en;q=0.1", LANG_EN},
        {"*", LANG_VI},
        {";q=1", LANG_VI},
        {",,;;,=", LANG_VI},
        {"en;q=", LANG_VI},
        {"en;q=x", LANG_VI},
        {"en;q=0.x", LANG_VI},
        {"en; q=1.000", LANG_EN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(choose(NULL, NULL, NULL, cases[i].accept), cases[i].wanted);
}

static void only_parameters_are_remembered(void **state) {
    (void)state;
    bool is_asked;
    (void)language_choose(&(struct language_wishes){.lang = SPAN("vi")}, &is_asked);
    assert_true(is_asked);
    (void)language_choose(
        &(struct language_wishes){.cookie = SPAN("en"), .accept_language = SPAN("en")}, &is_asked);
    assert_false(is_asked);
}

static void traceparents_are_taken_whole_or_not(void **state) {
    (void)state;
    char id[TRACE_ID_CHARS + 1], flags[3];
#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
    assert_true(trace_parse(SPAN("00-" ID "-00f067aa0ba902b7-01"), id, flags));
    assert_string_equal(id, ID);
    assert_string_equal(flags, "01");
    assert_true(trace_parse(SPAN("01-" ID "-00f067aa0ba902b7-00-later"), id, flags));
    static const char *const bad[] = {"",
                                      "00",
                                      "00-" ID "-00f067aa0ba902b7-0",
                                      "00-" ID "-00f067aa0ba902b7-01-x",
                                      "00-" ID "-00f067aa0ba902b7-011",
                                      "01-" ID "-00f067aa0ba902b7-00x",
                                      "ff-" ID "-00f067aa0ba902b7-01",
                                      "00-" ID "-0000000000000000-01",
                                      "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                      "00_" ID "-00f067aa0ba902b7-01",
                                      "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                      "0g-" ID "-00f067aa0ba902b7-01",
                                      "00-" ID "-00f067aa0ba902bG-01",
                                      "00-" ID "-00f067aa0ba902b7-0G"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(trace_parse(span_of(bad[i]), id, flags));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_wish_that_can_be_met_counts),
        cmocka_unit_test(qualities_are_weighed),
        cmocka_unit_test(only_parameters_are_remembered),
        cmocka_unit_test(traceparents_are_taken_whole_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
