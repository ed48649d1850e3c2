/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer thread: takes all that waits (at most GROUP_MAX), runs it in one transaction with a
 * savepoint each, commits, and only then tells the requesters. No timer, no spinning: while one
 * group commits, the next gathers. After the medium failed the store has stopped: what was
 * acknowledged is safe, and nothing more will be. A full disk only refuses what it cannot take. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "idp/store/audit_chain.h"
#include "idp/store/internal.h"

#define GROUP_MAX 50
#define QUEUE_MAX 1024

struct writer {
    const struct db_driver *driver;
    struct db_conn *conn;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct write_job *head, **tail;
    unsigned depth;
    bool stopping;
    atomic_bool healthy;
    atomic_uint_fast64_t commits;
    void (*group_done)(void *ctx), (*delivery)(void *ctx);
    void *group_ctx, *delivery_ctx;
    struct audit_chain chain;
    struct store_stats stats; /* under lock */
};

/* ---- one group ---- */

/* Just before an op runs: only here is it known what stands before an audit row. */
static enum err before_op(void *ctx, struct op *op, struct arena *a) {
    struct writer *w = ctx;
    return op->is_audit ? audit_chain_add(&w->chain, op, a) : ERR_OK;
}

/* One statement without rows is atomic by itself. */
static bool needs_savepoint(const struct batch *b) {
    return b->n > 1 || (b->n == 1 && b->op[0].row);
}

/* Inside the group's transaction. A batch that ends early leaves nothing behind; a medium that
 * failed, or an engine that rolled all back by itself, is the end of the whole group. */
static enum err run_job(struct writer *w, struct batch *b) {
    const struct audit_chain before = w->chain;
    bool savepoint = needs_savepoint(b);
    enum err e = savepoint ? w->driver->control(w->conn, DB_SAVEPOINT) : ERR_OK;
    if (e)
        return e;
    e = batch_run(w->driver, w->conn, b, before_op, w);
    if (e)
        w->chain = before;
    if (e == ERR_IO)
        return ERR_IO;
    if (e && !w->driver->in_transaction(w->conn))
        return ERR_BUSY;
    return savepoint ? w->driver->control(w->conn, e ? DB_ROLLBACK_TO : DB_RELEASE) : ERR_OK;
}

static enum err run_group(struct writer *w, struct write_job **group, size_t n) {
    enum err e = w->driver->control(w->conn, DB_BEGIN);
    for (size_t i = 0; !e && i < n; i++)
        e = run_job(w, group[i]->batch);
    if (!e)
        e = w->driver->control(w->conn, DB_COMMIT);
    if (e && w->driver->in_transaction(w->conn))
        (void)w->driver->control(w->conn, DB_ROLLBACK);
    return e;
}

static unsigned size_bucket(size_t n) {
    static const size_t limit[] = {1, 2, 4, 8, 16, 32, 50};
    unsigned i = 0;
    while (i < ARRAY_LEN(limit) && n > limit[i])
        i++;
    return i;
}

static void count_group(struct writer *w, struct write_job **group, size_t n, enum err e) {
    pthread_mutex_lock(&w->lock);
    w->stats.commits += !e;
    w->stats.jobs += n;
    w->stats.batch_size_bucket[size_bucket(n)]++;
    for (size_t i = 0; i < n; i++) {
        enum err result = group[i]->batch->result;
        w->stats.refused += result && result != ERR_STORE;
        w->stats.failed += result == ERR_STORE;
    }
    pthread_mutex_unlock(&w->lock);
}

/* A disk that is full or a lock that is held may pass. Of anything else nobody knows what is on
 * the disk now: to go on would be to retry a failed sync as if it had not failed (X08). */
static void fail_group(struct writer *w, struct write_job **group, size_t n, enum err why) {
    if (why != ERR_BUSY)
        atomic_store(&w->healthy, false);
    for (size_t i = 0; i < n; i++)
        group[i]->batch->result = ERR_STORE;
}

static bool has_deliveries(struct write_job **group, size_t n) {
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= !group[i]->batch->result && group[i]->batch->has_deliveries;
    return any;
}

