/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite driver: the only file that includes <sqlite3.h>. WAL with synchronous=FULL, because
 * NORMAL loses acknowledged commits at power loss; all writes and checkpoints on one connection. */
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "idp/store/driver.h"
#include "idp/store/sql.h"

#define COLUMNS_MAX      32
#define BACKUP_ALL_PAGES (-1)

/* A statement of the table, and where its $1, $2, ... are bound. */
struct prepared {
    sqlite3_stmt *st;
    int index[OP_PARAMS_MAX];
};

struct db_conn {
    sqlite3 *db;
    struct prepared stmt[STMT_COUNT];
    sqlite3_stmt *control[DB_CONTROL_COUNT];
};

static const char *const control_sql[DB_CONTROL_COUNT] = {
    [DB_BEGIN] = "BEGIN IMMEDIATE",     [DB_BEGIN_READ] = "BEGIN",      [DB_COMMIT] = "COMMIT",
    [DB_ROLLBACK] = "ROLLBACK",         [DB_SAVEPOINT] = "SAVEPOINT j", [DB_RELEASE] = "RELEASE j",
    [DB_ROLLBACK_TO] = "ROLLBACK TO j",
};

/* What the engine must answer; some of these it may decline without an error. */
struct pragma {
    const char *sql;
    const char *answer;
};
static const struct pragma pragmas_common[] = {
    {"PRAGMA busy_timeout = 5000", "5000"}, {"PRAGMA foreign_keys = ON", NULL},
    {"PRAGMA foreign_keys", "1"},           {"PRAGMA trusted_schema = OFF", NULL},
    {"PRAGMA cell_size_check = ON", NULL},  {"PRAGMA mmap_size = 0", NULL},
    {"PRAGMA cache_size = -1024", NULL},    {NULL, NULL},
};
static const struct pragma pragmas_writer[] = {
    {"PRAGMA journal_mode = WAL", "wal"},
    {"PRAGMA synchronous = FULL", NULL},
    {"PRAGMA synchronous", "2"},
    {"PRAGMA secure_delete = ON", "1"},
    {"PRAGMA cache_size = -8192", NULL}, /* KiB: the pages that one group after another changes */
    {NULL, NULL},
};

/* driver.h says what each of the three means. */
static enum err engine_err(int rc) {
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
        return ERR_BUSY;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return ERR_IO;
    default:
        return ERR_STORE;
    }
}

static void sqlite_close_conn(struct db_conn *c) {
    if (!c)
        return;
    for (size_t i = 0; i < STMT_COUNT; i++)
        sqlite3_finalize(c->stmt[i].st);
    for (size_t i = 0; i < DB_CONTROL_COUNT; i++)
        sqlite3_finalize(c->control[i]);
    sqlite3_close(c->db);
    free(c);
}

static enum err sqlite_define(struct db_conn *c, const char *sql) {
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : engine_err(rc);
}

/* The one value that a pragma answers with. */
struct answer {
    const char *expected;
    bool is_given;
};

static int answer_row(void *ctx, int n, char **values, char **names) {
    (void)names;
    struct answer *a = ctx;
    a->is_given = n == 1 && values[0] && strcmp(values[0], a->expected) == 0;
    return 0;
}

static enum err ask(struct db_conn *c, const char *sql, const char *expected) {
    struct answer a = {.expected = expected};
    int rc = sqlite3_exec(c->db, sql, answer_row, &a, NULL);
    if (rc != SQLITE_OK)
        return engine_err(rc);
    return a.is_given ? ERR_OK : ERR_STORE;
}

static enum err run_pragmas(struct db_conn *c, const struct pragma *p) {
    enum err e = ERR_OK;
    for (; !e && p->sql; p++)
        e = p->answer ? ask(c, p->sql, p->answer) : sqlite_define(c, p->sql);
    return e;
}

