/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: the static handler answers its own files, by their exact URL, for a year, and nothing
 * else whatever the path tries (F21). The answering functions are recorded here, not sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "web/pages.h"
#include "web/static.h"

void respond_body(struct request *req, unsigned status, const char *content_type, struct span body) {
    req->response.status = status;
    req->response.content_type = content_type;
    req->response.body = body;
}

void respond_header(struct request *req, const char *name, struct span value) {
    req->response.header[req->response.n_headers++] = (struct response_header){name, value};
}

static struct response get(struct span path) {
    struct request req = {.method = HTTP_GET, .path = path};
    assert_int_equal(static_handler.parse(&req), STEP_RESPOND);
    return req.response;
}

static void files_are_served(void **state) {
    (void)state;
    assert_true(web_statics.count > 0);
    for (size_t i = 0; i < web_statics.count; i++) {
        const struct asset *file = &web_statics.item[i];
        struct response r = get(span_of(file->url));
        assert_int_equal(r.status, 200);
        assert_string_equal(r.content_type, file->content_type);
        assert_true(span_eq(r.body, asset_span(file)));
        assert_true(r.cacheable);
        assert_int_equal(r.n_headers, 1);
        assert_non_null(strstr(r.header[0].value.ptr, "immutable"));
    }
}

static void nothing_else_is(void **state) {
    (void)state;
    const char *url = web_statics.item[0].url;
    char longer[128], shorter[128], other_hash[128];
    snprintf(longer, sizeof longer, "%sx", url);
    snprintf(shorter, sizeof shorter, "%.*s", (int)strlen(url) - 1, url);
    snprintf(other_hash, sizeof other_hash, "%s", url);
    char *dot = strchr(other_hash, '.');
    dot[1] = dot[1] == '0' ? '1' : '0';
    const char *const paths[] = {
        "/static/", "/static", "/static/site.css", "/static/../etc/passwd", "/static/..%2fetc%2fpasswd",
        "/static/%2e%2e/x", "/static/\xc0\xae\xc0\xae/x", "/static/..;/x", "/static//etc/passwd",
        "/static/sign_in.html", "/static/.", "", longer, shorter, other_hash,
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct response r = get(span_of(paths[i]));
        assert_int_equal(r.status, 404);
        assert_false(r.cacheable);
    }
    /* A NUL does not end the comparison. */
    CLEANUP(buf_done) struct buf b = BUF_INIT(256);
    buf_addf(&b, "%s", url);
    buf_add(&b, "\0.html", 6);
    assert_int_equal(get(buf_span(&b)).status, 404);
}

static void urls_carry_the_content(void **state) {
    (void)state;
    const struct asset *css = asset_find(&web_statics, SPAN("site.css"));
    const struct asset *image = asset_find(&web_statics, SPAN("ripple.svg"));
    assert_non_null(css);
    assert_non_null(image);
    assert_int_equal(strlen(css->url), strlen("/static/site.0123456789abcdef.css"));
    assert_non_null(memmem(css->bytes, css->len, image->url, strlen(image->url)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_served),
        cmocka_unit_test(nothing_else_is),
        cmocka_unit_test(urls_carry_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
