/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's life: start, wake, drain, end. See server.h for the contract and server_internal.h
 * for the threads. */
#include "web/server.h"

#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"
#include "web/server_internal.h"

#define LOOK_NS          5000000 /* between looks at the connections, while draining */
#define PEER_LIMIT_LEAST 64

static bool keep_text(struct span text, char *out, size_t size) {
    if (text.len >= size)
        return false;
    if (text.len)
        memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* The configuration's strings need not outlive the call. */
static enum err keep_config(struct server *s, const struct server_config *cfg,
                            const char **reterr_text) {
    s->cfg = *cfg;
    *reterr_text = "bad number of I/O threads, or no time-out, or no connections allowed";
    if (!cfg->io_threads || cfg->io_threads > SERVER_IO_THREADS_MAX || !cfg->connection_timeout ||
        !cfg->connection_limit)
        return ERR_RANGE;
    *reterr_text = "host, certificate or key name is too long";
    if (!keep_text(cfg->host, s->host, sizeof s->host) ||
        !keep_text(cfg->tls_certificate, s->tls_certificate, sizeof s->tls_certificate) ||
        !keep_text(cfg->tls_key, s->tls_key, sizeof s->tls_key))
        return ERR_TOO_LONG;
    s->cfg.host = span_of(s->host);
    *reterr_text = "trusted_proxies: not an address or CIDR";
    return ip_ranges_parse(cfg->trusted_proxies, &s->listed);
}

static enum err prepare(struct server *s, const struct server_config *cfg,
                        const struct route *routes, size_t n_routes, const char **reterr_text) {
    enum err e = keep_config(s, cfg, reterr_text);
    if (e)
        return e;
    *reterr_text = "the route table is too long or has a row twice";
    if ((e = router_init(&s->router, routes, n_routes)))
        return e;
    *reterr_text = "no memory";
    unsigned most = cfg->connection_limit * cfg->io_threads / 2;
    if ((e = peer_limit_new(most < PEER_LIMIT_LEAST ? PEER_LIMIT_LEAST : most, &s->limit)))
        return e;
    *reterr_text =
        "TLS certificate or key: unreadable, not a pair, or the key is readable by others";
    if (s->tls_certificate[0] && (e = tls_new(s->tls_certificate, s->tls_key, &s->tls)))
        return e;
    return ERR_OK;
}

static enum err start_threads(struct server *s, const char **reterr_text) {
    s->n_threads = s->cfg.io_threads + (s->cfg.admin_address.len ? 1 : 0);
    for (unsigned i = 0; i < s->n_threads; i++) {
        enum err e = io_thread_start(s, i, reterr_text);
        if (e)
            return e;
    }
    return acceptor_start(s, reterr_text);
}

/* The store's group-done hook: wakes the I/O threads that have finished jobs. */
static void wake_those_with_news(void *server) {
    struct server *s = server;
    for (unsigned i = 0; i < s->n_threads; i++)
        if (s->thread[i])
            io_thread_wake_if_news(s->thread[i]);
}

enum err server_start(const struct server_config *cfg, const struct route *routes, size_t n_routes,
                      struct server **ret_server, const char **reterr_text) {
    *reterr_text = "no memory";
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->listen_fd = s->admin_fd = s->stop_fd = -1;
    s->is_layout_known = guard_layout_is_known(library_version());
    random_bytes(&s->seed, sizeof s->seed);
    if (cfg->store)
        store_on_group_done(cfg->store, wake_those_with_news, s);
    enum err e = prepare(s, cfg, routes, n_routes, reterr_text);
    if (!e)
        e = start_threads(s, reterr_text);
    if (e) {
        server_free(s);
        return e;
    }
    *ret_server = s;
    return ERR_OK;
}

uint16_t server_port(const struct server *s) {
    return s->port;
}

uint16_t server_admin_port(const struct server *s) {
    return s->admin_port;
}

enum err server_reload_tls(struct server *s) {
    return s->tls ? tls_reload(s->tls, s->tls_certificate, s->tls_key) : ERR_UNSUPPORTED;
}

static void wake_all(struct server *s) {
    for (unsigned i = 0; i < s->n_threads; i++)
        if (s->thread[i] && s->thread[i]->wake_fd >= 0)
            io_thread_wake(s->thread[i]);
}

static unsigned connections_left(const struct server *s) {
    unsigned n = 0;
    for (unsigned i = 0; i < s->n_threads; i++)
        n += atomic_load_explicit(&s->thread[i]->n_connections, memory_order_relaxed);
    return n;
}

void server_drain(struct server *s, unsigned seconds) {
    acceptor_stop(s);
    atomic_store(&s->draining, true);
    wake_all(s);
    int64_t until = clock_mono_us() + (int64_t)seconds * 1000000;
    while (connections_left(s) && clock_mono_us() < until)
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

void server_free(struct server *s) {
    if (!s)
        return;
    acceptor_stop(s);
    atomic_store(&s->stopping, true);
    wake_all(s);
    for (unsigned i = 0; i < s->n_started; i++)
        pthread_join(s->thread[i]->thread, NULL);
    /* Synchronizes with the writer, which may be about to call wake_those_with_news. */
    if (s->cfg.store)
        store_on_group_done(s->cfg.store, NULL, NULL);
    for (unsigned i = 0; i < s->n_threads; i++)
        if (s->thread[i])
            io_thread_free(s->thread[i]);
    tls_free(s->tls);
    peer_limit_free(s->limit);
    free(s);
}

void server_stats_get(const struct server *s, struct server_stats *ret_stats) {
    struct server_stats stats = {.n_threads = s->n_threads};
    for (unsigned i = 0; i < s->n_threads; i++)
        stats.connections[i] =
            atomic_load_explicit(&s->thread[i]->n_connections, memory_order_relaxed);
    *ret_stats = stats;
}
