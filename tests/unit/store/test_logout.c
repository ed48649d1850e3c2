/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: whatever ends a session leaves a delivery for each sid that a client which wants to be told
 * was given in it, in the same commit and once; sessions that live on leave none (D10). */
#include "fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add_client(struct fixture *f, const char *id, bool hears) {
    char metadata[256];
    (void)snprintf(metadata, sizeof metadata, "{\"client_id\":\"%s\"%s}", id,
                   hears ? ",\"backchannel_logout_uri\":\"https://rp.example/out\"" : "");
    store_client_insert(fresh(f), &(struct client_row){.client_id = span_of(id),
                                                       .metadata = span_of(metadata),
                                                       .is_enabled = true,
                                                       .created_at = NOW});
    assert_int_equal(run_write(f), ERR_OK);
}

static struct grant grant_to(struct fixture *f, const struct session *s, unsigned char key,
                             const char *client) {
    struct grant g = sample_grant(s, key);
    g.client_id = span_of(client);
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_OK);
    return g;
}

static struct session session_of(struct fixture *f, const struct user *u, unsigned char key) {
    struct session s = sample_session(u, key);
    store_session_insert(fresh(f), &s, NULL);
    assert_int_equal(run_write(f), ERR_OK);
    return s;
}

static struct logout_list waiting(struct fixture *f, const char *client) {
    struct logout_list list = {0};
    store_logout_due(fresh(f), span_of(client), NOW + 1000, 100, &list);
    assert_int_equal(run_read(f), ERR_OK);
    return list;
}

static void test_D10_an_end_is_told_once_to_whom_it_concerns(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    add_client(f, "hears", true);
    add_client(f, "deaf", false);
    add_client(f, "other", true);
    (void)grant_to(f, &a, 10, "hears");
    (void)grant_to(f, &a, 11, "hears"); /* the same sid */
    (void)grant_to(f, &a, 12, "deaf");
    (void)grant_to(f, &b, 13, "other");
    store_session_end(fresh(f), &a.key, &b.user.id, NOW); /* not theirs */
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    assert_int_equal(waiting(f, "hears").count, 0);
    store_session_end(fresh(f), &a.key, &a.user.id, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    struct logout_list list = waiting(f, "hears");
    assert_int_equal(list.count, 1);
    assert_memory_equal(list.item[0].session_key.b, a.key.b, SESSION_KEY_BYTES);
    assert_memory_equal(list.item[0].user_id.b, a.user.id.b, USER_ID_BYTES);
    assert_int_equal(waiting(f, "deaf").count, 0);
    assert_int_equal(waiting(f, "other").count, 0);
    store_user_end_all(fresh(f), &a.user.id, NULL, NOW + 1); /* it has ended already */
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 1);
}

static void test_D10_all_sessions_but_the_one_kept(void **state) {
    struct fixture *f = *state;
    struct session kept = make_session(f, 1), gone = session_of(f, &kept.user, 2);
    struct session later = session_of(f, &kept.user, 3);
    add_client(f, "hears", true);
    (void)grant_to(f, &kept, 10, "hears");
    (void)grant_to(f, &gone, 11, "hears");
    store_session_end_others(fresh(f), &kept.user.id, &kept.key, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    struct logout_list list = waiting(f, "hears");
    assert_int_equal(list.count, 1);
    assert_memory_equal(list.item[0].session_key.b, gone.key.b, SESSION_KEY_BYTES);
    struct session next = sample_session(&later.user, 4); /* somebody signs in in its place */
    store_session_insert(fresh(f), &next, &kept.key);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 2);
}

static void test_D10_a_renewed_session_has_the_sids_that_it_gave(void **state) {
    struct fixture *f = *state;
    struct session old = make_session(f, 1), renewed = old, again = old;
    struct grant before = sample_grant(&old, 10), found = {0};
    add_client(f, "hears", true);
    before = grant_to(f, &old, 10, "hears");
    renewed.key.b[3] = 77;
    again.key.b[3] = 78;
    store_session_renew(fresh(f), &old.key, &renewed);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 0); /* no end */
    (void)grant_to(f, &renewed, 11, "hears");
    store_session_renew(fresh(f), &renewed.key, &again);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_find(fresh(f), &before.key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    assert_memory_equal(found.sid_key.b, old.key.b, SESSION_KEY_BYTES);
    assert_memory_equal(found.session_key.b, again.key.b, SESSION_KEY_BYTES);
    store_session_end(fresh(f), &again.key, NULL, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 2);
}

/* Upstream says that its session has ended: whoever was signed in through it is signed out, and told. */
static void test_D10_an_end_at_another_provider_is_told(void **state) {
    struct fixture *f = *state;
    struct session tied = make_session(f, 1), other = make_session(f, 2);
    const struct upstream_session u = {.session_key = tied.key,
                                       .connector = SPAN("national"),
                                       .issuer = SPAN("https://national.example"),
                                       .subject_index = {7},
                                       .sid_hash = SPAN("01234567890123456789012345678901"),
                                       .expires_at = NOW + 1000};
    int64_t ended = 0;
    add_client(f, "hears", true);
    (void)grant_to(f, &tied, 10, "hears");
    (void)grant_to(f, &other, 11, "hears");
    store_upstream_session_insert(fresh(f), &u);
    assert_int_equal(run_write(f), ERR_OK);
    store_upstream_session_end(fresh(f), u.issuer, NULL, SPAN("another sid, of which nobody has one"), NOW, &ended);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 0);
    store_upstream_session_end(fresh(f), u.issuer, NULL, u.sid_hash, NOW, &ended);
    assert_int_equal(run_write(f), ERR_OK);
    struct logout_list list = waiting(f, "hears");
    assert_int_equal(ended, 1);
    assert_int_equal(list.count, 1);
    assert_memory_equal(list.item[0].session_key.b, tied.key.b, SESSION_KEY_BYTES);
}