static void finish_group(struct writer *w, struct write_job **group, size_t n) {
    const struct audit_chain before = w->chain;
    enum err e = atomic_load(&w->healthy) ? run_group(w, group, n) : ERR_STORE;
    if (e) {
        w->chain = before;
        fail_group(w, group, n, e);
    }
    atomic_fetch_add(&w->commits, 1);
    count_group(w, group, n, e);
    bool to_deliver = has_deliveries(group, n); /* before those who asked take them back */
    for (size_t i = 0; i < n; i++)
        group[i]->done(group[i]);
    /* Under the lock, so that who takes the hook away knows that it is not running. */
    pthread_mutex_lock(&w->lock);
    if (w->group_done)
        w->group_done(w->group_ctx);
    if (to_deliver && w->delivery)
        w->delivery(w->delivery_ctx);
    pthread_mutex_unlock(&w->lock);
}

static size_t take_group(struct writer *w, struct write_job *group[GROUP_MAX]) {
    size_t n = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->head && !w->stopping)
        pthread_cond_wait(&w->filled, &w->lock);
    while (w->head && n < GROUP_MAX) {
        group[n++] = w->head;
        w->head = w->head->next;
        w->depth--;
    }
    if (!w->head)
        w->tail = &w->head;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void *writer_main(void *arg) {
    struct writer *w = arg;
    thread_prefer_latency();
    struct write_job *group[GROUP_MAX];
    size_t n;
    while ((n = take_group(w, group)) > 0)
        finish_group(w, group, n);
    return NULL;
}

/* ---- life ---- */

enum err writer_start(const struct db_driver *driver, struct db_conn *conn,
                      struct writer **ret_writer) {
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->driver = driver;
    w->conn = conn;
    w->tail = &w->head;
    atomic_store(&w->healthy, true);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->filled, NULL);
    enum err e = audit_chain_load(driver, conn, &w->chain);
    if (!e && pthread_create(&w->thread, NULL, writer_main, w) != 0)
        e = ERR_INTERNAL;
    if (e) {
        free(w);
        return e;
    }
    *ret_writer = w;
    return ERR_OK;
}

void writer_stop(struct writer *w) {
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->filled);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->driver->close(w->conn);
    pthread_cond_destroy(&w->filled);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct write_job *writer_submit_all(struct writer *w, struct write_job *jobs) {
    pthread_mutex_lock(&w->lock);
    bool was_idle = !w->head;
    while (jobs && !w->stopping && w->depth < QUEUE_MAX) {
        struct write_job *next = jobs->next;
        jobs->next = NULL;
        *w->tail = jobs;
        w->tail = &jobs->next;
        w->depth++;
        jobs = next;
    }
    if (was_idle && w->head) /* else it has been woken, or is about to look by itself */
        pthread_cond_signal(&w->filled);
    pthread_mutex_unlock(&w->lock);
    return jobs;
}

enum err writer_submit(struct writer *w, struct write_job *job) {
    job->next = NULL;
    return writer_submit_all(w, job) ? ERR_BUSY : ERR_OK;
}

void writer_on_group_done(struct writer *w, void (*fn)(void *ctx), void *ctx) {
    pthread_mutex_lock(&w->lock);
    w->group_ctx = ctx;
    w->group_done = fn;
    pthread_mutex_unlock(&w->lock);
}

void writer_on_delivery(struct writer *w, void (*fn)(void *ctx), void *ctx) {
    pthread_mutex_lock(&w->lock);
    w->delivery_ctx = ctx;
    w->delivery = fn;
    pthread_mutex_unlock(&w->lock);
}

void writer_stats(struct writer *w, struct store_stats *ret) {
    pthread_mutex_lock(&w->lock);
    *ret = w->stats;
    ret->queue_depth = w->depth;
    pthread_mutex_unlock(&w->lock);
}

uint64_t writer_commits(const struct writer *w) {
    return atomic_load(&w->commits);
}

bool writer_is_healthy(const struct writer *w) {
    return atomic_load(&w->healthy);
}
