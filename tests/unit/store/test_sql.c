/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: every statement of the table can be prepared against the schema, declares exactly the
 * parameters that it uses, and neither it nor a migration uses what only one of SQLite and
 * PostgreSQL reads. Each rule is shown to catch what it forbids. */
#include "fixture.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "idp/store/sql.h"

struct rule {
    const char *word; /* found as a word of its own, whatever its case; or as it is, if a sign */
    const char *example;
};

static const struct rule forbidden[] = {
    {"AUTOINCREMENT", "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)"},
    {"INTEGER", "CREATE TABLE t (n INTEGER NOT NULL)"},
    {"BLOB", "CREATE TABLE t (b BLOB)"},
    {"STRICT", "CREATE TABLE t (n BIGINT) STRICT"},
    {"ROWID", "CREATE TABLE t (n BIGINT PRIMARY KEY) WITHOUT ROWID"},
    {"unixepoch", "SELECT unixepoch()"},
    {"now", "SELECT now()"},
    {"random", "SELECT random()"},
    {"TRUE", "SELECT 1 WHERE TRUE"},
    {"FALSE", "UPDATE t SET is_done = FALSE"},
    {"LIKE", "SELECT 1 FROM t WHERE a LIKE $1"},
    {"GLOB", "SELECT 1 FROM t WHERE a GLOB $1"},
    {"IFNULL", "SELECT IFNULL(a, 0) FROM t"},
    {"REPLACE", "INSERT OR REPLACE INTO t VALUES ($1)"},
    {"IGNORE", "INSERT OR IGNORE INTO t VALUES ($1)"},
    {"FOR", "SELECT a FROM t WHERE b = $1 FOR UPDATE"},
    {"BEGIN", "BEGIN IMMEDIATE"},
    {"session_user", "CREATE INDEX session_user ON session (user_id)"}, /* reserved */
    {"user", "SELECT user FROM session"},                               /* likewise */
    {"\"", "SELECT 1 FROM t WHERE a = \"x\""},
    {"`", "SELECT `a` FROM t"},
    {"?", "SELECT 1 FROM t WHERE a = ?"},
    {"x'", "SELECT x'00'"},
    {"E'", "SELECT E'a'"},
    {"::", "SELECT $1::bigint"},
    {";", "SELECT 1; DELETE FROM t"},
    {"--", "SELECT 1 -- all"},
};

