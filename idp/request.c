/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into a request and filling its answer; see request.h. Pure: nothing here knows the HTTP
 * library, so handlers and their tests need none. */
#include "idp/request.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/transport.h"
#include <stdlib.h>

#define COOKIE_NAME_MAX 64

/* ---- looking up ---- */

struct span request_header(const struct request *req, const char *name) {
    const struct transport *t = req->transport;
    for (size_t i = 0; i < t->n_headers; i++)
        if (field_is(t->header[i].name, name))
            return t->header[i].value;
    return SPAN_NONE;
}

size_t request_header_count(const struct request *req, const char *name) {
    const struct transport *t = req->transport;
    size_t n = 0;
    for (size_t i = 0; i < t->n_headers; i++)
        n += field_is(t->header[i].name, name);
    return n;
}

/* One Cookie field. False when the name stands there with another value than `*found`. */
static bool cookie_search(struct span field, const char *name, struct span *found) {
    while (field.ptr) {
        struct span value = span_cut(&field, ';');
        struct span cookie = field_trim(span_cut(&value, '='));
        value = field_trim(value);
        if (!span_is(cookie, name) || !value.len)
            continue;
        if (found->ptr && !span_eq(*found, value))
            return false;
        *found = value;
    }
    return true;
}

/* Absent when missing, empty, or sent twice with different values (F17). */
static struct span cookie_value(const struct request *req, const char *name) {
    const struct transport *t = req->transport;
    struct span found = SPAN_NONE;
    for (size_t i = 0; i < t->n_headers; i++)
        if (field_is(t->header[i].name, "Cookie") &&
            !cookie_search(t->header[i].value, name, &found))
            return SPAN_NONE;
    return found;
}

/* Cookies ignore ports, so the name carries a mark of the issuer. */
static void cookie_name(const struct transport *t, const char *base, char out[COOKIE_NAME_MAX]) {
    const char *const part[] = {t->is_https ? "__Host-" : "", base, t->cookie_suffix ? "-" : "",
                                t->cookie_suffix ? t->cookie_suffix : ""};
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        size_t n = strlen(part[i]);
        if (n >= COOKIE_NAME_MAX - len) {
            out[0] = '\0';
            return;
        }
        memcpy(out + len, part[i], n);
        len += n;
    }
    out[len] = '\0';
}

struct span request_own_cookie(const struct request *req, const char *base) {
    char name[COOKIE_NAME_MAX];
    cookie_name(req->transport, base, name);
    return cookie_value(req, name);
}

/* RFC 9110 12.5.1, as far as it matters here: a range that covers text/html and is not q=0. */
bool request_accepts_html(const struct request *req) {
    static const char *const covering[] = {"text/html", "text/*", "*/*", "application/xhtml+xml"};
    struct span accept = request_header(req, "Accept");
    if (!accept.len)
        return true;
    while (accept.ptr) {
        struct span params = span_cut(&accept, ',');
        struct span range = field_trim(span_cut(&params, ';'));
        bool is_refused = span_is(field_trim(params), "q=0");
        for (size_t i = 0; i < ARRAY_LEN(covering); i++)
            if (field_is(range, covering[i]) && !is_refused)
                return true;
    }
    return false;
}

/* ---- answering ---- */

static bool is_field_value(struct span value) {
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return value.ptr != NULL;
}

void respond_header(struct request *req, const char *name, struct span value) {
    struct response *r = &req->response;
    //= https://www.rfc-editor.org/rfc/rfc9110#section-5.5
    //# Field values containing CR, LF, or NUL characters are invalid and dangerous
    if (r->n_headers == RESPONSE_HEADERS_MAX || !is_field_value(value)) {
        r->is_broken = true;
        return;
    }
    r->header[r->n_headers++] = (struct response_header){name, value};
}

static void drop_page(struct response *r) {
    r->page = NULL;
    if (r->model)
        json_decref(r->model);
    r->model = NULL;
}

void response_done(struct response *r) {
    drop_page(r);
    *r = (struct response){0};
}

void respond_body(struct request *req, unsigned status, const char *content_type,
                  struct span body) {
    drop_page(&req->response);
    req->response.status = status;
    req->response.content_type = content_type;
    req->response.body = body;
}

void respond_buf(struct request *req, unsigned status, const char *content_type,
                 const struct buf *b) {
    struct span copy = arena_dup(req->arena, buf_span(b));
    if (buf_err(b) || (b->len && !copy.ptr))
        req->response.is_broken = true;
    respond_body(req, status, content_type, copy);
}

void respond_redirect(struct request *req, struct span location) {
    respond_body(req, 303, NULL, SPAN_NONE);
    respond_header(req, "Location", location);
}

void respond_page(struct request *req, unsigned status, const char *page, json_t *model) {
    respond_body(req, status, "text/html; charset=utf-8", SPAN_NONE);
    req->response.page = page;
    req->response.model = model;
}

void respond_error_json(struct request *req, unsigned status, const char *code, const char *text) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(RESPONSE_MAX);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "error", span_of(code));
    json_add_str(&o, "error_description", span_of(text));
    json_close_object(&o);
    buf_add_char(&b, '\n');
    respond_buf(req, status, "application/json", &b);
}

static const char *error_code(unsigned status) {
    switch (status) {
    case 403:
        return "access_denied";
    case 429:
    case 503:
        return "temporarily_unavailable";
    default:
        return status >= 500 ? "server_error" : "invalid_request";
    }
}

void respond_error_page(struct request *req, unsigned status, const char *key) {
    if (!request_accepts_html(req)) {
        respond_error_json(req, status, error_code(status), key);
        return;
    }
    respond_page(req, status, "error",
                 json_pack("{sI ss}", "status", (json_int_t)status, "key", key));
}

void respond_cookie(struct request *req, const char *base, struct span value,
                    const struct cookie_options *opt) {
    const struct transport *t = req->transport;
    char name[COOKIE_NAME_MAX], age[48] = "";
    cookie_name(t, base, name);
    if (opt->max_age)
        (void)snprintf(age, sizeof age, "; Max-Age=%lld",
                       opt->max_age > 0 ? (long long)opt->max_age : 0LL);
    char *text =
        arena_printf(req->arena, "%s=%.*s; Path=/%s; SameSite=Lax%s%s", name, SPAN_FMT(value), age,
                     t->is_https ? "; Secure" : "", opt->script_visible ? "" : "; HttpOnly");
    if (memchr(value.ptr ? value.ptr : "", ';', value.len))
        req->response.is_broken = true;
    respond_header(req, "Set-Cookie", span_of(text));
}
