/* SPDX-License-Identifier: Apache-2.0
 *
 * web/server with a few routes, for tests that speak HTTP to it byte by byte. No signer; a store
 * only with --store.
 * Prints "listening PORT ADMIN_PORT" on standard output; SIGTERM drains and ends it, SIGHUP reads
 * the certificate again. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/workpool.h"
#include "idp/store/store.h"
#include "web/admin_routes.h"
#include "web/server.h"

#define DRAIN_SECONDS 10 /* unless --drain */
#define BIG_BYTES (512 * 1024)

/* ---- handlers ---- */

static void add_text(struct buf *b, const char *name, struct span value) {
    buf_addf(b, "%s=%.*s\n", name, SPAN_FMT(value));
}

/* What the server made of the request, a line each. */
static enum step echo_parse(struct request *req) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(256 * 1024);
    add_text(&b, "path", req->path);
    add_text(&b, "query", req->query_text);
    add_text(&b, "client", span_of(req->client.text));
    add_text(&b, "network", span_of(req->client.network));
    add_text(&b, "id", span_of(req->id));
    add_text(&b, "lang", req->lang == LANG_EN ? SPAN("en") : SPAN("vi"));
    add_text(&b, "cookie", request_own_cookie(req, "session"));
    add_text(&b, "form", params_find(&req->form, "name"));
    buf_addf(&b, "thread=%u\n", req->thread->index);
    buf_addf(&b, "body=%zu\n", req->body.len);
    respond_buf(req, 200, "text/plain; charset=utf-8", &b);
    return STEP_RESPOND;
}
static const struct handler echo_handler = {.parse = echo_parse};

static enum step static_parse(struct request *req) {
    respond_body(req, 200, "application/json", SPAN("{\"ok\":true}\n"));
    return STEP_RESPOND;
}
static const struct handler json_handler = {.parse = static_parse};

static char big[BIG_BYTES];

static enum step big_parse(struct request *req) {
    respond_body(req, 200, "text/plain; charset=utf-8", span_bytes(big, sizeof big));
    return STEP_RESPOND;
}
static const struct handler big_handler = {.parse = big_parse};

/* Copies a parameter into a header field: response splitting must fail (T09). */
static enum step header_parse(struct request *req) {
    respond_body(req, 200, "text/plain; charset=utf-8", SPAN("ok\n"));
    struct span value = params_find(&req->query, "value");
    respond_header(req, "X-Echo", value.ptr ? value : SPAN(""));
    return STEP_RESPOND;
}
static const struct handler header_handler = {.parse = header_parse};

static enum step redirect_parse(struct request *req) {
    respond_cookie(req, "session", SPAN("abc"), &(struct cookie_options){.max_age = 60});
    respond_redirect(req, SPAN("/echo"));
    return STEP_RESPOND;
}
static const struct handler redirect_handler = {.parse = redirect_parse};

static enum step page_parse(struct request *req) {
    respond_page(req, 200, "page", NULL);
    req->response.form_action = params_find(&req->query, "form_action");
    return STEP_RESPOND;
}
static const struct handler page_handler = {.parse = page_parse};

static enum err render(struct request *req, struct buf *out) {
    buf_addf(out, "<!doctype html><title>%s</title>\n", req->response.page);
    return buf_err(out);
}

struct work_state {
    long milliseconds;
    unsigned rounds_left;
    unsigned done;
};

static enum step work_parse(struct request *req) {
    struct work_state *w = req->state;
    struct span ms = params_find(&req->query, "ms"), rounds = params_find(&req->query, "rounds");
    w->milliseconds = ms.ptr ? strtol(ms.ptr, NULL, 10) : 0;
    w->rounds_left = rounds.ptr ? (unsigned)strtoul(rounds.ptr, NULL, 10) : 1;
    return STEP_WORK;
}
static void work_work(struct request *req) {
    struct work_state *w = req->state;
    (void)nanosleep(&(struct timespec){w->milliseconds / 1000, w->milliseconds % 1000 * 1000000}, NULL);
    w->done++;
}
static enum step work_decide(struct request *req) {
    struct work_state *w = req->state;
    if (req->work_result)
        return STEP_RESPOND;
    return --w->rounds_left > 0 ? STEP_WORK : STEP_RESPOND;
}
static void work_respond(struct request *req) {
    const struct work_state *w = req->state;
    if (req->work_result) {
        respond_error_json(req, 503, "temporarily_unavailable", "busy");
        respond_header(req, "Retry-After", SPAN("2"));
        return;
    }
    char *text = arena_printf(req->arena, "done=%u query=%.*s\n", w->done, SPAN_FMT(req->query_text));
    respond_body(req, 200, "text/plain; charset=utf-8", span_of(text));
}
static const struct handler work_handler = {
    .state_size = sizeof(struct work_state),
    .parse = work_parse,
    .decide = work_decide,
    .work = work_work,
    .respond = work_respond,
};

