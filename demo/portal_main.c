/* SPDX-License-Identifier: Apache-2.0
 *
 * demo-portal: a small service of a province or a ministry, as a relying party of idp, or what else the
 * demo has around the provider: `role` in its configuration says what. Started with `--config FILE`, a
 * JSON file of mode 0600 that demo.py writes. */
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/workpool.h"
#include "demo/portal.h"
#include "demo/portal_pages.h"
#include "idp/metrics.h"
#include "web/pages.h"

#include <sodium.h>

#define CONFIG_MAX    65536
#define IO_THREADS    1
#define WORK_THREADS  4
#define WORK_QUEUE    64
#define DRAIN_SECONDS 2

struct role {
    const char *name;
    const struct route *routes;
    const size_t *n_routes;
    bool has_rp;
};

static const struct role roles[] = {
    {"portal", portal_routes, &portal_routes_count, true},
    {"dossiers", dossiers_routes, &dossiers_routes_count, true},
    {"lgsp", lgsp_routes, &lgsp_routes_count, true},
    {"overview", overview_routes, &overview_routes_count, false},
};

static struct span setting_of(const struct portal *p, const char *name) {
    struct span s = json_str(p->config, name);
    return s.len ? s : SPAN_NONE;
}

static const char *text_of(const struct portal *p, const char *name) {
    return json_string_value(json_object_get(p->config, name));
}

static const struct role *role_of(const struct portal *p) {
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (span_is(setting_of(p, "role"), roles[i].name))
            return &roles[i];
    return NULL;
}

static enum err config_read(const char *path, struct portal *p) {
    CLEANUP(secret_done) struct secret file = SECRET_INIT; /* holds the client secret */
    enum err e = secret_read_file(path, CONFIG_MAX, &file);
    return e ? e : json_parse_object(secret_span(&file), CONFIG_MAX, &p->config);
}

static enum err start_rp(struct portal *p) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    const char *url = text_of(p, "url"), *secret = text_of(p, "client_secret");
    const struct rp_config rc = {
        .issuer = text_of(p, "issuer"),
        .client_id = text_of(p, "client_id"),
        .client_secret = secret,
        .auth = secret ? RP_AUTH_BASIC : RP_AUTH_NONE,
        .redirect_uri = arena_printf(&a, "%s/callback", url ? url : ""),
        .post_logout_redirect_uri = arena_printf(&a, "%s/signed-out", url ? url : ""),
        .scope = text_of(p, "scope"),
        .id_token_alg = "ES256",
        .ca_file = text_of(p, "ca_file"),
    };
    if (!rc.issuer || !rc.client_id || !rc.scope || !url)
        return ERR_MISSING;
    return rp_new(&rc, &p->rp);
}

static void cookie_suffix_of(const char *url, char out[7]) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)url, strlen(url));
    hex_encode(digest, 3, out);
}

static struct span host_of(struct span url) {
    struct span rest = url;
    (void)span_cut(&rest, '/');
    (void)span_cut(&rest, '/');
    return span_cut(&rest, '/');
}

static enum err start_server(struct portal *p, const struct role *role, struct workpool *pool,
                             struct metrics *metrics, struct server **ret_server) {
    static char suffix[7];
    struct span url = setting_of(p, "url");
    cookie_suffix_of(url.ptr, suffix);
    const struct page_site site = {
        .brand_vi = setting_of(p, "name"),
        .brand_en = setting_of(p, "name_en"),
        .contact_vi = setting_of(p, "contact"),
        .contact_en = setting_of(p, "contact"),
        .theme = text_of(p, "theme"),
        .templates = &portal_templates,
        .statics = &portal_statics,
        .texts = &portal_texts,
    };
    const struct server_config sc = {
        .listen_address = setting_of(p, "listen"),
        .io_threads = IO_THREADS,
        .connection_limit = 256,
        .connection_timeout = 15,
        .tls_certificate = setting_of(p, "tls_certificate"),
        .tls_key = setting_of(p, "tls_key"),
        .host = host_of(url),
        .is_https = span_starts(url, "https://"),
        .cookie_suffix = suffix,
        .app = p,
        .pool = pool,
        .metrics = metrics,
        .render = pages_render,
    };
    const char *why = "pages";
    enum err e = pages_init(&site);
    if (!e)
        e = server_start(&sc, role->routes, *role->n_routes, ret_server, &why);
    if (e)
        LOG(LOG_ERROR, "start_failed", LOG_STR("why", why ? why : err_text(e)));
    return e;
}

static void wait_for_end(int signal_fd) {
    struct pollfd p = {.fd = signal_fd, .events = POLLIN};
    while (poll(&p, 1, -1) < 0)
        continue;
}

static int run(struct portal *p, int signal_fd) {
    struct workpool *pool = NULL;
    struct metrics *metrics = NULL;
    struct server *server = NULL;
    random_bytes(p->csrf_key, sizeof p->csrf_key);
    const struct role *role = role_of(p);
    enum err e = !role ? ERR_UNSUPPORTED : role->has_rp ? start_rp(p) : ERR_OK;
    if (!e)
        e = portal_sessions_new(&p->sessions);
    if (!e)
        e = metrics_new((unsigned)*role->n_routes, &metrics);
    if (!e)
        e = workpool_new(WORK_THREADS, WORK_QUEUE, 0, &pool);
    if (!e)
        e = start_server(p, role, pool, metrics, &server);
    if (!e) {
        LOG(LOG_INFO, "ready", LOG_SPAN("url", setting_of(p, "url")));
        wait_for_end(signal_fd);
        server_drain(server, DRAIN_SECONDS);
    }
    server_free(server);
    workpool_free(pool);
    metrics_free(metrics);
    portal_sessions_free(p->sessions);
    rp_free(p->rp);
    json_decref(p->config);
    return e ? 1 : 0;
}

static int signals_open(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option == 'c')
            path = optarg;
    if (!path || optind != argc) {
        fputs("usage: demo-portal --config FILE\n", stderr);
        return 2;
    }
    log_init("demo-portal", LOG_INFO);
    struct portal portal = {.config = NULL};
    int signal_fd = signals_open();
    enum err e = secret_init();
    if (!e)
        e = config_read(path, &portal);
    if (e || signal_fd < 0) {
        LOG(LOG_ERROR, "start_failed", LOG_STR("why", err_text(e)));
        return 1;
    }
    return run(&portal, signal_fd);
}