static bool is_word_char(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static bool has_word(const char *sql, const char *word) {
    size_t len = strlen(word);
    bool is_sign = !is_word_char(word[0]);
    for (const char *p = sql; *p; p++) {
        if (strncasecmp(p, word, len) != 0)
            continue;
        bool starts = is_sign || p == sql || !is_word_char(p[-1]);
        bool ends = is_sign || !is_word_char(word[len - 1]) || !is_word_char(p[len]);
        if (starts && ends)
            return true;
    }
    return false;
}

/* MIN and MAX of several values are SQLite's alone; of one they are aggregates in both. */
static bool has_scalar_extreme(const char *sql) {
    static const char *const names[] = {"min(", "max("};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (const char *p = strcasestr(sql, names[i]); p; p = strcasestr(p + 1, names[i])) {
            const char *end = strchr(p, ')'), *comma = strchr(p, ',');
            if (comma && end && comma < end)
                return true;
        }
    return false;
}

/* DELETE ... LIMIT outside a subselect. */
static bool has_delete_limit(const char *sql) {
    const char *limit = strcasestr(sql, "LIMIT");
    if (strncasecmp(sql, "DELETE", 6) != 0 || !limit)
        return false;
    int depth = 0;
    for (const char *p = sql; p < limit; p++)
        depth += (*p == '(') - (*p == ')');
    return depth == 0;
}

/* CAST(x AS INTEGER) is how PostgreSQL's << wants its second operand; SQLite reads it too. */
static void without_integer_casts(const char *sql, char *out, size_t size) {
    static const char cast[] = " AS INTEGER)";
    size_t n = 0;
    while (*sql && n + 1 < size) {
        if (strncmp(sql, cast, sizeof cast - 1) == 0)
            sql += sizeof cast - 1;
        else
            out[n++] = *sql++;
    }
    out[n] = '\0';
}

/* The rule that the text breaks, or NULL. */
static const char *fault_of(const char *sql) {
    char text[4096];
    assert_true(strlen(sql) < sizeof text);
    without_integer_casts(sql, text, sizeof text);
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
        if (has_word(text, forbidden[i].word))
            return forbidden[i].word;
    if (has_scalar_extreme(text))
        return "min/max of several values";
    return has_delete_limit(text) ? "DELETE ... LIMIT" : NULL;
}

static void test_no_statement_is_one_engines_own(void **state) {
    (void)state;
    for (size_t i = 0; i < STMT_COUNT; i++)
        if (fault_of(sql_table[i].text))
            fail_msg("%s: %s", sql_table[i].name, fault_of(sql_table[i].text));
    for (const struct sql_migration *m = sql_migrations; m->statements; m++)
        for (const char *const *s = m->statements; *s; s++)
            if (fault_of(*s))
                fail_msg("migration %d: %s: %s", m->version, fault_of(*s), *s);
}

static void test_each_rule_catches_its_example(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
        if (!fault_of(forbidden[i].example))
            fail_msg("not caught: %s", forbidden[i].example);
    assert_non_null(fault_of("SELECT MAX(a, b) FROM t"));
    assert_null(fault_of("SELECT MAX(a), b FROM t"));
    assert_non_null(fault_of("DELETE FROM t WHERE a < $1 LIMIT 5"));
    assert_null(fault_of("DELETE FROM t WHERE a IN (SELECT a FROM t LIMIT 5)"));
}

/* Bit n-1 for each $n. */
static unsigned parameters_used(const char *sql) {
    unsigned used = 0;
    for (const char *p = strchr(sql, '$'); p; p = strchr(p + 1, '$'))
        used |= 1U << (atoi(p + 1) - 1);
    return used;
}

static void test_each_declared_parameter_is_used_and_no_other(void **state) {
    (void)state;
    for (size_t i = 0; i < STMT_COUNT; i++) {
        size_t n = strlen(sql_table[i].types);
        assert_true(n <= OP_PARAMS_MAX);
        assert_int_equal(strspn(sql_table[i].types, "itb"), n);
        if (parameters_used(sql_table[i].text) != (1U << n) - 1)
            fail_msg("%s: parameters do not match \"%s\"", sql_table[i].name, sql_table[i].types);
    }
    assert_int_equal(parameters_used("a = $2 AND b = $11"), 1U << 1 | 1U << 10);
}

static void test_every_statement_prepares(void **state) {
    struct fixture *f = *state;
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (size_t i = 0; i < STMT_COUNT; i++) {
        if (sqlite3_prepare_v2(db, sql_table[i].text, -1, &st, NULL) != SQLITE_OK)
            fail_msg("%s: %s", sql_table[i].name, sqlite3_errmsg(db));
        sqlite3_finalize(st);
    }
    assert_int_not_equal(sqlite3_prepare_v2(db, "SELECT 1 FROM absent", -1, &st, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void search_by_index(struct fixture *f, const enum stmt *stmts, size_t n,
                            bool may_sort) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (size_t i = 0; i < n; i++) {
        char sql[4096];
        sqlite3_stmt *st;
        (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sql_table[stmts[i]].text);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(st, 3);
            if (strstr(step, "SCAN") || (!may_sort && strstr(step, "TEMP B-TREE")))
                fail_msg("%s: %s", sql_table[stmts[i]].name, step);
        }
        sqlite3_finalize(st);
    }
    sqlite3_close(db);
}

/* What expires is found by an index, or purging reads whole tables. */
static void test_purges_search_by_index(void **state) {
    static const enum stmt purges[] = {STMT_PURGE_SESSION, STMT_PURGE_GRANT, STMT_PURGE_PENDING,
                                       STMT_PURGE_ONCE, STMT_PURGE_THROTTLE,
                                       STMT_PURGE_UPSTREAM_SESSION};
    search_by_index(*state, purges, ARRAY_LEN(purges), false);
}

/* Those that look by other columns than the key of a table that grows: a scan would hold up every
 * sign-in behind it. */
static void test_what_ends_sessions_searches_by_index(void **state) {
    static const enum stmt ends[] = {STMT_USER_END_SESSIONS,
                                     STMT_USER_REVOKE_GRANTS,
                                     STMT_SESSION_REVOKE_OTHERS_GRANTS,
                                     STMT_USER_MERGE_EARLIER,
                                     STMT_HISTORY_LIST,
                                     STMT_LINK_LIST,
                                     STMT_LINK_OF_IDENTIFIER,
                                     STMT_REPRESENTATION_END_SESSIONS,
                                     STMT_REPRESENTATION_REVOKE_GRANTS,
                                     STMT_REPRESENTATION_DELETE_UPSTREAM_SESSIONS,
                                     STMT_REPRESENTATION_DELETE_USER,
                                     STMT_UPSTREAM_SESSION_DELETE_USER,
                                     STMT_UPSTREAM_SESSION_END,
                                     STMT_UPSTREAM_SESSION_REVOKE_GRANTS,
                                     STMT_UPSTREAM_SESSION_DELETE_ENDED};
    search_by_index(*state, ends, ARRAY_LEN(ends), true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_statement_is_one_engines_own),
        cmocka_unit_test(test_each_rule_catches_its_example),
        cmocka_unit_test(test_each_declared_parameter_is_used_and_no_other),
        STORE_TEST(test_every_statement_prepares),
        STORE_TEST(test_purges_search_by_index),
        STORE_TEST(test_what_ends_sessions_searches_by_index),
    };
    return cmocka_run_group_tests_name("sql", tests, NULL, NULL);
}