/* Load, then a write: `key` (at most 20 bytes) can be used once. */
struct once_state {
    int64_t sessions;
};

static enum step once_parse(struct request *req) {
    (void)req;
    return STEP_LOAD;
}
static void once_load(struct request *req) {
    struct once_state *o = req->state;
    store_session_count(&req->load, req->now, &o->sessions);
}
static void once_write(struct request *req) {
    unsigned char key[PENDING_KEY_BYTES] = {0};
    struct span name = params_find(&req->query, "key");
    if (name.len && name.len <= sizeof key)
        memcpy(key, name.ptr, name.len);
    else
        random_bytes(key, sizeof key);
    store_once(&req->write, key, req->now + 600);
}
static enum step once_decide(struct request *req) {
    return req->load.result || req->wrote ? STEP_RESPOND : STEP_WRITE;
}
static void once_respond(struct request *req) {
    enum err e = req->load.result ? req->load.result : req->write.result;
    respond_body(req, e == ERR_OK ? 200 : e == ERR_REPLAYED ? 409 : 503, "text/plain; charset=utf-8",
                 span_of(err_name(e)));
}
static const struct handler once_handler = {
    .state_size = sizeof(struct once_state),
    .parse = once_parse,
    .load = once_load,
    .decide = once_decide,
    .write = once_write,
    .respond = once_respond,
};

#define KIB 1024
static const struct route routes[] = {
    {HTTP_GET | HTTP_POST, "/echo", "echo", &echo_handler, 64 * KIB, 0, "-"},
    {HTTP_POST, "/form", "form", &echo_handler, 32 * KIB, ROUTE_FORM | ROUTE_HTML | ROUTE_BROWSER, "-"},
    {HTTP_GET, "/json", "json", &json_handler, 0, ROUTE_ANY_ORIGIN, "-"},
    {HTTP_GET, "/big", "big", &big_handler, 0, 0, "-"},
    {HTTP_GET, "/header", "header", &header_handler, 0, 0, "-"},
    {HTTP_GET, "/redirect", "redirect", &redirect_handler, 0, 0, "-"},
    {HTTP_GET, "/page", "page", &page_handler, 0, ROUTE_HTML, "-"},
    {HTTP_GET, "/work", "work", &work_handler, 0, 0, "-"},
    {HTTP_GET, "/once", "once", &once_handler, 0, 0, "-"}, /* with --store only */
    {HTTP_GET, "/tree/", "tree", &echo_handler, 0, ROUTE_PREFIX, "-"},
    {HTTP_GET, "/healthz", "healthz", &healthz_handler, 0, ROUTE_PROBE, "-"},
    {HTTP_GET, "/admin", "admin", &json_handler, 0, ROUTE_ADMIN, "-"},
};

/* ---- program ---- */

enum { OPT_THREADS, OPT_LIMIT, OPT_TIMEOUT, OPT_HOST, OPT_PROXY, OPT_TRUST, OPT_CERT, OPT_KEY,
       OPT_POOL, OPT_QUEUE, OPT_QUIET, OPT_HTTPS, OPT_STORE, OPT_DRAIN, OPT_COUNT };
