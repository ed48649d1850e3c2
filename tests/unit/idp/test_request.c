/* SPDX-License-Identifier: Apache-2.0
 *
 * request: header and cookie look-up is unambiguous (F17), an answer cannot be split (T09), cookies
 * carry the attributes that the issuer's scheme demands, redirects are 303. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "idp/request.h"
#include "idp/transport.h"

#define MAX_HEADERS 8

struct fake {
    struct arena arena;
    struct transport transport;
    struct http_header header[MAX_HEADERS];
    struct request *req;
};

static struct fake *fake_new(bool is_https) {
    struct fake *f = calloc(1, sizeof *f);
    f->arena = ARENA_INIT(64 * 1024);
    f->transport =
        (struct transport){.header = f->header, .is_https = is_https, .cookie_suffix = "a1b2c3"};
    f->req = calloc(1, sizeof *f->req);
    f->req->arena = &f->arena;
    f->req->transport = &f->transport;
    return f;
}

static void fake_free(struct fake *f) {
    response_done(&f->req->response);
    arena_done(&f->arena);
    free(f->req);
    free(f);
}

static void field(struct fake *f, const char *name, const char *value) {
    f->header[f->transport.n_headers++] = (struct http_header){span_of(name), span_of(value)};
}

static void headers_are_found_whatever_their_case(void **state) {
    (void)state;
    struct fake *f = fake_new(false);
    field(f, "X-A", "1");
    field(f, "x-a", "2");
    field(f, "X-AB", "3");
    assert_true(span_is(request_header(f->req, "x-A"), "1"));
    assert_int_equal(request_header_count(f->req, "X-A"), 2);
    assert_null(request_header(f->req, "X").ptr);
    fake_free(f);
}

static const char *cookie_in(const char *first, const char *second) {
    struct fake *f = fake_new(false);
    field(f, "Cookie", first);
    if (second)
        field(f, "cookie", second);
    struct span found = request_own_cookie(f->req, "session");
    const char *name = !found.ptr ? "absent" : span_is(found, "good") ? "good" : "other";
    fake_free(f);
    return name;
}

static void F17_cookies_are_one_value_or_none(void **state) {
    (void)state;
#define C "session-a1b2c3="
    assert_string_equal(cookie_in(C "good", NULL), "good");
    assert_string_equal(cookie_in("a=b;" C "good ;c=d", NULL), "good");
    assert_string_equal(cookie_in(C "good; " C "good", NULL), "good");
    assert_string_equal(cookie_in("x=y", C "good"), "good");
    assert_string_equal(cookie_in(C "good; " C "bad", NULL), "absent");
    assert_string_equal(cookie_in(C "good", C "bad"), "absent");
    static const char *const junk[] = {"",
                                       ";",
                                       "=",
                                       C,
                                       C "; x=y",
                                       "session-a1b2c3",
                                       "session-a1b2c4=good",
                                       "Session-a1b2c3=good",
                                       "xsession-a1b2c3=good",
                                       "; ; ;=;"};
    for (size_t i = 0; i < ARRAY_LEN(junk); i++)
        assert_string_equal(cookie_in(junk[i], NULL), "absent");
}

static void T09_line_ends_and_NUL_break_the_answer(void **state) {
    (void)state;
    static const struct span bad[] = {SPAN("a\r\nX: y"), SPAN("a\nb"),  SPAN("a\rb"),
                                      SPAN("a\0b"),      SPAN("a\x7f"), {NULL, 0}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct fake *f = fake_new(false);
        respond_redirect(f->req, bad[i]);
        assert_true(f->req->response.is_broken);
        assert_int_equal(f->req->response.n_headers, 0);
        respond_body(f->req, 200, "text/plain", SPAN("later"));
        assert_true(f->req->response.is_broken); /* nothing repairs it */
        fake_free(f);
    }
    struct fake *f = fake_new(false);
    for (size_t i = 0; i < RESPONSE_HEADERS_MAX; i++)
        respond_header(f->req, "X", SPAN("a\tb \xC3\xA9"));
    assert_false(f->req->response.is_broken);
    respond_header(f->req, "X", SPAN("one more"));
    assert_true(f->req->response.is_broken);
    fake_free(f);
}

static void redirects_are_303(void **state) {
    (void)state;
    struct fake *f = fake_new(false);
    respond_redirect(f->req, SPAN("https://rp.example/cb?code=x"));
    assert_int_equal(f->req->response.status, 303);
    assert_string_equal(f->req->response.header[0].name, "Location");
    assert_true(span_is(f->req->response.header[0].value, "https://rp.example/cb?code=x"));
    fake_free(f);
}

static void set_cookie_is(bool is_https, int64_t max_age, bool script_visible, const char *wanted) {
    struct fake *f = fake_new(is_https);
    respond_cookie(f->req, "flow", SPAN("v"), &(struct cookie_options){max_age, script_visible});
    assert_true(span_is(f->req->response.header[0].value, wanted));
    fake_free(f);
}

static void cookies_carry_what_the_scheme_demands(void **state) {
    (void)state;
    set_cookie_is(true, 0, false, "__Host-flow-a1b2c3=v; Path=/; SameSite=Lax; Secure; HttpOnly");
    set_cookie_is(false, 0, false, "flow-a1b2c3=v; Path=/; SameSite=Lax; HttpOnly");
    set_cookie_is(false, 60, true, "flow-a1b2c3=v; Path=/; Max-Age=60; SameSite=Lax");
    set_cookie_is(true, -1, false,
                  "__Host-flow-a1b2c3=v; Path=/; Max-Age=0; SameSite=Lax; Secure; HttpOnly");
    struct fake *f = fake_new(false);
    respond_cookie(f->req, "flow", SPAN("v; Domain=evil"), &(struct cookie_options){0});
    assert_true(f->req->response.is_broken);
    fake_free(f);
}

static void pages_go_to_clients_that_take_them(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        bool is_page;
    } cases[] = {{NULL, true},
                 {"text/html,application/xhtml+xml;q=0.9", true},
                 {"*/*", true},
                 {"application/json, */*;q=0.1", true},
                 {"application/json", false},
                 {"text/html;q=0, application/json", false},
                 {"image/png,,", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake *f = fake_new(false);
        if (cases[i].accept)
            field(f, "Accept", cases[i].accept);
        respond_error_page(f->req, 403, "forbidden");
        assert_int_equal(f->req->response.status, 403);
        assert_int_equal(f->req->response.page != NULL, cases[i].is_page);
        if (!cases[i].is_page)
            assert_true(
                span_is(f->req->response.body,
                        "{\"error\":\"access_denied\",\"error_description\":\"forbidden\"}\n"));
        fake_free(f);
    }
}

static void a_later_answer_replaces_a_page_and_frees_its_model(void **state) {
    (void)state;
    struct fake *f = fake_new(false);
    respond_page(f->req, 200, "sign_in", json_object());
    respond_page(f->req, 200, "consent", json_object());
    respond_body(f->req, 200, "text/plain", SPAN("x"));
    assert_null(f->req->response.page);
    assert_null(f->req->response.model);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_found_whatever_their_case),
        cmocka_unit_test(F17_cookies_are_one_value_or_none),
        cmocka_unit_test(T09_line_ends_and_NUL_break_the_answer),
        cmocka_unit_test(redirects_are_303),
        cmocka_unit_test(cookies_carry_what_the_scheme_demands),
        cmocka_unit_test(pages_go_to_clients_that_take_them),
        cmocka_unit_test(a_later_answer_replaces_a_page_and_frees_its_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
