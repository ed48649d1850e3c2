/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns struct response into the library's: renders pages, adds the fields that every answer, every
 * page (A34, A35) and every token (T10) carries. Bodies are borrowed from the exchange, which
 * lives until the answer was sent. */
#include <microhttpd.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "web/server_internal.h"

static void add(struct MHD_Response *r, const char *name, const char *value, bool *ok) {
    *ok = *ok && value && MHD_add_response_header(r, name, value) == MHD_YES;
}

/* ---- pages ---- */

static const struct {
    const char *name, *value;
} page_headers[] = {
    {"X-Frame-Options", "DENY"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Permissions-Policy",
     "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()"},
};

#define CSP_START                                                                                  \
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; "     \
    "frame-ancestors 'none'; form-action 'self'"

/* The one script of a page, by its hash: whatever else finds its way into the page does not run.
 * A test holds it to the template. */
static const struct {
    const char *page, *directive;
} page_scripts[] = {
    {"form_post", "; script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='"},
};

static const char *script_directive(const struct response *r) {
    for (size_t i = 0; r->page && i < ARRAY_LEN(page_scripts); i++)
        if (strcmp(r->page, page_scripts[i].page) == 0)
            return page_scripts[i].directive;
    return "";
}

/* One source more, or none: it must not be able to end the directive. */
static bool is_csp_source(struct span s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= 0x20 || c >= 0x7F || c == ';' || c == ',' || c == '\'' || c == '"')
            return false;
    }
    return s.len > 0;
}

static const char *csp_build(struct exchange *x) {
    struct span more = x->req.response.form_action;
    if (!is_csp_source(more))
        more = SPAN("");
    return arena_printf(&x->arena, CSP_START " %.*s%s", SPAN_FMT(more),
                        script_directive(&x->req.response));
}

static void add_page_headers(struct exchange *x, struct MHD_Response *r, bool *ok) {
    add(r, "Content-Security-Policy", csp_build(x), ok);
    for (size_t i = 0; i < sizeof page_headers / sizeof page_headers[0]; i++)
        add(r, page_headers[i].name, page_headers[i].value, ok);
}

static void fail(struct exchange *x, const char *why) {
    struct response *r = &x->req.response;
    response_done(r);
    x->refusal = why;
    *r = (struct response){
        .status = 500,
        .content_type = "application/json",
        .body = SPAN("{\"error\":\"server_error\",\"error_description\":\"internal error\"}\n"),
    };
    LOG(LOG_ERROR, "answer_failed", LOG_STR("request_id", x->req.id), LOG_STR("why", why));
}

/* Gives the body; a page that cannot be rendered becomes a 500 without one. */
static void render(struct exchange *x) {
    struct response *r = &x->req.response;
    const struct server_config *cfg = &x->thread->server->cfg;
    if (r->is_broken) {
        fail(x, "a header could not be added");
        return;
    }
    if (!r->page)
        return;
    enum err e = cfg->render ? cfg->render(&x->req, &x->page) : ERR_UNSUPPORTED;
    if (!e)
        e = buf_err(&x->page);
    if (e)
        fail(x, "a page could not be rendered");
    else
        r->body = buf_span(&x->page);
}

/* ---- all answers ---- */

static void add_common_headers(struct exchange *x, struct MHD_Response *r, bool *ok) {
    const struct response *answer = &x->req.response;
    const struct server *s = x->thread->server;
    if (answer->content_type)
        add(r, "Content-Type", answer->content_type, ok);
    add(r, "X-Request-Id", x->req.id, ok);
    add(r, "X-Content-Type-Options", "nosniff", ok);
    add(r, "Referrer-Policy", "no-referrer", ok);
    if (!answer->cacheable)
        add(r, "Cache-Control", "no-store", ok);
    if (s->cfg.is_https && !x->thread->is_admin)
        add(r, "Strict-Transport-Security", "max-age=31536000", ok);
    if (x->route_flags & ROUTE_ANY_ORIGIN)
        add(r, "Access-Control-Allow-Origin", "*", ok);
    if (x->must_close || atomic_load_explicit(&s->draining, memory_order_relaxed))
        add(r, "Connection", "close", ok);
}

static void add_own_headers(struct exchange *x, struct MHD_Response *r, bool *ok) {
    const struct response *answer = &x->req.response;
    for (size_t i = 0; i < answer->n_headers; i++) {
        struct span value = answer->header[i].value;
        add(r, answer->header[i].name, arena_strndup(&x->arena, value.ptr, value.len), ok);
    }
}

static struct MHD_Response *build(struct exchange *x) {
    struct span body = x->req.response.body;
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)(body.ptr ? body.ptr : ""), MHD_RESPMEM_PERSISTENT);
    if (!r)
        return NULL;
    bool ok = true;
    add_common_headers(x, r, &ok);
    add_own_headers(x, r, &ok);
    if (x->req.response.page)
        add_page_headers(x, r, &ok);
    if (ok)
        return r;
    MHD_destroy_response(r);
    return NULL;
}

bool response_queue(struct exchange *x) {
    render(x);
    struct MHD_Response *r = build(x);
    if (!r) {
        fail(x, "an answer could not be built");
        r = build(x);
    }
    if (!r)
        return false;
    x->stage = EXCHANGE_QUEUED;
    x->connection->deadline_us =
        x->thread->now_us +
        RESPONSE_PATIENCE * (int64_t)x->thread->server->cfg.connection_timeout * 1000000;
    enum MHD_Result done = MHD_queue_response(x->connection->mhd, x->req.response.status, r);
    MHD_destroy_response(r);
    return done == MHD_YES;
}
