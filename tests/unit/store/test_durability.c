/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: nobody is told that a write is done before its log is synced, so that no power cut at
 * any point loses what was acknowledged (X06). The same check must catch a store that syncs less
 * (synchronous=NORMAL) and one that answers before COMMIT. A sync or write that fails stops the
 * store (X08); a full disk only refuses (X07).
 * Argument: how many points the power is cut at (default 300). */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "crash_vfs.h"
#include "fixture.h"
#include "idp/store/internal.h"

#define JOBS          700
#define IN_FLIGHT_MAX 6
#define PURGE_EVERY   50

static unsigned n_cuts = 300;

/* ---- the connection that the store opened last ---- */

static sqlite3 *newest_connection;

static int remember(sqlite3 *db, const char **error, const struct sqlite3_api_routines *api) {
    (void)error;
    (void)api;
    newest_connection = db;
    return SQLITE_OK;
}

/* ---- a load whose acknowledgements are noted ---- */

struct note {
    struct write_job job;
    struct batch b;
    struct arena arena;
    struct load *load;
    int number;
    bool acknowledged;
    size_t at_event;
};

struct load {
    struct store *store;
    struct note note[JOBS];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned in_flight;
    unsigned done, premature; /* premature: acknowledged with the log not synced */
};

static void key_of(int number, unsigned char key[PENDING_KEY_BYTES]) {
    memset(key, 0, PENDING_KEY_BYTES);
    memcpy(key, &number, sizeof number);
}

