/* SPDX-License-Identifier: Apache-2.0
 *
 * idpd: puts the parts together, supervises the signer, and keeps house. The only file that sees
 * every folder.
 *
 *   main thread      signals, signer supervision, activity flush, purge
 *   acceptor + N     HTTP (web/server.h)
 *   writer           the store's only writer
 *   pool             Argon2id
 *   outbound         fetches (idp/outbound.h)
 *   logout outbox    tells services of ended sessions (idp/logout_outbox.h)
 *   ctl              idpctl's socket */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/workpool.h"
#include "idp/client_cache.h"
#include "idp/client_origins.h"
#include "idp/client_secret.h"
#include "idp/client_services.h"
#include "idp/config.h"
#include "idp/ctl/ctl_server.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/logout_outbox.h"
#include "idp/metrics.h"
#include "idp/outbound.h"
#include "idp/resource.h"
#include "idp/session.h"
#include "idp/store/store.h"
#include "idp/upstream_health.h"
#include "keys/jws_memory.h"
#include "keys/signer_client.h"
#include "protocols/oidc/client_keys.h"
#include "protocols/oidc/client_logo.h"
#include "protocols/oidc/logout_token.h"
#include "web/pages.h"
#include "web/routes.h"
#include "web/server.h"
#include "web/upstream.h"

#define TICK_MS 1000
#define ACTIVITY_FLUSH_SECONDS 5
#define SECRET_USE_FLUSH_SECONDS 60
#define PURGE_SECONDS 15
#define PURGE_ROWS 40 /* a batch: 10 to 20 ms of the writer, when a million rows are there */
#define DRAIN_SECONDS 10
#define SIGNER_RETRY_SECONDS 2
#define WORK_NICE 10
#define CONFIGS_KEPT 64 /* reloads; old settings stay valid for requests that still look at them */

/* Channels to the signer: the main thread's, the control thread's, the logout outbox's, then one per
 * I/O thread. */
enum { CHANNEL_MAIN, CHANNEL_CTL, CHANNEL_OUTBOX, CHANNEL_IO };

struct daemon {
    struct idp idp;
    const char *config_path;
    struct config *configs[CONFIGS_KEPT];
    struct upstream_set *upstreams[CONFIGS_KEPT]; /* of each of them */
    size_t n_configs;
    struct server *server;
    struct ctl_server *ctl;
    struct logout_outbox *outbox;
    int signal_fd;
    int64_t next_flush, next_secret_flush, next_purge, next_signer_start;
    bool signer_is_down;
    bool stopping;
};

static void report_lines(const struct buf *report) {
    struct span rest = buf_span(report);
    while (rest.len) {
        struct span line = span_cut(&rest, '\n');
        if (line.len)
            fprintf(stderr, "%.*s\n", SPAN_FMT(line));
    }
}

static enum err config_read(struct daemon *d, struct config **ret_config) {
    CLEANUP(buf_done) struct buf report = BUF_INIT(256 * 1024);
    enum err e = config_load(d->config_path, &report, ret_config);
    report_lines(&report);
    return e;
}

/* Settings and the relying parties of their connectors come into use together; those of before serve
 * the requests that began with them. */
static enum err config_use(struct daemon *d, struct config *cfg) {
    struct upstream_set *set;
    enum err e = upstream_set_new(cfg, &set);
    if (e)
        return e;
    d->upstreams[d->n_configs] = set;
    d->configs[d->n_configs++] = cfg;
    atomic_store(&d->idp.upstreams, set);
    atomic_store_explicit(&d->idp.config, cfg, memory_order_release);
    return ERR_OK;
}

static enum log_level log_level_find(struct span name) {
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {{"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warn", LOG_WARN}, {"error", LOG_ERROR}};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (span_is(name, levels[i].name))
            return levels[i].level;
    return LOG_INFO;
}

