/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a client gets the claims of the granted scopes, each once, and nothing else: no number
 * without its own scope, nothing above the session's level, nothing sensitive without a legal
 * basis. What an account may hold is known by name and has the right form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/claims.h"

static const char account[] =
    "{\"HoVaTen\":\"Nguyễn Văn "
    "An\",\"NgayThangNamSinh\":\"19900212\",\"GioiTinh\":1,\"QuocTich\":\"VN\","
    "\"email\":\"an@example.vn\",\"email_verified\":true,\"DiaChi\":\"12 Trần Hưng Đạo\","
    "\"TenDoanhNghiep\":\"Công "
    "ty\",\"TonGiao\":\"Không\",\"ma_dinh_danh_co_quan\":\"H23.15\",\"roles\":[\"a\"]}";
static const char numbers[] = "{\"SoDinhDanh\":\"030090001234\",\"SoDienThoai\":\"+84912345678\","
                              "\"MaSoThue\":\"0100233488\"}";

struct expectation {
    const char *scope;
    int loa;
    const char *claims, *username;
    bool dvcqg;
    const char *legal_basis;
    const char *result;
};

static const struct expectation expectations[] = {
    {"", 3, account, "an", false, NULL, "{}"},
    {"openid", 1, account, "an", false, NULL, "{\"LoaiTaiKhoan\":1,\"TechID\":\"SUB\"}"},
    {"profile", 1, account, "an", false, NULL,
     "{\"name\":\"Nguyễn Văn "
     "An\",\"preferred_username\":\"an\",\"gender\":\"male\",\"birthdate\":\"1990-02-12\","
     "\"updated_at\":1700000000}"},
    {"profile", 1, account, "030090001234", false, NULL,
     "{\"name\":\"Nguyễn Văn "
     "An\",\"gender\":\"male\",\"birthdate\":\"1990-02-12\",\"updated_at\":1700000000}"},
    {"profile", 1, account, "012345678", false,
     NULL, /* an old card's number that is not registered */
     "{\"name\":\"Nguyễn Văn "
     "An\",\"gender\":\"male\",\"birthdate\":\"1990-02-12\",\"updated_at\":1700000000}"},
    {"vn_profile", 1, "{\"name\":\"Lan\",\"birthdate\":\"1991-12-31\",\"gender\":\"female\"}", "an",
     false, NULL, "{\"HoVaTen\":\"Lan\",\"NgayThangNamSinh\":\"19911231\",\"GioiTinh\":2}"},
    {"email", 1, account, "an", false, NULL,
     "{\"email\":\"an@example.vn\",\"email_verified\":true}"},
    {"email", 1, "{\"ThuDienTu\":\"b@example.vn\"}", "an", false, NULL,
     "{\"email\":\"b@example.vn\",\"email_verified\":false}"},
    {"email", 1, "{}", "an", false, NULL, "{}"},
    {"phone", 1, account, "an", false, NULL,
     "{\"phone_number\":\"+84912345678\",\"phone_number_verified\":false}"},
    {"address", 1, account, "an", false, NULL,
     "{\"address\":{\"formatted\":\"12 Trần Hưng Đạo\"}}"},
    {"address", 1, "{\"address\":{\"locality\":\"X\"}}", "an", false, NULL,
     "{\"address\":{\"locality\":\"X\"}}"},
    {"vn_id", 2, account, "an", false, NULL, "{\"SoDinhDanh\":\"030090001234\"}"},
    {"vn_id", 1, account, "an", false, NULL, "{}"},
    {"vn_org", 2, account, "an", false, NULL,
     "{\"MaSoThue\":\"0100233488\",\"TenDoanhNghiep\":\"Công ty\"}"},
    {"vn_org", 1, account, "an", false, NULL, "{}"},
    {"vn_contact", 1, account, "an", false, NULL,
     "{\"SoDienThoai\":\"+84912345678\",\"ThuDienTu\":\"an@example.vn\",\"DiaChi\":\"12 Trần Hưng "
     "Đạo\"}"},
    {"vn_assurance", 1, account, "an", false, NULL,
     "{\"IAL\":2,\"loAs\":\"LoA1\",\"loginIdp\":\"LOCAL\"}"},
    {"vn_agency", 2, account, "an", false, NULL,
     "{\"ma_dinh_danh_co_quan\":\"H23.15\",\"roles\":[\"a\"]}"},
    {"vn_sensitive", 2, account, "an", false, "Luật", "{\"TonGiao\":\"Không\"}"},
    {"vn_sensitive", 2, account, "an", false, NULL, "{}"},
    {"vn_sensitive", 1, account, "an", false, "Luật", "{}"},
    {"vn_sensitive2 xvn_id offline_access", 3, account, "an", false, "Luật", "{}"},
    {"email email", 1, account, "an", false, NULL,
     "{\"email\":\"an@example.vn\",\"email_verified\":true}"},
    {"email", 0, account, "an", false, NULL, "{}"},
    {"openid", 1, "{\"HoVaTen\":\"An\",\"TonGiao\":\"Không\"}", "an", true, "Luật",
     "{\"LoaiTaiKhoan\":1,\"TechID\":\"SUB\",\"HoVaTen\":\"An\",\"SoDienThoai\":\"+84912345678\","
     "\"IAL\":2,"
     "\"loAs\":\"LoA1\",\"loginIdp\":\"LOCAL\"}"},
    {"openid vn_profile", 2, "{\"HoVaTen\":\"An\"}", "an", true, NULL,
     "{\"LoaiTaiKhoan\":1,\"TechID\":\"SUB\",\"HoVaTen\":\"An\",\"SoDinhDanh\":\"030090001234\","
     "\"SoDienThoai\":\"+84912345678\",\"MaSoThue\":\"0100233488\",\"IAL\":2,\"loAs\":\"LoA2\","
     "\"loginIdp\":\"LOCAL\"}"},
    {"email", 1, "{\"HoVaTen\":\"An\"}", "an", true, NULL, "{}"},
};

