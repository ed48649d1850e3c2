/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server: libmicrohttpd's parser under our own acceptor and I/O threads, a guard in front
 * of it, the route table behind it, and the engine that walks a request through its handler's
 * phases (idp/request.h). Generic: idpd and the demo portals both run on it. */
#ifndef IDP_WEB_SERVER_H
#define IDP_WEB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "idp/config.h"
#include "idp/metrics.h"
#include "idp/request.h"

enum {
    ROUTE_PREFIX = 1,      /* path is a prefix ("/static/") */
    ROUTE_HTML = 2,        /* errors of the engine are pages, not JSON */
    ROUTE_ANY_ORIGIN = 4,  /* Access-Control-Allow-Origin: * (discovery, JWKS) */
    ROUTE_FORM = 8,        /* a POST body must be application/x-www-form-urlencoded, else 415 */
    ROUTE_CROSS_SITE_POST = 16, /* authorize, SAML: a cross-site POST is legitimate (DESIGN 8) */
    ROUTE_ADMIN = 32,      /* on the admin listener only */
    ROUTE_BROWSER = 64,    /* state-changing form: Origin / Sec-Fetch-Site are checked (F15) */
    ROUTE_PROBE = 128      /* health: on both listeners, and under any Host (probes use addresses) */
};

/* I/O threads besides io_threads: the admin listener's, whose index is io_threads. */
#define SERVER_EXTRA_THREADS 1
#define SERVER_IO_THREADS_MAX 32

struct route {
    unsigned methods; /* HTTP_GET | HTTP_POST ...; HEAD comes with GET */
    const char *path;
    const char *name; /* label in metrics and logs */
    const struct handler *handler;
    size_t body_max; /* bytes; 0: no body */
    unsigned flags;
    const char *spec;
};

struct server;
struct store;
struct workpool;
struct outbound;
struct signer;

struct server_config {
    struct span listen_address;    /* "127.0.0.1:8080", "[::]:8443" */
    struct span admin_address;     /* absent: no admin listener */
    unsigned io_threads;
    unsigned connection_limit;     /* per I/O thread */
    unsigned connection_timeout;   /* seconds idle */
    bool proxy_protocol;
    const struct config_list *trusted_proxies;
    struct span tls_certificate, tls_key; /* PEM files; absent: plain HTTP */
    struct span host;              /* accepted Host header; absent: any */
    bool is_https;                 /* as browsers see it: HSTS, __Host- cookies */
    const char *cookie_suffix;     /* 6 hex digits */
    void *app;                     /* req->app */
    /* May be NULL for a server that uses no store, signer or pool. */
    struct store *store;
    struct signer *signer;
    struct workpool *pool;
    struct outbound *outbound;
    struct metrics *metrics;
    /* Renders response.page into HTML; see pages.h. */
    enum err (*render)(struct request *req, struct buf *out);
    /* Makes what belongs to one I/O thread: reader, channel, caches. */
    enum err (*thread_init)(void *app, unsigned index, struct thread_services *ret);
    void (*thread_done)(void *app, struct thread_services *t);
};

/* Starts listening and all threads; `routes` must outlive the server. `*reterr_text` is static. */
must_check enum err server_start(const struct server_config *cfg, const struct route *routes,
                                 size_t n_routes, struct server **ret_server,
                                 const char **reterr_text);
/* Port actually bound (listen_address may say port 0). */
uint16_t server_port(const struct server *s);
uint16_t server_admin_port(const struct server *s);
/* Reads certificate and key again; the old ones stay when the new are bad. */
must_check enum err server_reload_tls(struct server *s);
/* Stops accepting; answers what is under way, with Connection: close; returns when all connections
 * are gone or after `seconds`. */
void server_drain(struct server *s, unsigned seconds);
void server_free(struct server *s);

struct server_stats {
    unsigned connections[64]; /* per I/O thread; the last is the admin listener's */
    unsigned n_threads;
};
void server_stats_get(const struct server *s, struct server_stats *ret_stats);

#endif
