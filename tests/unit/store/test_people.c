/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what a user, a client, a session or a consent is asked to become, it becomes, and
 * nobody else's does: each gate and each condition with its twin. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

/* A second session of the same user. */
static struct session another_session(struct fixture *f, const struct session *s,
                                      unsigned char key) {
    struct session other = sample_session(&s->user, key);
    store_session_insert(fresh(f), &other, NULL);
    assert_int_equal(run_write(f), ERR_OK);
    return other;
}

static struct grant make_grant(struct fixture *f, const struct session *s, unsigned char key,
                               bool is_offline, const char *client) {
    struct grant g = sample_grant(s, key);
    g.is_offline = is_offline;
    g.client_id = span_of(client);
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_OK);
    return g;
}

static bool is_live(struct fixture *f, const struct session *s) {
    struct session found = {0};
    store_session_find(fresh(f), &s->key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    return found.found && !found.ended_at;
}

static bool stands(struct fixture *f, const struct grant *g) {
    struct grant found = {0};
    store_grant_find(fresh(f), &g->key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    return found.found && !found.revoked_at;
}

static struct user load_user(struct fixture *f, const struct user_id *id) {
    struct user u = {0};
    store_user_by_id(fresh(f), id, &u);
    assert_int_equal(run_read(f), ERR_OK);
    return u;
}

static const struct user_id nobody = {{99}};

static void test_password_and_status_change_for_whom_they_are(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    store_user_set_password(fresh(f), &a.user.id, SPAN("new"), true, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_set_password(fresh(f), &nobody, SPAN("new"), true, NOW + 1);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    store_user_set_status(fresh(f), &a.user.id, USER_LOCKED, NOW + 2);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_set_status(fresh(f), &nobody, USER_LOCKED, NOW + 2);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    struct user changed = load_user(f, &a.user.id), other = load_user(f, &b.user.id);
    assert_true(span_is(changed.password_hash, "new") && changed.require_change);
    assert_int_equal(changed.status, USER_LOCKED);
    assert_int_equal(changed.updated_at, NOW + 2);
    assert_true(span_is(other.password_hash, "hash") && !other.require_change);
    assert_int_equal(other.status, USER_ACTIVE);
    store_user_unchanged(fresh(f), &changed); /* the hash is the same, but the user is locked */
    assert_int_equal(run_write(f), ERR_REFUSED);
}

static void test_a_hash_is_upgraded_only_from_what_was_verified(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    store_user_upgrade_hash(fresh(f), &s.user.id, SPAN("changed meanwhile"), SPAN("upgraded"), NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(span_is(load_user(f, &s.user.id).password_hash, "hash"));
    store_user_upgrade_hash(fresh(f), &s.user.id, SPAN("hash"), SPAN("upgraded"), NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(span_is(load_user(f, &s.user.id).password_hash, "upgraded"));
}

static void test_erasing_gives_the_identifier_free_and_not_the_name(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    struct user heir = sample_user(2, "user1");
    struct user found = {0};
    store_identifier_insert(fresh(f), "SoDinhDanh", SPAN("idx"), &s.user.id);
    store_consent_save(&f->b, &s.user.id, SPAN("c"), SPAN("openid"), NOW);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_set_status(fresh(f), &s.user.id, USER_ERASED, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    struct consent consent = {0};
    store_user_by_identifier(fresh(f), "SoDinhDanh", SPAN("idx"), &found);
    store_consent_find(&f->b, &s.user.id, SPAN("c"), &consent);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(!found.found && !consent.found);
    store_user_insert(fresh(f), &heir);
    store_identifier_insert(&f->b, "SoDinhDanh", SPAN("idx"), &heir.id);
    assert_int_equal(run_write(f), ERR_OK);
}

static void test_ending_all_takes_offline_grants_too_and_nobody_elses(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2), kept = another_session(f, &a, 3);
    struct grant offline = make_grant(f, &a, 8, true, "c"),
                 others = make_grant(f, &b, 9, false, "c");
    store_user_end_all(fresh(f), &a.user.id, &kept.key, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(!is_live(f, &a) && is_live(f, &kept) && is_live(f, &b));
    assert_true(!stands(f, &offline) && stands(f, &others));
    store_user_end_all(fresh(f), &a.user.id, NULL, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(!is_live(f, &kept) && is_live(f, &b));
}

static void test_a_session_is_ended_by_its_owner_or_staff(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    struct grant g = make_grant(f, &a, 9, false, "c");
    store_session_end(fresh(f), &a.key, &b.user.id, NOW);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    assert_true(is_live(f, &a) && stands(f, &g));
    store_session_end(fresh(f), &a.key, &a.user.id, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(!is_live(f, &a) && !stands(f, &g));
    store_session_end(fresh(f), &b.key, NULL, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    store_session_end(fresh(f), &b.key, NULL, NOW);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
}

static void test_ending_the_others_keeps_this_one_and_offline_grants(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), other = another_session(f, &a, 3),
                   b = make_session(f, 2);
    struct grant mine = make_grant(f, &a, 8, false, "c"),
                 theirs = make_grant(f, &other, 9, false, "c");
    struct grant offline = make_grant(f, &other, 10, true, "c");
    store_session_end_others(fresh(f), &a.user.id, &a.key, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(is_live(f, &a) && !is_live(f, &other) && is_live(f, &b));
    assert_true(stands(f, &mine) && !stands(f, &theirs) && stands(f, &offline));
}

static void test_a_replaced_session_is_over(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2),
                   next = sample_session(&a.user, 3);
    struct grant g = make_grant(f, &a, 9, false, "c");
    store_session_insert(fresh(f), &next, &a.key);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(!is_live(f, &a) && is_live(f, &next) && is_live(f, &b) && !stands(f, &g));
    store_session_insert(fresh(f), &next, NULL); /* a key is used once */
    assert_int_equal(run_write(f), ERR_STORE);
    assert_true(store_is_healthy(f->store));
}

static void test_lists_show_live_sessions_newest_first(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), ended = another_session(f, &a, 3);
    struct session newer = sample_session(&a.user, 4), expired = sample_session(&a.user, 5);
    struct session_list list = {0};
    int64_t live = 0;
    newer.auth_time = NOW + 5;
    expired.expires_at = NOW - 1;
    store_session_insert(fresh(f), &newer, NULL);
    store_session_insert(&f->b, &expired, NULL);
    store_session_end(&f->b, &ended.key, NULL, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    store_session_list(fresh(f), &a.user.id, NOW, &list);
    store_session_count(&f->b, NOW, &live);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.item[0].key.b[3], 4);
    assert_int_equal(list.item[1].key.b[3], 1);
    assert_int_equal(live, 2);
}

static void test_activity_only_moves_forward(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1), found = {0};
    store_session_touch(fresh(f), &s.key, NOW + 9);
    store_session_touch(&f->b, &s.key, NOW + 4);
    assert_int_equal(run_write(f), ERR_OK);
    store_session_find(fresh(f), &s.key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(found.last_seen, NOW + 9);
}

static void test_a_code_of_a_locked_user_or_an_expired_session_is_refused(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    struct grant late = sample_grant(&a, 7), locked = sample_grant(&b, 8),
                 crossed = sample_grant(&a, 9);
    late.issued_at = a.expires_at;
    store_grant_consume_code(fresh(f), &late);
    assert_int_equal(run_write(f), ERR_REFUSED);
    crossed.user_id = b.user.id; /* a session is one user's */
    store_grant_consume_code(fresh(f), &crossed);
    assert_int_equal(run_write(f), ERR_REFUSED);
    store_user_set_status(fresh(f), &b.user.id, USER_LOCKED, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_consume_code(fresh(f), &locked);
    assert_int_equal(run_write(f), ERR_REFUSED);
    late.issued_at = a.expires_at - 1;
    store_grant_consume_code(fresh(f), &late);
    assert_int_equal(run_write(f), ERR_OK);
}

static void test_a_grant_without_a_refresh_token_does_not_rotate(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    struct grant without = sample_grant(&s, 7), with = make_grant(f, &s, 8, true, "c");
    without.has_refresh = false;
    without.is_offline = true;
    store_grant_consume_code(fresh(f), &without);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &without.key, 0, NOW + 1, NOW + 50);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_grant_rotate(fresh(f), &with.key, 0, NOW + 1, NOW + 50);
    assert_int_equal(run_write(f), ERR_OK);
}

static void test_a_locked_users_refresh_token_does_not_rotate(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    struct grant g = make_grant(f, &s, 7, true, "c");
    store_user_set_status(fresh(f), &s.user.id, USER_LOCKED, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &g.key, 0, NOW + 1, NOW + 50);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_user_set_status(fresh(f), &s.user.id, USER_ACTIVE, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &g.key, 0, NOW + 1, NOW + 50);
    assert_int_equal(run_write(f), ERR_OK);
}

static void test_clients_and_keys_are_unique_and_known(void **state) {
    struct fixture *f = *state;
    struct client_row client = {.client_id = SPAN("c"), .metadata = SPAN("{}"), .is_enabled = true};
    struct key_row key = {.kid = SPAN("k"),
                          .use = KEY_USE_SIG,
                          .alg = SPAN("ES256"),
                          .state = KEY_NEXT,
                          .wrapped = SPAN("w"),
                          .public_jwk = SPAN("{}")};
    store_client_insert(fresh(f), &client);
    store_key_insert(&f->b, &key);
    assert_int_equal(run_write(f), ERR_OK);
    store_client_insert(fresh(f), &client);
    assert_int_equal(run_write(f), ERR_EXISTS);
    store_key_insert(fresh(f), &key);
    assert_int_equal(run_write(f), ERR_EXISTS);
    store_client_set_enabled(fresh(f), SPAN("d"), false, NOW);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    store_key_move(fresh(f), SPAN("absent"), KEY_NEXT, KEY_ACTIVE, NOW, 0);
    assert_int_equal(run_write(f), ERR_REFUSED);
    store_key_move(fresh(f), key.kid, KEY_NEXT, KEY_ACTIVE, NOW, 0);
    assert_int_equal(run_write(f), ERR_OK);
    struct key_list keys = {0};
    store_key_list(fresh(f), &keys);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(keys.count == 1 && keys.item[0].state == KEY_ACTIVE);
    assert_int_equal(keys.item[0].activated_at, NOW);
}

static void test_users_are_listed_page_by_page(void **state) {
    struct fixture *f = *state;
    struct user_list list = {0}, rest = {0};
    for (unsigned char i = 1; i <= 5; i++)
        (void)make_session(f, i);
    store_user_list(fresh(f), SPAN_NONE, 3, &list);
    store_user_list(&f->b, SPAN("user3"), 100, &rest);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, 3);
    assert_true(span_is(list.item[2].username, "user3"));
    assert_int_equal(rest.count, 2);
    assert_true(span_is(rest.item[0].username, "user4"));
}

/* What comes from outside is bound, never text of a statement. */
static void test_hostile_values_are_values(void **state) {
    struct fixture *f = *state;
    static const char name[] = "a'); DROP TABLE account; --\0tail";
    struct user u = sample_user(1, "x"), found = {0}, cut = {0};
    u.username = (struct span){name, sizeof name - 1};
    store_user_insert(fresh(f), &u);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_by_name(fresh(f), u.username, &found);
    store_user_by_name(&f->b, span_of(name), &cut);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(found.found && !cut.found);
    assert_true(span_eq(found.username, u.username));
}

static void test_a_batch_over_its_limit_does_nothing(void **state) {
    struct fixture *f = *state;
    unsigned char key[PENDING_KEY_BYTES] = {0};
    (void)fresh(f);
    for (int i = 0; i <= BATCH_OPS_MAX; i++) {
        key[0] = (unsigned char)i;
        store_once(&f->b, key, NOW);
    }
    assert_int_equal(run_write(f), ERR_TOO_LONG);
    (void)fresh(f);
    for (int i = 0; i < BATCH_OPS_MAX; i++) {
        key[0] = (unsigned char)i;
        store_once(&f->b, key, NOW);
    }
    assert_int_equal(run_write(f), ERR_OK);
}

static void test_an_arena_that_is_full_refuses_the_batch(void **state) {
    struct fixture *f = *state;
    struct arena small = ARENA_INIT(64);
    struct batch b = BATCH_INIT(&small);
    struct user u = sample_user(1, "an");
    store_user_insert(&b, &u);
    assert_int_equal(store_write_wait(f->store, &b), ERR_NOMEM);
    arena_done(&small);
    assert_false(load_user(f, &u.id).found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_password_and_status_change_for_whom_they_are),
        STORE_TEST(test_a_hash_is_upgraded_only_from_what_was_verified),
        STORE_TEST(test_erasing_gives_the_identifier_free_and_not_the_name),
        STORE_TEST(test_ending_all_takes_offline_grants_too_and_nobody_elses),
        STORE_TEST(test_a_session_is_ended_by_its_owner_or_staff),
        STORE_TEST(test_ending_the_others_keeps_this_one_and_offline_grants),
        STORE_TEST(test_a_replaced_session_is_over),
        STORE_TEST(test_lists_show_live_sessions_newest_first),
        STORE_TEST(test_activity_only_moves_forward),
        STORE_TEST(test_a_code_of_a_locked_user_or_an_expired_session_is_refused),
        STORE_TEST(test_a_grant_without_a_refresh_token_does_not_rotate),
        STORE_TEST(test_a_locked_users_refresh_token_does_not_rotate),
        STORE_TEST(test_clients_and_keys_are_unique_and_known),
        STORE_TEST(test_users_are_listed_page_by_page),
        STORE_TEST(test_hostile_values_are_values),
        STORE_TEST(test_a_batch_over_its_limit_does_nothing),
        STORE_TEST(test_an_arena_that_is_full_refuses_the_batch),
    };
    return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
