/* SPDX-License-Identifier: Apache-2.0
 *
 * router: a path finds exactly its row, a wrong method is told what is allowed (A63), each listener
 * shows its own rows only, and bodies are judged by what they claim before they are read (T05). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "web/router.h"

static const struct route table[] = {
    {HTTP_GET, "/", "home", NULL, 0, 0, "-"},
    {HTTP_GET, "/b", "b_get", NULL, 0, ROUTE_HTML, "-"},
    {HTTP_POST, "/b", "b_post", NULL, 100, ROUTE_FORM, "-"},
    {HTTP_GET | HTTP_POST, "/a", "a", NULL, 10, 0, "-"},
    {HTTP_GET, "/tree/", "tree", NULL, 0, ROUTE_PREFIX, "-"},
    {HTTP_GET, "/tree/deep/", "deep", NULL, 0, ROUTE_PREFIX, "-"},
    {HTTP_GET, "/tree/exact", "exact", NULL, 0, 0, "-"},
    {HTTP_GET, "/metrics", "metrics", NULL, 0, ROUTE_ADMIN, "-"},
    {HTTP_GET, "/healthz", "healthz", NULL, 0, ROUTE_PROBE, "-"},
};

static struct routing find(unsigned method, const char *path, bool is_admin) {
    struct router r;
    struct routing routing;
    assert_int_equal(router_init(&r, table, ARRAY_LEN(table)), ERR_OK);
    router_find(&r, method, span_of(path), is_admin, &routing);
    return routing;
}

static const char *name_of(unsigned method, const char *path) {
    struct routing r = find(method, path, false);
    if (r.status == 0)
        assert_ptr_equal(r.route, &table[r.index]);
    return r.status == 0 ? r.route->name : r.status == 404 ? "404" : "405";
}

static void paths_find_their_row(void **state) {
    (void)state;
    assert_string_equal(name_of(HTTP_GET, "/"), "home");
    assert_string_equal(name_of(HTTP_GET, "/a"), "a");
    assert_string_equal(name_of(HTTP_POST, "/a"), "a");
    assert_string_equal(name_of(HTTP_GET, "/b"), "b_get");
    assert_string_equal(name_of(HTTP_POST, "/b"), "b_post");
    assert_string_equal(name_of(HTTP_HEAD, "/b"), "b_get");
    assert_string_equal(name_of(HTTP_GET, "/tree/x"), "tree");
    assert_string_equal(name_of(HTTP_GET, "/tree/deep/x"), "deep");
    assert_string_equal(name_of(HTTP_GET, "/tree/exact"), "exact");
    static const char *const nowhere[] = {"",   "/A",    "/a/", "/aa",       "/ ",
                                          "/c", "/tree", "//",  "/metricsx", "/b/"};
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++)
        assert_string_equal(name_of(HTTP_GET, nowhere[i]), "404");
}

static void A63_a_wrong_method_is_told_what_is_allowed(void **state) {
    (void)state;
    char text[64];
    struct routing r = find(HTTP_DELETE, "/b", false);
    assert_int_equal(r.status, 405);
    http_methods_format(r.allow, text, sizeof text);
    assert_string_equal(text, "GET, HEAD, POST");
    assert_int_equal(find(HTTP_POST, "/", false).status, 405);
    assert_int_equal(find(HTTP_HEAD, "/a", false).status, 0);
    assert_int_equal(find(0, "/a", false).status, 405); /* a method that we have no name for */
    assert_int_equal(http_method_find("get"), 0);
    assert_int_equal(http_method_find("GET"), HTTP_GET);
    assert_int_equal(http_method_find("TRACE"), 0);
}

static void each_listener_shows_its_own_rows(void **state) {
    (void)state;
    assert_int_equal(find(HTTP_GET, "/metrics", false).status, 404);
    assert_int_equal(find(HTTP_GET, "/metrics", true).status, 0);
    assert_int_equal(find(HTTP_GET, "/a", true).status, 404);
    assert_int_equal(find(HTTP_GET, "/healthz", false).status, 0);
    assert_int_equal(find(HTTP_GET, "/healthz", true).status, 0);
}

static void a_row_twice_is_an_error(void **state) {
    (void)state;
    struct router r;
    const struct route twice[] = {table[3], {HTTP_POST, "/a", "again", NULL, 0, 0, "-"}};
    const struct route apart[] = {table[1], table[2]};
    assert_int_equal(router_init(&r, twice, 2), ERR_EXISTS);
    assert_int_equal(router_init(&r, apart, 2), ERR_OK);
}