static const struct option options[] = {
    {"threads", 1, NULL, OPT_THREADS}, {"limit", 1, NULL, OPT_LIMIT},
    {"timeout", 1, NULL, OPT_TIMEOUT}, {"host", 1, NULL, OPT_HOST},
    {"proxy-protocol", 0, NULL, OPT_PROXY}, {"trust", 1, NULL, OPT_TRUST},
    {"cert", 1, NULL, OPT_CERT}, {"key", 1, NULL, OPT_KEY},
    {"pool", 1, NULL, OPT_POOL}, {"queue", 1, NULL, OPT_QUEUE},
    {"quiet", 0, NULL, OPT_QUIET}, {"https", 0, NULL, OPT_HTTPS},
    {"store", 1, NULL, OPT_STORE}, {"drain", 1, NULL, OPT_DRAIN},
    {NULL, 0, NULL, 0},
};

static unsigned number_of(const char *text, unsigned fallback) {
    return text ? (unsigned)strtoul(text, NULL, 10) : fallback;
}

static enum err thread_init(void *app, unsigned index, struct thread_services *ret) {
    (void)index;
    return app ? store_reader_open(app, &ret->reader) : ERR_OK;
}

static void thread_done(void *app, struct thread_services *t) {
    (void)app;
    if (t->reader)
        store_reader_close(t->reader);
}

/* Before the first thread, which else would take them, and end. */
static sigset_t signals_block(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return set;
}

static int run(const struct server_config *cfg, unsigned drain_seconds, const sigset_t *set) {
    struct server *s;
    const char *why = "";
    enum err e = server_start(cfg, routes, ARRAY_LEN(routes), &s, &why);
    if (e) {
        fprintf(stderr, "cannot start: %s: %s\n", why, err_text(e));
        return 1;
    }
    printf("listening %u %u\n", server_port(s), server_admin_port(s));
    (void)fflush(stdout);
    int got;
    while (sigwait(set, &got) == 0 && got == SIGHUP) {
        enum err reloaded = server_reload_tls(s);
        printf("reloaded %s\n", err_name(reloaded));
        (void)fflush(stdout);
    }
    server_drain(s, drain_seconds);
    server_free(s);
    return 0;
}

int main(int argc, char **argv) {
    const char *value[OPT_COUNT] = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option < 0 || option >= OPT_COUNT)
            return 2;
        value[option] = optarg ? optarg : "yes";
    }
    const sigset_t signals = signals_block();
    log_init("testserver", value[OPT_QUIET] ? LOG_ERROR : LOG_INFO);
    struct config_list trusted = {.count = value[OPT_TRUST] ? 1 : 0};
    trusted.item[0] = span_of(value[OPT_TRUST]);
    struct workpool *pool;
    struct metrics *metrics;
    if (secret_init() || workpool_new(number_of(value[OPT_POOL], 4), number_of(value[OPT_QUEUE], 64), 0, &pool) ||
        metrics_new(ARRAY_LEN(routes), &metrics))
        return 1;
    memset(big, 'x', sizeof big);
    struct store *store = NULL;
    if (value[OPT_STORE]) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        const char *why = "";
        if (store_open(value[OPT_STORE], &a, &store, &why)) {
            fprintf(stderr, "cannot open the store: %s\n", why);
            return 1;
        }
    }
    const struct server_config cfg = {
        .listen_address = SPAN("127.0.0.1:0"),
        .admin_address = SPAN("127.0.0.1:0"),
        .io_threads = number_of(value[OPT_THREADS], 2),
        .connection_limit = number_of(value[OPT_LIMIT], 1024),
        .connection_timeout = number_of(value[OPT_TIMEOUT], 10),
        .proxy_protocol = value[OPT_PROXY] != NULL,
        .trusted_proxies = &trusted,
        .tls_certificate = span_of(value[OPT_CERT]),
        .tls_key = span_of(value[OPT_KEY]),
        .host = span_of(value[OPT_HOST]),
        .is_https = value[OPT_HTTPS] != NULL,
        .cookie_suffix = "a1b2c3",
        .app = store,
        .store = store,
        .thread_init = thread_init,
        .thread_done = thread_done,
        .pool = pool,
        .metrics = metrics,
        .render = render,
    };
    int status = run(&cfg, number_of(value[OPT_DRAIN], DRAIN_SECONDS), &signals);
    workpool_free(pool);
    store_close(store);
    metrics_free(metrics);
    return status;
}
