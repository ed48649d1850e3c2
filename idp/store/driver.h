/* SPDX-License-Identifier: Apache-2.0
 *
 * What a database engine must do for the store: a few functions over one connection, which belongs
 * to one thread at a time. SQLite's are in sqlite.c; another engine is another file. idp/store
 * only. */
#ifndef IDP_STORE_DRIVER_H
#define IDP_STORE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "idp/store/batch.h"

struct db_conn;

enum db_mode { DB_READ_ONLY, DB_READ_WRITE };

enum db_control {
    DB_BEGIN,      /* for writing, at once */
    DB_BEGIN_READ, /* all reads until the rollback are of one moment */
    DB_COMMIT,
    DB_ROLLBACK,
    DB_SAVEPOINT,
    DB_RELEASE,
    DB_ROLLBACK_TO, /* the savepoint, which is gone afterwards */
    DB_CONTROL_COUNT
};

/* Failures of the engine, for every function here:
 *   ERR_STORE  this statement cannot be done (a constraint, say); others can
 *   ERR_BUSY   no lock, space or memory now; nothing was changed, later it may go
 *   ERR_IO     the medium failed: what it was given last may or may not be kept */
struct db_driver {
    const char *name;
    /* `*reterr_text` (in `a`) says why not. */
    enum err (*open)(const char *target, enum db_mode mode, struct arena *a,
                     struct db_conn **ret_conn, const char **reterr_text);
    void (*close)(struct db_conn *c);
    /* Runs one statement of the table to its end; `ret_rows`: rows returned, or changed by a
     * statement that returns none. */
    enum err (*run)(struct db_conn *c, const struct op *op, struct arena *a, int64_t *ret_rows);
    enum err (*control)(struct db_conn *c, enum db_control what);
    /* False after the engine rolled all back by itself, as it may when it lacks space. */
    bool (*in_transaction)(struct db_conn *c);
    /* One statement of a migration. */
    enum err (*define)(struct db_conn *c, const char *sql);
    /* Whole and readable? Quick form at start, full form after a backup. */
    enum err (*check)(struct db_conn *c, bool full);
    /* Online copy into a new file. */
    enum err (*copy_to)(struct db_conn *c, const char *path);
};

extern const struct db_driver db_sqlite;

#endif