static void T05_bodies_are_judged_by_their_claims(void **state) {
    (void)state;
    const struct route *form = &table[2], *plain = &table[3];
    struct body_claim c = {.has_length = true,
                           .length = 100,
                           .content_type = SPAN("application/x-www-form-urlencoded")};
    assert_int_equal(router_check_body(form, HTTP_POST, &c), 0);
    c.content_type = SPAN("Application/X-WWW-Form-Urlencoded ; charset=UTF-8");
    assert_int_equal(router_check_body(form, HTTP_POST, &c), 0);
    c.length = 101;
    assert_int_equal(router_check_body(form, HTTP_POST, &c), 413);
    c.length = UINT64_MAX;
    assert_int_equal(router_check_body(form, HTTP_POST, &c), 413);
    c.length = 1;
    static const char *const bad[] = {
        "multipart/form-data; boundary=x",    "text/plain", "application/json",
        "application/x-www-form-urlencodedx", ";",          " "};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        c.content_type = span_of(bad[i]);
        assert_int_equal(router_check_body(form, HTTP_POST, &c), 415);
        assert_int_equal(router_check_body(plain, HTTP_POST, &c), 0);
    }
    c.content_encoding = SPAN("gzip");
    assert_int_equal(router_check_body(plain, HTTP_POST, &c), 415);
    c = (struct body_claim){.expect = SPAN("100-Continue")};
    assert_int_equal(router_check_body(form, HTTP_POST, &c), 0);
    c.expect = SPAN("100-continue, x");
    assert_int_equal(router_check_body(form, HTTP_POST, &c), 417);
    c = (struct body_claim){.has_length = true, .length = 1};
    assert_int_equal(router_check_body(plain, HTTP_GET, &c), 413); /* GET has none */
    assert_int_equal(router_check_body(form, HTTP_POST, &(struct body_claim){0}), 0);
}

static void T03_paths_decode_to_text_only(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(4096);
    struct span path;
    assert_int_equal(path_decode(&a, SPAN("/%61%C3%A9+"), &path), ERR_OK);
    assert_true(span_is(path, "/a\xC3\xA9+"));
    static const char *const bad[] = {"/%",   "/%0",  "/%zz",    "/%00",      "/%0d%0a",
                                      "/%7f", "/%e9", "/%c0%80", "/%ed%a0%80"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(path_decode(&a, span_of(bad[i]), &path), ERR_SYNTAX);
}

static void F15_only_this_origins_own_forms_are_taken(void **state) {
    (void)state;
    const struct span host = SPAN("sso.example.gov.vn"), none = SPAN_NONE;
    assert_true(origin_is_acceptable(none, none, true, host));
    assert_true(origin_is_acceptable(none, SPAN("https://sso.example.gov.vn"), true, host));
    assert_true(origin_is_acceptable(SPAN("same-origin"), SPAN("null"), true, host));
    assert_true(origin_is_acceptable(SPAN("none"), none, true, host));
    assert_false(origin_is_acceptable(none, SPAN("http://sso.example.gov.vn"), true, host));
    assert_false(origin_is_acceptable(none, SPAN("https://sso.example.gov.vn:444"), true, host));
    assert_false(origin_is_acceptable(none, SPAN("https://sso.example.gov.vn.evil"), true, host));
    assert_false(origin_is_acceptable(none, SPAN("https://"), true, host));
    assert_false(origin_is_acceptable(none, SPAN(""), true, host));
    assert_false(
        origin_is_acceptable(SPAN("cross-site"), SPAN("https://sso.example.gov.vn"), true, host));
    assert_false(origin_is_acceptable(SPAN("same-site"), none, true, host));
    assert_false(origin_is_acceptable(SPAN(""), none, true, host));
    assert_false(origin_is_acceptable(SPAN("cross-site"), SPAN("null"), true, host));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_row),
        cmocka_unit_test(A63_a_wrong_method_is_told_what_is_allowed),
        cmocka_unit_test(each_listener_shows_its_own_rows),
        cmocka_unit_test(a_row_twice_is_an_error),
        cmocka_unit_test(T05_bodies_are_judged_by_their_claims),
        cmocka_unit_test(T03_paths_decode_to_text_only),
        cmocka_unit_test(F15_only_this_origins_own_forms_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
