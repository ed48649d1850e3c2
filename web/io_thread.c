/* SPDX-License-Identifier: Apache-2.0
 *
 * One I/O thread: its loop, its two queues, its end. The library's own event threads are not used:
 * they hang when exactly 128 events return at once. Each round: wait on the library's epoll
 * descriptor, our eventfd and unfinished PROXY headers; take new sockets; go on with exchanges
 * whose job is done; let the library run. */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "web/server_internal.h"

#define SWEEP_US       1000000
#define DRAIN_SWEEP_US 50000
enum { POLL_DAEMON, POLL_WAKE, POLL_WAITING };

/* ---- from other threads ---- */

void io_thread_wake(struct io_thread *t) {
    (void)!write(t->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

bool io_thread_offer(struct io_thread *t, const struct accepted *a) {
    pthread_mutex_lock(&t->lock);
    bool has_room = t->n_accepted < ACCEPTED_MAX;
    if (has_room) {
        t->accepted[(t->first_accepted + t->n_accepted++) % ACCEPTED_MAX] = *a;
        atomic_fetch_add_explicit(&t->n_connections, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&t->lock);
    if (has_room)
        io_thread_wake(t);
    return has_room;
}

static void finished_push(struct exchange *x) {
    struct io_thread *t = x->thread;
    x->next = NULL;
    *t->finished_tail = x;
    t->finished_tail = &x->next;
}

void io_thread_finish_quietly(struct exchange *x) {
    struct io_thread *t = x->thread;
    pthread_mutex_lock(&t->lock);
    finished_push(x);
    atomic_store_explicit(&t->has_news, true, memory_order_relaxed);
    pthread_mutex_unlock(&t->lock);
}

void io_thread_wake_if_news(struct io_thread *t) {
    if (atomic_exchange_explicit(&t->has_news, false, memory_order_relaxed))
        io_thread_wake(t);
}

/* Wakes under the lock: once it is given up, the thread may end and its memory go. */
void io_thread_finish(struct exchange *x) {
    struct io_thread *t = x->thread;
    pthread_mutex_lock(&t->lock);
    finished_push(x);
    io_thread_wake(t);
    pthread_mutex_unlock(&t->lock);
}

/* ---- on the thread ---- */

static void take_accepted(struct io_thread *t) {
    for (;;) {
        struct accepted a;
        pthread_mutex_lock(&t->lock);
        bool has_one = t->n_accepted > 0;
        if (has_one) {
            a = t->accepted[t->first_accepted];
            t->first_accepted = (t->first_accepted + 1) % ACCEPTED_MAX;
            t->n_accepted--;
        }
        pthread_mutex_unlock(&t->lock);
        if (!has_one)
            return;
        if (t->waiting)
            proxy_intake_add(t, &a);
        else
            io_thread_add(t, &a);
    }
}

void io_thread_drop(struct io_thread *t, const struct accepted *a) {
    (void)close(a->fd);
    atomic_fetch_sub_explicit(&t->n_connections, 1, memory_order_relaxed);
}

/* Whoever is not a listed proxy counts against the limit of its address. */
void io_thread_add(struct io_thread *t, const struct accepted *a) {
    struct server *s = t->server;
    struct joining j = {.fd = a->fd};
    if (ip_from_sockaddr((const struct sockaddr *)&a->addr, &j.peer)) {
        io_thread_drop(t, a);
        return;
    }
    j.is_listed = ip_ranges_have(&s->listed, &j.peer);
    if (!j.is_listed && !t->is_admin)
        j.limit_slot = ip_hash(&j.peer, 32, s->seed) | 1ULL << 63; /* 0: not counted */
    if (j.limit_slot && !peer_limit_take(s->limit, j.limit_slot)) {
        io_thread_drop(t, a);
        return;
    }
    t->joining = j;
    library_add(t, a);
    if (t->joining.is_taken)
        return;
    if (j.limit_slot) /* refused by the library, which closed the socket */
        peer_limit_give(s->limit, j.limit_slot);
    atomic_fetch_sub_explicit(&t->n_connections, 1, memory_order_relaxed);
}

static void take_finished(struct io_thread *t) {
    pthread_mutex_lock(&t->lock);
    struct exchange *x = t->finished;
    t->finished = NULL;
    t->finished_tail = &t->finished;
    pthread_mutex_unlock(&t->lock);
    while (x) {
        struct exchange *next = x->next;
        t->jobs_out--;
        if (engine_continue(x))
            library_resume(x);
        x = next;
    }
}

static int timeout_ms(const struct io_thread *t, int library_ms) {
    if (t->run_again)
        return 0;
    bool must_sweep = t->connections || t->n_waiting || t->is_draining;
    int64_t sweep_ms = (t->next_sweep_us - t->now_us) / 1000 + 1;
    if (!must_sweep)
        return library_ms;
    if (sweep_ms < 0)
        sweep_ms = 0;
    return library_ms >= 0 && library_ms < sweep_ms ? library_ms : (int)sweep_ms;
}

static void wait_for_news(struct io_thread *t) {
    struct pollfd fds[POLL_WAITING + PROXY_WAITING_MAX];
    fds[POLL_DAEMON] = (struct pollfd){.fd = t->daemon_fd, .events = POLLIN};
    fds[POLL_WAKE] = (struct pollfd){.fd = t->wake_fd, .events = POLLIN};
    for (size_t i = 0; i < t->n_waiting; i++)
        fds[POLL_WAITING + i] = (struct pollfd){.fd = t->waiting[i].socket.fd, .events = POLLIN};
    int ms = timeout_ms(t, library_timeout_ms(t));
    (void)poll(fds, (nfds_t)(POLL_WAITING + t->n_waiting), ms);
    t->now_us = clock_mono_us();
    if (fds[POLL_WAKE].revents)
        (void)!read(t->wake_fd, &(uint64_t){0}, sizeof(uint64_t));
}

static void sweep_if_due(struct io_thread *t) {
    if (atomic_load_explicit(&t->server->draining, memory_order_relaxed) && !t->is_draining) {
        t->is_draining = true;
        t->drain_since_us = t->now_us;
        t->next_sweep_us = t->now_us + DRAIN_GRACE_US;
    }
    if (t->now_us < t->next_sweep_us)
        return;
    connections_sweep(t);
    t->next_sweep_us = t->now_us + (t->is_draining ? DRAIN_SWEEP_US : SWEEP_US);
}

/* What the requests of this turn ask of others, who work while this thread goes on or waits. */
static void hand_on(struct io_thread *t) {
    store_reader_rest(t->services.reader);
    engine_submit_writes(t);
}

/* Answers that stand go out: the library needs a run to take one, and another to send it. Requests
 * that stood in line behind those come in. */
static void answer_all(struct io_thread *t) {
    for (int run = 0; run < 2; run++) {
        t->run_again = false;
        library_run(t);
    }
    hand_on(t);
}

static void round_run(struct io_thread *t) {
    wait_for_news(t);
    take_accepted(t);
    proxy_intake_run(t);
    take_finished(t);
    t->run_again = false;
    library_run(t);
    hand_on(t);
    if (signing_run(t))
        answer_all(t);
    t->run_again |= t->signing != NULL;
    sweep_if_due(t);
    log_flush();
}

static void *io_thread_run(void *arg) {
    struct io_thread *t = arg;
    thread_prefer_latency();
    log_hold();
    t->now_us = clock_mono_us();
    /* Jobs that are out hold memory of their exchanges: they are waited for in any case. */
    while (!atomic_load(&t->server->stopping) || t->jobs_out)
        round_run(t);
    library_run(t); /* the library refuses to stop with connections that are still suspended */
    library_stop(t);
    log_flush();
    return NULL;
}

/* ---- life ---- */

static enum err io_thread_init(struct io_thread *t) {
    struct server *s = t->server;
    t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->wake_fd < 0)
        return ERR_INTERNAL;
    if (s->cfg.proxy_protocol && !t->is_admin &&
        !(t->waiting = calloc(PROXY_WAITING_MAX, sizeof *t->waiting)))
        return ERR_NOMEM;
    if (s->cfg.thread_init) {
        enum err e = s->cfg.thread_init(s->cfg.app, t->index, &t->services);
        if (e)
            return e;
    }
    return library_start(t);
}

enum err io_thread_start(struct server *s, unsigned index, const char **reterr_text) {
    struct io_thread *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->server = s;
    t->index = index;
    t->is_admin = index == s->cfg.io_threads;
    t->services.index = index;
    t->finished_tail = &t->finished;
    t->signing_tail = &t->signing;
    t->wake_fd = -1;
    pthread_mutex_init(&t->lock, NULL);
    s->thread[index] = t;
    *reterr_text = "cannot start an I/O thread";
    enum err e = io_thread_init(t);
    if (!e && pthread_create(&t->thread, NULL, io_thread_run, t) != 0)
        e = ERR_INTERNAL;
    if (!e)
        s->n_started++;
    return e;
}

void io_thread_free(struct io_thread *t) {
    struct server *s = t->server;
    if (t->daemon)
        library_stop(t);
    for (; t->n_accepted; t->n_accepted--)
        (void)close(t->accepted[(t->first_accepted + t->n_accepted - 1) % ACCEPTED_MAX].fd);
    proxy_intake_close(t);
    exchanges_free(t);
    if (s->cfg.thread_done)
        s->cfg.thread_done(s->cfg.app, &t->services);
    cleanup_close(&t->wake_fd);
    pthread_mutex_destroy(&t->lock);
    free(t->waiting);
    free(t);
}