static void note_done(struct write_job *job) {
    struct note *n = (struct note *)job;
    struct load *l = n->load;
    n->acknowledged = n->b.result == ERR_OK;
    n->at_event = crash_vfs_events();
    pthread_mutex_lock(&l->lock);
    l->done++;
    l->premature += n->acknowledged && !crash_vfs_log_is_synced();
    l->in_flight--;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void load_wait(struct load *l, unsigned most) {
    pthread_mutex_lock(&l->lock);
    while (l->in_flight > most)
        pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

/* A one-time thing and the audit row that tells of it: both or neither. */
static void load_submit(struct load *l, int number) {
    struct note *n = &l->note[number];
    char detail[16];
    unsigned char key[PENDING_KEY_BYTES];
    key_of(number, key);
    (void)snprintf(detail, sizeof detail, "%d", number);
    *n = (struct note){.job = {.batch = &n->b, .done = note_done}, .load = l, .number = number};
    n->arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    n->b = BATCH_INIT(&n->arena);
    store_once(&n->b, key, NOW + (number % 2 ? 1 : 1000000));
    store_audit(&n->b,
                &(struct audit_event){.at = NOW, .event = "load", .detail = span_of(detail)});
    pthread_mutex_lock(&l->lock);
    l->in_flight++;
    pthread_mutex_unlock(&l->lock);
    assert_int_equal(store_submit(l->store, &n->job), ERR_OK);
}

static struct load *load_new(struct store *s) {
    struct load *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->store = s;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    return l;
}

static void load_run(struct load *l, int jobs) {
    unsigned seed = 1;
    uint64_t deleted = 0;
    for (int i = 0; i < jobs; i++) {
        load_submit(l, i);
        load_wait(l, (unsigned)rand_r(&seed) % IN_FLIGHT_MAX);
        if (i % PURGE_EVERY == PURGE_EVERY - 1)
            assert_int_equal(store_purge(l->store, NOW + 100, 20, &deleted), ERR_OK);
    }
    load_wait(l, 0);
}

static void load_free(struct load *l) {
    for (int i = 0; i < JOBS; i++)
        arena_done(&l->note[i].arena);
    free(l);
}

/* ---- after the power came back ---- */

struct aftermath {
    unsigned lost;    /* acknowledged, and not there */
    unsigned damaged; /* does not open, or fails its checks */
};

static enum err read_batch(struct db_conn *c, struct batch *b) {
    return batch_run(&db_sqlite, c, b, NULL, NULL);
}

/* Which numbers the audit holds; false when the chain does not hold together. */
static bool audit_numbers(struct db_conn *c, struct arena *a, bool found[JOBS]) {
    unsigned char hash[AUDIT_HASH_BYTES] = {0};
    int64_t seq = 0;
    struct audit_list list;
    do {
        struct batch b = BATCH_INIT(a);
        list = (struct audit_list){0};
        store_audit_tail(&b, seq, 1000, &list);
        if (read_batch(c, &b))
            return false;
        for (size_t i = 0; i < list.count; i++) {
            struct audit_row *r = &list.item[i];
            if (r->seq != ++seq || store_audit_hash(hash, r, hash) || r->hash.len != sizeof hash ||
                memcmp(hash, r->hash.ptr, sizeof hash) != 0)
                return false;
            found[atoi(r->e.detail.ptr)] = true;
        }
    } while (list.count);
    return true;
}

static void image_check(const struct load *l, size_t cut, const char *path, struct aftermath *ret) {
    struct arena a = ARENA_INIT(16 * 1024 * 1024);
    const char *why;
    struct db_conn *c;
    bool found[JOBS] = {false};
    if (db_sqlite.open(path, DB_READ_WRITE, &a, &c, &why)) {
        ret->damaged++;
    } else {
        if (db_sqlite.check(c, true) || !audit_numbers(c, &a, found))
            ret->damaged++;
        for (int i = 0; i < JOBS; i++)
            ret->lost += l->note[i].acknowledged && l->note[i].at_event <= cut && !found[i];
        db_sqlite.close(c);
    }
    arena_done(&a);
}

static struct aftermath cut_power(const struct fixture *f, const struct load *l, unsigned cuts) {
    struct aftermath ret = {0};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/cut.db", f->folder);
    size_t n = crash_vfs_events();
    for (unsigned i = 1; i <= cuts; i++) {
        size_t cut = n * i / cuts;
        crash_vfs_image(cut, i, path);
        image_check(l, cut, path, &ret);
    }
    return ret;
}

/* ---- X06 ---- */

static int setup_recorded(void **state) {
    crash_vfs_install();
    crash_vfs_fail(DISK_WRITE, 0, SQLITE_OK);
    (void)folder_setup(state);
    struct fixture *f = *state;
    fixture_open(f);
    fixture_close(f);
    crash_vfs_record(f->path);
    return 0;
}

static int teardown_recorded(void **state) {
    crash_vfs_stop();
    return teardown(state);
}

static void test_X06_no_answer_leaves_before_its_sync_and_no_cut_loses_one(void **state) {
    struct fixture *f = *state;
    fixture_open(f);
    struct load *l = load_new(f->store);
    load_run(l, JOBS);
    crash_vfs_stop();
    assert_int_equal(l->done, JOBS);
    assert_int_equal(l->premature, 0);
    assert_true(crash_vfs_checkpoints() > 0);
    struct aftermath after = cut_power(f, l, n_cuts);
    print_message(
        "%u power cuts in %zu writes and syncs, %d acknowledgements: %u lost, %u damaged\n", n_cuts,
        crash_vfs_events(), JOBS, after.lost, after.damaged);
    assert_int_equal(after.lost, 0);
    assert_int_equal(after.damaged, 0);
    fixture_close(f);
    load_free(l);
}

/* The twin: what the test above must be able to see. */
static void test_X06_synchronous_NORMAL_is_caught(void **state) {
    struct fixture *f = *state;
    const char *why;
    assert_int_equal(store_open(f->path, &f->arena, &f->store, &why), ERR_OK);
    sqlite3 *writer = newest_connection;
    assert_int_equal(sqlite3_exec(writer, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL),
                     SQLITE_OK);
    struct load *l = load_new(f->store);
    load_run(l, JOBS);
    crash_vfs_stop();
    assert_true(l->premature > 0);
    assert_true(cut_power(f, l, 10).lost > 0);
    fixture_close(f);
    load_free(l);
}

static bool commit_is_due;

static enum err late_control(struct db_conn *c, enum db_control what) {
    bool was_due = commit_is_due;
    commit_is_due = what == DB_COMMIT;
    if (what == DB_COMMIT)
        return ERR_OK;
    enum err e = was_due ? db_sqlite.control(c, DB_COMMIT) : ERR_OK;
    return e ? e : db_sqlite.control(c, what);
}

static void late_close(struct db_conn *c) {
    if (commit_is_due)
        (void)db_sqlite.control(c, DB_COMMIT);
    db_sqlite.close(c);
}

/* Commits when the next group begins: that is, answers before COMMIT. */
static void test_X06_an_answer_before_commit_is_caught(void **state) {
    struct fixture *f = *state;
    const char *why;
    struct db_driver late = db_sqlite;
    late.control = late_control;
    late.close = late_close;
    struct store s = {.driver = &late, .target = f->path};
    struct db_conn *c;
    commit_is_due = false;
    assert_int_equal(db_sqlite.open(f->path, DB_READ_WRITE, &f->arena, &c, &why), ERR_OK);
    assert_int_equal(writer_start(&late, c, &s.writer), ERR_OK);
    struct load *l = load_new(&s);
    load_run(l, JOBS);
    crash_vfs_stop();
    assert_true(cut_power(f, l, 10).lost > 0);
    writer_stop(s.writer);
    load_free(l);
}

/* ---- X07, X08 ---- */

#define FAULT_JOBS 8

/* One after the other; what was acknowledged must be there afterwards, and all of it. */
static struct load *load_with_fault(struct fixture *f, enum disk_call call, unsigned nth, int rc) {
    fixture_open(f);
    struct load *l = load_new(f->store);
    crash_vfs_fail(call, nth, rc);
    for (int i = 0; i < FAULT_JOBS; i++) {
        load_submit(l, i);
        load_wait(l, 0);
    }
    return l;
}

static void check_all_or_nothing(struct fixture *f, struct load *l) {
    bool found[JOBS] = {false};
    struct db_conn *c;
    const char *why;
    assert_int_equal(db_sqlite.open(f->path, DB_READ_WRITE, &f->arena, &c, &why), ERR_OK);
    assert_int_equal(db_sqlite.check(c, true), ERR_OK);
    assert_true(audit_numbers(c, &f->arena, found));
    db_sqlite.close(c);
    fixture_open(f);
    for (int i = 0; i < FAULT_JOBS; i++) {
        unsigned char key[PENDING_KEY_BYTES];
        key_of(i, key);
        assert_true(!l->note[i].acknowledged || found[i]);
        store_once(fresh(f), key, NOW);
        assert_int_equal(run_write(f), found[i] ? ERR_REPLAYED : ERR_OK);
    }
    fixture_close(f);
}

static void remove_database(struct fixture *f) {
    static const char *const suffix[] = {"", "-wal", "-shm"};
    char name[128];
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", f->path, suffix[i]);
        (void)remove(name);
    }
}

static unsigned fault_runs(struct fixture *f, enum disk_call call, int rc, bool stops) {
    unsigned struck = 0;
    for (unsigned nth = 1;; nth++) {
        struct load *l = load_with_fault(f, call, nth, rc);
        bool has_failed = crash_vfs_has_failed();
        unsigned refused = 0, after_fault = 0;
        for (int i = 0; i < FAULT_JOBS; i++) {
            refused += !l->note[i].acknowledged;
            after_fault += refused && l->note[i].acknowledged;
            assert_true(l->note[i].acknowledged || l->note[i].b.result == ERR_STORE);
        }
        assert_int_equal(store_is_healthy(f->store), !(has_failed && stops));
        crash_vfs_fail(call, 0, SQLITE_OK);
        fixture_close(f);
        if (has_failed && stops)
            assert_int_equal(after_fault, 0);
        else
            assert_int_equal(refused, has_failed);
        check_all_or_nothing(f, l);
        load_free(l);
        remove_database(f);
        if (!has_failed)
            break; /* past the last call: the twin without a fault */
        struck++;
    }
    return struck;
}

static void test_X08_a_failed_sync_or_write_stops_the_store(void **state) {
    unsigned syncs = fault_runs(*state, DISK_SYNC, SQLITE_IOERR_FSYNC, true);
    unsigned writes = fault_runs(*state, DISK_WRITE, SQLITE_IOERR_WRITE, true);
    assert_true(syncs >= FAULT_JOBS);
    assert_true(writes >= 2 * FAULT_JOBS);
}

static void test_X07_a_full_disk_refuses_and_goes_on(void **state) {
    unsigned writes = fault_runs(*state, DISK_WRITE, SQLITE_FULL, false);
    assert_true(writes >= 2 * FAULT_JOBS);
}

int main(int argc, char **argv) {
    if (argc > 1)
        n_cuts = (unsigned)strtoul(argv[1], NULL, 10);
    sqlite3_auto_extension((void (*)(void))remember);
#define T(name) cmocka_unit_test_setup_teardown(name, setup_recorded, teardown_recorded)
    const struct CMUnitTest tests[] = {
        T(test_X06_no_answer_leaves_before_its_sync_and_no_cut_loses_one),
        T(test_X06_synchronous_NORMAL_is_caught),
        T(test_X06_an_answer_before_commit_is_caught),
        T(test_X08_a_failed_sync_or_write_stops_the_store),
        T(test_X07_a_full_disk_refuses_and_goes_on),
    };
    return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
