/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: every statement does what store.h says, and each gate refuses its twin. */
#include "fixture.h"

static void test_user_is_found_and_a_taken_name_refused(void **state) {
    struct fixture *f = *state;
    struct user u = sample_user(1, "an"), found = {0}, nobody = {0};
    store_user_insert(fresh(f), &u);
    store_identifier_insert(&f->b, "SoDinhDanh", SPAN("idx"), &u.id);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_by_name(fresh(f), SPAN("an"), &found);
    store_user_by_name(&f->b, SPAN("binh"), &nobody);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(found.found && !nobody.found);
    assert_int_equal(found.status, USER_ACTIVE);
    assert_true(span_is(found.password_hash, "hash"));
    found = (struct user){0};
    store_user_by_identifier(fresh(f), "SoDinhDanh", SPAN("idx"), &found);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(found.found);

    struct user twin = sample_user(2, "an");
    store_user_insert(fresh(f), &twin);
    assert_int_equal(run_write(f), ERR_EXISTS);
    struct user other = sample_user(3, "chi");
    store_user_insert(fresh(f), &other);
    store_identifier_insert(&f->b, "SoDinhDanh", SPAN("idx"), &other.id);
    assert_int_equal(run_write(f), ERR_EXISTS);
    store_user_by_name(fresh(f), SPAN("chi"), &nobody);
    assert_int_equal(run_read(f), ERR_OK);
    assert_false(nobody.found); /* the refused batch left nothing */
}

static void test_erasing_ends_everything(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1), after = {0};
    struct user u = {0};
    store_user_set_status(fresh(f), &s.user.id, USER_ERASED, NOW + 1);
    store_user_end_all(&f->b, &s.user.id, NULL, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_by_id(fresh(f), &s.user.id, &u);
    store_session_find(&f->b, &s.key, &after);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(u.status, USER_ERASED);
    assert_null(u.password_hash.ptr);
    assert_null(u.claims.ptr);
    assert_int_equal(after.ended_at, NOW + 1);
    store_user_set_status(fresh(f), &s.user.id, USER_ACTIVE, NOW + 2);
    assert_int_equal(run_write(f), ERR_NOT_FOUND); /* erased is for good */
}

static void test_a_changed_account_is_noticed(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    store_user_unchanged(fresh(f), &s.user);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_set_password(fresh(f), &s.user.id, SPAN("other"), false, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_unchanged(fresh(f), &s.user);
    assert_int_equal(run_write(f), ERR_REFUSED);
}

static void test_B02_code_is_consumed_once(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    struct grant g = sample_grant(&s, 9), found = {0};
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_grant_find(fresh(f), &g.key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(found.found && found.session_live);
    assert_int_equal(found.user_status, USER_ACTIVE);
    assert_int_equal(found.expires_at, NOW + 1000);
}

static void test_B45_code_of_an_ended_session_is_refused(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    store_session_end(fresh(f), &s.key, &s.user.id, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    struct grant g = sample_grant(&s, 9);
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_REFUSED);
    store_session_end(fresh(f), &s.key, &s.user.id, NOW);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
}

static void test_B24_rotation_needs_the_newest_generation(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    struct grant g = sample_grant(&s, 9);
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &g.key, 0, NOW + 1, NOW + 101);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &g.key, 0, NOW + 1, NOW + 101);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_grant_rotate(fresh(f), &g.key, 1, NOW + 200, NOW + 300); /* idle too long */
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_grant_revoke(fresh(f), &g.key, NOW + 2);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &g.key, 1, NOW + 3, NOW + 103);
    assert_int_equal(run_write(f), ERR_REPLAYED);
}

static void test_session_end_spares_offline_grants(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    struct grant online = sample_grant(&s, 8), offline = sample_grant(&s, 9), a = {0}, b = {0};
    offline.is_offline = true;
    store_grant_consume_code(fresh(f), &online);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_consume_code(fresh(f), &offline);
    assert_int_equal(run_write(f), ERR_OK);
    store_session_end(fresh(f), &s.key, NULL, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_find(fresh(f), &online.key, &a);
    store_grant_find(&f->b, &offline.key, &b);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(a.revoked_at && !b.revoked_at);
    store_grant_rotate(fresh(f), &offline.key, 0, NOW + 2, NOW + 50);
    assert_int_equal(run_write(f), ERR_OK);
}

static void test_F09_renewed_session_takes_its_grants_along(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1), fresh_session = s, old = {0};
    struct grant g = sample_grant(&s, 9), found = {0};
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_OK);
    fresh_session.key.b[3] = 77;
    store_session_renew(fresh(f), &s.key, &fresh_session);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_find(fresh(f), &g.key, &found);
    store_session_find(&f->b, &s.key, &old);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(found.session_key.b[3], 77);
    assert_true(found.session_live && old.ended_at);
    fresh_session.key.b[3] = 78;
    store_session_renew(fresh(f), &s.key, &fresh_session);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
}