/* No core dumps, no debugger of the same user, no new privileges. */
static void process_harden(void) {
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Blocked in every thread; read from one descriptor. */
static int signals_open(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- what belongs to an I/O thread ---- */

static enum err thread_init(void *app, unsigned index, struct thread_services *ret) {
    struct idp *idp = app;
    ret->index = index;
    ret->channel = signer_channel(idp->signer, CHANNEL_IO + index);
    enum err e = client_cache_new(&ret->clients);
    if (!e)
        e = jws_memory_new(&ret->access_tokens);
    return e ? e : store_reader_open(idp->store, &ret->reader);
}

static void thread_done(void *app, struct thread_services *t) {
    (void)app;
    store_reader_close(t->reader);
    client_cache_free(t->clients);
    jws_memory_free(t->access_tokens);
}

/* ---- start ---- */

static enum err fail(const char *what, const char *why, enum err e) {
    LOG(LOG_ERROR, "start_failed", LOG_STR("part", what), LOG_STR("why", why ? why : err_text(e)));
    return e;
}

static enum err start_store(struct daemon *d, const struct config *cfg) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    const char *why = NULL;
    enum err e = store_open(arena_strndup(&a, cfg->store_path.ptr, cfg->store_path.len), &a,
                            &d->idp.store, &why);
    if (e)
        return fail("store", why, e);
    if ((e = resource_registry_new(&d->idp.resources)) ||
        (e = resource_registry_load(d->idp.resources, d->idp.store)))
        return fail("resources", NULL, e);
    return ERR_OK;
}

static enum err start_signer(struct daemon *d, const struct config *cfg) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    unsigned channels = (unsigned)cfg->io_threads + SERVER_EXTRA_THREADS + CHANNEL_IO;
    enum err e = signer_start(arena_strndup(&a, cfg->signer_binary.ptr, cfg->signer_binary.len),
                              arena_strndup(&a, cfg->signer_policy.ptr, cfg->signer_policy.len),
                              channels, &d->idp.signer);
    if (e)
        return fail("signer", NULL, e);
    e = keyring_new(d->idp.store, signer_channel(d->idp.signer, CHANNEL_MAIN), &d->idp.keyring);
    return e ? fail("keys", NULL, e) : ERR_OK;
}

static enum err start_server(struct daemon *d, const struct config *cfg) {
    const struct server_config sc = {
        .listen_address = cfg->listen_address,
        .admin_address = cfg->admin_address,
        .io_threads = (unsigned)cfg->io_threads,
        .connection_limit = (unsigned)cfg->connection_limit,
        .connection_timeout = (unsigned)cfg->connection_timeout,
        .proxy_protocol = cfg->proxy_protocol,
        .trusted_proxies = &cfg->trusted_proxies,
        .tls_certificate = cfg->tls_certificate,
        .tls_key = cfg->tls_key,
        .host = cfg->host,
        .is_https = cfg->is_https,
        .cookie_suffix = cfg->cookie_suffix,
        .app = &d->idp,
        .store = d->idp.store,
        .signer = d->idp.signer,
        .pool = d->idp.pool,
        .outbound = d->idp.outbound,
        .metrics = d->idp.metrics,
        .render = pages_render,
        .thread_init = thread_init,
        .thread_done = thread_done,
    };
    const char *why = NULL;
    enum err e = server_start(&sc, idp_routes, idp_routes_count, &d->server, &why);
    return e ? fail("http", why, e) : ERR_OK;
}

static enum err start_pages(const struct config *cfg) {
    const struct page_site site = {
        .brand_vi = cfg->brand_name,
        .brand_en = cfg->brand_name_en,
        .contact_vi = cfg->contact,
        .contact_en = cfg->contact_en,
    };
    enum err e = pages_init(&site);
    return e ? fail("pages", pages_init_error(), e) : ERR_OK;
}

