/* SPDX-License-Identifier: Apache-2.0
 *
 * guard: a request whose bytes another parser could read differently is refused, whichever of its
 * lines is at fault (T01-T03); ordinary requests in every order pass. Requests are written as text
 * and cut up here in the way that the library does it, so that the layout check sees its layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/guard.h"

#define PLAIN "GET /a HTTP/1.1\r\nHost: h\r\n"

struct cut {
    char *bytes; /* exactly as long as the request: a look beyond is an error that ASan sees */
    char *target_text;
    struct http_header header[HTTP_HEADERS_MAX];
    struct guard_input in;
};

/* One line as the library takes it: CR LF or a bare LF, each byte of the line end made NUL. */
static char *next_line(char **at, char *end) {
    char *line = *at;
    for (char *p = line; p < end; p++) {
        if (p[0] == '\r' && p + 1 < end && p[1] == '\n') {
            p[0] = p[1] = '\0';
            *at = p + 2;
            return line;
        }
        if (p[0] == '\n') {
            p[0] = '\0';
            *at = p + 1;
            return line;
        }
    }
    *at = end;
    return NULL;
}

static void cut_up(struct cut *c, const char *text, size_t len) {
    memset(c, 0, sizeof *c);
    c->bytes = malloc(len);
    assert_non_null(c->bytes);
    memcpy(c->bytes, text, len);
    char *at = c->bytes, *end = c->bytes + len;
    char *line = next_line(&at, end);
    char *target = strchr(line, ' ');
    *target++ = '\0';
    while (*target == ' ')
        target++;
    char *version = at - 1; /* back over the NULs and the version */
    while (*version == '\0')
        version--;
    while (*version != ' ')
        version--;
    *version++ = '\0';
    c->target_text = strdup(target);
    c->in = (struct guard_input){.method = line,
                                 .target = {target, strlen(target)},
                                 .target_text = c->target_text,
                                 .version = version,
                                 .header = c->header,
                                 .is_layout_known = true};
    while ((line = next_line(&at, end)) && *line) {
        char *value = strchr(line, ':');
        if (!value) /* the library refuses these itself, but for a continued line */
            continue;
        *value++ = '\0';
        while (*value == ' ' || *value == '\t')
            value++;
        size_t i = c->in.n_headers++;
        if (i < HTTP_HEADERS_MAX)
            c->header[i] = (struct http_header){{line, strlen(line)}, {value, strlen(value)}};
    }
    c->in.header_bytes = (size_t)(at - c->bytes);
}

static unsigned check(const char *text, size_t len) {
    struct cut c;
    cut_up(&c, text, len);
    const struct guard_refusal *refusal = guard_check(&c.in);
    unsigned status = refusal ? refusal->status : 0;
    free(c.bytes);
    free(c.target_text);
    return status;
}

#define STATUS(literal) check((literal), sizeof(literal) - 1)

static void ordinary_requests_pass(void **state) {
    (void)state;
    assert_int_equal(STATUS(PLAIN "\r\n"), 0);
    assert_int_equal(
        STATUS("GET /a?b=c&d=%20 HTTP/1.1\r\nhOST:\th:80\r\nX:\r\nY: \r\nZ:z  \r\n\r\n"), 0);
    assert_int_equal(STATUS("POST / HTTP/1.1\r\nContent-Length: 3\r\nHost: [::1]:8080\r\n\r\n"), 0);
    assert_int_equal(STATUS("GET / HTTP/1.0\r\n\r\n"), 0);
    assert_int_equal(STATUS(PLAIN "Cookie: a=b; c=\"d\"\r\nX-Latin: caf\xe9\r\n\r\n"), 0);
    assert_int_equal(STATUS("GET /%C3%A9?x=%zz HTTP/1.1\r\nHost: h\r\n\r\n"),
                     0); /* the handler's business */
}