static void test_D10_the_end_of_a_representation_is_told(void **state) {
    struct fixture *f = *state;
    struct session person = make_session(f, 1), own = make_session(f, 2);
    struct session acting = sample_session(&own.user, 3);
    struct representation r = {.id = {1}, .person = person.user.id, .represented = own.user,
                               .source = SPAN("staff:0"), .valid_from = NOW};
    acting.has_actor = true;
    acting.actor = person.user.id;
    add_client(f, "hears", true);
    store_representation_insert(fresh(f), &r);
    store_session_insert(&f->b, &acting, NULL);
    assert_int_equal(run_write(f), ERR_OK);
    (void)grant_to(f, &acting, 10, "hears");
    (void)grant_to(f, &own, 11, "hears"); /* the enterprise's own session goes on */
    store_representation_end(fresh(f), r.id, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    struct logout_list list = waiting(f, "hears");
    assert_int_equal(list.count, 1);
    assert_memory_equal(list.item[0].session_key.b, acting.key.b, SESSION_KEY_BYTES);
}

static void test_D10_a_client_may_change_its_mind(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    add_client(f, "hears", true);
    (void)grant_to(f, &a, 10, "hears");
    (void)grant_to(f, &b, 11, "hears");
    store_client_replace(fresh(f), SPAN("hears"), SPAN("{\"client_id\":\"hears\"}"), NULL);
    store_session_end(&f->b, &a.key, NULL, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 0);
    store_client_replace(fresh(f), SPAN("hears"),
                         SPAN("{\"client_id\":\"hears\",\"backchannel_logout_uri\":\"https://a.example/\"}"), NULL);
    store_session_end(&f->b, &b.key, NULL, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 1);
    store_logout_drop_client(fresh(f), SPAN("hears"));
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 0);
}

static void test_D10_what_came_of_it_is_kept_for_a_week(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1);
    struct logout_clients clients = {0};
    struct logout_list listed = {0};
    int64_t next_at = 0;
    uint64_t deleted;
    add_client(f, "hears", true);
    (void)grant_to(f, &a, 10, "hears");
    store_session_end(fresh(f), &a.key, NULL, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    struct logout_delivery d = waiting(f, "hears").item[0];
    d.state = LOGOUT_WAITS;
    d.next_at = NOW + 50;
    d.status = 503;
    store_logout_mark(fresh(f), &d);
    assert_int_equal(run_write(f), ERR_OK);
    store_logout_clients_due(fresh(f), NOW + 49, &clients);
    store_logout_next(&f->b, NOW, &next_at);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(clients.count, 0);
    assert_int_equal(next_at, NOW + 50);
    store_logout_clients_due(fresh(f), NOW + 50, &clients);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(clients.count, 1);
    d.state = LOGOUT_DONE;
    store_logout_mark(fresh(f), &d);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(waiting(f, "hears").count, 0);
    store_logout_list(fresh(f), LOGOUT_DONE, 10, &listed);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.item[0].attempts, 2);
    assert_int_equal(store_purge(f->store, NOW + LOGOUT_SHOWN_SECONDS, 30, &deleted), ERR_OK);
    listed = (struct logout_list){0};
    store_logout_list(fresh(f), LOGOUT_DONE, 10, &listed);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(listed.count, 1);
    assert_int_equal(store_purge(f->store, NOW + LOGOUT_SHOWN_SECONDS + 1, 30, &deleted), ERR_OK);
    assert_int_equal(deleted, 1);
}

static void count(void *ctx) {
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static void test_whoever_delivers_is_woken_by_the_commit(void **state) {
    struct fixture *f = *state;
    atomic_int woken = 0;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    add_client(f, "hears", true);
    (void)grant_to(f, &a, 10, "hears");
    store_on_delivery(f->store, count, &woken);
    store_session_end(fresh(f), &b.key, NULL, NOW); /* concerns nobody */
    assert_int_equal(run_write(f), ERR_OK);
    store_session_end(fresh(f), &a.key, NULL, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    for (int i = 0; i < 5000 && atomic_load(&woken) == 0; i++)
        usleep(1000);
    store_on_delivery(f->store, NULL, NULL);
    assert_int_equal(atomic_load(&woken), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_D10_an_end_is_told_once_to_whom_it_concerns),
        STORE_TEST(test_D10_all_sessions_but_the_one_kept),
        STORE_TEST(test_D10_a_renewed_session_has_the_sids_that_it_gave),
        STORE_TEST(test_D10_an_end_at_another_provider_is_told),
        STORE_TEST(test_D10_the_end_of_a_representation_is_told),
        STORE_TEST(test_D10_a_client_may_change_its_mind),
        STORE_TEST(test_D10_what_came_of_it_is_kept_for_a_week),
        STORE_TEST(test_whoever_delivers_is_woken_by_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