static const struct throttle_limit limit = {.key = {{1}},
                                            .free_failures = 2,
                                            .base_seconds = 4,
                                            .max_seconds = 30,
                                            .hard_failures = 6,
                                            .memory_seconds = 1000};

static enum err take(struct fixture *f, int64_t now, struct throttle_state *ret) {
    store_throttle_take(fresh(f), &limit, now, ret);
    return run_write(f);
}

static void test_F03_throttle_counts_doubles_and_stops(void **state) {
    struct fixture *f = *state;
    struct throttle_state s = {0};
    assert_int_equal(take(f, NOW, &s), ERR_OK);
    assert_int_equal(take(f, NOW, &s), ERR_OK);
    assert_int_equal(s.blocked_until, 0);
    assert_int_equal(take(f, NOW, &s), ERR_OK);
    assert_int_equal(s.failures, 3);
    assert_int_equal(s.blocked_until, NOW + 4);
    assert_int_equal(take(f, NOW + 3, &s), ERR_BUSY);
    assert_int_equal(take(f, NOW + 4, &s), ERR_OK);
    assert_int_equal(s.blocked_until, NOW + 4 + 8);
    assert_int_equal(take(f, NOW + 12, &s), ERR_OK);
    assert_int_equal(take(f, NOW + 28, &s), ERR_OK);
    assert_int_equal(s.blocked_until, NOW + 28 + 30);   /* the ceiling */
    assert_int_equal(take(f, NOW + 500, &s), ERR_BUSY); /* the hard limit: 6 */
    assert_int_equal(take(f, NOW + 2000, &s), ERR_OK);  /* forgotten */
    assert_int_equal(s.failures, 1);
    store_throttle_give_back(fresh(f), &limit);
    assert_int_equal(run_write(f), ERR_OK);
    store_throttle_find(fresh(f), &limit.key, &s);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(s.failures, 0);
}

/* Of two requests, that which began in the earlier second may be counted last. */
static void test_F03_who_began_earlier_does_not_wait(void **state) {
    struct fixture *f = *state;
    assert_int_equal(take(f, NOW + 1, NULL), ERR_OK);
    assert_int_equal(take(f, NOW, NULL), ERR_OK);
    assert_int_equal(take(f, NOW, NULL), ERR_OK);
    assert_int_equal(take(f, NOW + 1, NULL), ERR_BUSY); /* the third was one too many */
}

static void test_one_time_things_and_overflow(void **state) {
    struct fixture *f = *state;
    static const unsigned char key[PENDING_KEY_BYTES] = {1, 2, 3};
    struct pending p = {0}, expired = {0};
    store_once(fresh(f), key, NOW + 10);
    assert_int_equal(run_write(f), ERR_OK);
    store_once(fresh(f), key, NOW + 10);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_pending_insert(fresh(f), key, SPAN("sealed"), NOW + 10);
    assert_int_equal(run_write(f), ERR_OK);
    store_pending_find(fresh(f), key, NOW, &p);
    store_pending_find(&f->b, key, NOW + 11, &expired);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(p.found && !expired.found);
}

static void test_purge_takes_what_expired_only(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1), found = {0};
    struct grant g = sample_grant(&s, 9), kept = {0};
    g.expires_at = NOW + 100000;
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_OK);
    uint64_t n = 0;
    assert_int_equal(store_purge(f->store, NOW + 10, 100, &n), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(store_purge(f->store, NOW + 4000, 100, &n), ERR_OK);
    assert_int_equal(n, 1);
    store_session_find(fresh(f), &s.key, &found);
    store_grant_find(&f->b, &g.key, &kept);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(!found.found && kept.found && !kept.session_live);
}

static void test_audit_is_chained(void **state) {
    struct fixture *f = *state;
    struct audit_list list = {0};
    for (int i = 0; i < 3; i++) {
        store_audit(fresh(f),
                    &(struct audit_event){.at = NOW, .event = "login", .actor = SPAN("a")});
        assert_int_equal(run_write(f), ERR_OK);
    }
    struct user taken = sample_user(1, "an");
    store_user_insert(fresh(f), &taken);
    store_audit(&f->b, &(struct audit_event){.at = NOW, .event = "user_added"});
    assert_int_equal(run_write(f), ERR_OK);
    store_audit(fresh(f), &(struct audit_event){.at = NOW, .event = "refused"});
    store_user_insert(&f->b, &taken);
    assert_int_equal(run_write(f), ERR_EXISTS); /* its audit row is gone with it */
    store_audit_tail(fresh(f), 0, 100, &list);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.item[i].seq, (int64_t)i + 1);
    assert_false(span_eq(list.item[0].hash, list.item[1].hash));
}

