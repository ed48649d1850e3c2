/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and its answer, from the request line to the access line. What it costs to start one
 * matters, so exchanges are reused, and the large arrays in them are not cleared but emptied. */
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "idp/metrics.h"
#include "web/language.h"
#include "web/server_internal.h"
#include "web/trace.h"

#define EXCHANGES_KEPT      64 /* of one I/O thread */
#define PAGE_MAX            RESPONSE_MAX
#define LANG_COOKIE_SECONDS (365 * 24 * 3600)

/* ---- life ---- */

#define CLEAR(object, first, end)                                                                  \
    memset((char *)(object) + offsetof(__typeof__(*(object)), first), 0,                           \
           offsetof(__typeof__(*(object)), end) - offsetof(__typeof__(*(object)), first))

/* All but the long arrays, whose items count for nothing while their count is 0. */
static void clear(struct exchange *x) {
    struct request *req = &x->req;
    CLEAR(req, arena, query);
    CLEAR(req, body, load);
    CLEAR(req, wrote, signing);
    CLEAR(req, work_result, response);
    req->query.count = req->form.count = 0;
    req->load.n = req->write.n = req->signing.n = 0;
    req->response = (struct response){0};
    x->transport = (struct transport){0};
    memset(&x->thread, 0, sizeof *x - offsetof(struct exchange, thread));
}

static void ids_make(struct exchange *x) {
    unsigned char bytes[24];
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, 16, x->req.id);
    hex_encode(bytes + 16, 8, x->span_id);
    memcpy(x->trace_flags, "00", 3);
}

struct exchange *exchange_new(struct io_thread *t, struct connection *c, const char *target) {
    struct exchange *x = t->free_exchanges;
    if (x) {
        t->free_exchanges = x->next;
        t->n_free--;
        clear(x);
    } else if ((x = calloc(1, sizeof *x))) {
        x->arena = ARENA_INIT(EXCHANGE_ARENA_MAX);
    } else {
        return NULL;
    }
    struct server *s = t->server;
    x->thread = t;
    x->connection = c;
    x->page = BUF_INIT(PAGE_MAX);
    x->wire_target = span_of(target);
    x->transport = (struct transport){.header = x->header,
                                      .is_https = s->cfg.is_https,
                                      .cookie_suffix = s->cfg.cookie_suffix,
                                      .server = s};
    struct request *req = &x->req;
    req->arena = &x->arena;
    req->app = s->cfg.app;
    req->thread = &t->services;
    req->transport = &x->transport;
    req->client = c->address;
    req->target = arena_dup(&x->arena, x->wire_target);
    x->route_index = (unsigned)s->router.n_routes; /* none yet */
    ids_make(x);
    c->in_request = true;
    return x;
}

void exchange_free(struct exchange *x) {
    struct io_thread *t = x->thread;
    if (x->req.state && x->req.handler->done)
        x->req.handler->done(&x->req);
    response_done(&x->req.response);
    outbound_job_done(&x->req.fetch);
    buf_done(&x->page);
    if (t->n_free == EXCHANGES_KEPT) {
        arena_done(&x->arena);
        free(x);
        return;
    }
    arena_reset(&x->arena);
    x->next = t->free_exchanges;
    t->free_exchanges = x;
    t->n_free++;
}

void exchanges_free(struct io_thread *t) {
    while (t->free_exchanges) {
        struct exchange *x = t->free_exchanges;
        t->free_exchanges = x->next;
        arena_done(&x->arena);
        free(x);
    }
}

/* ---- refusing ---- */

static const struct refusal_form {
    unsigned status;
    const char *page_key; /* error.KEY.title */
    const char *code;     /* JSON */
} refusal_forms[] = {
    {400, "invalid_request", "invalid_request"},
    {403, "forbidden", "access_denied"},
    {404, "not_found", "not_found"},
    {405, "method", "invalid_request"},
    {413, "too_large", "invalid_request"},
    {414, "too_large", "invalid_request"},
    {415, "media_type", "invalid_request"},
    {421, "host", "invalid_request"},
    {431, "too_large", "invalid_request"},
    {500, "internal", "server_error"},
    {503, "unavailable", "temporarily_unavailable"},
};

static const struct refusal_form *refusal_form_find(unsigned status) {
    for (size_t i = 0; i < sizeof refusal_forms / sizeof refusal_forms[0]; i++)
        if (refusal_forms[i].status == status)
            return &refusal_forms[i];
    return &refusal_forms[0];
}

