/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite driver: the only file that includes <sqlite3.h>. WAL with synchronous=FULL, because
 * NORMAL loses acknowledged commits at power loss; all writes and checkpoints on one connection. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "idp/store/driver.h"
#include "idp/store/sql.h"

#define BUSY_TIMEOUT_MS 5000
#define COLUMNS_MAX 32
#define BACKUP_PAGES 256

struct db_conn {
    sqlite3 *db;
    sqlite3_stmt *stmt[STMT_COUNT];
    sqlite3_stmt *control[DB_CONTROL_COUNT];
};

static const char *const control_sql[DB_CONTROL_COUNT] = {
    [DB_BEGIN] = "BEGIN IMMEDIATE", [DB_COMMIT] = "COMMIT",      [DB_ROLLBACK] = "ROLLBACK",
    [DB_SAVEPOINT] = "SAVEPOINT j", [DB_RELEASE] = "RELEASE j", [DB_ROLLBACK_TO] = "ROLLBACK TO j",
};

static const char *const pragmas_common[] = {
    "PRAGMA busy_timeout = 5000", "PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON", "PRAGMA mmap_size = 0",    "PRAGMA cache_size = -1024",
    NULL,
};
static const char *const pragmas_writer[] = {
    "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON", NULL,
};

static void sqlite_close_conn(struct db_conn *c) {
    if (!c)
        return;
    for (size_t i = 0; i < STMT_COUNT; i++)
        sqlite3_finalize(c->stmt[i]);
    for (size_t i = 0; i < DB_CONTROL_COUNT; i++)
        sqlite3_finalize(c->control[i]);
    sqlite3_close(c->db);
    free(c);
}

static enum err sqlite_define(struct db_conn *c, const char *sql) {
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : ERR_STORE;
}

static enum err run_pragmas(struct db_conn *c, const char *const *pragmas) {
    for (; *pragmas; pragmas++)
        if (sqlite_define(c, *pragmas))
            return ERR_STORE;
    return ERR_OK;
}

static enum err prepare_conn(struct db_conn *c, enum db_mode mode) {
    (void)sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    enum err e = mode == DB_READ_WRITE ? run_pragmas(c, pragmas_writer) : ERR_OK;
    return e ? e : run_pragmas(c, pragmas_common);
}

/* Made by us, so that it is nobody else's to read from the first byte. */
static enum err file_create(const char *path) {
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 ? ERR_OK : ERR_IO;
}

static enum err sqlite_open_conn(const char *path, enum db_mode mode, struct arena *a,
                                 struct db_conn **ret_conn, const char **reterr_text) {
    if (mode == DB_READ_WRITE && file_create(path)) {
        *reterr_text = arena_printf(a, "%s cannot be opened for writing", path);
        return ERR_STORE;
    }
    struct db_conn *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    int flags = SQLITE_OPEN_NOMUTEX |
                (mode == DB_READ_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    if (sqlite3_open_v2(path, &c->db, flags, NULL) != SQLITE_OK || prepare_conn(c, mode)) {
        *reterr_text = arena_printf(a, "%s: %s", path, sqlite3_errmsg(c->db));
        sqlite_close_conn(c);
        return ERR_STORE;
    }
    *ret_conn = c;
    return ERR_OK;
}

static sqlite3_stmt *prepared(struct db_conn *c, sqlite3_stmt **slot, const char *sql) {
    if (!*slot && sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL) != SQLITE_OK)
        *slot = NULL;
    return *slot;
}

/* SQLite numbers `$1` by first appearance, so its name is what counts. */
static int parameter_index(sqlite3_stmt *st, size_t n) {
    char name[4] = {'$', (char)(n < 10 ? '0' + n : '0' + n / 10), 0, 0};
    if (n >= 10)
        name[2] = (char)('0' + n % 10);
    return sqlite3_bind_parameter_index(st, name);
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

static enum err bind_all(sqlite3_stmt *st, const struct op *op) {
    for (size_t i = 0; i < op->n_params; i++) {
        int index = parameter_index(st, i + 1);
        if (index == 0 || bind_value(st, index, &op->param[i]) != SQLITE_OK)
            return ERR_STORE;
    }
    return ERR_OK;
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
        return ERR_STORE;
    *ret_rows = sqlite3_column_count(st) > 0 ? rows : sqlite3_changes64(c->db);
    return ERR_OK;
}

static enum err sqlite_run(struct db_conn *c, const struct op *op, struct arena *a, int64_t *ret_rows) {
    sqlite3_stmt *st = prepared(c, &c->stmt[op->stmt], sql_table[op->stmt].text);
    if (!st)
        return ERR_STORE;
    enum err e = bind_all(st, op);
    if (!e)
        e = step_all(c, st, op, a, ret_rows);
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return e;
}

static enum err sqlite_control(struct db_conn *c, enum db_control what) {
    sqlite3_stmt *st = prepared(c, &c->control[what], control_sql[what]);
    if (!st)
        return ERR_STORE;
    int rc = sqlite3_step(st);
    (void)sqlite3_reset(st);
    if (rc != SQLITE_DONE)
        return ERR_STORE;
    return what == DB_ROLLBACK_TO ? sqlite_control(c, DB_RELEASE) : ERR_OK;
}

static int check_row(void *ctx, int n, char **values, char **names) {
    (void)names;
    bool *whole = ctx;
    *whole = n == 1 && values[0] && strcmp(values[0], "ok") == 0;
    return 0;
}

static enum err sqlite_check(struct db_conn *c, bool full) {
    bool whole = false;
    const char *sql = full ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)";
    if (sqlite3_exec(c->db, sql, check_row, &whole, NULL) != SQLITE_OK)
        return ERR_STORE;
    return whole ? ERR_OK : ERR_STORE;
}

static enum err copy_pages(sqlite3 *to, sqlite3 *from) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return ERR_STORE;
    int rc;
    do {
        rc = sqlite3_backup_step(backup, BACKUP_PAGES);
    } while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
    int finish = sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE && finish == SQLITE_OK ? ERR_OK : ERR_STORE;
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
    .define = sqlite_define,
    .check = sqlite_check,
    .copy_to = sqlite_copy_to,
};
