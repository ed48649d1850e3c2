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
#include "base/clock.h"
#include "protocols/rp/rp_internal.h"

static atomic_int fetches, running, most_at_once;
static enum err answer;

static enum err fetch(struct rp *rp) {
    (void)rp;
    int now = atomic_fetch_add(&running, 1) + 1;
    if (now > atomic_load(&most_at_once))
        atomic_store(&most_at_once, now);
    atomic_fetch_add(&fetches, 1);
    nanosleep(&(struct timespec){.tv_nsec = 30 * 1000 * 1000}, NULL);
    atomic_fetch_sub(&running, 1);
    return answer;
}

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

struct asker {
    struct rp_flight *flight;
    unsigned seen;
    enum err got;
};

static void *ask(void *context) {
    struct asker *asker = context;
    asker->got = rp_flight_run(asker->flight, asker->seen, fetch, NULL);
    return NULL;
}

static void ask_together(struct rp_flight *flight, enum err expect) {
    pthread_t thread[16];
    struct asker asker[ARRAY_LEN(thread)];
    unsigned seen = rp_flight_seen(flight);
    for (size_t i = 0; i < ARRAY_LEN(thread); i++) {
        asker[i] = (struct asker){flight, seen, ERR_INTERNAL};
        assert_int_equal(pthread_create(&thread[i], NULL, ask, &asker[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(thread); i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(asker[i].got, expect);
    }
}

static void test_all_who_wait_share_one_fetch(void **state) {
    ask_together(*state, ERR_OK);
    assert_int_equal(fetches, 1);
    answer = ERR_UNAVAILABLE;
    ask_together(*state, ERR_UNAVAILABLE);
    assert_int_equal(fetches, 2);
    assert_int_equal(most_at_once, 1);
}

static void test_a_burst_of_three_then_one_in_ten_seconds(void **state) {
    struct rp_flight *flight = *state;
    for (int i = 0; i < 8; i++) {
        enum err e = rp_flight_run(flight, rp_flight_seen(flight), fetch, NULL);
        assert_int_equal(e, i < RP_FETCH_BURST ? ERR_OK : ERR_BUSY);
    }
    assert_int_equal(fetches, RP_FETCH_BURST);
    flight->refilled_us -= 9 * 1000 * 1000;
    assert_int_equal(rp_flight_run(flight, rp_flight_seen(flight), fetch, NULL), ERR_BUSY);
    flight->refilled_us -= 1000 * 1000;
    assert_int_equal(rp_flight_run(flight, rp_flight_seen(flight), fetch, NULL), ERR_OK);
    assert_int_equal(rp_flight_run(flight, rp_flight_seen(flight), fetch, NULL), ERR_BUSY);
}

static void test_idle_time_saves_up_no_more_than_three(void **state) {
    struct rp_flight *flight = *state;
    flight->refilled_us -= INT64_C(86400) * 1000 * 1000;
    for (int i = 0; i < 6; i++)
        (void)!rp_flight_run(flight, rp_flight_seen(flight), fetch, NULL);
    assert_int_equal(fetches, RP_FETCH_BURST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_who_wait_share_one_fetch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_burst_of_three_then_one_in_ten_seconds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_idle_time_saves_up_no_more_than_three, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("rp/flight", tests, NULL, NULL);
}
