/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: JSON that two readers could read differently is refused, depth and size before
 * anything is built; what the writer writes is always valid JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"

static enum err parse(struct span text) {
    AUTO_JSON json_t *j = NULL;
    enum err e = json_parse(text, 10000, &j);
    assert_true((e == ERR_OK) == (j != NULL));
    return e;
}

static void test_accepts(void **state) {
    (void)state;
    static const char *const good[] = {"{}",
                                       "[]",
                                       "1",
                                       "\"a\"",
                                       "null",
                                       " {\"a\":[1,2.5,true]} ",
                                       "{\"a\":{\"a\":1}}",
                                       "\"\\u00e9\\n\"",
                                       "\"[[[[{{{{\""};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(parse(span_of(good[i])), ERR_OK);
}

static void test_refuses(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "{}}",
        "{} x",
        "{}{}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1,}",
        "[1,]",
        "NaN",
        "Infinity",
        "01",
        "+1",
        "1e400",
        "\"\\u0000\"",
        "{\"a\\u0000b\":1}",
        "\"\x01\"",
        "\"\xff\"",
        "\"\xC0\xAF\"",
        "\"\\ud800\"",
        "\"a",
        "\"\\\"",
        "tru",
        "\xEF\xBB\xBF{}",
        "92233720368547758080",
        "/* */ {}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(parse(span_of(bad[i])), ERR_SYNTAX);
    assert_int_equal(parse(SPAN_NONE), ERR_SYNTAX);
    assert_int_equal(parse(SPAN("{}\0")), ERR_SYNTAX);
    assert_int_equal(parse(SPAN("\"a\0b\"")), ERR_SYNTAX);
}

static void test_refuses_duplicates(void **state) {
    (void)state;
    assert_int_equal(parse(SPAN("{\"a\":1,\"a\":1}")), ERR_SYNTAX);
    assert_int_equal(parse(SPAN("{\"a\":1,\"\\u0061\":2}")), ERR_SYNTAX);
    assert_int_equal(parse(SPAN("[{\"x\":{\"b\":1,\"b\":2}}]")), ERR_SYNTAX);
    assert_int_equal(parse(SPAN("{\"a\":1,\"A\":2}")), ERR_OK);
}

static void nested(char *text, size_t depth, bool objects) {
    size_t n = 0;
    for (size_t i = 0; i < depth; i++) {
        if (objects && i)
            n += (size_t)snprintf(text + n, 5, "\"a\":");
        text[n++] = objects ? '{' : '[';
    }
    memset(text + n, objects ? '}' : ']', depth);
    text[n + depth] = '\0';
}

static void test_depth(void **state) {
    (void)state;
    char text[4096];
    for (int objects = 0; objects < 2; objects++) {
        nested(text, JSON_MAX_DEPTH, objects);
        assert_int_equal(parse(span_of(text)), ERR_OK);
        nested(text, JSON_MAX_DEPTH + 1, objects);
        assert_int_equal(parse(span_of(text)), ERR_TOO_LONG);
    }
    /* Brackets in strings are not depth; an escaped quote does not end a string. */
    assert_int_equal(parse(SPAN("\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"")), ERR_OK);
    assert_int_equal(parse(SPAN("[\"\\\\\",[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")),
                     ERR_TOO_LONG);
    char *deep = malloc(3000);
    assert_non_null(deep);
    memset(deep, '[', 3000);
    assert_int_equal(parse(span_bytes(deep, 3000)), ERR_TOO_LONG);
    free(deep);
}

static void test_size(void **state) {
    (void)state;
    AUTO_JSON json_t *j = NULL;
    assert_int_equal(json_parse(SPAN("[1,2]"), 4, &j), ERR_TOO_LONG);
    assert_null(j);
    assert_int_equal(json_parse(SPAN("[1,2]"), 5, &j), ERR_OK);
}

static void test_E17_object_only(void **state) {
    (void)state;
    static const char *const other[] = {"[]", "1", "\"{}\"", "null", "true"};
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        AUTO_JSON json_t *j = NULL;
        assert_int_equal(json_parse_object(span_of(other[i]), 100, &j), ERR_SYNTAX);
        assert_null(j);
    }
    AUTO_JSON json_t *j = NULL;
    assert_int_equal(json_parse_object(SPAN("{}"), 100, &j), ERR_OK);
}

static void test_members(void **state) {
    (void)state;
    AUTO_JSON json_t *j = NULL;
    int64_t n = 77;
    assert_int_equal(
        json_parse(SPAN("{\"s\":\"x\",\"e\":\"\",\"i\":-5,\"f\":1.0,\"n\":null}"), 100, &j), 0);
    assert_true(span_is(json_str(j, "s"), "x"));
    assert_non_null(json_str(j, "e").ptr);
    assert_null(json_str(j, "i").ptr);
    assert_null(json_str(j, "none").ptr);
    assert_null(json_str(NULL, "s").ptr);
    assert_int_equal(json_int(j, "none", &n), ERR_MISSING);
    assert_int_equal(json_int(j, "f", &n), ERR_SYNTAX);
    assert_int_equal(json_int(j, "s", &n), ERR_SYNTAX);
    assert_int_equal(json_int(j, "n", &n), ERR_SYNTAX);
    assert_int_equal(n, 77);
    assert_int_equal(json_int(j, "i", &n), ERR_OK);
    assert_int_equal(n, -5);
}

static void test_writer(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    AUTO_JSON json_t *value = json_pack("{s:[i,s]}", "k", 1, "v");
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "s", SPAN("x"));
    json_add_opt(&o, "absent", SPAN_NONE);
    json_add_opt(&o, "empty", SPAN(""));
    json_add_i64(&o, "i", -1);
    json_open_array(&o, "a");
    json_add_bool(&o, NULL, true);
    json_open_object(&o, NULL);
    json_close_object(&o);
    json_add_raw(&o, NULL, SPAN("[0]"));
    json_close_array(&o);
    json_add_value(&o, "v", value);
    json_close_object(&o);
    assert_true(span_is(buf_span(&b), "{\"s\":\"x\",\"empty\":\"\",\"i\":-1,"
                                      "\"a\":[true,{},[0]],\"v\":{\"k\":[1,\"v\"]}}"));
}

static void test_writer_is_valid_for_all_bytes(void **state) {
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char bytes[3] = {(char)first, (char)second, 'z'};
            CLEANUP(buf_done) struct buf b = BUF_INIT(100);
            struct json_out o = JSON_OUT(&b);
            json_add_str(&o, NULL, span_bytes(bytes, sizeof bytes));
            json_t *j = json_loadb(b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            assert_non_null(j);
            json_decref(j);
            assert_null(memchr(b.data, '\n', b.len));
        }
    }
}

static void test_writer_escapes(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    struct json_out o = JSON_OUT(&b);
    json_add_str(&o, NULL, SPAN("\"\\\r\n\x1f\x7f</script>\xE1\xBA\xBF\xff"));
    assert_true(span_is(buf_span(&b), "\"\\\"\\\\\\u000d\\u000a\\u001f\\u007f</script>"
                                      "\xE1\xBA\xBF\xEF\xBF\xBD\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_refuses_duplicates),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_E17_object_only),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_writer_is_valid_for_all_bytes),
        cmocka_unit_test(test_writer_escapes),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
