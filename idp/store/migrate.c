/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings a database to this program's schema: the migrations of sql.c that it has not had yet, each
 * in a transaction of its own together with its number. Called once, at open. */
#include "idp/store/internal.h"

static enum err one_int(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    *(int64_t *)ret = col_int(row, 0);
    return ERR_OK;
}

/* 0 for a new database, whose table of versions is not there yet. */
static int64_t schema_version(const struct db_driver *driver, struct db_conn *c, struct arena *a) {
    int64_t version = 0, rows;
    const struct op op = {.stmt = STMT_SCHEMA_VERSION, .row = one_int, .ret = &version};
    return driver->run(c, &op, a, &rows) ? 0 : version;
}

static enum err apply(const struct db_driver *driver, struct db_conn *c,
                      const struct sql_migration *m, struct arena *a) {
    int64_t rows;
    enum err e = driver->control(c, DB_BEGIN);
    for (const char *const *sql = m->statements; !e && *sql; sql++)
        e = driver->define(c, *sql);
    struct db_value version = v_int(m->version);
    const struct op set = {.stmt = STMT_SCHEMA_SET_VERSION, .param = &version, .n_params = 1};
    if (!e)
        e = driver->run(c, &set, a, &rows);
    if (!e)
        e = driver->control(c, DB_COMMIT);
    if (e)
        (void)driver->control(c, DB_ROLLBACK);
    return e;
}

enum err store_migrate(const struct db_driver *driver, struct db_conn *c, struct arena *a,
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
