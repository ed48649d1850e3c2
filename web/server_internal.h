/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the HTTP server share; nobody else includes this.
 *
 *   acceptor ──sockets──► I/O thread ◄──finished jobs── pool, writer
 *                          │  connection (socket) ──► exchange (request and answer) ──► engine
 *
 * A connection and its exchanges belong to one I/O thread. Only two queues of an I/O thread are
 * touched by others: new sockets (acceptor) and finished exchanges (pool, writer), both under its
 * lock. Only the I/O thread itself suspends and resumes connections. */
#ifndef IDP_WEB_SERVER_INTERNAL_H
#define IDP_WEB_SERVER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/workpool.h"
#include "idp/store/store.h"
#include "idp/transport.h"
#include "web/address.h"
#include "web/guard.h"
#include "web/router.h"
#include "web/server.h"
#include "web/tls.h"

#define ACCEPTED_MAX 1024            /* sockets that wait for one I/O thread */
#define PROXY_WAITING_MAX 64         /* connections of a thread without a whole PROXY header */
#define ROUNDS_MAX 16                /* decide calls of one request */
#define WORK_DEADLINE_US 15000000    /* a job that waited longer in the pool is not begun */
#define RESPONSE_PATIENCE 3          /* times the idle time, for a client to take its answer */
#define DRAIN_GRACE_US 500000        /* idle connections may still send one request */
#define EXCHANGE_ARENA_MAX (2 * 1024 * 1024)
#define TRACEPARENT_CHARS 55

struct MHD_Connection;
struct MHD_Daemon;
struct io_thread;
struct peer_limit;

/* ---- one socket ---- */

struct accepted {
    int fd;
    socklen_t addr_len;
    struct sockaddr_storage addr;
};

struct connection {
    struct connection *prev, *next; /* of the thread's list */
    struct MHD_Connection *mhd;
    int fd;
    struct ip peer;
    bool is_listed;                /* peer may speak for others */
    struct client_address address; /* of the peer */
    uint64_t limit_slot;
    int64_t deadline_us;           /* 0: a job of ours is what it waits for */
    bool in_request;
};

/* ---- one request ---- */

enum exchange_stage {
    EXCHANGE_NEW = 0, /* request line seen */
    EXCHANGE_READING, /* routed; body comes in */
    EXCHANGE_RUNNING, /* the engine has it */
    EXCHANGE_READY,   /* the answer can be queued */
    EXCHANGE_QUEUED
};

struct exchange {
    struct request req;
    struct arena arena;
    struct transport transport;
    struct http_header header[HTTP_HEADERS_MAX];
    struct io_thread *thread;
    struct connection *connection;
    enum exchange_stage stage;
    bool is_suspended;
    bool is_signing; /* in the thread's list of those who wait for the signer */
    bool must_close;
    const struct route *route; /* NULL: none */
    unsigned route_index;
    unsigned route_flags;
    struct span wire_target;   /* in the library's buffer */
    const char *refusal;       /* for the log, when no handler ran */
    char *body;
    size_t body_len, body_claimed;
    bool lang_is_asked;        /* by parameter: remembered in a cookie */
    struct buf page;           /* rendered HTML; lives until the answer was sent */
    struct work_job work;
    struct write_job write;
    int64_t started_us, work_deadline_us, took_us;
    char span_id[17];          /* this request's own, for traceparent */
    char trace_flags[3];
    struct exchange *next;     /* finished, signing, or free */
};

/* ---- one I/O thread ---- */

/* A socket on its way into the library: what its connection will start with. */
struct joining {
    int fd;
    struct ip peer;
    bool is_listed;
    uint64_t limit_slot;
    bool is_taken; /* there is a connection now, which gives back what it took */
};

struct proxy_waiting {
    struct accepted socket;
    int64_t deadline_us;
    size_t have, rest_len;
    unsigned char bytes[PROXY_FIXED_BYTES + PROXY_REST_MAX];
};

struct io_thread {
    struct server *server;
    unsigned index;
    bool is_admin;
    pthread_t thread;
    struct thread_services services;
    struct MHD_Daemon *daemon;
    int daemon_fd; /* epoll, inside the library */
    int wake_fd;   /* eventfd */
    int64_t now_us; /* monotonic, taken once a loop */
    int64_t next_sweep_us;
    bool run_again;
    bool is_draining;
    int64_t drain_since_us;
    struct write_job *writes; /* go to the writer before this turn ends; the last asked first */
    struct exchange *signing, **signing_tail; /* wait for the signer, until this turn ends */
    unsigned jobs_out; /* exchanges with the pool or the writer */
    struct joining joining;
    struct connection *connections;
    struct exchange *free_exchanges;
    unsigned n_free;
    struct proxy_waiting *waiting; /* PROXY_WAITING_MAX of them; NULL without proxy_protocol */
    size_t n_waiting;
    atomic_uint n_connections; /* from the acceptor's hand-over to the close */
    atomic_bool has_news; /* finished exchanges that nobody was woken for yet */

