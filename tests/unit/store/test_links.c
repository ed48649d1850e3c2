/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a link is one account's and one issuer's; a representation is in force when it says so and
 * takes what hangs on it along when it ends; a merge leaves nothing behind and nothing twice, and an
 * account that is gone comes back by no way. */
#include "fixture.h"

#include <string.h>

#include "base/cleanup.h"

#define ISSUER "https://national.example"

static struct upstream_link sample_link(const struct user *u, const char *issuer,
                                        unsigned char subject) {
    return (struct upstream_link){.issuer = span_of(issuer),
                                  .subject_index = {subject},
                                  .connector = SPAN("national"),
                                  .how = LINK_PROVEN,
                                  .linked_at = NOW,
                                  .last_used_at = NOW,
                                  .user = *u};
}

static struct upstream_link make_link(struct fixture *f, const struct user *u, const char *issuer,
                                      unsigned char subject) {
    struct upstream_link l = sample_link(u, issuer, subject);
    store_upstream_link_insert(fresh(f), &l);
    assert_int_equal(run_write(f), ERR_OK);
    return l;
}

static struct upstream_link_list find_links(struct fixture *f, const char *issuer,
                                            unsigned char subject) {
    unsigned char index[SUBJECT_INDEX_BYTES] = {subject};
    struct upstream_link_list list = {0};
    store_upstream_link_find(fresh(f), span_of(issuer), index, &list);
    assert_int_equal(run_read(f), ERR_OK);
    return list;
}

static struct upstream_link_list links_of(struct fixture *f, const struct user *u) {
    struct upstream_link_list list = {0};
    store_upstream_link_list(fresh(f), &u->id, &list);
    assert_int_equal(run_read(f), ERR_OK);
    return list;
}