static enum err start(struct daemon *d, const struct config *cfg) {
    struct idp *idp = &d->idp;
    enum err e;
    if ((e = start_pages(cfg)))
        return e;
    if ((e = metrics_new((unsigned)idp_routes_count, &idp->metrics)) ||
        (e = session_activity_new(&idp->activity)) ||
        (e = client_origins_new(&idp->origins)) ||
        (e = client_services_new(&idp->services)) ||
        (e = client_secret_use_new(&idp->secret_use)) ||
        (e = workpool_new((unsigned)cfg->work_threads, (unsigned)cfg->work_queue, WORK_NICE, &idp->pool)) ||
        (e = outbound_new(idp, &idp->outbound)) ||
        (e = upstream_health_new(&idp->upstream_health)) ||
        (e = client_keys_new(&idp->client_keys)) ||
        (e = client_logos_new(&idp->client_logos)))
        return fail("memory", NULL, e);
    if ((e = start_store(d, cfg)))
        return e;
    if ((e = start_signer(d, cfg)))
        return e;
    if ((e = ctl_server_start(idp, signer_channel(idp->signer, CHANNEL_CTL), &d->ctl)))
        return fail("admin socket", NULL, e);
    if ((e = logout_outbox_start(idp, signer_channel(idp->signer, CHANNEL_OUTBOX), logout_token_build,
                                 &d->outbox)))
        return fail("logout outbox", NULL, e);
    return start_server(d, cfg); /* last: /readyz answers only when all the rest is there */
}

/* ---- housekeeping ---- */

struct flush {
    struct idp *idp;
    struct arena arena;
    struct batch batch;
};

static void flush_run(struct flush *f) {
    if (f->batch.n && store_write_wait(f->idp->store, &f->batch))
        LOG0(LOG_WARN, "activity_flush_failed");
    arena_reset(&f->arena);
    f->batch = BATCH_INIT(&f->arena);
}

static void flush_one(void *ctx, const struct session_key *key, int64_t last_seen) {
    struct flush *f = ctx;
    store_session_touch(&f->batch, key, last_seen);
    if (f->batch.n == BATCH_OPS_MAX)
        flush_run(f);
}

static void flush_activity(struct idp *idp) {
    struct flush f = {.idp = idp, .arena = ARENA_INIT(ARENA_LIMIT_DEFAULT)};
    f.batch = BATCH_INIT(&f.arena);
    session_activity_drain(idp->activity, clock_now() - 2 * ACTIVITY_FLUSH_SECONDS, flush_one, &f);
    flush_run(&f);
    arena_done(&f.arena);
}

static void flush_secret_use(struct idp *idp) {
    if (client_secret_use_flush(idp->secret_use, idp->store))
        LOG0(LOG_WARN, "secret_use_flush_failed");
}

/* Seconds until it is worth while again: there may be more than one call takes. */
static int64_t purge(struct idp *idp) {
    uint64_t deleted = 0;
    if (store_purge(idp->store, clock_now(), PURGE_ROWS, &deleted))
        LOG0(LOG_WARN, "purge_failed");
    else if (deleted)
        LOG(LOG_INFO, "purged", LOG_INT("rows", deleted));
    return deleted >= (uint64_t)PURGE_ROWS * STORE_PURGE_BATCHES ? 1 : PURGE_SECONDS;
}

static enum err reload_keys(struct signer_channel *c, void *ctx) {
    struct idp *idp = ctx;
    return keyring_reload(idp->keyring, idp->store, c);
}

/* Until it is back, whoever needs a signature is answered 503. */
static void signer_revive(struct daemon *d) {
    metrics_add(d->idp.metrics, METRIC_SIGNER_RESTARTS, 1);
    enum err e = signer_restart(d->idp.signer, reload_keys, &d->idp);
    d->signer_is_down = e != ERR_OK;
    d->next_signer_start = clock_mono_us() / 1000000 + SIGNER_RETRY_SECONDS;
    LOG(e ? LOG_ERROR : LOG_WARN, "signer_restarted", LOG_STR("result", err_text(e)),
        LOG_INT("pid", signer_pid(d->idp.signer)));
}

static void reload(struct daemon *d) {
    if (d->n_configs == CONFIGS_KEPT) {
        LOG0(LOG_WARN, "reload_refused_restart_needed");
        return;
    }
    struct config *cfg;
    if (config_read(d, &cfg)) {
        LOG0(LOG_ERROR, "reload_failed_old_settings_kept");
        return;
    }
    if (config_use(d, cfg)) {
        LOG0(LOG_ERROR, "reload_failed_old_settings_kept");
        config_free(cfg);
        return;
    }
    log_init("idpd", log_level_find(cfg->log_level));
    if (cfg->tls_certificate.len && server_reload_tls(d->server))
        LOG0(LOG_ERROR, "tls_reload_failed_old_certificate_kept");
    LOG0(LOG_INFO, "reloaded");
}

