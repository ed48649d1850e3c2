/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: jobs that share a commit do not touch each other, single use holds whatever arrives at
 * once (X01, X02), and nothing that was taken in is left without an answer. */
#include "fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define GROUP   50
#define QUEUE   1024
#define THREADS 4

/* ---- a job of its own ---- */

struct job {
    struct write_job job;
    struct batch b;
    struct arena arena;
    atomic_bool done;
    sem_t *window; /* posted when done, may be NULL */
    atomic_uint *done_count;
};

static void job_done(struct write_job *w) {
    struct job *j = (struct job *)w;
    sem_t *window = j->window;
    if (j->done_count)
        atomic_fetch_add(j->done_count, 1);
    atomic_store(&j->done, true);
    if (window)
        sem_post(window);
}

static void job_begin(struct job *j) {
    *j = (struct job){.job = {.batch = &j->b, .done = job_done}};
    j->arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    j->b = BATCH_INIT(&j->arena);
}

static void thing_key(unsigned n, unsigned char key[PENDING_KEY_BYTES]) {
    memset(key, 0, PENDING_KEY_BYTES);
    memcpy(key, &n, sizeof n);
}

/* ---- a writer held up, so that a queue gathers ---- */

struct hold {
    struct job job;
    sem_t reached, go;
};

static void hold_done(struct write_job *w) {
    struct hold *h = (struct hold *)w;
    sem_post(&h->reached);
    sem_wait(&h->go);
}

static void hold_writer(struct fixture *f, struct hold *h) {
    sem_init(&h->reached, 0, 0);
    sem_init(&h->go, 0, 0);
    job_begin(&h->job);
    h->job.job.done = hold_done;
    store_throttle_clear(&h->job.b, &(struct throttle_key){{0}});
    assert_int_equal(store_submit(f->store, &h->job.job), ERR_OK);
    sem_wait(&h->reached);
}

static void release_writer(struct hold *h) {
    sem_post(&h->go);
}

static void submit_once(struct fixture *f, struct job *j, unsigned number) {
    unsigned char key[PENDING_KEY_BYTES];
    job_begin(j);
    thing_key(number, key);
    store_once(&j->b, key, NOW);
    store_audit(&j->b, &(struct audit_event){.at = NOW, .event = "once"});
    assert_int_equal(store_submit(f->store, &j->job), ERR_OK);
}

static void wait_jobs(struct job *jobs, size_t n) {
    for (size_t i = 0; i < n; i++)
        while (!atomic_load(&jobs[i].done))
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void free_jobs(struct job *jobs, size_t n) {
    for (size_t i = 0; i < n; i++)
        arena_done(&jobs[i].arena);
    free(jobs);
}

static void test_a_refused_job_leaves_its_group_intact(void **state) {
    struct fixture *f = *state;
    static struct hold h;
    struct job *jobs = calloc(GROUP, sizeof *jobs);
    struct store_stats before, after;
    unsigned char twice[PENDING_KEY_BYTES] = {9, 9, 9};
    store_pending_insert(fresh(f), twice, SPAN("sealed"), NOW);
    assert_int_equal(run_write(f), ERR_OK);
    store_stats_get(f->store, &before);

    hold_writer(f, &h);
    for (unsigned i = 0; i < GROUP; i++) {
        if (i == 30) { /* the engine itself declines: such a row is there */
            job_begin(&jobs[i]);
            store_audit(&jobs[i].b, &(struct audit_event){.at = NOW, .event = "lost"});
            store_pending_insert(&jobs[i].b, twice, SPAN("sealed"), NOW);
            assert_int_equal(store_submit(f->store, &jobs[i].job), ERR_OK);
        } else {
            submit_once(f, &jobs[i], i == 25 ? 24 : i); /* 25 comes after 24 with the same */
        }
    }
    release_writer(&h);
    wait_jobs(jobs, GROUP);
    store_stats_get(f->store, &after);
    assert_int_equal(after.commits - before.commits, 2);
    assert_int_equal(after.batch_size_bucket[6] - before.batch_size_bucket[6], 1);
    assert_int_equal(after.refused - before.refused, 1);
    assert_int_equal(after.failed - before.failed, 1);
    for (unsigned i = 0; i < GROUP; i++)
        assert_int_equal(jobs[i].b.result, i == 25 ? ERR_REPLAYED : i == 30 ? ERR_STORE : ERR_OK);
    assert_true(store_is_healthy(f->store));

    struct audit_list list = {0};
    store_audit_tail(fresh(f), 0, 1000, &list);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, GROUP - 2);
    assert_int_equal(list.item[list.count - 1].seq, GROUP - 2);
    arena_done(&h.job.arena);
    free_jobs(jobs, GROUP);
}

