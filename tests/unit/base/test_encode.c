/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: for every byte string there is exactly one spelling that a decoder accepts, and it is
 * the one that the encoder writes; everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/encode.h"

static enum err b64url(const char *text) {
    unsigned char out[64];
    size_t len;
    return b64url_decode(span_of(text), out, sizeof out, &len);
}

/* RFC 4648 10 */
static const struct {
    const char *plain, *b64url, *b64;
} rfc4648[] = {{"", "", ""},
               {"f", "Zg", "Zg=="},
               {"fo", "Zm8", "Zm8="},
               {"foo", "Zm9v", "Zm9v"},
               {"foob", "Zm9vYg", "Zm9vYg=="},
               {"fooba", "Zm9vYmE", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy", "Zm9vYmFy"}};

static void test_rfc4648_10(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rfc4648); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(1000);
        CLEANUP(buf_done) struct buf b = BUF_INIT(100);
        struct span back;
        size_t n = strlen(rfc4648[i].plain);
        b64url_add(&b, rfc4648[i].plain, n);
        assert_true(span_is(buf_span(&b), rfc4648[i].b64url));
        assert_int_equal(b.len, B64URL_LEN(n));
        assert_int_equal(b64url_decode_arena(&a, buf_span(&b), &back), ERR_OK);
        assert_true(span_is(back, rfc4648[i].plain));
        buf_reset(&b);
        b64_add(&b, rfc4648[i].plain, n);
        assert_true(span_is(buf_span(&b), rfc4648[i].b64));
        assert_int_equal(b64_decode_arena(&a, buf_span(&b), &back), ERR_OK);
        assert_true(span_is(back, rfc4648[i].plain));
    }
}

static void test_b64url_refuses(void **state) {
    (void)state;
    static const char *const bad[] = {
        "A",    "AAAAA", "Zg==", "Zg=", "Zm8=", "Zm9v\n", " Zm9v", "Zm 9v",      "Zm+v",
        "Zm/v", "Zm9.",  "Zh",   "Zm9", "Zk9",  "Z?",     "=",     "\xC3\xA9_A", "AA\x80",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(b64url(bad[i]), ERR_SYNTAX);
    unsigned char out[4];
    size_t len = 77;
    assert_int_equal(b64url_decode(SPAN("AA\0A"), out, sizeof out, &len), ERR_SYNTAX);
    assert_int_equal(len, 77);
}

/* Of the 64 last digits of a two-digit group, four are canonical; of a three-digit group, 16. */
static void test_unused_bits(void **state) {
    (void)state;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int two = 0, three = 0;
    for (size_t i = 0; i < 64; i++) {
        two += b64url((char[]){'Z', digits[i], 0}) == ERR_OK;
        three += b64url((char[]){'Z', 'm', digits[i], 0}) == ERR_OK;
    }
    assert_int_equal(two, 4);
    assert_int_equal(three, 16);
}

static void test_b64url_room(void **state) {
    (void)state;
    unsigned char out[3] = {0, 0, 0x55};
    size_t len;
    assert_int_equal(b64url_decode(SPAN("Zm9v"), out, 2, &len), ERR_TOO_LONG);
    assert_int_equal(out[2], 0x55);
    assert_int_equal(b64url_decode(SPAN("Zm8"), out, 2, &len), ERR_OK);
    assert_int_equal(len, 2);
    assert_int_equal(out[2], 0x55);
    CLEANUP(arena_done) struct arena tiny = ARENA_INIT(16);
    struct span s;
    assert_int_equal(b64url_decode_arena(&tiny, SPAN("AAAAAAAAAAAAAAAAAAAAAAAA"), &s), ERR_NOMEM);
}

static void test_b64_refuses(void **state) {
    (void)state;
    static const char *const bad[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "====", "A===", "Z=g=", "-_-_", "Zg==Zg==", "Zm9v\n", "Zg= ="};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(1000);
        struct span s;
        assert_int_equal(b64_decode_arena(&a, span_of(bad[i]), &s), ERR_SYNTAX);
    }
}

static void test_hex(void **state) {
    (void)state;
    unsigned char out[2];
    size_t len;
    char text[5];
    hex_encode("\x00\xff", 2, text);
    assert_string_equal(text, "00ff");
    assert_int_equal(hex_decode(SPAN("00ff"), out, sizeof out, &len), ERR_OK);
    assert_int_equal(len, 2);
    assert_memory_equal(out, "\x00\xff", 2);
    assert_int_equal(hex_decode(SPAN("00FF"), out, sizeof out, &len), ERR_SYNTAX);
    assert_int_equal(hex_decode(SPAN("00f"), out, sizeof out, &len), ERR_SYNTAX);
    assert_int_equal(hex_decode(SPAN("0g"), out, sizeof out, &len), ERR_SYNTAX);
    assert_int_equal(hex_decode(SPAN("000000"), out, sizeof out, &len), ERR_TOO_LONG);
}