static void take_signals(struct daemon *d) {
    struct signalfd_siginfo info;
    while (read(d->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload(d);
        else
            d->stopping = true;
    }
}

static void tick(struct daemon *d) {
    int64_t now = clock_mono_us() / 1000000;
    if (d->signer_is_down && now >= d->next_signer_start)
        signer_revive(d);
    if (now >= d->next_flush) {
        d->next_flush = now + ACTIVITY_FLUSH_SECONDS;
        flush_activity(&d->idp);
    }
    if (now >= d->next_secret_flush) {
        d->next_secret_flush = now + SECRET_USE_FLUSH_SECONDS;
        flush_secret_use(&d->idp);
    }
    if (now >= d->next_purge)
        d->next_purge = now + purge(&d->idp);
}

static void serve(struct daemon *d) {
    while (!d->stopping) {
        struct pollfd fds[] = {
            {.fd = d->signal_fd, .events = POLLIN},
            {.fd = d->signer_is_down ? -1 : signer_death_fd(d->idp.signer), .events = POLLIN},
        };
        if (poll(fds, ARRAY_LEN(fds), TICK_MS) < 0 && errno != EINTR)
            break;
        take_signals(d);
        if (!d->stopping && fds[1].revents)
            signer_revive(d);
        tick(d);
    }
}

static void stop(struct daemon *d) {
    LOG0(LOG_INFO, "stopping");
    if (d->server) {
        server_drain(d->server, DRAIN_SECONDS);
        server_free(d->server);
    }
    ctl_server_stop(d->ctl);
    logout_outbox_stop(d->outbox);
    outbound_free(d->idp.outbound);
    workpool_free(d->idp.pool);
    if (d->idp.store && d->idp.activity)
        flush_activity(&d->idp);
    if (d->idp.store && d->idp.secret_use)
        flush_secret_use(&d->idp);
    session_activity_free(d->idp.activity);
    client_keys_free(d->idp.client_keys);
    client_logos_free(d->idp.client_logos);
    client_origins_free(d->idp.origins);
    client_services_free(d->idp.services);
    client_secret_use_free(d->idp.secret_use);
    upstream_health_free(d->idp.upstream_health);
    keyring_free(d->idp.keyring);
    resource_registry_free(d->idp.resources);
    store_close(d->idp.store);
    signer_stop(d->idp.signer);
    metrics_free(d->idp.metrics);
    for (size_t i = 0; i < d->n_configs; i++) {
        upstream_set_free(d->upstreams[i]);
        config_free(d->configs[i]);
    }
}

/* ---- command line ---- */

static int usage(void) {
    fputs("usage: idpd --config FILE [--check-config]\n"
          "       idpd --document-config\n",
          stderr);
    return 2;
}

static int document_config(void) {
    CLEANUP(buf_done) struct buf out = BUF_INIT(1024 * 1024);
    config_document(&out);
    if (buf_err(&out))
        return 1;
    return fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : 1;
}

static int run(struct daemon *d, struct config *cfg) {
    process_harden();
    if (config_use(d, cfg)) {
        LOG0(LOG_ERROR, "start_failed");
        return 1;
    }
    log_init("idpd", log_level_find(cfg->log_level));
    d->signal_fd = signals_open();
    if (d->signal_fd < 0 || secret_init()) {
        LOG0(LOG_ERROR, "start_failed");
        return 1;
    }
    enum err e = start(d, cfg);
    if (!e) {
        LOG(LOG_INFO, "ready", LOG_SPAN("issuer", cfg->issuer), LOG_INT("pid", getpid()));
        serve(d);
    }
    stop(d);
    LOG0(LOG_INFO, "stopped");
    return e ? 1 : 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'k'},
        {"document-config", no_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
    struct daemon d = {.signal_fd = -1};
    bool check_only = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            d.config_path = optarg;
        else if (option == 'k')
            check_only = true;
        else if (option == 'd')
            return document_config();
        else
            return usage();
    }
    if (!d.config_path || optind != argc)
        return usage();

    struct config *cfg;
    if (config_read(&d, &cfg))
        return 1;
    if (check_only) {
        config_free(cfg);
        puts("ok");
        return 0;
    }
    return run(&d, cfg);
}
