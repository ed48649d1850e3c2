/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream_health: so many failures in a row, and only in a row, make a connector down; while it is,
 * nobody asks it; then exactly one does, whatever the number of threads, and its result decides. The
 * clock is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "idp/connector.h"
#include "idp/upstream_health.h"

#define FAILURES 3
#define RETRY    30
#define ID       SPAN("dvcqg")
#define SECOND   INT64_C(1000000)

static int setup(void **state) {
    return upstream_health_new((struct upstream_health **)state) != ERR_OK;
}

static int teardown(void **state) {
    upstream_health_free(*state);
    return 0;
}

static void note(struct upstream_health *h, bool answered, int64_t second) {
    upstream_health_note(h, ID, answered, FAILURES, RETRY, second * SECOND);
}

static bool is_down(struct upstream_health *h, int64_t second) {
    return upstream_health_is_down(h, ID, second * SECOND);
}

static bool may_try(struct upstream_health *h, int64_t second) {
    return upstream_health_may_try(h, ID, second * SECOND);
}

static void open_it(struct upstream_health *h, int64_t second) {
    for (int i = 0; i < FAILURES; i++)
        note(h, false, second);
}

static void X14_failures_in_a_row_open_it(void **state) {
    struct upstream_health *h = *state;
    assert_false(is_down(h, 1));
    for (int i = 0; i < FAILURES - 1; i++)
        note(h, false, 1);
    assert_false(is_down(h, 1));
    assert_true(may_try(h, 1));
    note(h, true, 1); /* not in a row any more */
    for (int i = 0; i < FAILURES - 1; i++)
        note(h, false, 1);
    assert_false(is_down(h, 1));
    note(h, false, 1);
    assert_true(is_down(h, 1));
    assert_false(may_try(h, 1));
    assert_false(upstream_health_is_down(h, SPAN("vneid"), SECOND));
    assert_true(upstream_health_may_try(h, SPAN("vneid"), SECOND));
}

static void one_is_let_through_and_closes_it(void **state) {
    struct upstream_health *h = *state;
    open_it(h, 1);
    assert_false(may_try(h, RETRY));
    assert_false(is_down(h, RETRY + 1)); /* the page offers it again */
    assert_true(may_try(h, RETRY + 1));
    assert_false(may_try(h, RETRY + 1));
    assert_true(is_down(h, RETRY + 1));
    note(h, true, RETRY + 2);
    assert_false(is_down(h, RETRY + 2));
    assert_true(may_try(h, RETRY + 2));
    assert_true(may_try(h, RETRY + 2));
}

static void one_failure_of_the_trial_opens_it_again(void **state) {
    struct upstream_health *h = *state;
    open_it(h, 1);
    assert_true(may_try(h, RETRY + 1));
    note(h, false, RETRY + 6);
    assert_true(is_down(h, 2 * RETRY + 5));
    assert_false(may_try(h, 2 * RETRY + 5));
    assert_true(may_try(h, 2 * RETRY + 6));
}

static void a_trial_that_is_never_heard_of_is_given_up(void **state) {
    struct upstream_health *h = *state;
    open_it(h, 1);
    assert_true(may_try(h, RETRY + 1));
    assert_false(may_try(h, 2 * RETRY));
    assert_true(may_try(h, 2 * RETRY + 1));
}

static void others_come_and_go(void **state) {
    struct upstream_health *h = *state;
    for (int i = 0; i < 3 * CONNECTORS_MAX; i++) {
        char id[16];
        snprintf(id, sizeof id, "old-%d", i);
        upstream_health_note(h, span_of(id), false, 1, RETRY, i);
    }
    open_it(h, 1);
    assert_true(is_down(h, 1));
    char long_id[CONNECTOR_ID_MAX + 2];
    memset(long_id, 'a', sizeof long_id);
    upstream_health_note(h, span_bytes(long_id, sizeof long_id), false, 1, RETRY, 1);
    assert_false(upstream_health_is_down(h, span_bytes(long_id, sizeof long_id), 1));
}

static void the_gauge_says_so(void **state) {
    struct upstream_health *h = *state;
    CLEANUP(buf_done) struct buf out = BUF_INIT(4096), later = BUF_INIT(4096);
    open_it(h, 1);
    upstream_health_note(h, SPAN("vneid"), true, FAILURES, RETRY, SECOND);
    upstream_health_write(h, SECOND, &out);
    assert_non_null(strstr(out.data, "idp_upstream_down{connector=\"dvcqg\"} 1\n"));
    assert_non_null(strstr(out.data, "idp_upstream_down{connector=\"vneid\"} 0\n"));
    note(h, true, 2);
    upstream_health_write(h, 2 * SECOND, &later);
    assert_non_null(strstr(later.data, "idp_upstream_down{connector=\"dvcqg\"} 0\n"));
}

struct crowd {
    struct upstream_health *h;
    atomic_int let_through;
};

static void *try_often(void *ctx) {
    struct crowd *c = ctx;
    for (int i = 0; i < 1000; i++)
        atomic_fetch_add(&c->let_through, may_try(c->h, RETRY + 1));
    return NULL;
}

static void X14_one_of_many_threads(void **state) {
    struct crowd c = {.h = *state};
    pthread_t thread[8];
    open_it(c.h, 1);
    for (size_t i = 0; i < ARRAY_LEN(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, try_often, &c), 0);
    for (size_t i = 0; i < ARRAY_LEN(thread); i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&c.let_through), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void who_is_quiet_is_asked_by_one(void **state) {
    struct upstream_health *h = *state;
#define DUE(second) upstream_health_is_check_due(h, ID, 10, (second) * SECOND)
    assert_false(DUE(100)); /* nobody has been sent there */
    assert_false(DUE(109));
    assert_true(DUE(110));
    assert_false(DUE(111)); /* that one is at it */
    note(h, true, 115);
    assert_false(DUE(124));
    assert_true(DUE(125));
    note(h, false, 125);
    assert_false(is_down(h, 125));
    assert_false(upstream_health_is_check_due(h, SPAN(""), 10, 900 * SECOND));
#undef DUE
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(X14_failures_in_a_row_open_it),
        TEST(one_is_let_through_and_closes_it),
        TEST(one_failure_of_the_trial_opens_it_again),
        TEST(a_trial_that_is_never_heard_of_is_given_up),
        TEST(others_come_and_go),
        TEST(the_gauge_says_so),
        TEST(X14_one_of_many_threads),
        TEST(who_is_quiet_is_asked_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