/* Where no route says what its clients read, a client that asks for HTML by name gets it. */
static bool wants_page(const struct exchange *x) {
    if (!x->thread->server->cfg.render)
        return false;
    if (x->route_flags)
        return x->route_flags & ROUTE_HTML;
    struct span accept = request_header(&x->req, "Accept");
    return accept.len && memmem(accept.ptr, accept.len, "text/html", 9);
}

void exchange_refuse(struct exchange *x, unsigned status, const char *reason) {
    const struct refusal_form *form = refusal_form_find(status);
    x->refusal = reason;
    if (wants_page(x))
        respond_error_page(&x->req, status, form->page_key);
    else
        respond_error_json(&x->req, status, form->code, reason);
}

/* An answer in the library's first callback ends the connection, so it is left to the last one
 * unless a body would have to be read first. False: answer now. */
static bool refuse_unread(struct exchange *x, unsigned status, const char *reason) {
    exchange_refuse(x, status, reason);
    return x->body_claimed == 0;
}

/* ---- header: guard, trace, host, route, body ---- */

static void trace_take(struct exchange *x) {
    struct span parent = request_header(&x->req, "traceparent");
    if (parent.len && request_header_count(&x->req, "traceparent") == 1)
        (void)trace_parse(parent, x->req.id, x->trace_flags);
}

static bool host_is_ours(const struct exchange *x) {
    const struct server *s = x->thread->server;
    struct span host = request_header(&x->req, "Host");
    if (!s->cfg.host.len || x->thread->is_admin || x->route_flags & ROUTE_PROBE)
        return true;
    return host.len == s->cfg.host.len && strncasecmp(host.ptr, s->cfg.host.ptr, host.len) == 0;
}

static struct body_claim body_claim_read(const struct exchange *x) {
    struct span length = request_header(&x->req, "Content-Length");
    struct body_claim claim = {
        .has_length = length.len > 0,
        .content_type = request_header(&x->req, "Content-Type"),
        .content_encoding = request_header(&x->req, "Content-Encoding"),
        .expect = request_header(&x->req, "Expect"),
    };
    for (size_t i = 0; i < length.len; i++) /* digits, at most 18: the guard saw to it */
        claim.length = claim.length * 10 + (uint64_t)(length.ptr[i] - '0');
    return claim;
}

static const char *body_reason(unsigned status) {
    return status == 413   ? "the body is too large"
           : status == 415 ? "this media type or encoding is not taken here"
                           : "this expectation cannot be met";
}

static void client_find(struct exchange *x) {
    const struct connection *c = x->connection;
    if (!c->is_listed)
        return;
    struct ip ip =
        client_ip_find(&c->peer, &x->thread->server->listed, x->header, x->transport.n_headers);
    client_address_fill(&ip, x->thread->server->seed, &x->req.client);
}

static bool route_take(struct exchange *x) {
    struct request *req = &x->req;
    struct routing routing;
    router_find(&x->thread->server->router, req->method, req->path, x->thread->is_admin, &routing);
    x->route_flags = routing.flags;
    if (!host_is_ours(x))
        return refuse_unread(x, 421, "this host name is not served here");
    if (routing.status == 404)
        return refuse_unread(x, 404, "no such resource");
    if (routing.status == 405) {
        char *allow = arena_alloc(req->arena, 64);
        if (allow)
            http_methods_format(routing.allow, allow, 64);
        respond_header(req, "Allow", span_of(allow));
        return refuse_unread(x, 405, "method not allowed");
    }
    x->route = routing.route;
    x->route_index = routing.index;
    x->route_flags = routing.route->flags;
    return true;
}

