/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: an identifier has one stored form, whatever way it was written, and what is none is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/identifiers.h"

struct form {
    const char *kind, *text, *normal; /* NULL: refused */
};

static const struct form forms[] = {
    {"SoDinhDanh", "001099012345", "001099012345"},
    {"SoDinhDanh", "001 099 012 345", "001099012345"},
    {"SoDinhDanh", "00109901234", NULL},
    {"SoDinhDanh", "0010990123456", NULL},
    {"SoDinhDanh", "00109901234a", NULL},
    {"SoDinhDanh", "００１０９９０１２３４５", NULL}, /* other digits */
    {"SoDinhDanh", "001099012345\n", NULL},
    {"SoDinhDanh", "", NULL},
    {"SoCMND", "012345678", "012345678"},
    {"SoCMND", "01234567", NULL},
    {"SoCMND", "0123456789", NULL},
    {"HoChieu", "c1234567", "C1234567"},
    {"HoChieu", "C12 34567", "C1234567"},
    {"HoChieu", "C1234", NULL},
    {"HoChieu", "C1234-567", NULL},
    {"MaSoThue", "0100233488", "0100233488"},
    {"MaSoThue", "0100233488-001", "0100233488001"},
    {"MaSoThue", "0100233488001", "0100233488001"},
    {"MaSoThue", "001099012345", "001099012345"}, /* a person's */
    {"MaSoThue", "0100233489", NULL},             /* check digit */
    {"MaSoThue", "0100233498", NULL},
    {"MaSoThue", "0100233488-000", NULL},
    {"MaSoThue", "0100233489-001", NULL},
    {"MaSoThue", "010023348", NULL},
    {"MaSoThue", "01002334880", NULL},
    {"MaSoDoanhNghiep", "0100233488", "0100233488"},
    {"MaSoDoanhNghiep", "001099012345", NULL},
    {"TechID", "a3f0-Bc", "a3f0-Bc"},
    {"TechID", "a b", NULL},
    {"TechID", "", NULL},
    {"TechID", "é", NULL},
    {"SoDienThoai", "0912345678", "+84912345678"},
    {"SoDienThoai", "+84 912 345 678", "+84912345678"},
    {"SoDienThoai", "+84 (0)912.345.678", "+84912345678"},
    {"SoDienThoai", "02253842123", "+842253842123"},
    {"SoDienThoai", "+4930123456", "+4930123456"},
    {"SoDienThoai", "091234567", NULL},
    {"SoDienThoai", "09123456789", NULL},
    {"SoDienThoai", "0112345678", NULL},
    {"SoDienThoai", "912345678", NULL},
    {"SoDienThoai", "+0912345678", NULL},
    {"SoDienThoai", "+123456", NULL},
    {"SoDienThoai", "+1234567890123456", NULL},
    {"SoDienThoai", "+", NULL},
    {"SoDienThoai", "+84", NULL},
    {"SoDienThoai", "0", NULL},
    {"SoDienThoai", "09123x5678", NULL},
};

static void test_forms(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const struct identifier_kind *kind = identifier_kind_find(span_of(forms[i].kind));
        assert_non_null(kind);
        struct span got = SPAN_NONE;
        enum err e = kind->normalise(&a, span_of(forms[i].text), &got);
        if ((e == ERR_OK) != (forms[i].normal != NULL) || (!e && !span_is(got, forms[i].normal)))
            fail_msg("%s %s: %s %.*s", forms[i].kind, forms[i].text, err_name(e), SPAN_FMT(got));
        assert_true(e != ERR_OK || got.len <= kind->max);
    }
    assert_null(identifier_kind_find(SPAN("sodinhdanh")));
}

/* Every tax code has one check digit, or none at all: a slip in one digit never passes. */
static void test_tax_check_digit(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    const struct identifier_kind *kind = identifier_kind_find(SPAN("MaSoThue"));
    struct span got;
    char code[] = "0100233488";
    for (size_t place = 0; place < 10; place++)
        for (char d = '0'; d <= '9'; d++) {
            char was = code[place];
            code[place] = d;
            assert_int_equal(kind->normalise(&a, span_of(code), &got) == ERR_OK, d == was);
            code[place] = was;
        }
}

