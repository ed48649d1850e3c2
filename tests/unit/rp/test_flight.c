/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: whoever asks while a fetch runs shares its result; never two at once; a burst of three,
 * then one in the time that was said (U09). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>

#include "base/cleanup.h"
#include "protocols/rp/rp_internal.h"

static atomic_int fetches, running, most_at_once;
static enum err answer;

static int setup(void **state) {
    static struct rp_flight flight;
    rp_flight_init(&flight, 10);
    fetches = running = most_at_once = 0;
    answer = ERR_OK;
    *state = &flight;
    return 0;
}

static int teardown(void **state) {
    rp_flight_done(*state);
    return 0;
}

static void fetch(void) {
    int now = atomic_fetch_add(&running, 1) + 1;
    if (now > atomic_load(&most_at_once))
        atomic_store(&most_at_once, now);
    atomic_fetch_add(&fetches, 1);
    nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    atomic_fetch_sub(&running, 1);
}

static enum err run(struct rp_flight *flight) {
    unsigned turn;
    bool is_joined;
    enum err e = rp_flight_begin(flight, &turn, &is_joined);
    if (e)
        return e;
    if (is_joined)
        return rp_flight_wait(flight, turn);
    fetch();
    rp_flight_end(flight, turn, answer);
    return answer;
}

struct asker {
    struct rp_flight *flight;
    enum err got;
};

static void *ask(void *context) {
    struct asker *asker = context;
    asker->got = run(asker->flight);
    return NULL;
}

static void ask_together(struct rp_flight *flight, enum err expect) {
    pthread_t thread[16];
    struct asker asker[ARRAY_LEN(thread)];
    for (size_t i = 0; i < ARRAY_LEN(thread); i++) {
        asker[i] = (struct asker){flight, ERR_INTERNAL};
        assert_int_equal(pthread_create(&thread[i], NULL, ask, &asker[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(thread); i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(asker[i].got, expect);
    }
}

static void test_U09_all_who_wait_share_one_fetch(void **state) {
    ask_together(*state, ERR_OK);
    assert_int_equal(fetches, 1);
    answer = ERR_UNAVAILABLE;
    ask_together(*state, ERR_UNAVAILABLE);
    assert_int_equal(fetches, 2);
    assert_int_equal(most_at_once, 1);
}

/* Begins and ends at once. */
static enum err begin(struct rp_flight *flight) {
    unsigned turn;
    bool is_joined;
    enum err e = rp_flight_begin(flight, &turn, &is_joined);
    if (e)
        return e;
    assert_false(is_joined);
    fetches++;
    rp_flight_end(flight, turn, ERR_OK);
    return ERR_OK;
}

static void test_U09_a_burst_of_three_then_one_in_ten_seconds(void **state) {
    struct rp_flight *flight = *state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(begin(flight), i < RP_FETCH_BURST ? ERR_OK : ERR_BUSY);
    assert_int_equal(fetches, RP_FETCH_BURST);
    flight->refilled_us -= 9 * 1000 * 1000;
    assert_int_equal(begin(flight), ERR_BUSY);
    flight->refilled_us -= 1000 * 1000;
    assert_int_equal(begin(flight), ERR_OK);
    assert_int_equal(begin(flight), ERR_BUSY);
}

static void test_U09_idle_time_saves_up_no_more_than_three(void **state) {
    struct rp_flight *flight = *state;
    flight->refilled_us -= INT64_C(86400) * 1000 * 1000;
    for (int i = 0; i < 6; i++)
        (void)!begin(flight);
    assert_int_equal(fetches, RP_FETCH_BURST);
}

static void test_joining_costs_nothing(void **state) {
    struct rp_flight *flight = *state;
    unsigned turn, again;
    bool is_joined;
    assert_int_equal(rp_flight_begin(flight, &turn, &is_joined), ERR_OK);
    assert_false(is_joined);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rp_flight_begin(flight, &again, &is_joined), ERR_OK);
        assert_true(is_joined && again == turn);
    }
    assert_false(rp_flight_went_well(flight, turn));
    rp_flight_end(flight, turn, ERR_OK);
    assert_true(rp_flight_went_well(flight, turn));
    assert_int_equal(rp_flight_begin(flight, &again, &is_joined), ERR_OK);
    assert_true(!is_joined && again != turn);
}

/* A program that forgets its request must not keep the others waiting for ever. */
static void test_a_fetch_that_never_ends_is_given_up(void **state) {
    struct rp_flight *flight = *state;
    unsigned lost, turn;
    bool is_joined;
    assert_int_equal(rp_flight_begin(flight, &lost, &is_joined), ERR_OK);
    flight->began_us -= RP_FLIGHT_SECONDS * INT64_C(1000000);
    assert_int_equal(rp_flight_wait(flight, lost), ERR_UNAVAILABLE);
    assert_int_equal(rp_flight_begin(flight, &turn, &is_joined), ERR_OK);
    assert_true(!is_joined && turn != lost);
    rp_flight_end(flight, lost, ERR_OK); /* late: the newer one goes on */
    assert_false(rp_flight_went_well(flight, turn));
    assert_true(flight->is_flying);
    rp_flight_end(flight, turn, ERR_REFUSED);
    assert_int_equal(rp_flight_wait(flight, turn), ERR_REFUSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_U09_all_who_wait_share_one_fetch),
        T(test_U09_a_burst_of_three_then_one_in_ten_seconds),
        T(test_U09_idle_time_saves_up_no_more_than_three),
        T(test_joining_costs_nothing),
        T(test_a_fetch_that_never_ends_is_given_up),
#undef T
    };
    return cmocka_run_group_tests_name("rp/flight", tests, NULL, NULL);
}