static void test_a_full_queue_says_so(void **state) {
    struct fixture *f = *state;
    static struct hold h;
    struct job *jobs = calloc(QUEUE, sizeof *jobs), extra;
    hold_writer(f, &h);
    for (unsigned i = 0; i < QUEUE; i++)
        submit_once(f, &jobs[i], i);
    job_begin(&extra);
    store_throttle_clear(&extra.b, &(struct throttle_key){{0}});
    assert_int_equal(store_submit(f->store, &extra.job), ERR_BUSY);
    release_writer(&h);
    wait_jobs(jobs, QUEUE);
    assert_int_equal(store_submit(f->store, &extra.job), ERR_OK);
    wait_jobs(&extra, 1);
    arena_done(&extra.arena);
    arena_done(&h.job.arena);
    free_jobs(jobs, QUEUE);
}

static void test_closing_commits_what_waits(void **state) {
    struct fixture *f = *state;
    static struct hold h;
    struct job *jobs = calloc(200, sizeof *jobs);
    hold_writer(f, &h);
    for (unsigned i = 0; i < 200; i++)
        submit_once(f, &jobs[i], i);
    release_writer(&h);
    fixture_close(f);
    for (unsigned i = 0; i < 200; i++)
        assert_true(jobs[i].done && jobs[i].b.result == ERR_OK);
    fixture_open(f);
    struct audit_list list = {0};
    store_audit_tail(fresh(f), 0, 1000, &list);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, 200);
    arena_done(&h.job.arena);
    free_jobs(jobs, 200);
}

struct hook {
    atomic_uint groups, jobs_done, behind;
};

static void group_hook(void *ctx) {
    struct hook *h = ctx;
    atomic_fetch_add(&h->groups, 1);
    if (atomic_load(&h->jobs_done) == 0)
        atomic_fetch_add(&h->behind, 1);
}

static void test_the_hook_comes_once_a_group_after_its_answers(void **state) {
    struct fixture *f = *state;
    struct hook hook = {0};
    struct job *jobs = calloc(20, sizeof *jobs);
    store_on_group_done(f->store, group_hook, &hook);
    for (unsigned i = 0; i < 20; i++) {
        unsigned char key[PENDING_KEY_BYTES];
        job_begin(&jobs[i]);
        thing_key(i, key);
        jobs[i].done_count = &hook.jobs_done;
        store_once(&jobs[i].b, key, NOW);
        assert_int_equal(store_submit(f->store, &jobs[i].job), ERR_OK);
    }
    fixture_close(f);
    assert_true(hook.groups >= 1 && hook.groups <= 20);
    assert_int_equal(hook.behind, 0);
    free_jobs(jobs, 20);
    fixture_open(f);
}

/* ---- many at once ---- */

#define CODES  10000
#define WINDOW 64

struct race {
    struct fixture *f;
    struct session session;
    atomic_uint won[CODES], lost[CODES], odd;
};

static void count_outcome(struct race *r, unsigned code, enum err e) {
    if (e == ERR_OK)
        atomic_fetch_add(&r->won[code], 1);
    else if (e == ERR_REPLAYED)
        atomic_fetch_add(&r->lost[code], 1);
    else
        atomic_fetch_add(&r->odd, 1);
}

