/* SPDX-License-Identifier: Apache-2.0
 *
 * Proves that the claims parameter is taken as OIDC Core 5.5 writes it and nothing else is: names
 * that the client may have, in the part that they were asked for; bounds hold (A21). */
#include "base/cleanup.h"
#include "check.h"
#include "protocols/oidc/claims_request.h"

#define ALLOWED SPAN("openid profile email")

static struct arena arena = ARENA_INIT(4 * 1024 * 1024);

static void test_good(void **state) {
    (void)state;
    static const struct {
        const char *text, *userinfo, *id_token, *scope;
    } rows[] = {
        {"{}", "", "", ""},
        {"{\"userinfo\":{\"name\":null}}", "name", "", "profile"},
        {"{\"userinfo\":{\"name\":{\"essential\":true},\"email\":{\"value\":\"a@b.vn\"}}}", "name email", "", "profile email"},
        {"{\"id_token\":{\"email\":{\"essential\":false}},\"userinfo\":null}", "", "email", "email"},
        {"{\"id_token\":{\"name\":null},\"userinfo\":{\"name\":null}}", "name", "name", "profile"},
        /* not theirs, not known, not about this: passed over */
        {"{\"userinfo\":{\"phone_number\":null,\"SoDinhDanh\":{\"essential\":true},\"x\":null}}", "", "", ""},
        {"{\"userinfo\":{\"name#vi\":null},\"other\":7}", "", "", ""},
        {"{\"id_token\":{\"auth_time\":{\"essential\":true}}}", "", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct claims_request r;
        struct span text;
        if (claims_request_parse(&arena, span_of(rows[i].text), ALLOWED, &r))
            fail_msg("refused: %s", rows[i].text);
        assert_span(r.userinfo, rows[i].userinfo);
        assert_span(r.id_token, rows[i].id_token);
        assert_span(r.scope, rows[i].scope);
        assert_int_equal(claims_request_build(&arena, &r, &text), ERR_OK);
        assert_int_equal(text.ptr != NULL, r.userinfo.len + r.id_token.len > 0);
        assert_span(claims_request_userinfo(text), rows[i].userinfo);
        assert_span(claims_request_id_token(text), rows[i].id_token);
    }
}

static void test_A22_what_binds(void **state) {
    (void)state;
    struct claims_request r;
    assert_int_equal(claims_request_parse(&arena,
                                          SPAN("{\"id_token\":{\"sub\":{\"value\":\"s1\"},\"acr\":{\"essential\":true,"
                                               "\"values\":[\"LoA3\",\"LoA2\"]}}}"),
                                          ALLOWED, &r),
                     ERR_OK);
    assert_span(r.sub, "s1");
    assert_span(r.acr_values, "LoA3 LoA2");
    assert_true(r.is_acr_essential);
    assert_int_equal(claims_request_parse(&arena, SPAN("{\"id_token\":{\"acr\":{\"value\":\"1\"}}}"), ALLOWED, &r), ERR_OK);
    assert_span(r.acr_values, "1");
    assert_false(r.is_acr_essential);
    assert_int_equal(claims_request_parse(&arena, SPAN("{\"id_token\":{\"acr\":{\"essential\":true}}}"), ALLOWED, &r), ERR_OK);
    assert_false(r.is_acr_essential); /* no level is named: any will do */
}

static void test_A21_bad(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "[]",
        "null",
        "\"x\"",
        "{\"userinfo\":{\"name\":null}",
        "{\"userinfo\":[]}",
        "{\"userinfo\":{\"name\":true}}",
        "{\"userinfo\":{\"name\":[]}}",
        "{\"userinfo\":{\"name\":{\"essential\":\"yes\"}}}",
        "{\"userinfo\":{\"name\":{\"values\":\"x\"}}}",
        "{\"userinfo\":{\"name\":{\"values\":[]}}}",
        "{\"userinfo\":{\"name\":null,\"name\":null}}",
        "{\"userinfo\":{},\"userinfo\":{}}",
        "{\"id_token\":{\"sub\":{\"value\":7}}}",
        "{\"id_token\":{\"sub\":{\"value\":\"a\"}},\"userinfo\":{\"sub\":{\"value\":\"b\"}}}",
        "{\"id_token\":{\"acr\":{\"values\":[1]}}}",
        "{\"id_token\":{\"acr\":{\"value\":\"LoA1 LoA2\"}}}",
        "{\"id_token\":{\"acr\":{\"value\":\"\"}}}",
    };
    struct claims_request r;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!claims_request_parse(&arena, span_of(rows[i]), ALLOWED, &r))
            fail_msg("accepted: %s", rows[i]);
}

static void test_A21_bounds(void **state) {
    (void)state;
    static char big[CLAIMS_REQUEST_MAX + 2];
    struct claims_request r;
    memset(big, ' ', sizeof big);
    memcpy(big, "{}", 2);
    assert_int_equal(claims_request_parse(&arena, span_bytes(big, CLAIMS_REQUEST_MAX), ALLOWED, &r), ERR_OK);
    assert_int_equal(claims_request_parse(&arena, span_bytes(big, CLAIMS_REQUEST_MAX + 1), ALLOWED, &r), ERR_TOO_LONG);
    memset(big, '[', 8000);
    assert_int_equal(claims_request_parse(&arena, span_bytes(big, 8000), ALLOWED, &r), ERR_TOO_LONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_A22_what_binds),
        cmocka_unit_test(test_A21_bad),
        cmocka_unit_test(test_A21_bounds),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