static struct user load_user(struct fixture *f, const struct user_id *id) {
    struct user u = {0};
    store_user_by_id(fresh(f), id, &u);
    assert_int_equal(run_read(f), ERR_OK);
    return u;
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

static bool same_id(const struct user_id *a, const struct user_id *b) {
    return memcmp(a->b, b->b, USER_ID_BYTES) == 0;
}

/* ---- links ---- */

static void test_U04_a_link_is_of_one_issuer_and_one_subject(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    make_link(f, &a.user, ISSUER, 7);
    make_link(f, &b.user, "https://other.example", 7);
    make_link(f, &b.user, ISSUER, 8);
    struct upstream_link_list list = find_links(f, ISSUER, 7);
    assert_int_equal(list.count, 1);
    assert_true(same_id(&list.item[0].user.id, &a.user.id));
    assert_true(span_is(list.item[0].user.username, "user1"));
    assert_true(span_is(list.item[0].connector, "national"));
    assert_int_equal(list.item[0].how, LINK_PROVEN);
    assert_string_equal(upstream_link_how_name(list.item[0].how), "proven");
    assert_string_equal(upstream_link_how_name((enum upstream_link_how)9), "unknown");
    assert_int_equal(find_links(f, ISSUER, 9).count, 0);
    assert_int_equal(links_of(f, &b.user).count, 2);
}

static void test_a_link_is_made_once_used_and_taken_away(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    struct upstream_link l = make_link(f, &a.user, ISSUER, 7);
    store_upstream_link_insert(fresh(f), &l);
    assert_int_equal(run_write(f), ERR_EXISTS);
    make_link(f, &b.user, ISSUER, 7); /* one identity, several accounts */
    store_upstream_link_touch(fresh(f), &l, NOW + 9);
    store_upstream_link_touch(&f->b, &l, NOW + 4);
    assert_int_equal(run_write(f), ERR_OK);
    struct upstream_link_list list = find_links(f, ISSUER, 7);
    assert_int_equal(list.count, 2);
    assert_true(same_id(&list.item[0].user.id, &a.user.id)); /* the last used first */
    assert_int_equal(list.item[0].last_used_at, NOW + 9);
    assert_int_equal(list.item[1].last_used_at, NOW);
    store_upstream_link_delete(fresh(f), &l);
    assert_int_equal(run_write(f), ERR_OK);
    store_upstream_link_delete(fresh(f), &l);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    store_upstream_link_touch(fresh(f), &l, NOW + 20); /* who was on the way in by it does not come in */
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    assert_int_equal(find_links(f, ISSUER, 7).count, 1);
}

static void test_no_second_account_is_made_for_a_subject(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    struct upstream_link first = sample_link(&a.user, ISSUER, 7), second = sample_link(&b.user, ISSUER, 7);
    first.how = second.how = LINK_CREATED;
    store_upstream_link_insert(fresh(f), &first);
    assert_int_equal(run_write(f), ERR_OK);
    store_upstream_link_insert(fresh(f), &second);
    assert_int_equal(run_write(f), ERR_EXISTS);
    second.how = LINK_PROVEN; /* to link a second account that is there is another matter */
    store_upstream_link_insert(fresh(f), &second);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(find_links(f, ISSUER, 7).count, 2);
}

static void test_an_account_that_may_not_be_used_is_not_linked(void **state) {
    static const enum user_status bad[] = {USER_LOCKED, USER_DISABLED, USER_ERASED};
    struct fixture *f = *state;
    for (unsigned char i = 0; i < ARRAY_LEN(bad); i++) {
        struct session s = make_session(f, (unsigned char)(i + 1));
        struct upstream_link l = sample_link(&s.user, ISSUER, i);
        store_user_set_status(fresh(f), &s.user.id, bad[i], NOW);
        assert_int_equal(run_write(f), ERR_OK);
        store_upstream_link_insert(fresh(f), &l);
        assert_int_equal(run_write(f), ERR_REFUSED);
        assert_int_equal(find_links(f, ISSUER, i).count, 0);
    }
}

static void test_an_identifier_is_known_to_its_accounts_issuers(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    bool own = false, others = false, kind = false, value = false;
    store_identifier_insert(fresh(f), "TechID", SPAN("t1"), &a.user.id);
    store_identifier_insert(&f->b, "TechID", SPAN("t2"), &b.user.id);
    assert_int_equal(run_write(f), ERR_OK);
    make_link(f, &a.user, ISSUER, 7);
    store_upstream_link_of_identifier(fresh(f), SPAN(ISSUER), "TechID", SPAN("t1"), &own);
    store_upstream_link_of_identifier(&f->b, SPAN("https://other.example"), "TechID", SPAN("t1"), &others);
    store_upstream_link_of_identifier(&f->b, SPAN(ISSUER), "SoCMND", SPAN("t1"), &kind);
    store_upstream_link_of_identifier(&f->b, SPAN(ISSUER), "TechID", SPAN("t2"), &value);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(own && !others && !kind && !value);
}

/* ---- refreshing ---- */

static void test_a_refresh_is_of_what_was_loaded(void **state) {
    struct fixture *f = *state;
    struct session s = make_session(f, 1);
    store_user_refresh(fresh(f), &s.user.id, SPAN("{\"a\":1}"), SPAN("sealed"), 2, NOW - 1, NOW);
    assert_int_equal(run_write(f), ERR_REFUSED);
    store_user_refresh(fresh(f), &s.user.id, SPAN("{\"a\":1}"), SPAN("sealed"), 2, NOW, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    struct user u = load_user(f, &s.user.id);
    assert_true(span_is(u.claims, "{\"a\":1}") && span_is(u.identifiers, "sealed"));
    assert_int_equal(u.ial, 2);
    /* another one, loaded before that and of the same second, would take it back */
    store_user_refresh(fresh(f), &s.user.id, SPAN("{}"), SPAN_NONE, 1, NOW, NOW);
    assert_int_equal(run_write(f), ERR_REFUSED);
    store_user_refresh(fresh(f), &s.user.id, SPAN("{}"), SPAN("sealed"), 1, u.updated_at, NOW + 9);
    assert_int_equal(run_write(f), ERR_OK);
    u = load_user(f, &s.user.id);
    assert_int_equal(u.ial, 2); /* nothing is lowered */
    assert_int_equal(u.updated_at, NOW + 9);
    store_user_set_status(fresh(f), &s.user.id, USER_LOCKED, NOW + 9);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_refresh(fresh(f), &s.user.id, SPAN("{\"b\":1}"), SPAN_NONE, 1, NOW + 9, NOW + 10);
    assert_int_equal(run_write(f), ERR_REFUSED);
}

static void test_an_identifier_of_ones_own_is_no_conflict(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    struct user found = {0};
    for (int i = 0; i < 2; i++) {
        store_identifier_insert(fresh(f), "SoDinhDanh", SPAN("idx"), &a.user.id);
        assert_int_equal(run_write(f), ERR_OK);
    }
    store_identifier_insert(fresh(f), "SoDinhDanh", SPAN("idx"), &b.user.id);
    assert_int_equal(run_write(f), ERR_EXISTS);
    store_user_by_identifier(fresh(f), "SoDinhDanh", SPAN("idx"), &found);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(same_id(&found.id, &a.user.id));
}

/* ---- history ---- */

static void add_history(struct fixture *f, const struct user *u, int64_t at, const char *sealed) {
    const struct history_item item = {
        .at = at, .source = SPAN("connector:national"), .sealed = span_of(sealed)};
    store_history_insert(fresh(f), &u->id, &item);
    assert_int_equal(run_write(f), ERR_OK);
}

static struct history_list history_of(struct fixture *f, const struct user *u) {
    struct history_list list = {0};
    store_history_list(fresh(f), &u->id, &list);
    assert_int_equal(run_read(f), ERR_OK);
    return list;
}

static void test_history_is_the_accounts_own_newest_first(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    add_history(f, &a.user, NOW, "first");
    add_history(f, &a.user, NOW, "of the same second");
    add_history(f, &a.user, NOW + 1, "last");
    add_history(f, &b.user, NOW + 2, "another's");
    struct history_list list = history_of(f, &a.user);
    assert_int_equal(list.count, 3);
    assert_true(span_is(list.item[0].sealed, "last"));
    assert_true(span_is(list.item[0].source, "connector:national"));
    assert_int_equal(list.item[0].at, NOW + 1);
    assert_true(same_id(&list.item[0].user, &a.user.id));
}

/* ---- representations ---- */

static struct representation make_representation(struct fixture *f, const struct user *person,
                                                 const struct user *represented, unsigned char id,
                                                 int64_t from, int64_t until) {
    struct representation r = {.id = {id},
                               .person = person->id,
                               .represented = *represented,
                               .scope = SPAN("tax"),
                               .source = SPAN("staff:0"),
                               .valid_from = from,
                               .valid_until = until};
    store_representation_insert(fresh(f), &r);
    assert_int_equal(run_write(f), ERR_OK);
    return r;
}

static struct representation_list in_force(struct fixture *f, const struct user *person,
                                           int64_t now) {
    struct representation_list list = {0};
    store_representation_list(fresh(f), &person->id, now, &list);
    assert_int_equal(run_read(f), ERR_OK);
    return list;
}

static void test_a_representation_is_in_force_between_its_dates(void **state) {
    struct fixture *f = *state;
    struct session person = make_session(f, 1), firm = make_session(f, 2), other = make_session(f, 3);
    make_representation(f, &person.user, &firm.user, 1, NOW, NOW + 10);
    make_representation(f, &other.user, &firm.user, 2, NOW, 0);
    assert_int_equal(in_force(f, &person.user, NOW - 1).count, 0);
    struct representation_list list = in_force(f, &person.user, NOW);
    assert_int_equal(list.count, 1);
    assert_true(span_is(list.item[0].represented.username, "user2"));
    assert_true(span_is(list.item[0].scope, "tax") && span_is(list.item[0].source, "staff:0"));
    assert_true(same_id(&list.item[0].person, &person.user.id));
    assert_int_equal(list.item[0].valid_until, NOW + 10);
    assert_int_equal(in_force(f, &person.user, NOW + 9).count, 1);
    assert_int_equal(in_force(f, &person.user, NOW + 10).count, 0);
    assert_int_equal(in_force(f, &other.user, NOW + 1000000).count, 1); /* open end */
    assert_int_equal(in_force(f, &firm.user, NOW).count, 0);            /* one way only */
    store_user_set_status(fresh(f), &firm.user.id, USER_LOCKED, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(in_force(f, &person.user, NOW).count, 0);
    store_user_set_status(fresh(f), &firm.user.id, USER_ACTIVE, NOW);
    store_user_set_status(&f->b, &person.user.id, USER_LOCKED, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(in_force(f, &person.user, NOW).count, 0);
}

/* A session of the enterprise in which the person acts, with a grant. */
static struct session make_acting(struct fixture *f, const struct user *firm,
                                  const struct user *person, unsigned char key,
                                  struct grant *ret_grant) {
    struct session s = sample_session(firm, key);
    s.has_actor = true;
    s.actor = person->id;
    store_session_insert(fresh(f), &s, NULL);
    assert_int_equal(run_write(f), ERR_OK);
    *ret_grant = sample_grant(&s, key);
    ret_grant->is_offline = true;
    store_grant_consume_code(fresh(f), ret_grant);
    assert_int_equal(run_write(f), ERR_OK);
    return s;
}

static void test_a_representation_takes_along_what_hangs_on_it(void **state) {
    struct fixture *f = *state;
    struct session person = make_session(f, 1), firm = make_session(f, 2), other = make_session(f, 3);
    struct representation r = make_representation(f, &person.user, &firm.user, 1, NOW, NOW + 100);
    struct grant mine, theirs;
    struct session acting = make_acting(f, &firm.user, &person.user, 11, &mine),
                   others = make_acting(f, &firm.user, &other.user, 12, &theirs);
    static const unsigned char unknown[REPRESENTATION_ID_BYTES] = {9};
    store_representation_end(fresh(f), unknown, NOW + 1);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    assert_true(is_live(f, &acting) && stands(f, &mine));
    store_representation_stands(fresh(f), r.id, NOW + 99);
    assert_int_equal(run_write(f), ERR_OK);
    store_representation_stands(fresh(f), r.id, NOW + 100);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    store_representation_end(fresh(f), r.id, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    store_representation_stands(fresh(f), r.id, NOW + 1); /* whoever was about to act does not */
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    assert_true(!is_live(f, &acting) && !stands(f, &mine));
    assert_true(is_live(f, &others) && stands(f, &theirs));
    assert_true(is_live(f, &firm) && is_live(f, &person)); /* their own ones stay */
    assert_int_equal(in_force(f, &person.user, NOW + 1).count, 0);
    store_representation_end(fresh(f), r.id, NOW + 2);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    struct representation late = make_representation(f, &person.user, &firm.user, 2, NOW, NOW + 5);
    store_representation_end(fresh(f), late.id, NOW + 5);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
}

static void test_who_is_locked_acts_for_nobody(void **state) {
    struct fixture *f = *state;
    struct session person = make_session(f, 1), firm = make_session(f, 2);
    struct grant g, unused;
    struct session acting = make_acting(f, &firm.user, &person.user, 11, &g);
    struct grant found = {0};
    make_representation(f, &person.user, &firm.user, 1, NOW, NOW + 5);
    store_grant_find(fresh(f), &g.key, &found);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(found.has_actor && same_id(&found.actor, &person.user.id));
    /* locked, and nothing else done yet */
    store_user_set_status(fresh(f), &person.user.id, USER_LOCKED, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &g.key, 0, NOW + 1, NOW + 50);
    assert_int_equal(run_write(f), ERR_REPLAYED);
    unused = sample_grant(&acting, 12);
    store_grant_consume_code(fresh(f), &unused);
    assert_int_equal(run_write(f), ERR_REFUSED);
    store_user_set_status(fresh(f), &person.user.id, USER_ACTIVE, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &g.key, 0, NOW + 1, NOW + 50);
    assert_int_equal(run_write(f), ERR_OK);
    store_grant_rotate(fresh(f), &g.key, 1, NOW + 5, NOW + 50); /* the right to act is over */
    assert_int_equal(run_write(f), ERR_REPLAYED);
    store_grant_consume_code(fresh(f), &unused);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_end_all(fresh(f), &person.user.id, NULL, NOW + 2);
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(!is_live(f, &acting) && !stands(f, &g) && !is_live(f, &person));
    assert_true(is_live(f, &firm));
}

/* ---- erasing and merging ---- */

static void test_erasing_takes_links_history_and_representations(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2), firm = make_session(f, 3);
    make_link(f, &a.user, ISSUER, 7);
    make_link(f, &b.user, ISSUER, 7);
    add_history(f, &a.user, NOW, "a");
    add_history(f, &b.user, NOW, "b");
    make_representation(f, &a.user, &firm.user, 1, NOW, 0);
    make_representation(f, &b.user, &firm.user, 2, NOW, 0);
    make_representation(f, &b.user, &a.user, 3, NOW, 0);
    store_user_set_status(fresh(f), &a.user.id, USER_ERASED, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(links_of(f, &a.user).count, 0);
    assert_int_equal(history_of(f, &a.user).count, 0);
    assert_int_equal(links_of(f, &b.user).count, 1);
    assert_int_equal(history_of(f, &b.user).count, 1);
    assert_int_equal(in_force(f, &b.user, NOW).count, 1);
    /* and none of them is there to come back */
    store_representation_end(fresh(f), (const unsigned char[REPRESENTATION_ID_BYTES]){1}, NOW);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
    store_representation_end(fresh(f), (const unsigned char[REPRESENTATION_ID_BYTES]){3}, NOW);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
}

static void fill_for_merge(struct fixture *f, const struct user *from, const struct user *into,
                           const struct user *firm) {
    make_link(f, from, ISSUER, 7);
    make_link(f, from, "https://other.example", 8);
    make_link(f, into, ISSUER, 7); /* both have this one */
    add_history(f, from, NOW, "from");
    add_history(f, into, NOW + 1, "into");
    make_representation(f, from, firm, 1, NOW, 0);
    store_identifier_insert(fresh(f), "SoCMND", SPAN("old card"), &from->id);
    store_identifier_insert(&f->b, "SoDinhDanh", SPAN("number"), &into->id);
    store_consent_save(&f->b, &from->id, SPAN("both"), SPAN("from"), NOW);
    store_consent_save(&f->b, &into->id, SPAN("both"), SPAN("into"), NOW);
    store_consent_save(&f->b, &from->id, SPAN("one"), SPAN("from"), NOW);
    assert_int_equal(run_write(f), ERR_OK);
}

static void test_a_merge_leaves_nothing_behind_and_nothing_twice(void **state) {
    struct fixture *f = *state;
    struct session from = make_session(f, 1), into = make_session(f, 2), firm = make_session(f, 3);
    fill_for_merge(f, &from.user, &into.user, &firm.user);
    struct grant g, offline = sample_grant(&from, 21);
    struct session acting = make_acting(f, &firm.user, &from.user, 20, &g);
    offline.is_offline = true;
    store_grant_consume_code(fresh(f), &offline);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_merge(fresh(f), &from.user.id, &into.user.id, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);

    assert_int_equal(links_of(f, &from.user).count, 0);
    assert_int_equal(links_of(f, &into.user).count, 2);
    assert_int_equal(find_links(f, ISSUER, 7).count, 1);
    assert_int_equal(in_force(f, &into.user, NOW + 1).count, 1);
    struct user old_card = {0}, number = {0};
    struct consent both = {0}, one = {0}, left = {0};
    store_user_by_identifier(fresh(f), "SoCMND", SPAN("old card"), &old_card);
    store_user_by_identifier(&f->b, "SoDinhDanh", SPAN("number"), &number);
    store_consent_find(&f->b, &into.user.id, SPAN("both"), &both);
    store_consent_find(&f->b, &into.user.id, SPAN("one"), &one);
    store_consent_find(&f->b, &from.user.id, SPAN("both"), &left);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(same_id(&old_card.id, &into.user.id) && same_id(&number.id, &into.user.id));
    assert_true(span_is(both.scope, "into") && span_is(one.scope, "from") && !left.found);
    struct history_list history = history_of(f, &into.user);
    assert_int_equal(history.count, 2); /* each sealed for whose it was */
    assert_true(same_id(&history.item[0].user, &into.user.id));
    assert_true(same_id(&history.item[1].user, &from.user.id));

    assert_true(!is_live(f, &from) && !is_live(f, &acting) && is_live(f, &into));
    assert_true(!stands(f, &offline) && !stands(f, &g));
    struct user gone = load_user(f, &from.user.id); /* the row stays: its id is never given again */
    assert_true(gone.found && gone.status == USER_ERASED);
    assert_false(gone.password_hash.ptr || gone.claims.ptr || gone.identifiers.ptr);
    assert_true(load_user(f, &into.user.id).status == USER_ACTIVE);
    struct user heir = sample_user(1, "heir");
    store_user_insert(fresh(f), &heir);
    assert_int_equal(run_write(f), ERR_EXISTS);
}

static void test_a_merge_is_of_two_accounts_that_are_there(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2), erased = make_session(f, 3);
    static const struct user_id nobody = {{99}};
    make_link(f, &a.user, ISSUER, 7);
    store_user_set_status(fresh(f), &erased.user.id, USER_ERASED, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    const struct user_id *refused[][2] = {{&a.user.id, &erased.user.id},
                                          {&erased.user.id, &a.user.id},
                                          {&a.user.id, &nobody},
                                          {&nobody, &a.user.id},
                                          {&a.user.id, &a.user.id}};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        store_user_merge(fresh(f), refused[i][0], refused[i][1], NOW + 1);
        assert_int_equal(run_write(f), ERR_NOT_FOUND);
    }
    assert_true(is_live(f, &a));
    assert_int_equal(links_of(f, &a.user).count, 1);
    store_user_merge(fresh(f), &a.user.id, &b.user.id, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_merge(fresh(f), &a.user.id, &b.user.id, NOW + 1);
    assert_int_equal(run_write(f), ERR_NOT_FOUND);
}

/* a into b, then b into c: what a was is in c's history, and goes when c is erased. */
static void test_merges_one_after_the_other(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2), c = make_session(f, 3);
    add_history(f, &a.user, NOW, "a");
    store_user_merge(fresh(f), &a.user.id, &b.user.id, NOW + 1);
    assert_int_equal(run_write(f), ERR_OK);
    store_user_merge(fresh(f), &b.user.id, &c.user.id, NOW + 2);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(history_of(f, &c.user).count, 1);
    store_user_set_status(fresh(f), &c.user.id, USER_ERASED, NOW + 3);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(history_of(f, &c.user).count, 0);
    assert_int_equal(history_of(f, &a.user).count, 0);
}

/* What staff do with a merge is one commit: it must fit into one batch. */
static void test_a_merge_and_what_comes_with_it_fit_a_batch(void **state) {
    struct fixture *f = *state;
    struct session a = make_session(f, 1), b = make_session(f, 2);
    const struct history_item item = {.at = NOW, .source = SPAN("staff:0"), .sealed = SPAN("x")};
    store_user_refresh(fresh(f), &b.user.id, SPAN("{}"), SPAN_NONE, 1, NOW, NOW + 1);
    store_user_merge(&f->b, &a.user.id, &b.user.id, NOW + 1);
    store_history_insert(&f->b, &b.user.id, &item);
    store_audit(&f->b, &(struct audit_event){.at = NOW, .event = "user_merged"});
    assert_int_equal(run_write(f), ERR_OK);
    assert_true(f->b.n <= BATCH_OPS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_U04_a_link_is_of_one_issuer_and_one_subject),
        STORE_TEST(test_a_link_is_made_once_used_and_taken_away),
        STORE_TEST(test_no_second_account_is_made_for_a_subject),
        STORE_TEST(test_an_account_that_may_not_be_used_is_not_linked),
        STORE_TEST(test_an_identifier_is_known_to_its_accounts_issuers),
        STORE_TEST(test_a_refresh_is_of_what_was_loaded),
        STORE_TEST(test_an_identifier_of_ones_own_is_no_conflict),
        STORE_TEST(test_history_is_the_accounts_own_newest_first),
        STORE_TEST(test_a_representation_is_in_force_between_its_dates),
        STORE_TEST(test_a_representation_takes_along_what_hangs_on_it),
        STORE_TEST(test_who_is_locked_acts_for_nobody),
        STORE_TEST(test_erasing_takes_links_history_and_representations),
        STORE_TEST(test_a_merge_leaves_nothing_behind_and_nothing_twice),
        STORE_TEST(test_a_merge_is_of_two_accounts_that_are_there),
        STORE_TEST(test_merges_one_after_the_other),
        STORE_TEST(test_a_merge_and_what_comes_with_it_fit_a_batch),
    };
    return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
