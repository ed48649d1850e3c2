/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: of a masked value never more is seen than the few characters at its ends, whatever it is;
 * its length in characters stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/ctl/mask.h"

static void test_values_and_what_is_seen_of_them(void **state) {
    (void)state;
    static const struct {
        const char *json, *seen;
    } rows[] = {
        {"\"030090001234\"", "0300*****234"},
        {"\"0300900012345\"", "0300******345"},
        {"\"03009000123\"", "0*********3"}, /* 11 */
        {"\"030012\"", "0****2"},
        {"\"03001\"", "*****"},
        {"\"\"", ""},
        {"\"Nguyễn Thị Ánh\"", "Nguy*******Ánh"}, /* characters, not bytes */
        {"\"Đỗ Ý Ư\"", "Đ****Ư"},
        {"\"\\u001b[2J\\u009b31m and more\"", "*[2J**********ore"},
        {"\"x\\u007f\\n345\"", "x****5"},
        {"1", "*"},
        {"true", "*"},
        {"{\"street_address\":\"12 Trần Phú\"}", "*"},
        {"[\"030090001234\"]", "*"},
        {"null", "-"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON json_t *value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        CLEANUP(buf_done) struct buf out = BUF_INIT(256);
        assert_non_null(value);
        mask_add(&out, value);
        buf_add_char(&out, '\0');
        assert_int_equal(buf_err(&out), ERR_OK);
        assert_string_equal(out.data, rows[i].seen);
    }
    CLEANUP(buf_done) struct buf absent = BUF_INIT(8);
    mask_add(&absent, NULL);
    assert_true(span_is(buf_span(&absent), "-"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values_and_what_is_seen_of_them)};
    return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
