/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a backup taken while others write ends, is whole and is one moment's state; the purge
 * takes all that expired, in small transactions, and nothing else. */
#include "crash_vfs.h"
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void pending_key(unsigned n, unsigned char key[PENDING_KEY_BYTES]) {
    memset(key, 0, PENDING_KEY_BYTES);
    memcpy(key, &n, sizeof n);
}

/* 4 KiB a row. */
static void fill(struct fixture *f, unsigned rows, int64_t expires_at, unsigned first) {
    static char sealed[4000];
    for (unsigned i = 0; i < rows; i += 20) {
        (void)fresh(f);
        for (unsigned k = i; k < i + 20; k++) {
            unsigned char key[PENDING_KEY_BYTES];
            pending_key(first + k, key);
            store_pending_insert(&f->b, key, (struct span){sealed, sizeof sealed}, expires_at);
        }
        assert_int_equal(run_write(f), ERR_OK);
    }
}

struct scribe {
    struct store *store;
    atomic_bool stop;
    atomic_uint written;
};

static void *write_on(void *arg) {
    struct scribe *w = arg;
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    while (!atomic_load(&w->stop)) {
        struct batch b = BATCH_INIT(&a);
        store_audit(&b, &(struct audit_event){.at = NOW, .event = "written"});
        if (store_write_wait(w->store, &b) == ERR_OK)
            atomic_fetch_add(&w->written, 1);
        arena_reset(&a);
    }
    arena_done(&a);
    return NULL;
}

static int64_t newest_seq(struct store *s, struct arena *a) {
    struct store_reader *r;
    struct audit_list list = {0};
    struct batch b = BATCH_INIT(a);
    assert_int_equal(store_reader_open(s, &r), ERR_OK);
    store_audit_newest(&b, 1, &list);
    assert_int_equal(store_read(r, &b), ERR_OK);
    store_reader_close(r);
    return list.count ? list.item[0].seq : 0;
}

static void test_a_backup_under_load_is_one_moment(void **state) {
    struct fixture *f = *state;
    char copy[128];
    const char *why = "";
    struct stat st;
    fill(f, 1600, NOW, 0);
    struct scribe w = {.store = f->store};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
    while (atomic_load(&w.written) < 10)
        sched_yield();
    unsigned before = atomic_load(&w.written);
    (void)snprintf(copy, sizeof copy, "%s/copy.db", f->folder);
    assert_int_equal(store_backup(f->store, copy, &f->arena, &why), ERR_OK);
    unsigned after = atomic_load(&w.written) + 1; /* committed, and not yet counted */
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);

    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct store *again;
    assert_int_equal(store_open(copy, &f->arena, &again, &why), ERR_OK);
    int64_t seq = newest_seq(again, &f->arena);
    assert_true(seq >= before && seq <= after);
    struct batch b = BATCH_INIT(&f->arena); /* the copy is a store like any other */
    store_audit(&b, &(struct audit_event){.at = NOW, .event = "restored"});
    assert_int_equal(store_write_wait(again, &b), ERR_OK);
    store_close(again);
}

static void test_a_backup_never_goes_over_a_file(void **state) {
    struct fixture *f = *state;
    char copy[128], inside[128];
    const char *why = "";
    (void)snprintf(copy, sizeof copy, "%s/copy.db", f->folder);
    assert_int_equal(store_backup(f->store, copy, &f->arena, &why), ERR_OK);
    assert_int_equal(store_backup(f->store, copy, &f->arena, &why), ERR_EXISTS);
    assert_int_equal(store_backup(f->store, f->path, &f->arena, &why), ERR_EXISTS);
    (void)snprintf(inside, sizeof inside, "%s/absent/copy.db", f->folder);
    assert_int_not_equal(store_backup(f->store, inside, &f->arena, &why), ERR_OK);
}

static void test_the_purge_takes_all_that_expired_in_small_steps(void **state) {
    struct fixture *f = *state;
    struct store_stats before, after;
    struct pending kept = {0}, gone = {0};
    unsigned char key[PENDING_KEY_BYTES], expired[PENDING_KEY_BYTES];
    uint64_t deleted;
    fill(f, 200, NOW, 0);
    fill(f, 20, NOW + 100, 1000);
    store_stats_get(f->store, &before);
    assert_int_equal(store_purge(f->store, NOW + 1, 30, &deleted), ERR_OK);
    store_stats_get(f->store, &after);
    assert_int_equal(deleted, 200);
    assert_int_equal(after.commits - before.commits, 7 + 6); /* 6 full, the rest; 6 other tables */
    pending_key(1000, key);
    pending_key(0, expired);
    store_pending_find(fresh(f), key, NOW, &kept);
    store_pending_find(&f->b, expired, 0, &gone);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(kept.found && !gone.found);
    assert_int_equal(store_purge(f->store, NOW + 1, 30, &deleted), ERR_OK);
    assert_int_equal(deleted, 0);
}

int main(void) {
    /* Commits that wait for no disk come between any two steps of a copy. */
    crash_vfs_install();
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_backup_under_load_is_one_moment),
        STORE_TEST(test_a_backup_never_goes_over_a_file),
        STORE_TEST(test_the_purge_takes_all_that_expired_in_small_steps),
    };
    return cmocka_run_group_tests_name("upkeep", tests, NULL, NULL);
}
