/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's life: open, migrate, readers, waiting writes, backup, purge; see store.h. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "idp/store/internal.h"

static enum err one_int(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    *(int64_t *)ret = col_int(row, 0);
    return ERR_OK;
}

/* ---- migrations ---- */

/* 0 for a new database, whose table of versions is not there yet. */
static int64_t schema_version(const struct db_driver *driver, struct db_conn *c, struct arena *a) {
    int64_t version = 0, rows;
    const struct op op = {.stmt = STMT_SCHEMA_VERSION, .row = one_int, .ret = &version};
    return driver->run(c, &op, a, &rows) ? 0 : version;
}

static enum err apply(const struct db_driver *driver, struct db_conn *c, const struct sql_migration *m,
                      struct arena *a) {
    int64_t rows;
    enum err e = driver->control(c, DB_BEGIN);
    for (const char *const *sql = m->statements; !e && *sql; sql++)
        e = driver->define(c, *sql);
    struct op set = {.stmt = STMT_SCHEMA_SET_VERSION, .n_params = 1};
    set.param[0] = v_int(m->version);
    if (!e)
        e = driver->run(c, &set, a, &rows);
    if (!e)
        e = driver->control(c, DB_COMMIT);
    if (e)
        (void)driver->control(c, DB_ROLLBACK);
    return e;
}

static enum err migrate(const struct db_driver *driver, struct db_conn *c, struct arena *a,
                        const char **reterr_text) {
    int64_t version = schema_version(driver, c, a);
    if (version > sql_schema_version) {
        *reterr_text = "the database was made by a newer version of this program";
        return ERR_REFUSED;
    }
    for (const struct sql_migration *m = sql_migrations; m->statements; m++)
        if (m->version > version && apply(driver, c, m, a)) {
            *reterr_text = "the database could not be brought to this version's schema";
            return ERR_STORE;
        }
    return ERR_OK;
}

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
        e = migrate(s->driver, c, a, reterr_text);
    if (!e)
        e = writer_start(s->driver, c, &s->writer);
    if (e)
        s->driver->close(c);
    return e;
}

enum err store_open(const char *path, struct arena *a, struct store **ret_store, const char **reterr_text) {
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

enum err store_read(struct store_reader *r, struct batch *b) {
    return batch_run(r->store->driver, r->conn, b, NULL, NULL);
}

/* ---- writing ---- */

enum err store_submit(struct store *s, struct write_job *job) {
    return writer_submit(s->writer, job);
}

void store_on_group_done(struct store *s, void (*fn)(void *ctx), void *ctx) {
    writer_on_group_done(s->writer, fn, ctx);
}

struct waiting_job {
    struct write_job job;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool is_done;
};

static void waiting_done(struct write_job *job) {
    struct waiting_job *w = (struct waiting_job *)job;
    pthread_mutex_lock(&w->lock);
    w->is_done = true;
    pthread_cond_signal(&w->finished);
    pthread_mutex_unlock(&w->lock);
}

enum err store_write_wait(struct store *s, struct batch *b) {
    struct waiting_job w = {.job = {.batch = b, .done = waiting_done},
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .finished = PTHREAD_COND_INITIALIZER};
    enum err e = writer_submit(s->writer, &w.job);
    if (e)
        return e;
    pthread_mutex_lock(&w.lock);
    while (!w.is_done)
        pthread_cond_wait(&w.finished, &w.lock);
    pthread_mutex_unlock(&w.lock);
    return b->result;
}

void store_stats_get(struct store *s, struct store_stats *ret_stats) {
    writer_stats(s->writer, ret_stats);
}

bool store_is_healthy(const struct store *s) {
    return writer_is_healthy(s->writer);
}

/* ---- backup, purge ---- */

static enum err backup_check(struct store *s, const char *path, struct arena *a, const char **reterr_text) {
    struct db_conn *c;
    enum err e = s->driver->open(path, DB_READ_WRITE, a, &c, reterr_text);
    if (e)
        return e;
    e = s->driver->check(c, true);
    if (e)
        *reterr_text = "the copy did not pass its integrity check";
    s->driver->close(c);
    return e;
}

enum err store_backup(struct store *s, const char *path, struct arena *a, const char **reterr_text) {
    struct db_conn *c;
    enum err e = s->driver->open(s->target, DB_READ_ONLY, a, &c, reterr_text);
    if (e)
        return e;
    e = s->driver->copy_to(c, path);
    s->driver->close(c);
    if (e) {
        *reterr_text = e == ERR_EXISTS ? "the file exists already, or cannot be made"
                                       : "the copy could not be written";
        return e;
    }
    return backup_check(s, path, a, reterr_text);
}

static enum err count_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    (void)row;
    ++*(uint64_t *)ret;
    return ERR_OK;
}

enum err store_purge(struct store *s, int64_t now, unsigned most, uint64_t *ret_deleted) {
    static const enum stmt purges[] = {STMT_PURGE_SESSION, STMT_PURGE_GRANT, STMT_PURGE_PENDING,
                                       STMT_PURGE_ONCE, STMT_PURGE_THROTTLE};
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    uint64_t deleted = 0;
    for (size_t i = 0; i < ARRAY_LEN(purges); i++) {
        struct batch b = BATCH_INIT(&a);
        struct op *op = BATCH_ADD(&b, purges[i], v_int(now), v_int(most));
        op->row = count_row;
        op->ret = &deleted;
        enum err e = store_write_wait(s, &b);
        if (e)
            return e;
        arena_reset(&a);
    }
    *ret_deleted = deleted;
    return ERR_OK;
}