static void T01_framing_that_can_be_read_two_ways_is_refused(void **state) {
    (void)state;
    assert_int_equal(STATUS(PLAIN "Transfer-Encoding: chunked\r\n\r\n"), 411);
    assert_int_equal(STATUS(PLAIN "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "content-length: 3\r\ntransfer-encoding: x\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"), 400);
    static const char *const bad[] = {"+3", "-3", "0x3", "3,3",
                                      "3 ", "",   "3a",  "9999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[128];
        int n = snprintf(text, sizeof text, PLAIN "Content-Length: %s\r\n\r\n", bad[i]);
        assert_int_equal(check(text, (size_t)n), 400);
    }
    assert_int_equal(STATUS(PLAIN "Content-Length: 999999999999999999\r\n\r\n"), 0);
}

static void T02_bad_fields_are_refused(void **state) {
    (void)state;
    assert_int_equal(STATUS(PLAIN "X : y\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X\t: y\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X Y: y\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X\xe9: y\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X(: y\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN ": y\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X: a\rb\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X: a\x01"
                                  "b\r\n\r\n"),
                     400);
    assert_int_equal(STATUS(PLAIN "X: a\x7f\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X: a\tb\r\n\r\n"), 0);
}

static void T02_exactly_one_host_is_demanded(void **state) {
    (void)state;
    assert_int_equal(STATUS("GET / HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET / HTTP/1.1\r\nX: y\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "Host: h\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400);
}

static void T02_folds_bare_line_feeds_and_NULs_show_in_the_layout(void **state) {
    (void)state;
    assert_int_equal(STATUS(PLAIN "X: a\r\n b\r\nY: c\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X: a\r\n\tb\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET /a HTTP/1.1\nHost: h\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET /a HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET /a HTTP/1.1\r\nHost: h\n\r\n"), 400);
    assert_int_equal(STATUS("GET /a HTTP/1.1\r\nHost: h\r\n\n"), 400);
    assert_int_equal(STATUS("GET /a HTTP/1.1\nHost: h\n\n"), 400);
    assert_int_equal(STATUS(PLAIN "X: a\0b\r\nY: c\r\n\r\n"), 400);
    assert_int_equal(STATUS(PLAIN "X: a\0b\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET  /a HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(STATUS("GET /a HTTP/1.1 \r\nHost: h\r\n\r\n"), 400);
}

static void a_pointer_that_the_library_moved_is_not_followed(void **state) {
    (void)state;
    struct cut c;
    static const char text[] = PLAIN "X: a\r\nY: b\r\n\r\n";
    cut_up(&c, text, sizeof text - 1);
    assert_null(guard_check(&c.in));
    char *moved = strdup("Y"); /* as after obs-fold: a copy elsewhere */
    struct http_header before = c.header[2];
    c.header[2].name.ptr = moved;
    assert_int_equal(guard_check(&c.in)->status, 400);
    c.header[2] = before;
    c.header[2].value.ptr = moved;
    assert_int_equal(guard_check(&c.in)->status, 400);
    c.header[2] = before;
    c.in.header_bytes--;
    assert_int_equal(guard_check(&c.in)->status, 400);
    free(moved);
    free(c.bytes);
    free(c.target_text);
}

static void the_layout_is_known_for_the_measured_version_only(void **state) {
    (void)state;
    assert_true(guard_layout_is_known("0.9.75"));
    assert_false(guard_layout_is_known("0.9.76"));
    assert_false(guard_layout_is_known("1.0.1"));
}

static void T03_targets_other_than_a_clean_path_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"http://h/a", "h:80",   "*",      "a",      "/a%00b",
                                      "/a?b=%00",   "/a\xe9", "/a\x01", "/a#b",   "/a%zz",
                                      "/a%2",       "/a%",    "/a\x7f", "//\xff", "/%0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[128];
        int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", bad[i]);
        assert_int_equal(check(text, (size_t)n), 400);
    }
    struct cut c;
    cut_up(&c, PLAIN "\r\n", sizeof(PLAIN "\r\n") - 1);
    c.in.target.ptr = NULL; /* a request line without a target */
    assert_int_equal(guard_check(&c.in)->status, 400);
    free(c.bytes);
    free(c.target_text);
}

static void T02_T03_limits_hold_on_both_sides(void **state) {
    (void)state;
    static char text[GUARD_HEADER_MAX + GUARD_TARGET_MAX + 256];
    for (size_t over = 0; over < 2; over++) {
        size_t n = 5;
        memcpy(text, "GET /", n);
        memset(text + n, 'a', GUARD_TARGET_MAX - 1 + over);
        n += GUARD_TARGET_MAX - 1 + over;
        memcpy(text + n, " HTTP/1.1\r\nHost: h\r\n\r\n", 22);
        assert_int_equal(check(text, n + 22), over ? 414 : 0);

        n = (size_t)snprintf(text, sizeof text, "%s", PLAIN);
        for (int i = 0; i < HTTP_HEADERS_MAX - 1 + (int)over; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "X-%d: y\r\n", i);
        n += (size_t)snprintf(text + n, sizeof text - n, "\r\n");
        assert_int_equal(check(text, n), over ? 431 : 0);

        n = (size_t)snprintf(text, sizeof text, "%sX: ", PLAIN);
        size_t fill = GUARD_HEADER_MAX - n - 4 + over;
        memset(text + n, 'a', fill);
        memcpy(text + n + fill, "\r\n\r\n", 4);
        assert_int_equal(check(text, n + fill + 4), over ? 431 : 0);
    }
}

static void A63_connect_is_no_method_of_an_origin(void **state) {
    (void)state;
    assert_int_equal(STATUS("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"), 405);
    assert_int_equal(STATUS("G(T / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(STATUS("ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_requests_pass),
        cmocka_unit_test(T01_framing_that_can_be_read_two_ways_is_refused),
        cmocka_unit_test(T02_bad_fields_are_refused),
        cmocka_unit_test(T02_exactly_one_host_is_demanded),
        cmocka_unit_test(T02_folds_bare_line_feeds_and_NULs_show_in_the_layout),
        cmocka_unit_test(a_pointer_that_the_library_moved_is_not_followed),
        cmocka_unit_test(the_layout_is_known_for_the_measured_version_only),
        cmocka_unit_test(T03_targets_other_than_a_clean_path_are_refused),
        cmocka_unit_test(T02_T03_limits_hold_on_both_sides),
        cmocka_unit_test(A63_connect_is_no_method_of_an_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