    pthread_mutex_t lock; /* the rest */
    struct accepted accepted[ACCEPTED_MAX];
    unsigned first_accepted, n_accepted;
    struct exchange *finished, **finished_tail;
};

struct server {
    struct server_config cfg;
    struct router router;
    struct ip_ranges listed;
    uint64_t seed;
    char host[256], tls_certificate[4096], tls_key[4096];
    int listen_fd, admin_fd, stop_fd;
    uint16_t port, admin_port;
    bool is_layout_known;
    struct tls *tls;
    struct peer_limit *limit;
    pthread_t acceptor;
    bool has_acceptor;
    unsigned n_threads; /* the last is the admin listener's, if there is one */
    unsigned n_started;
    atomic_bool draining, stopping;
    struct io_thread *thread[SERVER_IO_THREADS_MAX + SERVER_EXTRA_THREADS];
};

/* acceptor.c */
must_check enum err acceptor_start(struct server *s, const char **reterr_text);
/* Takes what the kernel still has queued, closes the listeners, joins the thread. */
void acceptor_stop(struct server *s);

/* io_thread.c */
must_check enum err io_thread_start(struct server *s, unsigned index, const char **reterr_text);
/* By the acceptor; false: the thread has too many waiting. */
bool io_thread_offer(struct io_thread *t, const struct accepted *a);
/* From any thread: the exchange's job is done. The first leaves waking to a later
 * io_thread_wake_if_news, so that one wake serves a whole commit; the second wakes. */
void io_thread_finish_quietly(struct exchange *x);
void io_thread_finish(struct exchange *x);
void io_thread_wake_if_news(struct io_thread *t);
void io_thread_wake(struct io_thread *t);
/* After its thread was joined, or if it never ran. */
void io_thread_free(struct io_thread *t);
/* On the thread itself: a whole connection, with the client's address. */
void io_thread_add(struct io_thread *t, const struct accepted *a);
/* Closes a socket that is not yet, and will not be, the library's. */
void io_thread_drop(struct io_thread *t, const struct accepted *a);

/* proxy_intake.c, on the I/O thread */
void proxy_intake_add(struct io_thread *t, const struct accepted *a);
void proxy_intake_run(struct io_thread *t);
void proxy_intake_close(struct io_thread *t);

/* connection.c, on the I/O thread */
struct connection *connection_new(struct io_thread *t, struct MHD_Connection *mhd);
void connection_free(struct io_thread *t, struct connection *c);
/* Ends those that were too slow, and idle ones while draining. */
void connections_sweep(struct io_thread *t);

/* exchange.c, on the I/O thread */
struct exchange *exchange_new(struct io_thread *t, struct connection *c, const char *target);
void exchange_free(struct exchange *x);
void exchanges_free(struct io_thread *t);
/* Makes the answer an error, in the form that the route's clients understand. */
void exchange_refuse(struct exchange *x, unsigned status, const char *reason);
/* Fields are in place: guard and router. False: refused, the answer is in req.response. */
bool exchange_route(struct exchange *x, const struct guard_input *in);
/* A piece of the body. */
bool exchange_take_body(struct exchange *x, const char *bytes, size_t len);
/* The whole body is there: parameters, language, origin. False: refused. */
bool exchange_prepare(struct exchange *x);
/* After the answer went out, or did not: metrics and the access line. */
void exchange_log(const struct exchange *x, unsigned status);

/* library.c: with response.c the only files that speak to libmicrohttpd */
must_check enum err library_start(struct io_thread *t);
/* Resumes nothing: call when no exchange is suspended. Closes what is left. */
void library_stop(struct io_thread *t);
/* Milliseconds until library_run is due, -1: whenever daemon_fd is readable. */
int library_timeout_ms(struct io_thread *t);
void library_run(struct io_thread *t);
/* Takes the socket over, also on failure. */
void library_add(struct io_thread *t, const struct accepted *a);
void library_suspend(struct exchange *x);
void library_resume(struct exchange *x);
/* The answer of one that is not being called by the library just now stands. */
void library_answer(struct exchange *x);
const char *library_version(void);

/* engine.c */
/* Runs handler phases until the answer stands (true) or a job is out (false). */
bool engine_start(struct exchange *x);
bool engine_continue(struct exchange *x);
/* Gives the writer what this turn wants written, with one wake-up. */
void engine_submit_writes(struct io_thread *t);
/* The signer has answered: the answer stands. */
void engine_signed(struct exchange *x);

/* signing.c, on the I/O thread */
void signing_add(struct exchange *x);
/* Its connection is gone. */
void signing_forget(struct exchange *x);
/* Asks for all that waits, and answers those who do; false: there was nothing. */
bool signing_run(struct io_thread *t);

/* response.c */
/* Queues the answer; false: the connection must be closed. */
bool response_queue(struct exchange *x);

/* peer_limit.c: connections per address (IPv6: per /64) */
must_check enum err peer_limit_new(unsigned most, struct peer_limit **ret_limit);
void peer_limit_free(struct peer_limit *l);
bool peer_limit_take(struct peer_limit *l, uint64_t hash);
void peer_limit_give(struct peer_limit *l, uint64_t hash);

#endif
