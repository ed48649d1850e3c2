/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a buffer never passes its maximum and remembers the first failure; a reader never
 * leaves its input, remembers likewise, and calls a message whole only when no byte is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"

static void test_maximum_is_exact_and_sticky(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(4);
    buf_add_str(&b, "abcd");
    assert_int_equal(buf_err(&b), ERR_OK);
    buf_add_char(&b, 'e');
    assert_int_equal(buf_err(&b), ERR_TOO_LONG);
    b.len = 0;
    buf_add_char(&b, 'x'); /* there would be room again, yet the text would have a hole */
    assert_int_equal(b.len, 0);
    buf_reset(&b);
    buf_add_char(&b, 'x');
    assert_int_equal(buf_err(&b), ERR_OK);
}

static void test_hostile_lengths(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    buf_add_str(&b, "abc");
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(buf_err(&b), ERR_TOO_LONG);
    assert_int_equal(b.len, 3);
    CLEANUP(buf_done) struct buf none = BUF_INIT(0);
    buf_add_str(&none, "");
    assert_int_equal(buf_err(&none), ERR_OK);
    buf_add_str(&none, "a");
    assert_int_equal(buf_err(&none), ERR_TOO_LONG);
}

static void test_nul_behind(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(100000);
    for (int i = 0; i < 50000; i++) {
        buf_add_char(&b, 'a');
        assert_int_equal(b.data[b.len], 0);
    }
    assert_int_equal(strlen(b.data), 50000);
    CLEANUP(buf_done) struct buf empty = BUF_INIT(1);
    assert_non_null(buf_span(&empty).ptr);
    assert_int_equal(buf_span(&empty).len, 0);
}

static void test_numbers_and_format(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    buf_add_i64(&b, INT64_MIN);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MAX);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, 0);
    buf_addf(&b, " %s", "x");
    assert_string_equal(b.data, "-9223372036854775808 9223372036854775807 0 x");
    CLEANUP(buf_done) struct buf small = BUF_INIT(3);
    buf_addf(&small, "%d", 1234);
    assert_int_equal(buf_err(&small), ERR_TOO_LONG);
    assert_int_equal(small.len, 0);
}

static void test_reset_wipes(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    buf_add_str(&b, "secret");
    buf_reset(&b);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(b.data[i], 0);
}

static void write_message(struct buf *b) {
    buf_add_u8(b, 0xFE);
    buf_add_u32(b, 0xFEDCBA98);
    buf_add_u64(b, 0xFEDCBA9876543210);
    buf_add_block(b, SPAN("block"));
    buf_add_block(b, SPAN(""));
}

static enum err read_message(struct span message) {
    struct reader r = READER_INIT(message);
    bool same = reader_u8(&r) == 0xFE && reader_u32(&r) == 0xFEDCBA98 &&
                reader_u64(&r) == 0xFEDCBA9876543210 && span_is(reader_block(&r), "block") &&
                reader_block(&r).len == 0;
    enum err e = reader_end(&r);
    assert_true(e || same);
    return e;
}

static void test_wire_round_trip_and_every_truncation(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    write_message(&b);
    assert_int_equal((unsigned char)b.data[1], 0xFE); /* of 0xFEDCBA98: big-endian */
    assert_int_equal(read_message(buf_span(&b)), ERR_OK);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(read_message((struct span){b.data, len}), ERR_SYNTAX);
    buf_add_u8(&b, 0);
    assert_int_equal(read_message(buf_span(&b)), ERR_SYNTAX); /* a byte left over */
}

static void test_reader_refuses_lying_block(void **state) {
    (void)state;
    struct reader r = READER_INIT(SPAN("\xff\xff\xff\xff"
                                       "abc"));
    assert_null(reader_block(&r).ptr);
    assert_int_equal(reader_end(&r), ERR_SYNTAX);
    assert_int_equal(reader_u8(&r), 0); /* three bytes are there, but the reader has failed */
    assert_int_equal(reader_end(&r), ERR_SYNTAX);
    struct reader none = READER_INIT(SPAN_NONE);
    assert_int_equal(reader_end(&none), ERR_OK);
    assert_int_equal(reader_u8(&none), 0);
    assert_int_equal(reader_end(&none), ERR_SYNTAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maximum_is_exact_and_sticky),
        cmocka_unit_test(test_hostile_lengths),
        cmocka_unit_test(test_nul_behind),
        cmocka_unit_test(test_numbers_and_format),
        cmocka_unit_test(test_reset_wipes),
        cmocka_unit_test(test_wire_round_trip_and_every_truncation),
        cmocka_unit_test(test_reader_refuses_lying_block),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