static enum err prepare_conn(struct db_conn *c, enum db_mode mode) {
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    enum err e = run_pragmas(c, pragmas_common);
    return !e && mode == DB_READ_WRITE ? run_pragmas(c, pragmas_writer) : e;
}

/* Made by us, so that it is nobody else's to read from the first byte. */
static enum err file_create(const char *path) {
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 ? ERR_OK : ERR_IO;
}

/* Statistics of allocations are kept under one lock for all threads. They are nobody's here. */
static void leave_statistics(void) {
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum err sqlite_open_conn(const char *path, enum db_mode mode, struct arena *a,
                                 struct db_conn **ret_conn, const char **reterr_text) {
    if (mode == DB_READ_WRITE && file_create(path)) {
        *reterr_text = arena_printf(a, "%s cannot be opened for writing", path);
        return ERR_STORE;
    }
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, leave_statistics);
    struct db_conn *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    int flags = SQLITE_OPEN_NOMUTEX |
                (mode == DB_READ_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    if (sqlite3_open_v2(path, &c->db, flags, NULL) != SQLITE_OK || prepare_conn(c, mode)) {
        bool declined = sqlite3_errcode(c->db) == SQLITE_OK;
        *reterr_text = arena_printf(a, "%s: %s", path,
                                    declined ? "WAL with full synchronisation is not to be had here"
                                             : sqlite3_errmsg(c->db));
        sqlite_close_conn(c);
        return ERR_STORE;
    }
    *ret_conn = c;
    return ERR_OK;
}

static enum err prepare(struct db_conn *c, const char *sql, sqlite3_stmt **slot) {
    if (*slot)
        return ERR_OK;
    int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
    return rc == SQLITE_OK ? ERR_OK : engine_err(rc);
}

/* SQLite numbers `$1` by first appearance, so its name is what counts. */
static int parameter_index(sqlite3_stmt *st, size_t n) {
    char name[4] = {'$', (char)(n < 10 ? '0' + n : '0' + n / 10), 0, 0};
    if (n >= 10)
        name[2] = (char)('0' + n % 10);
    return sqlite3_bind_parameter_index(st, name);
}

static enum err prepare_row(struct db_conn *c, unsigned stmt) {
    struct prepared *p = &c->stmt[stmt];
    if (p->st)
        return ERR_OK;
    enum err e = prepare(c, sql_table[stmt].text, &p->st);
    for (size_t i = 0; !e && sql_table[stmt].types[i]; i++)
        p->index[i] = parameter_index(p->st, i + 1);
    return e;
}

static int bind_value(sqlite3_stmt *st, int index, const struct db_value *v) {
    const void *bytes = v->bytes.ptr ? v->bytes.ptr : "";
    switch (v->kind) {
    case DB_INT:
        return sqlite3_bind_int64(st, index, v->num);
    case DB_TEXT:
        return sqlite3_bind_text(st, index, bytes, (int)v->bytes.len, SQLITE_STATIC);
    case DB_BYTES:
        return sqlite3_bind_blob(st, index, bytes, (int)v->bytes.len, SQLITE_STATIC);
    case DB_NULL:
        break;
    }
    return sqlite3_bind_null(st, index);
}

static enum err bind_all(const struct prepared *p, const struct op *op) {
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < op->n_params; i++)
        rc = bind_value(p->st, p->index[i], &op->param[i]);
    return rc == SQLITE_OK ? ERR_OK : engine_err(rc);
}

static struct db_value column_value(sqlite3_stmt *st, int i) {
    struct db_value v = {.kind = DB_NULL};
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        v.kind = DB_INT;
        v.num = sqlite3_column_int64(st, i);
        break;
    case SQLITE_TEXT:
        v.kind = DB_TEXT;
        v.bytes.ptr = (const char *)sqlite3_column_text(st, i);
        v.bytes.len = (size_t)sqlite3_column_bytes(st, i);
        break;
    case SQLITE_BLOB:
        v.kind = DB_BYTES;
        v.bytes.ptr = sqlite3_column_blob(st, i);
        v.bytes.len = (size_t)sqlite3_column_bytes(st, i);
        if (!v.bytes.ptr)
            v.bytes.ptr = "";
        break;
    default:
        break;
    }
    return v;
}

