/* SPDX-License-Identifier: Apache-2.0
 *
 * The statements as an enumeration and a table; see sql.tbl.h. idp/store only. */
#ifndef IDP_STORE_SQL_H
#define IDP_STORE_SQL_H

enum stmt {
#define SQL(name, types, text) STMT_##name,
#include "idp/store/sql.tbl.h"
#undef SQL
    STMT_COUNT
};

struct sql_row {
    const char *name;
    const char *types; /* one letter a parameter: i BIGINT, t TEXT, b BYTEA */
    const char *text;
};
extern const struct sql_row sql_table[STMT_COUNT];

struct sql_migration {
    int version;
    const char *const *statements; /* NULL-terminated */
};
extern const struct sql_migration sql_migrations[];
extern const int sql_schema_version; /* of the last migration */

#endif
