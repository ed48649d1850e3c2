/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a store opens what it or an older program made, and nothing else; what it refuses it
 * leaves as it was, and says why. */
#include "fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "idp/store/internal.h"

static void edit(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static enum err try_open(struct fixture *f, const char **ret_why) {
    *ret_why = NULL;
    enum err e = store_open(f->path, &f->arena, &f->store, ret_why);
    if (!e)
        assert_int_equal(store_reader_open(f->store, &f->reader), ERR_OK);
    return e;
}

/* The file of a program that knew the schema of `version` and none after it. */
static void make_schema(const char *path, int version) {
    close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    for (const struct sql_migration *m = sql_migrations; m->version && m->version <= version; m++)
        for (const char *const *sql = m->statements; *sql; sql++)
            edit(path, *sql);
    char set[96];
    (void)snprintf(set, sizeof set, "INSERT INTO meta (name, value) VALUES ('schema_version', %d)",
                   version);
    edit(path, set);
}

static void test_secrets_of_an_earlier_schema_are_kept(void **state) {
    struct fixture *f = *state;
    struct client_row secret = {.found = false}, public = {.found = false};
    make_schema(f->path, 3);
    edit(f->path, "INSERT INTO client (client_id, metadata, secret_hash, is_enabled, created_at) "
                  "VALUES ('s', '{}', zeroblob(32), 1, 7), ('p', '{}', NULL, 0, 8)");
    fixture_open(f);
    store_client_find(fresh(f), SPAN("s"), &secret);
    store_client_find(&f->b, SPAN("p"), &public);
    assert_int_equal(run_read(f), ERR_OK);
    const struct client_secret want = {.created_at = 7};
    assert_int_equal(secret.n_secrets, 1);
    assert_memory_equal(&secret.secret[0], &want, sizeof want);
    assert_true(secret.is_enabled && secret.created_at == 7);
    assert_true(public.found && !public.is_enabled && public.n_secrets == 0);
}

static void test_what_was_written_is_there_after_reopening(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1), found = {0};
    fixture_close(f);
    fixture_open(f);
    store_session_find(fresh(f), &s.key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(found.found);
}

static void test_a_newer_schema_is_refused(void **state) {
    struct fixture *f = *state;
    const char *why;
    fixture_close(f);
    edit(f->path, "UPDATE meta SET value = value + 1 WHERE name = 'schema_version'");
    assert_int_equal(try_open(f, &why), ERR_REFUSED);
    assert_non_null(strstr(why, "newer"));
    edit(f->path, "UPDATE meta SET value = value - 1 WHERE name = 'schema_version'");
    assert_int_equal(try_open(f, &why), ERR_OK);
}

/* A migration that cannot be done leaves nothing of itself: here, a table stands in its way. */
static void test_half_a_migration_is_none(void **state) {
    struct fixture *f = *state;
    const char *why;
    close(open(f->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    edit(f->path, "CREATE TABLE audit (other TEXT)");
    assert_int_equal(try_open(f, &why), ERR_STORE);
    assert_non_null(why);
    edit(f->path, "DROP TABLE audit"); /* nothing else is there, or this would not suffice */
    assert_int_equal(try_open(f, &why), ERR_OK);
}

static void overwrite(const char *path, long at, const char *bytes, size_t len) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    (void)fclose(file);
}

static void test_a_damaged_file_is_refused(void **state) {
    struct fixture *f = *state;
    const char *why;
    char junk[3000];
    memset(junk, 'x', sizeof junk);
    fixture_close(f);
    overwrite(f->path, 4096 * 2, junk, sizeof junk);
    assert_int_not_equal(try_open(f, &why), ERR_OK);
    assert_non_null(why);
    overwrite(f->path, 0, junk, 100);
    assert_int_not_equal(try_open(f, &why), ERR_OK);
    assert_non_null(why);
}

static void test_a_path_that_cannot_be_is_refused(void **state) {
    struct fixture *f = *state;
    const char *why = NULL;
    struct store *s;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/absent/idp.db", f->folder);
    assert_int_equal(store_open(path, &f->arena, &s, &why), ERR_STORE);
    assert_non_null(strstr(why, path));
    assert_int_equal(store_open(f->folder, &f->arena, &s, &why), ERR_STORE);
    assert_non_null(strstr(why, f->folder));
}

static void test_files_are_nobody_elses(void **state) {
    struct fixture *f = *state;
    static const char *const suffix[] = {"", "-wal", "-shm"};
    (void)make_session(f, 1);
    for (int i = 0; i < 3; i++) {
        char name[128];
        struct stat st;
        (void)snprintf(name, sizeof name, "%s%s", f->path, suffix[i]);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void test_a_reader_cannot_write(void **state) {
    struct fixture *f = *state;
    static const unsigned char key[PENDING_KEY_BYTES] = {1};
    store_once(fresh(f), key, NOW);
    assert_int_not_equal(run_read(f), ERR_OK);
    store_once(fresh(f), key, NOW);
    assert_int_equal(run_write(f), ERR_OK);
}

/* Somebody else holds the lock for longer than we wait: these requests fail, the store does not. */
static void test_a_lock_held_by_another_passes(void **state) {
    struct fixture *f = *state;
    static const unsigned char key[PENDING_KEY_BYTES] = {1};
    sqlite3 *other;
    assert_int_equal(sqlite3_open_v2(f->path, &other, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    store_once(fresh(f), key, NOW);
    assert_int_equal(run_write(f), ERR_STORE);
    assert_true(store_is_healthy(f->store));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    store_once(fresh(f), key, NOW);
    assert_int_equal(run_write(f), ERR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_was_written_is_there_after_reopening),
        STORE_TEST(test_a_newer_schema_is_refused),
        cmocka_unit_test_setup_teardown(test_secrets_of_an_earlier_schema_are_kept, folder_setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_half_a_migration_is_none, folder_setup, teardown),
        STORE_TEST(test_a_damaged_file_is_refused),
        STORE_TEST(test_a_path_that_cannot_be_is_refused),
        STORE_TEST(test_files_are_nobody_elses),
        STORE_TEST(test_a_reader_cannot_write),
        STORE_TEST(test_a_lock_held_by_another_passes),
    };
    return cmocka_run_group_tests_name("open", tests, NULL, NULL);
}
