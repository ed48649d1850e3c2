/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what waits for an answer from another provider is taken by one only; a session's tie to
 * that provider follows it, ends it when told to (it and no other), and goes when it goes. */
#include "fixture.h"

#include <string.h>

#include "base/cleanup.h"

#define ISSUER "https://national.example"

/* ---- pending ---- */

static void test_U01_a_pending_answer_is_taken_once(void **state) {
    struct fixture *f = *state;
    static const unsigned char key[PENDING_KEY_BYTES] = {1}, other[PENDING_KEY_BYTES] = {2};
    struct pending first = {0}, second = {0}, unknown = {0}, left = {0};
    store_pending_insert(fresh(f), key, SPAN("sealed"), NOW + 10);
    assert_int_equal(run_write(f), ERR_OK);
    store_pending_take(fresh(f), other, NOW, &unknown);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_pending_take(fresh(f), key, NOW, &first);
    assert_int_equal(run_write(f), ERR_OK);
    store_pending_take(fresh(f), key, NOW, &second);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_pending_find(fresh(f), key, NOW, &left);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(first.found && span_is(first.sealed, "sealed"));
    assert_true(!second.found && !unknown.found && !left.found);
}

/* Two that come at the same time share a commit. */
static void test_U01_at_once_one_of_many_takes_it(void **state) {
    enum { CALLERS = 16 };
    struct fixture *f = *state;
    static const unsigned char key[PENDING_KEY_BYTES] = {1};
    struct arena arena[CALLERS];
    struct batch batch[CALLERS], *batches[CALLERS];
    struct pending got[CALLERS];
    int takers = 0;
    memset(got, 0, sizeof got);
    store_pending_insert(fresh(f), key, SPAN("sealed"), NOW + 10);
    assert_int_equal(run_write(f), ERR_OK);
    for (int i = 0; i < CALLERS; i++) {
        arena[i] = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        batch[i] = BATCH_INIT(&arena[i]);
        batches[i] = &batch[i];
        store_pending_take(&batch[i], key, NOW, &got[i]);
    }
    store_write_wait_all(f->store, batches, CALLERS);
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(batch[i].result, got[i].found ? ERR_OK : ERR_REPLAYED);
        takers += got[i].found;
        arena_done(&arena[i]);
    }
    assert_int_equal(takers, 1);
}

static void test_an_expired_one_is_not_taken(void **state) {
    struct fixture *f = *state;
    static const unsigned char key[PENDING_KEY_BYTES] = {1};
    struct pending late = {0}, in_time = {0};
    store_pending_insert(fresh(f), key, SPAN("sealed"), NOW + 10);
    assert_int_equal(run_write(f), ERR_OK);
    store_pending_take(fresh(f), key, NOW + 10, &late);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_pending_take(fresh(f), key, NOW + 9, &in_time);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(!late.found && in_time.found);
}

/* ---- upstream sessions ---- */

static void tie(struct fixture *f, const struct session *s, const char *issuer,
                unsigned char subject, const char *sid) {
    const struct upstream_session u = {.session_key = s->key,
                                       .connector = SPAN("national"),
                                       .issuer = span_of(issuer),
                                       .subject_index = {subject},
                                       .sid_hash = sid ? span_of(sid) : SPAN_NONE,
                                       .sealed = SPAN("sealed"),
                                       .expires_at = s->expires_at};
    store_upstream_session_insert(fresh(f), &u);
    assert_int_equal(run_write(f), ERR_OK);
}

static struct upstream_session tie_of(struct fixture *f, const struct session *s) {
    struct upstream_session u = {0};
    store_upstream_session_find(fresh(f), &s->key, &u);
    assert_int_equal(run_read(f), ERR_OK);
    return u;
}