static void test_form_decode(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(10000);
    struct span s;
    assert_int_equal(form_decode(&a, SPAN("a+b%20%c3%A9%2B"), &s), ERR_OK);
    assert_true(span_is(s, "a b \xC3\xA9+"));
    struct span plain = SPAN("plain");
    assert_int_equal(form_decode(&a, plain, &s), ERR_OK);
    assert_ptr_equal(s.ptr, plain.ptr);
    assert_int_equal(form_decode(&a, SPAN_NONE, &s), ERR_OK);
    assert_null(s.ptr);
}

static void test_form_decode_refuses_b37(void **state) {
    (void)state;
    static const char *const bad[] = {
        "%00",       "a%00b",        "%zz",       "%",
        "%4",        "a%",           "%0x",       "% 1",
        "%c0%80",    "%c0%af",       "%e0%80%af", "%f0%80%80%af",
        "%ff%fe",    "%fe%ff%00%61", "%c3",       "%80",
        "%ed%a0%80", "%f4%90%80%80", "%c3%28",    "%f8%88%80%80%80",
        "%2",        "\xC3",         "\xC0\xAF",  "%u0041",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(10000);
        struct span s = SPAN("untouched");
        assert_int_equal(form_decode(&a, span_of(bad[i]), &s), ERR_SYNTAX);
        assert_true(span_is(s, "untouched"));
    }
    CLEANUP(arena_done) struct arena a = ARENA_INIT(10000);
    struct span s;
    assert_int_equal(form_decode(&a, SPAN("a\0b"), &s), ERR_SYNTAX);
    /* An escape that the span cuts off, though the bytes behind it would complete it. */
    assert_int_equal(form_decode(&a, (struct span){"%41", 2}, &s), ERR_SYNTAX);
}

static void test_percent_and_html(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    percent_add(&b, SPAN("aZ09-._~ /?&=%+\xC3\xA9\0"));
    assert_true(span_is(buf_span(&b), "aZ09-._~%20%2F%3F%26%3D%25%2B%C3%A9%00"));
    buf_reset(&b);
    html_add(&b, SPAN("<a href='x' b=\"y\">&amp;</a>"));
    assert_true(
        span_is(buf_span(&b), "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;amp;&lt;/a&gt;"));
    buf_reset(&b);
    html_add(&b, SPAN_NONE);
    percent_add(&b, SPAN_NONE);
    assert_int_equal(b.len, 0);
}

static void test_utf8(void **state) {
    (void)state;
    static const char *const good[] = {"",
                                       "abc",
                                       "\x7f",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "T\xE1\xBA\xBFt"};
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2\x41",
                                      "\xE0\x9F\xBF",
                                      "\xE1\x80",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFE",
                                      "\xFF",
                                      "a\xE1\xBA",
                                      "\xF0\x90\x80\x41"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(utf8_valid(span_of(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(utf8_valid(span_of(bad[i])));
    assert_false(utf8_valid(SPAN("a\0")));
    assert_false(utf8_valid((struct span){"\xC3\xA9", 1}));
    assert_int_equal(utf8_sequence(SPAN("\xE1\xBA\xBFt")), 3);
    assert_int_equal(utf8_sequence(SPAN_NONE), 0);
}

static void test_ascii_printable(void **state) {
    (void)state;
    assert_true(ascii_printable(SPAN(" ~aZ0")));
    assert_false(ascii_printable(SPAN("\x1f")));
    assert_false(ascii_printable(SPAN("\x7f")));
    assert_false(ascii_printable(SPAN("a\r\n")));
    assert_false(ascii_printable(SPAN("\xC3\xA9")));
    assert_false(ascii_printable(SPAN("a\0")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc4648_10),       cmocka_unit_test(test_b64url_refuses),
        cmocka_unit_test(test_unused_bits),      cmocka_unit_test(test_b64url_room),
        cmocka_unit_test(test_b64_refuses),      cmocka_unit_test(test_hex),
        cmocka_unit_test(test_form_decode),      cmocka_unit_test(test_form_decode_refuses_b37),
        cmocka_unit_test(test_percent_and_html), cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_ascii_printable),
    };
    return cmocka_run_group_tests_name("base/encode", tests, NULL, NULL);
}