static void test_keys_clients_consent_lists(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    struct key_row key = {.kid = SPAN("k"),
                          .use = KEY_USE_SIG,
                          .alg = SPAN("ES256"),
                          .state = KEY_ACTIVE,
                          .wrapped = SPAN("w"),
                          .public_jwk = SPAN("{}")};
    struct client_row client = {.client_id = SPAN("c"), .metadata = SPAN("{}"), .is_enabled = true},
                      got = {0};
    struct key_list keys = {0};
    struct client_list clients = {0};
    struct consent consent = {0};
    struct session_list sessions = {0};
    struct grant_list grants = {0};
    struct user_list users = {0};
    struct grant g = sample_grant(&s, 9);
    int64_t live = 0;
    store_key_insert(fresh(f), &key);
    store_client_insert(&f->b, &client);
    store_consent_save(&f->b, &s.user.id, SPAN("c"), SPAN("openid"), NOW);
    store_consent_save(&f->b, &s.user.id, SPAN("c"), SPAN("openid email"), NOW);
    store_grant_consume_code(&f->b, &g);
    store_session_touch(&f->b, &s.key, NOW + 5);
    assert_int_equal(run_write(f), ERR_OK);
    store_key_move(fresh(f), key.kid, KEY_ACTIVE, KEY_RETIRING, NOW, NOW + 9);
    assert_int_equal(run_write(f), ERR_OK);
    store_key_move(fresh(f), key.kid, KEY_ACTIVE, KEY_RETIRING, NOW, NOW + 9);
    assert_int_equal(run_write(f), ERR_REFUSED);
    store_key_list(fresh(f), &keys);
    store_client_list(&f->b, &clients);
    store_client_find(&f->b, SPAN("c"), &got);
    store_consent_find(&f->b, &s.user.id, SPAN("c"), &consent);
    store_session_list(&f->b, &s.user.id, NOW, &sessions);
    store_grant_list_session(&f->b, &s.key, &grants);
    store_session_count(&f->b, NOW, &live);
    store_user_list(&f->b, SPAN(""), 10, &users);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(keys.count == 1 && keys.item[0].state == KEY_RETIRING);
    assert_true(clients.count == 1 && got.found && got.is_enabled);
    assert_true(span_is(consent.scope, "openid email"));
    assert_true(sessions.count == 1 && sessions.item[0].last_seen == NOW + 5);
    assert_true(grants.count == 1 && live == 1 && users.count == 1);
    store_client_set_enabled(fresh(f), SPAN("c"), false, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    struct grant revoked = {0};
    store_grant_find(fresh(f), &g.key, &revoked);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(revoked.revoked_at, NOW);
}

static void test_backup_opens_as_a_store(void **state) {
    struct fixture *f = *state;
    (void)make_session(f, 1);
    char copy[128];
    const char *why = "";
    (void)snprintf(copy, sizeof copy, "%s/copy.db", f->folder);
    assert_int_equal(store_backup(f->store, copy, &f->arena, &why), ERR_OK);
    assert_int_not_equal(store_backup(f->store, copy, &f->arena, &why),
                         ERR_OK); /* never over a file */
    struct store *again;
    assert_int_equal(store_open(copy, &f->arena, &again, &why), ERR_OK);
    store_close(again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) STORE_TEST(name)
        T(test_user_is_found_and_a_taken_name_refused),
        T(test_erasing_ends_everything),
        T(test_a_changed_account_is_noticed),
        T(test_B02_code_is_consumed_once),
        T(test_B45_code_of_an_ended_session_is_refused),
        T(test_B24_rotation_needs_the_newest_generation),
        T(test_session_end_spares_offline_grants),
        T(test_F09_renewed_session_takes_its_grants_along),
        T(test_F03_throttle_counts_doubles_and_stops),
        T(test_F03_who_began_earlier_does_not_wait),
        T(test_one_time_things_and_overflow),
        T(test_purge_takes_what_expired_only),
        T(test_audit_is_chained),
        T(test_keys_clients_consent_lists),
        T(test_backup_opens_as_a_store),
#undef T
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
