/* SPDX-License-Identifier: Apache-2.0
 *
 * A client never gets a scope that it is not registered for, nor one twice, and hostile lists are
 * refused before any work is done on them (A39). */
#include "check.h"
#include "protocols/oidc/scope.h"

#define ALLOWED SPAN("openid profile email offline_access")

static struct arena arena = ARENA_INIT(1024 * 1024);

static void test_reduce(void **state) {
    (void)state;
    static const struct {
        const char *asked;
        enum err err;
        const char *given;
    } cases[] = {
        {"openid", ERR_OK, "openid"},
        {"profile openid", ERR_OK, "profile openid"},
        {"openid openid", ERR_OK, "openid"},
        {"openid admin", ERR_OK, "openid"},
        {"  openid  email ", ERR_OK, "openid email"},
        {"admin", ERR_REFUSED, NULL},
        {"", ERR_REFUSED, NULL},
        {"Openid", ERR_REFUSED, NULL},
        {"open", ERR_REFUSED, NULL},
        {"openid\tprofile", ERR_SYNTAX, NULL},
        {"openid \"", ERR_SYNTAX, NULL},
        {"openid \\", ERR_SYNTAX, NULL},
        {"openid \xc4\x91", ERR_SYNTAX, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span given = SPAN_NONE;
        assert_int_equal(scope_reduce(&arena, span_of(cases[i].asked), ALLOWED, &given), cases[i].err);
        if (cases[i].given)
            assert_span(given, cases[i].given);
    }
}

static void test_A39_long_lists(void **state) {
    (void)state;
    static char text[SCOPE_MAX + 2];
    struct span given;
    memset(text, 'a', SCOPE_MAX + 1);
    assert_int_equal(scope_reduce(&arena, span_of(text), ALLOWED, &given), ERR_TOO_LONG);
    for (size_t i = 0; i < SCOPE_MAX; i++)
        text[i] = i % 2 ? ' ' : 'a';
    text[SCOPE_MAX] = '\0';
    assert_int_equal(scope_reduce(&arena, span_of(text), ALLOWED, &given), ERR_TOO_LONG);
}

static void test_sets(void **state) {
    (void)state;
    struct span s;
    assert_int_equal(scope_without(&arena, SPAN("a offline_access b"), SPAN("offline_access"), &s), ERR_OK);
    assert_span(s, "a b");
    assert_int_equal(scope_without(&arena, SPAN("a"), SPAN("a"), &s), ERR_OK);
    assert_span(s, "");
    assert_int_equal(scope_union(&arena, SPAN("a b"), SPAN("b c"), &s), ERR_OK);
    assert_span(s, "a b c");
    assert_int_equal(scope_union(&arena, SPAN_NONE, SPAN("b"), &s), ERR_OK);
    assert_span(s, "b");
    assert_true(scope_covered(SPAN("b a"), SPAN("a b c")));
    assert_false(scope_covered(SPAN("b d"), SPAN("a b c")));
    assert_false(scope_covered(SPAN("a"), SPAN_NONE));
    assert_true(scope_covered(SPAN_NONE, SPAN("a")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_A39_long_lists),
        cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