static void submit_patiently(struct store *s, struct write_job *job) {
    while (store_submit(s, job) == ERR_BUSY)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/* Slot i of the window carries codes i, i + WINDOW, ...: it is waited for before it is used again.
 */
static void *consume_all(void *arg) {
    struct race *r = arg;
    struct job *jobs = calloc(WINDOW, sizeof *jobs);
    for (unsigned code = 0; code < CODES + WINDOW; code++) {
        struct job *j = &jobs[code % WINDOW];
        if (code >= WINDOW) {
            while (!atomic_load(&j->done))
                nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
            count_outcome(r, code - WINDOW, j->b.result);
            arena_done(&j->arena);
        }
        if (code >= CODES)
            continue;
        struct grant g = sample_grant(&r->session, 0);
        memcpy(g.key.b, &code, sizeof code);
        job_begin(j);
        store_grant_consume_code(&j->b, &g);
        submit_patiently(r->f->store, &j->job);
    }
    free(jobs);
    return NULL;
}

static void run_threads(void *(*fn)(void *), void *arg) {
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, fn, arg), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

static void test_X02_each_code_is_consumed_once_by_one_of_four_threads(void **state) {
    struct race *r = calloc(1, sizeof *r);
    r->f = *state;
    r->session = make_session(r->f, 1);
    run_threads(consume_all, r);
    assert_int_equal(r->odd, 0);
    for (unsigned i = 0; i < CODES; i++)
        if (r->won[i] != 1 || r->lost[i] != THREADS - 1)
            fail_msg("code %u: %u successes, %u replays", i, r->won[i], r->lost[i]);
    free(r);
}

#define GENERATIONS 500

struct rotation {
    struct fixture *f;
    struct grant grant;
    atomic_uint won[GENERATIONS], odd;
};

static void *rotate_all(void *arg) {
    struct rotation *r = arg;
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    for (int64_t g = 0; g < GENERATIONS; g++) {
        struct batch b = BATCH_INIT(&a);
        store_grant_rotate(&b, &r->grant.key, g, NOW + 1, NOW + 100);
        enum err e = store_write_wait(r->f->store, &b);
        if (e == ERR_OK)
            atomic_fetch_add(&r->won[g], 1);
        else if (e != ERR_REPLAYED)
            atomic_fetch_add(&r->odd, 1);
        arena_reset(&a);
    }
    arena_done(&a);
    return NULL;
}

static void test_X01_each_generation_has_one_successor(void **state) {
    struct rotation r = {.f = *state};
    struct session s = make_session(r.f, 1);
    r.grant = sample_grant(&s, 7);
    store_grant_consume_code(fresh(r.f), &r.grant);
    assert_int_equal(run_write(r.f), ERR_OK);
    run_threads(rotate_all, &r);
    assert_int_equal(r.odd, 0);
    for (int g = 0; g < GENERATIONS; g++)
        assert_int_equal(r.won[g], 1);
    struct grant found = {0};
    store_grant_find(fresh(r.f), &r.grant.key, &found);
    assert_int_equal(run_read(r.f), ERR_OK);
    assert_int_equal(found.generation, GENERATIONS);
}

struct guesses {
    struct fixture *f;
    atomic_uint judged, refused, odd;
};

static void *guess_all(void *arg) {
    static const struct throttle_limit limit = {.key = {{3}},
                                                .free_failures = 5,
                                                .base_seconds = 60,
                                                .max_seconds = 600,
                                                .memory_seconds = 3600};
    struct guesses *g = arg;
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    for (int i = 0; i < 50; i++) {
        struct batch b = BATCH_INIT(&a);
        store_throttle_take(&b, &limit, NOW, NULL);
        enum err e = store_write_wait(g->f->store, &b);
        atomic_fetch_add(e == ERR_OK ? &g->judged : e == ERR_BUSY ? &g->refused : &g->odd, 1);
        arena_reset(&a);
    }
    arena_done(&a);
    return NULL;
}

static void test_F03_guesses_at_once_are_counted_before_they_are_judged(void **state) {
    struct guesses g = {.f = *state};
    run_threads(guess_all, &g);
    assert_int_equal(g.odd, 0);
    assert_int_equal(g.judged, 6); /* five free, and the one that starts the waiting */
    assert_int_equal(g.refused, 4 * 50 - 6);
}

/* ---- reading beside the writer ---- */

#define PAIRS 300

struct pair {
    struct fixture *f;
    struct grant left, right;
    atomic_bool done;
};

static void *rotate_both(void *arg) {
    struct pair *p = arg;
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    for (int64_t g = 0; g < PAIRS; g++) {
        struct batch b = BATCH_INIT(&a);
        store_grant_rotate(&b, &p->left.key, g, NOW + 1, NOW + 100);
        store_grant_rotate(&b, &p->right.key, g, NOW + 1, NOW + 100);
        if (store_write_wait(p->f->store, &b))
            break;
        arena_reset(&a);
    }
    atomic_store(&p->done, true);
    arena_done(&a);
    return NULL;
}

static void test_reads_of_one_batch_are_of_one_moment(void **state) {
    struct pair p = {.f = *state};
    struct session s = make_session(p.f, 1);
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    pthread_t thread;
    p.left = sample_grant(&s, 7);
    p.right = sample_grant(&s, 8);
    store_grant_consume_code(fresh(p.f), &p.left);
    store_grant_consume_code(&p.f->b, &p.right);
    assert_int_equal(run_write(p.f), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, rotate_both, &p), 0);
    int64_t newest = 0;
    while (!atomic_load(&p.done)) {
        struct batch b = BATCH_INIT(&a);
        struct grant left = {0}, right = {0};
        store_grant_find(&b, &p.left.key, &left);
        store_grant_find(&b, &p.right.key, &right);
        assert_int_equal(store_read(p.f->reader, &b), ERR_OK);
        assert_int_equal(left.generation, right.generation);
        assert_true(left.generation >= newest); /* and what was committed is seen */
        newest = left.generation;
        arena_reset(&a);
    }
    pthread_join(thread, NULL);
    struct grant last = {0};
    store_grant_find(fresh(p.f), &p.right.key, &last);
    assert_int_equal(run_read(p.f), ERR_OK);
    assert_int_equal(last.generation, PAIRS);
    arena_done(&a);
}

