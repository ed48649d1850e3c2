/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: the table alone decides what a request may hold; each failure names its parameter, and
 * nothing is filled from an ambiguous request (A07, B11, B37). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/params.h"

struct request {
    struct span client_id, state, resource;
    int64_t max_age;
};

#define FIELD(name) offsetof(struct request, name)
static const struct param_def defs[] = {
    {"client_id", FIELD(client_id), param_ascii, 8, PARAM_REQUIRED},
    {"state", FIELD(state), param_span, 8, 0},
    {"max_age", FIELD(max_age), param_seconds, 10, 0},
    {"resource", FIELD(resource), param_span, 64, PARAM_MULTIPLE},
};

static struct arena arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
static struct request request;
static const char *fault;

static enum err fill(const char *text) {
    static struct params params;
    arena_reset(&arena);
    params.count = 0;
    request = (struct request){.max_age = -1};
    fault = NULL;
    enum err e = params_split(&arena, span_of(text), &params);
    return e ? e : params_fill(defs, ARRAY_LEN(defs), &arena, &params, &request, &fault);
}

static void test_fills(void **state) {
    (void)state;
    assert_int_equal(fill("client_id=a%2Db&max_age=3600&&state=%C3%A9+x&unknown=1"), ERR_OK);
    assert_true(span_is(request.client_id, "a-b"));
    assert_true(span_is(request.state, "\xC3\xA9 x"));
    assert_int_equal(request.max_age, 3600);
    assert_null(request.resource.ptr);
}

static void test_required(void **state) {
    (void)state;
    static const char *const without[] = {"",           "&",           "state=x",       "client_id",
                                          "client_id=", "Client_id=a", "client_id%00=a"};
    for (size_t i = 0; i < ARRAY_LEN(without) - 1; i++) {
        assert_int_equal(fill(without[i]), ERR_MISSING);
        assert_string_equal(fault, "client_id");
    }
    assert_int_equal(fill(without[ARRAY_LEN(without) - 1]), ERR_SYNTAX);
}

static void test_repeated_a07_b11(void **state) {
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"client_id=a&client_id=a", "client_id"},
        {"client_id=a&client_id=b", "client_id"},
        {"client_id=a&client%5fid=b", "client_id"},
        {"client_id=a&state=x&max_age=1&state=x", "state"},
        {"client_id=a&other=1&other=1", ""},
        {"client_id=a&other=1&oth%65r=2", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(fill(cases[i].text), ERR_REPEATED);
        assert_string_equal(fault, cases[i].fault);
    }
    assert_int_equal(fill("client_id=a&resource=1&resource=2"), ERR_OK);
    assert_true(span_is(request.resource, "2"));
}

static void test_empty_is_absent(void **state) {
    (void)state;
    assert_int_equal(fill("client_id=a&state=&max_age="), ERR_OK);
    assert_null(request.state.ptr);
    assert_int_equal(request.max_age, -1);
    assert_int_equal(fill("client_id=a&state=&state=x"), ERR_OK);
    assert_true(span_is(request.state, "x"));
    assert_int_equal(fill("client_id=a&state=x&state=&state="), ERR_OK);
    assert_true(span_is(request.state, "x"));
    assert_int_equal(fill("client_id=a&state=x&state=&state=y"), ERR_REPEATED);
}

static void test_too_long(void **state) {
    (void)state;
    assert_int_equal(fill("client_id=12345678"), ERR_OK);
    assert_int_equal(fill("client_id=123456789"), ERR_TOO_LONG);
    assert_string_equal(fault, "client_id");
    /* The limit counts decoded bytes. */
    assert_int_equal(fill("client_id=%31%32%33%34%35%36%37%38"), ERR_OK);
    char many[PARAMS_MAX * 4 + 8];
    size_t n = 0;
    for (int i = 0; i < PARAMS_MAX; i++) {
        memcpy(many + n, "a=&", 3);
        n += 3;
    }
    many[n - 1] = '\0';
    assert_int_equal(fill(many), ERR_MISSING);
    memcpy(many + n - 1, "&b", 3);
    assert_int_equal(fill(many), ERR_TOO_LONG);
}

static void test_syntax_b37(void **state) {
    (void)state;
    static const char *const bad[] = {
        "client_id=%zz",     "client_id=%00",        "client_id=a&state=%c0%af",
        "client_id=a&%ff=1", "client_id=a&x=%ff%fe", "client_id=%"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(fill(bad[i]), ERR_SYNTAX);
    assert_int_equal(fill("client_id=%C3%A9"), ERR_SYNTAX); /* VSCHAR only */
    assert_string_equal(fault, "client_id");
    assert_int_equal(fill("client_id=a%0D%0A"), ERR_SYNTAX);
}

static void test_seconds(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum err want;
    } cases[] = {
        {"0", ERR_OK},
        {"2147483647", ERR_OK},
        {"2147483648", ERR_RANGE},
        {"-1", ERR_SYNTAX},
        {"%2B1", ERR_SYNTAX},
        {"1e3", ERR_SYNTAX},
        {"1.0", ERR_SYNTAX},
        {"+1", ERR_SYNTAX},
        {"0x10", ERR_SYNTAX},
        {"9999999999", ERR_RANGE},
        {"99999999999", ERR_TOO_LONG},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT(100);
        buf_addf(&text, "client_id=a&max_age=%s", cases[i].text);
        assert_int_equal(fill(text.data), cases[i].want);
        assert_true(cases[i].want == ERR_OK || request.max_age == -1);
    }
}

static void test_find_and_count(void **state) {
    (void)state;
    static struct params params;
    params.count = 0;
    assert_int_equal(params_split(&arena, SPAN("a=&a=%31&a=2"), &params), ERR_OK);
    assert_int_equal(params_split(&arena, SPAN("b=3"), &params), ERR_OK); /* body after query */
    assert_int_equal(params.count, 4);
    assert_true(span_is(params_find(&params, "a"), "1"));
    assert_true(span_is(params.item[1].raw, "%31"));
    assert_int_equal(params_count(&params, "a"), 2);
    assert_int_equal(params_count(&params, "b"), 1);
    assert_null(params_find(&params, "c").ptr);
    assert_int_equal(params_split(&arena, SPAN_NONE, &params), ERR_OK);
}

static int done(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_repeated_a07_b11),
        cmocka_unit_test(test_empty_is_absent),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_syntax_b37),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_find_and_count),
    };
    return cmocka_run_group_tests_name("base/params", tests, NULL, done);
}