static void test_expectations(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(expectations); i++) {
        const struct expectation *x = &expectations[i];
        AUTO_JSON json_t *claims = json_loads(x->claims, 0, NULL),
                         *ids = json_loads(numbers, 0, NULL);
        const struct user user = {.username = span_of(x->username),
                                  .type = USER_CITIZEN,
                                  .ial = 2,
                                  .updated_at = 1700000000};
        const struct client client = {.dvcqg_profile = x->dvcqg,
                                      .legal_basis = span_of(x->legal_basis)};
        CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
        struct json_out o = JSON_OUT(&b);
        json_open_object(&o, NULL);
        claims_add_for_scope(
            &o, span_of(x->scope),
            &(struct claims_source){&user, claims, ids, &client, SPAN("SUB"), x->loa});
        json_close_object(&o);
        assert_int_equal(buf_err(&b), ERR_OK);
        assert_string_equal(b.data, x->result);
    }
}

/* Staff may let a provider that people sign in through be told numbers at its own level; nothing else
 * comes with them, and the level is a floor for all others. */
static void test_numbers_level(void **state) {
    static const struct {
        const char *scope;
        int loa, numbers_level;
        const char *result;
    } rows[] = {
        {"vn_id", 1, 1, "{\"SoDinhDanh\":\"030090001234\"}"},
        {"vn_id", 1, 0, "{}"},
        {"vn_id", 2, 3, "{}"},
        {"vn_org", 1, 1, "{\"MaSoThue\":\"0100233488\",\"TenDoanhNghiep\":\"Công ty\"}"},
        {"vn_agency vn_sensitive", 1, 1, "{}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON json_t *claims = json_loads(account, 0, NULL), *ids = json_loads(numbers, 0, NULL);
        const struct user user = {.type = USER_CITIZEN, .ial = 2};
        const struct client client = {.numbers_level = rows[i].numbers_level, .legal_basis = SPAN("QD 1")};
        CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
        struct json_out o = JSON_OUT(&b);
        json_open_object(&o, NULL);
        claims_add_for_scope(&o, span_of(rows[i].scope),
                             &(struct claims_source){&user, claims, ids, &client, SPAN("SUB"), rows[i].loa});
        json_close_object(&o);
        assert_int_equal(buf_err(&b), ERR_OK);
        assert_string_equal(b.data, rows[i].result);
    }
}

/* An account without anything, and an enterprise. */
static void test_empty(void **state) {
    (void)state;
    const struct user user = {.type = USER_ENTERPRISE, .ial = 1};
    const struct client client = {0};
    CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    CLEANUP(buf_done) struct buf all = BUF_INIT(1024);
    for (size_t i = 0; i < scope_defs_count; i++)
        buf_addf(&all, "%s ", scope_defs[i].name);
    claims_add_for_scope(&o, buf_span(&all),
                         &(struct claims_source){&user, NULL, NULL, &client, SPAN_NONE, 3});
    json_close_object(&o);
    assert_string_equal(b.data,
                        "{\"LoaiTaiKhoan\":2,\"IAL\":1,\"loAs\":\"LoA3\",\"loginIdp\":\"LOCAL\"}");
}

static void test_lists(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    claims_list_scopes(&o, "scopes_supported");
    claims_list(&o, "claims_supported");
    json_close_object(&o);
    AUTO_JSON json_t *parsed = NULL;
    assert_int_equal(json_parse_object(buf_span(&b), 65536, &parsed), ERR_OK);
    assert_int_equal(json_array_size(json_object_get(parsed, "scopes_supported")),
                     scope_defs_count);
    const json_t *claims = json_object_get(parsed, "claims_supported");
    assert_string_equal(json_string_value(json_array_get(claims, 0)), "sub");
    for (size_t i = 0; i < json_array_size(claims); i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(json_string_value(json_array_get(claims, i)),
                                    json_string_value(json_array_get(claims, j)));
}

static void test_check(void **state) {
    (void)state;
    static const struct {
        const char *given, *normal; /* NULL: refused, at `at_fault` */
        const char *at_fault;
        enum err err;
    } cases[] = {
        {account, account, NULL, ERR_OK},
        {"{}", "{}", NULL, ERR_OK},
        {"{\"name\":\"Nguye\\u0302\\u0303n\"}", "{\"name\":\"Nguyễn\"}", NULL, ERR_OK},
        {"{\"phone_number\":\"0912 345 678\"}", "{\"phone_number\":\"+84912345678\"}", NULL,
         ERR_OK},
        {"{\"birthdate\":\"1990-02-29\"}", NULL, "birthdate", ERR_SYNTAX},
        {"{\"birthdate\":\"1992-02-29\"}", "{\"birthdate\":\"1992-02-29\"}", NULL, ERR_OK},
        {"{\"birthdate\":\"1992\"}", "{\"birthdate\":\"1992\"}", NULL, ERR_OK},
        {"{\"birthdate\":\"0000-02-29\"}", "{\"birthdate\":\"0000-02-29\"}", NULL, ERR_OK},
        {"{\"birthdate\":\"12/02/1990\"}", NULL, "birthdate", ERR_SYNTAX},
        {"{\"NgayThangNamSinh\":\"19901301\"}", NULL, "NgayThangNamSinh", ERR_SYNTAX},
        {"{\"NgayThangNamSinh\":19900212}", NULL, "NgayThangNamSinh", ERR_SYNTAX},
        {"{\"email\":\"a@b@c\"}", NULL, "email", ERR_SYNTAX},
        {"{\"email\":\"@b\"}", NULL, "email", ERR_SYNTAX},
        {"{\"email\":\"a b@c\"}", NULL, "email", ERR_SYNTAX},
        {"{\"email_verified\":\"true\"}", NULL, "email_verified", ERR_SYNTAX},
        {"{\"GioiTinh\":\"1\"}", NULL, "GioiTinh", ERR_SYNTAX},
        {"{\"name\":\"a\\nb\"}", NULL, "name", ERR_SYNTAX},
        {"{\"name\":\"\"}", NULL, "name", ERR_SYNTAX},
        {"{\"address\":\"x\"}", NULL, "address", ERR_SYNTAX},
        {"{\"address\":{\"locality\":{}}}", NULL, "address", ERR_SYNTAX},
        {"{\"roles\":[1]}", NULL, "roles", ERR_SYNTAX},
        {"{\"ma_dinh_danh_co_quan\":\"23H\"}", NULL, "ma_dinh_danh_co_quan", ERR_SYNTAX},
        {"{\"SoDinhDanh\":\"030090001234\"}", NULL, "SoDinhDanh", ERR_UNSUPPORTED},
        {"{\"sub\":\"x\"}", NULL, "sub", ERR_UNSUPPORTED},
        {"{\"acr\":\"x\"}", NULL, "acr", ERR_UNSUPPORTED},
        {"{\"IAL\":2}", NULL, "IAL", ERR_UNSUPPORTED},
        {"{\"TechID\":\"x\"}", NULL, "TechID", ERR_UNSUPPORTED},
        {"{\"loginIdp\":\"BCA\"}", NULL, "loginIdp", ERR_UNSUPPORTED},
        {"{\"nmae\":\"x\"}", NULL, "nmae", ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        AUTO_JSON json_t *given = json_loads(cases[i].given, 0, NULL), *normal = NULL,
                         *wanted = NULL;
        const char *at_fault = NULL;
        enum err e = claims_check(&a, given, &normal, &at_fault);
        if (e != cases[i].err)
            fail_msg("%s: %s", cases[i].given, err_name(e));
        if (e) {
            assert_string_equal(at_fault, cases[i].at_fault);
            continue;
        }
        wanted = json_loads(cases[i].normal, 0, NULL);
        assert_true(json_equal(normal, wanted));
    }
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    char long_name[CLAIM_TEXT_MAX + 2];
    memset(long_name, 'a', sizeof long_name);
    AUTO_JSON json_t *given = json_pack("{ss%}", "name", long_name, (size_t)CLAIM_TEXT_MAX),
                     *normal = NULL;
    const char *at_fault;
    assert_int_equal(claims_check(&a, given, &normal, &at_fault), ERR_OK);
    json_object_set_new(given, "name", json_stringn(long_name, CLAIM_TEXT_MAX + 1));
    json_cleanup(&normal);
    assert_int_equal(claims_check(&a, given, &normal, &at_fault), ERR_TOO_LONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expectations),
        cmocka_unit_test(test_numbers_level),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
