/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a cookie has one accepted spelling and its row's key gives nothing of it away; a
 * session is live only while everything that makes it so holds; its level is never overstated;
 * no remembered time is lost or handed out twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/session.h"

static void test_cookie(void **state) {
    (void)state;
    char cookie[SESSION_COOKIE_CHARS + 1], other[SESSION_COOKIE_CHARS + 1];
    struct session_key key, again, second;
    session_cookie_new(0x65432100, cookie, &key);
    assert_int_equal(strlen(cookie), SESSION_COOKIE_CHARS);
    assert_int_equal(session_cookie_parse(span_of(cookie), &again), ERR_OK);
    assert_memory_equal(&key, &again, sizeof key);
    assert_memory_equal(key.b, "\x65\x43\x21\x00", 4); /* keys of hot tables begin with time */
    session_cookie_new(0x65432100, other, &second);
    assert_memory_not_equal(&key, &second, sizeof key);

    unsigned char raw[SESSION_COOKIE_BYTES];
    size_t len;
    assert_int_equal(b64url_decode(span_of(cookie), raw, sizeof raw, &len), ERR_OK);
    assert_memory_not_equal(raw + 4, key.b + 4, 16);

    assert_int_equal(session_cookie_parse(SPAN_NONE, &again), ERR_SYNTAX);
    assert_int_equal(session_cookie_parse(span_bytes(cookie, SESSION_COOKIE_CHARS - 1), &again),
                     ERR_SYNTAX);
    assert_int_equal(session_cookie_parse(span_bytes(cookie, SESSION_COOKIE_CHARS + 1), &again),
                     ERR_SYNTAX);
    cookie[5] = '+';
    assert_int_equal(session_cookie_parse(span_of(cookie), &again), ERR_SYNTAX);
    cookie[5] = '=';
    assert_int_equal(session_cookie_parse(span_of(cookie), &again), ERR_SYNTAX);
}

static void test_live(void **state) {
    (void)state;
    const struct session good = {
        .found = true, .user = {.status = USER_ACTIVE}, .last_seen = 1000, .expires_at = 2000};
    assert_true(session_is_live(&good, 1000, 100));
    assert_true(session_is_live(&good, 1099, 100));
    assert_false(session_is_live(&good, 1100, 100));
    struct session s = good;
    s.found = false;
    assert_false(session_is_live(&s, 1000, 100));
    s = good;
    s.ended_at = 1;
    assert_false(session_is_live(&s, 1000, 100));
    s = good;
    s.expires_at = 1000;
    assert_false(session_is_live(&s, 1000, 100));
    for (int status = USER_NONE; status <= USER_ERASED; status++) {
        s = good;
        s.user.status = (enum user_status)status;
        assert_int_equal(session_is_live(&s, 1000, 100), status == USER_ACTIVE);
    }
}

static void test_level(void **state) {
    (void)state;
    static const int level[3][4] = {/* ial 0, 1, 2 by aal 0..3 */
                                    {0, 0, 0, 0},
                                    {0, 1, 1, 1},
                                    {0, 1, 2, 3}};
    for (int ial = 0; ial <= 2; ial++)
        for (int aal = 0; aal <= 3; aal++) {
            struct session s = {.aal = aal, .user = {.ial = ial}};
            assert_int_equal(session_loa(&s), level[ial][aal]);
        }
}

static struct session_key number(uint32_t n) {
    struct session_key key = {{0}};
    n *= 2654435761u; /* the tail of a key looks random */
    memcpy(key.b + SESSION_KEY_BYTES - sizeof n, &n, sizeof n);
    return key;
}

struct drained {
    size_t count;
    int64_t sum;
};

static void count_one(void *ctx, const struct session_key *key, int64_t last_seen) {
    (void)key;
    struct drained *d = ctx;
    d->count++;
    d->sum += last_seen;
}

static void test_activity(void **state) {
    (void)state;
    struct session_activity *act;
    assert_int_equal(session_activity_new(&act), ERR_OK);
    struct session_key key = number(1);
    assert_int_equal(session_activity_last(act, &key, 5), 5);
    for (uint32_t i = 0; i < 10000; i++) {
        struct session_key k = number(i);
        session_activity_touch(act, &k, 100);
    }
    session_activity_touch(act, &key, 99); /* never backwards */
    assert_int_equal(session_activity_last(act, &key, 5), 100);
    assert_int_equal(session_activity_last(act, &key, 200), 200);
    session_activity_touch(act, &key, 110);

    struct drained d = {0};
    session_activity_drain(act, 0, count_one, &d);
    assert_int_equal(d.count, 10000);
    assert_int_equal(d.sum, 10000 * 100 + 10);
    d = (struct drained){0};
    session_activity_drain(act, 0, count_one, &d);
    assert_int_equal(d.count, 0); /* not handed out twice */
    assert_int_equal(session_activity_last(act, &key, 5), 110);

    session_activity_drain(act, 105, count_one, &d);
    struct session_key two = number(2);
    assert_int_equal(session_activity_last(act, &two, 5), 5);   /* forgotten */
    assert_int_equal(session_activity_last(act, &key, 5), 110); /* not yet */
    session_activity_touch(act, &two, 120);
    session_activity_drain(act, 1000, count_one, &d);
    assert_int_equal(d.count, 1);
    session_activity_drain(act, 1000, count_one, &d);
    assert_int_equal(session_activity_last(act, &two, 5), 5);
    session_activity_free(act);
    session_activity_free(NULL);
}

static void *touch_many(void *ctx) {
    for (uint32_t i = 0; i < 20000; i++) {
        struct session_key k = number(i % 5000);
        session_activity_touch(ctx, &k, 1000 + i / 5000);
        (void)session_activity_last(ctx, &k, 0);
    }
    return NULL;
}

static void test_activity_threads(void **state) {
    (void)state;
    struct session_activity *act;
    assert_int_equal(session_activity_new(&act), ERR_OK);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, touch_many, act), 0);
    struct drained d = {0};
    for (int i = 0; i < 20; i++)
        session_activity_drain(act, 0, count_one, &d);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    session_activity_drain(act, 0, count_one, &d);
    assert_in_range(d.count, 5000, 20000);
    for (uint32_t i = 0; i < 5000; i++) {
        struct session_key k = number(i);
        assert_int_equal(session_activity_last(act, &k, 0), 1003);
    }
    session_activity_free(act);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cookie),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_level),
        cmocka_unit_test(test_activity),
        cmocka_unit_test(test_activity_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