static enum err show_row(sqlite3_stmt *st, const struct op *op, struct arena *a) {
    struct db_value col[COLUMNS_MAX];
    int n = sqlite3_column_count(st);
    if (!op->row)
        return ERR_OK;
    if (n > COLUMNS_MAX)
        return ERR_INTERNAL;
    for (int i = 0; i < n; i++)
        col[i] = column_value(st, i);
    return op->row(a, &(struct db_row){col, (size_t)n}, op->ret);
}

static enum err step_all(struct db_conn *c, sqlite3_stmt *st, const struct op *op, struct arena *a,
                         int64_t *ret_rows) {
    int64_t rows = 0;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        enum err e = show_row(st, op, a);
        if (e)
            return e;
        rows++;
    }
    if (rc != SQLITE_DONE)
        return engine_err(rc);
    *ret_rows = sqlite3_column_count(st) > 0 ? rows : sqlite3_changes64(c->db);
    return ERR_OK;
}

static enum err sqlite_run(struct db_conn *c, const struct op *op, struct arena *a,
                           int64_t *ret_rows) {
    enum err e = prepare_row(c, op->stmt);
    if (e)
        return e;
    const struct prepared *p = &c->stmt[op->stmt];
    e = bind_all(p, op);
    if (!e)
        e = step_all(c, p->st, op, a, ret_rows);
    (void)sqlite3_reset(p->st);
    (void)sqlite3_clear_bindings(p->st);
    return e;
}

static enum err sqlite_control(struct db_conn *c, enum db_control what) {
    enum err e = prepare(c, control_sql[what], &c->control[what]);
    if (e)
        return e;
    int rc = sqlite3_step(c->control[what]);
    (void)sqlite3_reset(c->control[what]);
    if (rc != SQLITE_DONE)
        return engine_err(rc);
    return what == DB_ROLLBACK_TO ? sqlite_control(c, DB_RELEASE) : ERR_OK;
}

static bool sqlite_in_transaction(struct db_conn *c) {
    return sqlite3_get_autocommit(c->db) == 0;
}

static enum err sqlite_check(struct db_conn *c, bool full) {
    return ask(c, full ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)", "ok");
}

/* In one step, hence from one snapshot: between steps each commit of the writer would make the copy
 * begin again, and under load it would never end. */
static enum err copy_pages(sqlite3 *to, sqlite3 *from) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return ERR_STORE;
    int rc = sqlite3_backup_step(backup, BACKUP_ALL_PAGES);
    int finish = sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE && finish == SQLITE_OK ? ERR_OK : ERR_STORE;
}

/* The new file's name is in its folder only when the folder is on disk. */
static enum err folder_sync(const char *path) {
    AUTO_FREE char *copy = strdup(path);
    if (!copy)
        return ERR_NOMEM;
    AUTO_CLOSE int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? ERR_OK : ERR_IO;
}

static enum err sqlite_copy_to(struct db_conn *c, const char *path) {
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_EXISTS;
    sqlite3 *to = NULL;
    enum err e = ERR_STORE;
    if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        e = copy_pages(to, c->db);
    if (sqlite3_close(to) != SQLITE_OK && !e)
        e = ERR_STORE;
    if (!e && fsync(fd) != 0)
        e = ERR_IO;
    if (!e)
        e = folder_sync(path);
    if (e)
        (void)unlink(path);
    return e;
}

const struct db_driver db_sqlite = {
    .name = "sqlite",
    .open = sqlite_open_conn,
    .close = sqlite_close_conn,
    .run = sqlite_run,
    .control = sqlite_control,
    .in_transaction = sqlite_in_transaction,
    .define = sqlite_define,
    .check = sqlite_check,
    .copy_to = sqlite_copy_to,
};
