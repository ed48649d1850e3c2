/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's life: open, readers, waiting writes; see store.h. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "idp/store/internal.h"

/* ---- life ---- */

static enum err open_writer(struct store *s, struct arena *a, const char **reterr_text) {
    struct db_conn *c;
    enum err e = s->driver->open(s->target, DB_READ_WRITE, a, &c, reterr_text);
    if (e)
        return e;
    e = s->driver->check(c, false);
    if (e)
        *reterr_text = "the database is damaged (quick_check)";
    else
        e = store_migrate(s->driver, c, a, reterr_text);
    if (!e)
        e = writer_start(s->driver, c, &s->writer);
    if (e)
        s->driver->close(c);
    return e;
}

enum err store_open(const char *path, struct arena *a, struct store **ret_store,
                    const char **reterr_text) {
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->driver = &db_sqlite;
    s->target = strdup(path);
    enum err e = s->target ? open_writer(s, a, reterr_text) : ERR_NOMEM;
    if (e) {
        store_close(s);
        return e;
    }
    *ret_store = s;
    return ERR_OK;
}

void store_close(struct store *s) {
    if (!s)
        return;
    writer_stop(s->writer);
    free(s->target);
    free(s);
}

enum err store_reader_open(struct store *s, struct store_reader **ret_reader) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(4096);
    const char *why;
    struct store_reader *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->store = s;
    enum err e = s->driver->open(s->target, DB_READ_ONLY, &a, &r->conn, &why);
    if (e) {
        free(r);
        return e;
    }
    *ret_reader = r;
    return ERR_OK;
}

void store_reader_close(struct store_reader *r) {
    if (!r)
        return;
    r->store->driver->close(r->conn);
    free(r);
}

/* The moment that the reader keeps must hold all that was acknowledged until now. `commits_seen`
 * is taken before the moment is, so that it is never newer. */
static enum err keep_moment(struct store_reader *r) {
    uint64_t commits = writer_commits(r->store->writer);
    const struct db_driver *driver = r->store->driver;
    if (driver->in_transaction(r->conn)) {
        if (r->commits_seen == commits)
            return ERR_OK;
        (void)driver->control(r->conn, DB_ROLLBACK);
    }
    r->commits_seen = commits;
    return driver->control(r->conn, DB_BEGIN_READ) ? ERR_STORE : ERR_OK;
}

enum err store_read(struct store_reader *r, struct batch *b) {
    b->result = keep_moment(r);
    if (!b->result)
        (void)batch_run(r->store->driver, r->conn, b, NULL, NULL);
    if (b->result == ERR_STORE || b->result == ERR_IO)
        store_reader_rest(r);
    return b->result;
}

void store_reader_rest(struct store_reader *r) {
    if (r && r->store->driver->in_transaction(r->conn))
        (void)r->store->driver->control(r->conn, DB_ROLLBACK);
}

/* ---- writing ---- */

enum err store_submit(struct store *s, struct write_job *job) {
    return writer_submit(s->writer, job);
}

struct write_job *store_submit_all(struct store *s, struct write_job *jobs) {
    return writer_submit_all(s->writer, jobs);
}

void store_on_group_done(struct store *s, void (*fn)(void *ctx), void *ctx) {
    writer_on_group_done(s->writer, fn, ctx);
}

void store_on_delivery(struct store *s, void (*fn)(void *ctx), void *ctx) {
    writer_on_delivery(s->writer, fn, ctx);
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t finished;
    size_t n_out;
};

struct waiting_job {
    struct write_job job;
    struct waiting *by;
};

static void waiting_done(struct write_job *job) {
    struct waiting *w = ((struct waiting_job *)job)->by;
    pthread_mutex_lock(&w->lock);
    if (--w->n_out == 0)
        pthread_cond_signal(&w->finished);
    pthread_mutex_unlock(&w->lock);
}

static void wait_for(struct store *s, struct waiting_job *jobs, size_t n) {
    struct waiting w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, n};
    for (size_t i = 0; i < n; i++) {
        jobs[i].by = &w;
        jobs[i].job.next = i + 1 < n ? &jobs[i + 1].job : NULL;
    }
    struct write_job *left = writer_submit_all(s->writer, &jobs[0].job);
    pthread_mutex_lock(&w.lock);
    for (; left; left = left->next) {
        left->batch->result = ERR_BUSY;
        w.n_out--;
    }
    while (w.n_out)
        pthread_cond_wait(&w.finished, &w.lock);
    pthread_mutex_unlock(&w.lock);
}

enum err store_write_wait(struct store *s, struct batch *b) {
    struct waiting_job job = {.job = {.batch = b, .done = waiting_done}};
    wait_for(s, &job, 1);
    return b->result;
}

void store_write_wait_all(struct store *s, struct batch *const *batches, size_t n) {
    AUTO_FREE struct waiting_job *jobs = calloc(n, sizeof *jobs);
    for (size_t i = 0; i < n; i++)
        if (jobs)
            jobs[i].job = (struct write_job){.batch = batches[i], .done = waiting_done};
        else
            batches[i]->result = ERR_NOMEM;
    if (jobs && n)
        wait_for(s, jobs, n);
}

void store_stats_get(struct store *s, struct store_stats *ret_stats) {
    writer_stats(s->writer, ret_stats);
}

bool store_is_healthy(const struct store *s) {
    return writer_is_healthy(s->writer);
}