static struct session load(struct fixture *f, const struct session *s) {
    struct session found = {0};
    store_session_find(fresh(f), &s->key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    return found;
}

static bool is_live(struct fixture *f, const struct session *s) {
    struct session found = load(f, s);
    return found.found && !found.ended_at;
}

static struct grant make_grant(struct fixture *f, const struct session *s, unsigned char key,
                               bool is_offline) {
    struct grant g = sample_grant(s, key);
    g.is_offline = is_offline;
    store_grant_consume_code(fresh(f), &g);
    assert_int_equal(run_write(f), ERR_OK);
    return g;
}

static bool stands(struct fixture *f, const struct grant *g) {
    struct grant found = {0};
    store_grant_find(fresh(f), &g->key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    return found.found && !found.revoked_at;
}

static int64_t end(struct fixture *f, const char *issuer, unsigned char subject, const char *sid) {
    unsigned char index[SUBJECT_INDEX_BYTES] = {subject};
    int64_t count = 77;
    store_upstream_session_end(fresh(f), span_of(issuer), subject ? index : NULL,
                               sid ? span_of(sid) : SPAN_NONE, NOW + 1, &count);
    assert_int_equal(run_write(f), ERR_OK);
    return count;
}

static void test_a_tie_is_kept_as_it_was_given(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    tie(f, &a, ISSUER, 7, "sid");
    struct upstream_session u = tie_of(f, &a);
    assert_true(u.found && span_is(u.connector, "national") && span_is(u.issuer, ISSUER));
    assert_true(u.subject_index[0] == 7 && span_is(u.sid_hash, "sid") && span_is(u.sealed, "sealed"));
    assert_memory_equal(u.session_key.b, a.key.b, SESSION_KEY_BYTES);
    assert_int_equal(u.expires_at, a.expires_at);
    assert_false(tie_of(f, &b).found);
    tie(f, &a, "https://other.example", 8, NULL); /* signed in again by another way */
    u = tie_of(f, &a);
    assert_true(span_is(u.issuer, "https://other.example") && !u.sid_hash.ptr);
}

static void test_by_sid_the_one_session_ends(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), same = make_session(f, 2), b = make_session(f, 3);
    struct grant g = make_grant(f, &a, 9, false), offline = make_grant(f, &a, 10, true),
                 others = make_grant(f, &same, 11, false);
    tie(f, &a, ISSUER, 7, "sid-a");
    tie(f, &same, ISSUER, 7, "sid-b");
    tie(f, &b, "https://other.example", 7, "sid-a");
    assert_int_equal(end(f, ISSUER, 0, "nobody's"), 0);
    assert_int_equal(end(f, ISSUER, 7, "sid-a"), 1);
    assert_true(!is_live(f, &a) && is_live(f, &same) && is_live(f, &b));
    assert_true(!stands(f, &g) && stands(f, &offline) && stands(f, &others));
    assert_true(!tie_of(f, &a).found && tie_of(f, &same).found && tie_of(f, &b).found);
    assert_int_equal(end(f, ISSUER, 7, "sid-a"), 0); /* again: nothing left */
}

static void test_by_subject_all_of_them_end(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), same = make_session(f, 2), b = make_session(f, 3),
                   c = make_session(f, 4);
    tie(f, &a, ISSUER, 7, "sid-a");
    tie(f, &same, ISSUER, 7, NULL);
    tie(f, &b, "https://other.example", 7, NULL);
    tie(f, &c, ISSUER, 8, NULL);
    assert_int_equal(end(f, ISSUER, 7, NULL), 2);
    assert_true(!is_live(f, &a) && !is_live(f, &same) && is_live(f, &b) && is_live(f, &c));
}

static void test_the_tie_follows_a_renewed_session(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), fresh_one = sample_session(&a.user, 5);
    fresh_one.expires_at = a.expires_at + 50;
    tie(f, &a, ISSUER, 7, "sid");
    store_session_renew(fresh(f), &a.key, &fresh_one);
    assert_int_equal(run_write(f), ERR_OK);
    assert_false(tie_of(f, &a).found);
    assert_int_equal(tie_of(f, &fresh_one).expires_at, fresh_one.expires_at);
    tie(f, &fresh_one, ISSUER, 7, "newer"); /* renewed by way of upstream */
    assert_int_equal(end(f, ISSUER, 7, "sid"), 0);
    assert_int_equal(end(f, ISSUER, 7, "newer"), 1);
    assert_false(is_live(f, &fresh_one));
}