bool exchange_route(struct exchange *x, const struct guard_input *in) {
    struct request *req = &x->req;
    const struct guard_refusal *refusal = in->target_text ? guard_check(in) : NULL;
    if (x->transport.n_headers > HTTP_HEADERS_MAX)
        x->transport.n_headers = HTTP_HEADERS_MAX;
    req->method = (enum http_method)http_method_find(in->method);
    if (refusal || !in->target_text) {
        if (x->thread->server->cfg.metrics)
            metrics_add(x->thread->server->cfg.metrics, METRIC_REFUSED_BY_GUARD, 1);
        x->transport.n_headers = 0; /* nothing in it is to be believed */
        if (refusal && refusal->status == 405)
            respond_header(req, "Allow", SPAN("GET, HEAD, POST"));
        exchange_refuse(x, refusal ? refusal->status : 500,
                        refusal ? refusal->reason : "no memory");
        return false;
    }
    trace_take(x);
    client_find(x);
    struct body_claim claim = body_claim_read(x);
    x->body_claimed = claim.length;
    req->content_type = claim.content_type;
    req->query_text = req->target;
    enum err e = path_decode(req->arena, span_cut(&req->query_text, '?'), &req->path);
    if (e)
        return e == ERR_NOMEM ? refuse_unread(x, 500, "no memory") : refuse_unread(x, 400, "malformed path");
    if (!route_take(x))
        return false;
    if (x->route) {
        unsigned status = router_check_body(x->route, req->method, &claim);
        if (status)
            return refuse_unread(x, status, body_reason(status));
    }
    x->connection->deadline_us =
        x->thread->now_us + (int64_t)x->thread->server->cfg.connection_timeout * 1000000;
    return true;
}

/* ---- body ---- */

bool exchange_take_body(struct exchange *x, const char *bytes, size_t len) {
    if (!x->body && !(x->body = arena_alloc(&x->arena, x->body_claimed + 1)))
        return false;
    if (len > x->body_claimed - x->body_len)
        return false;
    memcpy(x->body + x->body_len, bytes, len);
    x->body_len += len;
    return true;
}

/* ---- all of it ---- */

static void language_take(struct exchange *x) {
    struct request *req = &x->req;
    struct language_wishes w = {
        .lang = params_find(&req->query, "lang"),
        .ui_locales = params_find(&req->query, "ui_locales"),
        .cookie = request_own_cookie(req, "lang"),
        .accept_language = request_header(req, "Accept-Language"),
    };
    if (!w.ui_locales.len)
        w.ui_locales = params_find(&req->form, "ui_locales");
    req->lang = language_choose(&w, &x->lang_is_asked);
    if (x->lang_is_asked && x->route_flags & ROUTE_HTML &&
        !span_is(w.cookie, language_code(req->lang)))
        respond_cookie(req, "lang", span_of(language_code(req->lang)),
                       &(struct cookie_options){.max_age = LANG_COOKIE_SECONDS});
}

static bool params_take(struct request *req) {
    if (params_split(req->arena, req->query_text, &req->query))
        return false;
    return !req->body.len || !content_type_is_form(req->content_type) ||
           params_split(req->arena, req->body, &req->form) == ERR_OK;
}

static bool origin_is_good(const struct exchange *x) {
    const struct request *req = &x->req;
    const struct server *s = x->thread->server;
    if (!(x->route_flags & ROUTE_BROWSER) || req->method != HTTP_POST)
        return true;
    struct span host = s->cfg.host.len ? s->cfg.host : request_header(req, "Host");
    return origin_is_acceptable(request_header(req, "Sec-Fetch-Site"),
                                request_header(req, "Origin"), s->cfg.is_https, host);
}

bool exchange_prepare(struct exchange *x) {
    struct request *req = &x->req;
    x->started_us = clock_mono_us();
    req->now = clock_now();
    if (req->response.status)
        return false;
    req->body = (struct span){x->body, x->body_len};
    bool is_readable = params_take(req);
    language_take(x);
    if (!is_readable) {
        exchange_refuse(x, 400, "malformed parameters");
        return false;
    }
    if (!origin_is_good(x)) {
        exchange_refuse(x, 403, "this form was sent from another site");
        return false;
    }
    return true;
}

/* ---- afterwards ---- */

/* Never the target, cookies or parameters: codes, tokens and names stand there. */
void exchange_log(const struct exchange *x, unsigned status) {
    const struct server *s = x->thread->server;
    if (s->cfg.metrics)
        metrics_request(s->cfg.metrics, x->route_index, status, x->took_us);
    char trace[TRACEPARENT_CHARS + 1] = "00-";
    memcpy(trace + 3, x->req.id, 32);
    trace[35] = '-';
    memcpy(trace + 36, x->span_id, 16);
    trace[52] = '-';
    memcpy(trace + 53, x->trace_flags, 3);
    LOG(LOG_INFO, "request", LOG_STR("method", http_method_name(x->req.method)),
        LOG_STR("route", x->route ? x->route->name : "none"), LOG_INT("status", status),
        LOG_INT("microseconds", x->took_us), LOG_STR("request_id", x->req.id),
        LOG_STR("traceparent", trace), LOG_STR("network", x->req.client.network),
        LOG_STR("refusal", x->refusal ? x->refusal : ""));
}
