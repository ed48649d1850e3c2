/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: every accepted job runs exactly once, at lower priority; a full queue refuses at once;
 * one owner never holds more than a quarter of it; freeing runs what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/workpool.h"

#define QUEUE 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ran, finished, niceness;
static bool gate_open, gate_entered;

static void count(int *counter) {
    pthread_mutex_lock(&lock);
    ++*counter;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void run_count(struct work_job *job) {
    (void)job;
    count(&ran);
}
static void done_count(struct work_job *job) {
    (void)job;
    count(&finished);
}

/* Holds the only thread until the test opens the gate. */
static void run_gate(struct work_job *job) {
    (void)job;
    pthread_mutex_lock(&lock);
    niceness = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
    gate_entered = true;
    pthread_cond_broadcast(&changed);
    while (!gate_open)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void open_gate(void) {
    pthread_mutex_lock(&lock);
    gate_open = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static struct work_job gate;

static struct workpool *pool_behind_gate(unsigned queue) {
    struct workpool *pool = NULL;
    ran = finished = 0;
    gate_open = gate_entered = false;
    gate = (struct work_job){.run = run_gate, .done = done_count};
    assert_int_equal(workpool_new(1, queue, 5, &pool), ERR_OK);
    assert_int_equal(workpool_submit(pool, &gate), ERR_OK);
    pthread_mutex_lock(&lock);
    while (!gate_entered)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return pool;
}

static void make_jobs(struct work_job *jobs, size_t n, uint64_t owner) {
    for (size_t i = 0; i < n; i++)
        jobs[i] = (struct work_job){.run = run_count, .done = done_count, .owner = owner};
}

static void test_full_queue_refuses(void **state) {
    (void)state;
    struct work_job jobs[QUEUE + 1];
    struct workpool *pool = pool_behind_gate(QUEUE);
    make_jobs(jobs, ARRAY_LEN(jobs), 0);
    for (size_t i = 0; i < QUEUE; i++)
        assert_int_equal(workpool_submit(pool, &jobs[i]), ERR_OK);
    assert_int_equal(workpool_submit(pool, &jobs[QUEUE]), ERR_BUSY);
    assert_int_equal(workpool_depth(pool), QUEUE);
    open_gate();
    workpool_free(pool);
    assert_int_equal(ran, QUEUE);
    assert_int_equal(finished, QUEUE + 1);
}

static void test_owner_holds_a_quarter(void **state) {
    (void)state;
    struct work_job mine[QUEUE], other[QUEUE];
    struct workpool *pool = pool_behind_gate(QUEUE);
    make_jobs(mine, QUEUE, 7);
    make_jobs(other, QUEUE, 8);
    size_t accepted = 0;
    for (size_t i = 0; i < QUEUE; i++)
        accepted += workpool_submit(pool, &mine[i]) == ERR_OK;
    assert_int_equal(accepted, QUEUE / 4);
    for (size_t i = 0; i < QUEUE; i++)
        accepted += workpool_submit(pool, &other[i]) == ERR_OK;
    assert_int_equal(accepted, QUEUE / 2);
    struct work_job exempt;
    make_jobs(&exempt, 1, 0);
    assert_int_equal(workpool_submit(pool, &exempt), ERR_OK);
    open_gate();
    workpool_free(pool);
    assert_int_equal(ran, QUEUE / 2 + 1);
}

static void test_owner_has_room_again_after_its_jobs_ran(void **state) {
    (void)state;
    struct work_job jobs[2];
    struct workpool *pool = pool_behind_gate(4);
    make_jobs(jobs, 2, 7);
    assert_int_equal(workpool_submit(pool, &jobs[0]), ERR_OK);
    assert_int_equal(workpool_submit(pool, &jobs[1]), ERR_BUSY);
    open_gate();
    pthread_mutex_lock(&lock);
    while (finished < 2)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    assert_int_equal(workpool_submit(pool, &jobs[1]), ERR_OK);
    workpool_free(pool);
    assert_int_equal(ran, 2);
}

static void test_small_queue_lets_one_owner_in(void **state) {
    (void)state;
    struct work_job jobs[2];
    struct workpool *pool = pool_behind_gate(2);
    make_jobs(jobs, 2, 7);
    assert_int_equal(workpool_submit(pool, &jobs[0]), ERR_OK);
    assert_int_equal(workpool_submit(pool, &jobs[1]), ERR_BUSY);
    open_gate();
    workpool_free(pool);
}

static void test_threads_are_nicer(void **state) {
    (void)state;
    int mine = getpriority(PRIO_PROCESS, 0);
    struct workpool *pool = pool_behind_gate(4);
    open_gate();
    workpool_free(pool);
    assert_int_equal(niceness, mine + 5 > 19 ? 19 : mine + 5);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), mine);
}

static void test_many_jobs_many_threads(void **state) {
    (void)state;
    enum { JOBS = 5000 };
    static struct work_job jobs[JOBS];
    struct workpool *pool = NULL;
    ran = finished = 0;
    make_jobs(jobs, JOBS, 0);
    assert_int_equal(workpool_new(4, JOBS, 0, &pool), ERR_OK);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(workpool_submit(pool, &jobs[i]), ERR_OK);
    workpool_free(pool);
    assert_int_equal(ran, JOBS);
    assert_int_equal(finished, JOBS);
    workpool_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_queue_refuses),
        cmocka_unit_test(test_owner_holds_a_quarter),
        cmocka_unit_test(test_owner_has_room_again_after_its_jobs_ran),
        cmocka_unit_test(test_small_queue_lets_one_owner_in),
        cmocka_unit_test(test_threads_are_nicer),
        cmocka_unit_test(test_many_jobs_many_threads),
    };
    return cmocka_run_group_tests_name("base/workpool", tests, NULL, NULL);
}