static void test_the_tie_goes_with_its_session(void **state) {
    struct fixture *f = *state;
    struct session owner = make_session(f, 1), staff = make_session(f, 2), all = make_session(f, 3),
                   replaced = make_session(f, 4), kept = make_session(f, 5);
    struct session next = sample_session(&replaced.user, 6), other = sample_session(&kept.user, 7);
    struct session *ended[] = {&owner, &staff, &all, &replaced, &other};
    store_session_insert(fresh(f), &other, NULL);
    assert_int_equal(run_write(f), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(ended); i++)
        tie(f, ended[i], ISSUER, 7, NULL);
    tie(f, &kept, ISSUER, 7, NULL);
    store_session_end(fresh(f), &owner.key, &owner.user.id, NOW);
    store_session_end(&f->b, &staff.key, NULL, NOW);
    store_user_end_all(&f->b, &all.user.id, NULL, NOW);
    store_session_insert(&f->b, &next, &replaced.key);
    store_session_end_others(&f->b, &kept.user.id, &kept.key, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(ended); i++)
        assert_false(tie_of(f, ended[i]).found);
    assert_true(tie_of(f, &kept).found);
    assert_int_equal(end(f, ISSUER, 7, NULL), 1); /* the one that is left */
}

static void test_ties_are_purged_with_their_sessions(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1);
    uint64_t deleted;
    tie(f, &a, ISSUER, 7, NULL);
    assert_int_equal(store_purge(f->store, a.expires_at, 10, &deleted), ERR_OK);
    assert_true(tie_of(f, &a).found);
    assert_int_equal(store_purge(f->store, a.expires_at + 1, 10, &deleted), ERR_OK);
    assert_false(tie_of(f, &a).found);
}

/* ---- who acts ---- */

static void test_who_acts_stands_in_session_and_grant(void **state) {
    struct fixture *f = *state;
    struct session person = make_session(f, 1), firm = make_session(f, 2);
    struct session acting = sample_session(&firm.user, 10), again = sample_session(&firm.user, 11),
                   as_another = sample_session(&firm.user, 12);
    struct grant g, found = {0}, plain = {0};
    acting.has_actor = true;
    acting.actor = person.user.id;
    acting.expires_at -= 60; /* with the representation */
    store_session_insert(fresh(f), &acting, NULL);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(load(f, &acting).has_actor && !load(f, &firm).has_actor);
    assert_memory_equal(load(f, &acting).actor.b, person.user.id.b, USER_ID_BYTES);
    g = make_grant(f, &acting, 20, false);
    store_grant_find(fresh(f), &g.key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(found.has_actor && found.actor.b[0] == person.user.id.b[0]);
    g = make_grant(f, &firm, 21, false);
    store_grant_find(fresh(f), &g.key, &plain);
    assert_int_equal(run_read(f), ERR_OK);
    assert_false(plain.has_actor);
    struct session_list list = {0};
    store_session_list(fresh(f), &firm.user.id, NOW, &list);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.item[0].has_actor + list.item[1].has_actor, 1);
    /* renewed without a word: still the same person; with one: that one */
    store_session_renew(fresh(f), &acting.key, &again);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(load(f, &again).has_actor && load(f, &again).actor.b[0] == person.user.id.b[0]);
    assert_int_equal(load(f, &again).expires_at, acting.expires_at);
    as_another.has_actor = true;
    as_another.actor = firm.user.id;
    store_session_renew(fresh(f), &again.key, &as_another);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(load(f, &as_another).actor.b[0], firm.user.id.b[0]);
    assert_int_equal(load(f, &as_another).expires_at, as_another.expires_at);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_U01_a_pending_answer_is_taken_once),
        STORE_TEST(test_U01_at_once_one_of_many_takes_it),
        STORE_TEST(test_an_expired_one_is_not_taken),
        STORE_TEST(test_a_tie_is_kept_as_it_was_given),
        STORE_TEST(test_by_sid_the_one_session_ends),
        STORE_TEST(test_by_subject_all_of_them_end),
        STORE_TEST(test_the_tie_follows_a_renewed_session),
        STORE_TEST(test_the_tie_goes_with_its_session),
        STORE_TEST(test_ties_are_purged_with_their_sessions),
        STORE_TEST(test_who_acts_stands_in_session_and_grant),
    };
    return cmocka_run_group_tests_name("upstream", tests, NULL, NULL);
}
