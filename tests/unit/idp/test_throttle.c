/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: at most 100 consecutive failures of an account whatever way they come (F03), one
 * network cannot use that up (F05), a network that sprays is slowed (F04), a known device is not
 * held up by strangers, and success gives back what it should. Run against a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "idp/throttle.h"

static char folder[] = "/tmp/idp-test-throttle-XXXXXX";
static struct store *store;
static const struct config cfg = {
    .throttle_account_free = 5,
    .throttle_account_hard = 100,
    .throttle_network_free = 100,
    .throttle_base_seconds = 2,
    .throttle_max_seconds = 900,
    .throttle_memory_seconds = 86400,
    .flow_seconds = 1800,
};

static struct client_address from(unsigned network) {
    struct client_address c = {.text = ""};
    snprintf(c.network, sizeof c.network, "10.%u.%u.0/24", network / 250, network % 250);
    return c;
}

/* One attempt that fails; whether it was let through. */
static bool try_wrong(unsigned network, const char *name, bool known, int64_t now) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct batch b = BATCH_INIT(&a);
    struct client_address client = from(network);
    struct throttle_plan plan;
    throttle_plan_password(&cfg, &client, span_of(name), known, &plan);
    assert_in_range(plan.count, 1, ARRAY_LEN(plan.limit));
    throttle_take(&b, &plan, now, NULL);
    enum err e = store_write_wait(store, &b);
    assert_true(e == ERR_OK || e == ERR_BUSY);
    return e == ERR_OK;
}

static bool try_right(unsigned network, const char *name, bool known, int64_t now) {
    if (!try_wrong(network, name, known, now))
        return false;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct batch b = BATCH_INIT(&a);
    struct client_address client = from(network);
    struct throttle_plan plan;
    throttle_plan_password(&cfg, &client, span_of(name), known, &plan);
    throttle_success(&b, &plan);
    assert_int_equal(store_write_wait(store, &b), ERR_OK);
    return true;
}

static void unlock(const char *name) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct batch b = BATCH_INIT(&a);
    throttle_unlock(&b, span_of(name));
    assert_int_equal(store_write_wait(store, &b), ERR_OK);
}

static void test_waits_grow(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(try_wrong(1, "waits", false, 1000));
    assert_true(
        try_wrong(1, "waits", false, 1000)); /* the first beyond the free ones: now wait 2 s */
    assert_false(try_wrong(1, "waits", false, 1001));
    assert_true(try_wrong(1, "waits", false, 1002)); /* 4 s */
    assert_false(try_wrong(1, "waits", false, 1005));
    assert_true(try_wrong(1, "waits", false, 1006));
    assert_true(try_wrong(2, "waits", false, 1006)); /* from elsewhere */
    assert_true(try_wrong(1, "other", false, 1006)); /* another account */
    assert_true(try_wrong(1, "waits", true, 1006));  /* the owner's own device */
}

/* A single network, however patient, uses up a fifth only. */
static void test_one_network_cannot_lock(void **state) {
    (void)state;
    int through = 0;
    for (int64_t now = 100000; now < 100000 + 80000; now += 60)
        through += try_wrong(3, "lock", false, now);
    assert_int_equal(through, 20);
    assert_true(try_wrong(4, "lock", false, 180000));
}

/* F03: from any number of networks, known device included, for a month. */
static void test_hard_limit(void **state) {
    (void)state;
    int through = 0;
    int64_t now = 1000000;
    for (unsigned i = 0; i < 600; i++, now += 4500) {
        through += try_wrong(100 + i % 500, "hard", false, now);
        through += try_wrong(7, "hard", true, now);
    }
    assert_int_equal(through, 100);
    assert_false(try_wrong(9000, "hard", false, now));
    unlock("hard");
    assert_true(try_wrong(9000, "hard", false, now));
    assert_true(try_wrong(7, "hard", true, now));
}

static void test_owner_reopens(void **state) {
    (void)state;
    int64_t now = 5000000;
    for (unsigned i = 0; i < 120; i++, now += 60)
        (void)try_wrong(1000 + i % 100, "reopen", false, now);
    assert_false(try_wrong(2000, "reopen", false, now));
    assert_true(try_right(2000, "reopen", true, now)); /* F05: the known device still works */
    assert_true(try_wrong(2000, "reopen", false, now));
}

/* F04: 300 accounts, one try each. */
static void test_spraying_network(void **state) {
    (void)state;
    int through = 0;
    char name[16];
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "spray%u", i);
        through += try_wrong(50, name, false, 9000000 + i / 30);
    }
    assert_in_range(through, 100, 110);
    assert_true(try_wrong(51, "spray1", false, 9000000));
}

/* Somebody who has an account of their own cannot wash a network clean with it. */
static void test_own_account_does_not_help(void **state) {
    (void)state;
    int through = 0;
    char name[16];
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "wash%u", i);
        through += try_wrong(70, name, false, 9700000);
        if (i % 20 == 0)
            (void)try_right(70, "own", false, 9700000);
    }
    assert_in_range(through, 100, 110);
}

/* A busy counter hall: successes do not add up. */
static void test_successes_do_not_count(void **state) {
    (void)state;
    char name[16];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "hall%u", i % 10);
        assert_true(try_right(60, name, false, 9500000));
    }
}

static bool send_away(unsigned network, int64_t now) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct batch b = BATCH_INIT(&a);
    struct client_address c = from(network);
    const struct throttle_limit limit = throttle_away(&cfg, &c);
    store_throttle_take(&b, &limit, now, NULL);
    return store_write_wait(store, &b) == ERR_OK;
}

static void come_back(unsigned network) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct batch b = BATCH_INIT(&a);
    struct client_address c = from(network);
    const struct throttle_limit limit = throttle_away(&cfg, &c);
    store_throttle_give_back(&b, &limit);
    assert_int_equal(store_write_wait(store, &b), ERR_OK);
}

/* Who comes back counts no more, so an office of thousands goes on; who never does is slowed. */
static void test_a_network_sends_only_so_many_away(void **state) {
    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_true(send_away(900, 1000));
        come_back(900);
    }
    for (int i = 0; i < THROTTLE_AWAY_FREE; i++)
        assert_true(send_away(901, 1000));
    assert_true(send_away(901, 1000)); /* from here on one a second */
    assert_false(send_away(901, 1000));
    assert_true(send_away(902, 1000));
    assert_true(send_away(901, 1001));
}

int main(void) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    const char *why = "";
    char path[64];
    if (secret_init() || !mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/t.db", folder);
    if (store_open(path, &a, &store, &why))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_grow),
        cmocka_unit_test(test_one_network_cannot_lock),
        cmocka_unit_test(test_hard_limit),
        cmocka_unit_test(test_owner_reopens),
        cmocka_unit_test(test_spraying_network),
        cmocka_unit_test(test_own_account_does_not_help),
        cmocka_unit_test(test_successes_do_not_count),
        cmocka_unit_test(test_a_network_sends_only_so_many_away),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    store_close(store);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(path, sizeof path, "%s/t.db%s", folder, suffixes[i]);
        unlink(path);
    }
    rmdir(folder);
    return failed;
}