/* The reader that has just read does not rest in between, as on a thread with much to do. */
static void test_D02_a_revocation_is_read_once_it_was_acknowledged(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    struct grant g = sample_grant(&s, 7), read = {0};
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_OK);
    for (int revoked = 0; revoked < 2; revoked++) {
        read = (struct grant){0};
        store_grant_find(fresh(f), &g.key, &read);
        assert_int_equal(run_read(f), ERR_OK);
        assert_int_equal(read.revoked_at != 0, revoked);
        store_grant_revoke(fresh(f), &g.key, NOW);
        assert_int_equal(run_write(f), ERR_OK);
    }
}

/* Each is told of its own end, and what one leaves out the others keep. */
static void test_many_are_waited_for_at_once(void **state) {
    struct fixture *f = *state;
    struct batch b[8], *all[8];
    for (unsigned i = 0; i < 8; i++) {
        unsigned char key[PENDING_KEY_BYTES] = {(unsigned char)(i == 5 ? 4 : i)};
        b[i] = BATCH_INIT(&f->arena);
        store_pending_insert(&b[i], key, SPAN("sealed"), NOW);
        all[i] = &b[i];
    }
    store_write_wait_all(f->store, all, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(b[i].result, i == 5 ? ERR_STORE : ERR_OK);
    store_write_wait_all(f->store, all, 0);
    store_write_wait_all(f->store, all, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(b[i].result, ERR_STORE);
}

static bool can_shrink(const char *path) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT count(*) FROM account", NULL, NULL, NULL), SQLITE_OK);
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    assert_true(rc == SQLITE_OK || rc == SQLITE_BUSY);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return rc == SQLITE_OK;
}

static void test_the_file_can_shrink_only_behind_a_reader_at_rest(void **state) {
    struct fixture *f = *state;
    struct session read;
    struct session s = make_session(f, 1);
    store_session_find(fresh(f), &s.key, &read);
    assert_int_equal(run_read(f), ERR_OK);
    assert_false(can_shrink(f->path));
    store_reader_rest(f->reader);
    assert_true(can_shrink(f->path));
    store_reader_rest(f->reader); /* as one may */
    store_reader_rest(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_D02_a_revocation_is_read_once_it_was_acknowledged),
        STORE_TEST(test_many_are_waited_for_at_once),
        STORE_TEST(test_the_file_can_shrink_only_behind_a_reader_at_rest),
        STORE_TEST(test_a_refused_job_leaves_its_group_intact),
        STORE_TEST(test_a_full_queue_says_so),
        STORE_TEST(test_closing_commits_what_waits),
        STORE_TEST(test_the_hook_comes_once_a_group_after_its_answers),
        STORE_TEST(test_X02_each_code_is_consumed_once_by_one_of_four_threads),
        STORE_TEST(test_X01_each_generation_has_one_successor),
        STORE_TEST(test_reads_of_one_batch_are_of_one_moment),
        STORE_TEST(test_F03_guesses_at_once_are_counted_before_they_are_judged),
    };
    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
