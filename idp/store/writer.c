/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer thread: takes all that waits (at most GROUP_MAX), runs it in one transaction with a
 * savepoint each, commits, and only then tells the requesters. No timer, no spinning: while one
 * group commits, the next gathers. After a commit that failed the store has stopped: what was
 * acknowledged is safe, and nothing more will be. */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "idp/store/internal.h"

#define GROUP_MAX 50
#define QUEUE_MAX 1024
#define CHAIN_BYTES 32
#define AUDIT_ROW_MAX 65536
#define AUDIT_FIELDS 10 /* seq ... detail, hash */

struct chain {
    int64_t seq;
    unsigned char hash[CHAIN_BYTES];
};

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
    void (*group_done)(void *ctx);
    void *group_ctx;
    struct chain chain;
    struct store_stats stats; /* under lock */
};

/* ---- audit chain ---- */

static void audit_encode(const struct op *op, const unsigned char previous[CHAIN_BYTES], struct buf *out) {
    buf_add(out, previous, CHAIN_BYTES);
    for (size_t i = 0; i < AUDIT_FIELDS - 1; i++) {
        const struct db_value *v = &op->param[i];
        buf_add_u8(out, (uint8_t)v->kind);
        if (v->kind == DB_INT)
            buf_add_u64(out, (uint64_t)v->num);
        else
            buf_add_block(out, v->bytes);
    }
}

static enum err audit_fill(void *ctx, struct op *op, struct arena *a) {
    struct writer *w = ctx;
    if (!op->is_audit)
        return ERR_OK;
    struct chain next = {.seq = w->chain.seq + 1};
    op->param[0] = v_int(next.seq);
    CLEANUP(buf_done) struct buf row = BUF_INIT(AUDIT_ROW_MAX);
    audit_encode(op, w->chain.hash, &row);
    if (buf_err(&row))
        return buf_err(&row);
    if (EVP_Q_digest(NULL, "SHA256", NULL, row.data, row.len, next.hash, NULL) != 1)
        return ERR_CRYPTO;
    struct span hash = arena_dup(a, span_bytes(next.hash, CHAIN_BYTES));
    if (!hash.ptr)
        return ERR_NOMEM;
    op->param[AUDIT_FIELDS - 1] = v_blob(hash);
    w->chain = next;
    return ERR_OK;
}

static enum err chain_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    struct chain *c = ret;
    c->seq = col_int(row, 0);
    return col_bytes(row, 1, c->hash, CHAIN_BYTES);
}

static enum err chain_load(struct writer *w) {
    const struct op last = {.stmt = STMT_AUDIT_LAST, .row = chain_row, .ret = &w->chain};
    CLEANUP(arena_done) struct arena a = ARENA_INIT(4096);
    int64_t rows;
    return w->driver->run(w->conn, &last, &a, &rows);
}

/* ---- one group ---- */

/* Inside the group's transaction. A batch that ends early leaves nothing: its savepoint is rolled
 * back; one statement alone is atomic without. */
static enum err run_job(struct writer *w, struct batch *b) {
    struct chain before = w->chain;
    bool savepoint = b->n > 1;
    if (savepoint && w->driver->control(w->conn, DB_SAVEPOINT))
        return ERR_STORE;
    enum err e = batch_run(w->driver, w->conn, b, audit_fill, w);
    if (e)
        w->chain = before;
    if (savepoint && w->driver->control(w->conn, e ? DB_ROLLBACK_TO : DB_RELEASE))
        return ERR_STORE;
    return ERR_OK;
}

static enum err run_group(struct writer *w, struct write_job **group, size_t n) {
    enum err e = w->driver->control(w->conn, DB_BEGIN);
    for (size_t i = 0; !e && i < n; i++)
        e = run_job(w, group[i]->batch);
    if (!e)
        e = w->driver->control(w->conn, DB_COMMIT);
    if (e)
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

static void finish_group(struct writer *w, struct write_job **group, size_t n) {
    struct chain before = w->chain;
    enum err e = ERR_STORE;
    if (atomic_load(&w->healthy))
        e = run_group(w, group, n);
    if (e) {
        atomic_store(&w->healthy, false);
        w->chain = before;
        for (size_t i = 0; i < n; i++)
            group[i]->batch->result = ERR_STORE;
    }
    count_group(w, group, n, e);
    for (size_t i = 0; i < n; i++)
        group[i]->done(group[i]);
    /* Under the lock, so that who takes the hook away knows that it is not running. */
    pthread_mutex_lock(&w->lock);
    if (w->group_done)
        w->group_done(w->group_ctx);
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
    struct write_job *group[GROUP_MAX];
    size_t n;
    while ((n = take_group(w, group)) > 0)
        finish_group(w, group, n);
    return NULL;
}

/* ---- life ---- */

enum err writer_start(const struct db_driver *driver, struct db_conn *conn, struct writer **ret_writer) {
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->driver = driver;
    w->conn = conn;
    w->tail = &w->head;
    atomic_store(&w->healthy, true);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->filled, NULL);
    enum err e = chain_load(w);
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

enum err writer_submit(struct writer *w, struct write_job *job) {
    enum err e = ERR_OK;
    pthread_mutex_lock(&w->lock);
    if (w->stopping || w->depth >= QUEUE_MAX) {
        e = ERR_BUSY;
    } else {
        job->next = NULL;
        *w->tail = job;
        w->tail = &job->next;
        w->depth++;
        pthread_cond_signal(&w->filled);
    }
    pthread_mutex_unlock(&w->lock);
    return e;
}

void writer_on_group_done(struct writer *w, void (*fn)(void *ctx), void *ctx) {
    pthread_mutex_lock(&w->lock);
    w->group_ctx = ctx;
    w->group_done = fn;
    pthread_mutex_unlock(&w->lock);
}

void writer_stats(struct writer *w, struct store_stats *ret) {
    pthread_mutex_lock(&w->lock);
    *ret = w->stats;
    ret->queue_depth = w->depth;
    pthread_mutex_unlock(&w->lock);
}

bool writer_is_healthy(const struct writer *w) {
    return atomic_load(&w->healthy);
}