static void test_personal_number_agrees(void **state) {
    (void)state;
    assert_true(personal_number_agrees(SPAN("001099012345"), 1, 1999));
    assert_true(personal_number_agrees(SPAN("001199012345"), 2, 1999));
    assert_true(personal_number_agrees(SPAN("001205012345"), 1, 2005));
    assert_true(personal_number_agrees(SPAN("001305012345"), 2, 2005));
    assert_true(personal_number_agrees(SPAN("001405012345"), 1, 2105));
    assert_true(personal_number_agrees(SPAN("001099012345"), 0, 0));
    assert_false(personal_number_agrees(SPAN("001099012345"), 2, 1999));
    assert_false(personal_number_agrees(SPAN("001099012345"), 1, 1998));
    assert_false(personal_number_agrees(SPAN("001099012345"), 1, 2099));
    assert_false(personal_number_agrees(SPAN("00109901234"), 0, 0));
}

static void test_agency_code(void **state) {
    (void)state;
    assert_int_equal(agency_code_check(SPAN("H23")), ERR_OK);
    assert_int_equal(agency_code_check(SPAN("H23.1.12A")), ERR_OK);
    assert_int_equal(agency_code_check(SPAN("Z23")), ERR_SYNTAX);
    assert_int_equal(agency_code_check(SPAN("H2")), ERR_SYNTAX);
    assert_int_equal(agency_code_check(SPAN("H231")), ERR_SYNTAX);
    assert_int_equal(agency_code_check(SPAN("H23.")), ERR_SYNTAX);
    assert_int_equal(agency_code_check(SPAN("H23..1")), ERR_SYNTAX);
    assert_int_equal(agency_code_check(SPAN("H23.a")), ERR_SYNTAX);
    assert_int_equal(agency_code_check(SPAN("h23")), ERR_SYNTAX);
    assert_int_equal(agency_code_check(SPAN("")), ERR_SYNTAX);
    assert_int_equal(agency_code_check(SPAN("H23.456789012345678901234567890123456")),
                     ERR_TOO_LONG);
}

static void test_check_object(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    static const struct {
        const char *given, *normal, *at_fault;
        enum err err;
    } cases[] = {
        {"{}", "{}", NULL, ERR_OK},
        {"{\"SoDinhDanh\":\"001099012345\",\"SoDienThoai\":\"0912345678\"}",
         "{\"SoDienThoai\":\"+84912345678\",\"SoDinhDanh\":\"001099012345\"}", NULL, ERR_OK},
        {"{\"SoDinhDanh\":1099012345}", NULL, "SoDinhDanh", ERR_SYNTAX},
        {"{\"SoDinhDanh\":\"001099012345\",\"SoCCCD\":\"001099012345\"}", NULL, "SoCCCD",
         ERR_UNSUPPORTED},
        {"{\"SoCMND\":null}", NULL, "SoCMND", ERR_SYNTAX},
        {"{\"SoCMND\":\"                                 012345678\"}", NULL, "SoCMND",
         ERR_TOO_LONG},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_JSON json_t *given = NULL, *normal = NULL;
        const char *at_fault = NULL;
        assert_int_equal(json_parse_object(span_of(cases[i].given), 4096, &given), ERR_OK);
        assert_int_equal(identifiers_check(&a, given, &normal, &at_fault), cases[i].err);
        if (cases[i].normal) {
            AUTO_FREE char *text = json_dumps(normal, JSON_SORT_KEYS | JSON_COMPACT);
            assert_string_equal(text, cases[i].normal);
        } else {
            assert_null(normal);
            assert_string_equal(at_fault, cases[i].at_fault);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_tax_check_digit),
        cmocka_unit_test(test_personal_number_agrees),
        cmocka_unit_test(test_agency_code),
        cmocka_unit_test(test_check_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
