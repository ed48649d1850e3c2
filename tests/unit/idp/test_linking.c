/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: an upstream identity leads to an account only through a link, a proof, or a technical id
 * that the same issuer vouches for; never into an account that may not be used, never to a new one
 * beside one that is there. Each row of the table in linking.h by example, and what all rows have in
 * common over every combination of what can be found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "idp/linking.h"

enum { NOBODY = -1, X, Y, E, ACCOUNTS }; /* two people and an enterprise */

struct world {
    struct user account[ACCOUNTS];
    struct upstream_link link[ACCOUNTS];
    struct representation represented;
    struct linking_found found;
    struct upstream_person person;
};

static void world_init(struct world *w) {
    static const enum user_type types[ACCOUNTS] = {USER_CITIZEN, USER_CITIZEN, USER_ENTERPRISE};
    memset(w, 0, sizeof *w);
    for (size_t i = 0; i < ACCOUNTS; i++)
        w->account[i] = (struct user){.found = true,
                                      .id = {{(unsigned char)(i + 1)}},
                                      .type = types[i],
                                      .status = USER_ACTIVE};
    w->represented.represented = w->account[E];
    w->found.represented.item = &w->represented;
    w->found.linked.item = w->link;
    w->person.type = USER_CITIZEN;
}

static void link_to(struct world *w, int account) {
    w->link[w->found.linked.count++].user = w->account[account];
}

static void at_kind(struct world *w, size_t kind, int account) {
    if (account == NOBODY)
        w->found.by_kind[kind] = (struct user){.found = false};
    else
        w->found.by_kind[kind] = w->account[account];
}

static struct linking_verdict decide(const struct world *w) {
    return linking_decide(&w->person, &w->found);
}

static bool is(const struct user *u, int account) {
    return u && u->id.b[0] == account + 1;
}

/* ---- the table, row by row ---- */

enum { LOCKED_X = 1, LOCKED_Y = 2, LOCKED_E = 4, BY_ENTERPRISE = 8, TECH_KNOWN = 16, MAY_ACT = 32 };

static const struct example {
    const char *name;
    unsigned linked; /* bit for each account */
    int by_kind[LINKING_KINDS];
    unsigned flags;
    enum linking_outcome outcome;
    int account;
    const char *reason;
} examples[] = {
#define NONE {NOBODY, NOBODY, NOBODY, NOBODY, NOBODY}
    {"nobody", 0, NONE, 0, LINKING_CREATE, NOBODY, NULL},
    {"linked", 1, NONE, 0, LINKING_AUTH, X, NULL},
    {"linked, and found by what it has", 1, {X, X, X, NOBODY, NOBODY}, 0, LINKING_AUTH, X, NULL},
    {"linked to two people", 3, NONE, 0, LINKING_CHOOSE, NOBODY, NULL},
    {"linked to a person and an enterprise", 5, NONE, 0, LINKING_CHOOSE, NOBODY, NULL},
    {"linked to an enterprise alone", 4, NONE, 0, LINKING_AUTH, E, NULL},
    {"linked, and may act for another", 1, NONE, MAY_ACT, LINKING_CHOOSE, NOBODY, NULL},
    {"a locked person", 1, NONE, LOCKED_X, LINKING_REFUSED, NOBODY, "account_locked"},
    {"a locked person who may act", 1, NONE, LOCKED_X | MAY_ACT, LINKING_REFUSED, NOBODY, "account_locked"},
    {"a locked person, an enterprise beside", 5, NONE, LOCKED_X, LINKING_REFUSED, NOBODY, "account_locked"},
    {"a locked enterprise, a person beside", 5, NONE, LOCKED_E, LINKING_AUTH, X, NULL},
    {"a locked enterprise", 4, NONE, LOCKED_E, LINKING_REFUSED, NOBODY, "account_locked"},
    {"a person's link, enterprise upstream", 1, NONE, BY_ENTERPRISE, LINKING_REFUSED, NOBODY, "type_conflict"},
    {"an enterprise's link", 4, NONE, BY_ENTERPRISE, LINKING_AUTH, E, NULL},
    {"linked, and the number is another's", 1, {NOBODY, Y, NOBODY, NOBODY, NOBODY}, 0, LINKING_REFUSED, NOBODY, "number_conflict"},
    {"linked, and the TechID is another's", 1, {Y, NOBODY, NOBODY, NOBODY, NOBODY}, 0, LINKING_REFUSED, NOBODY, "number_conflict"},
    {"linked, and the old card is another's", 1, {NOBODY, X, Y, NOBODY, NOBODY}, 0, LINKING_AUTH, X, NULL},
    {"linked to both that have the number", 3, {NOBODY, Y, NOBODY, NOBODY, NOBODY}, 0, LINKING_CHOOSE, NOBODY, NULL},
    {"TechID, this issuer's", 0, {X, NOBODY, NOBODY, NOBODY, NOBODY}, TECH_KNOWN, LINKING_AUTH, X, NULL},
    {"TechID, another issuer's", 0, {X, NOBODY, NOBODY, NOBODY, NOBODY}, 0, LINKING_PROVE, X, NULL},
    {"TechID, this issuer's, and locked", 0, {X, NOBODY, NOBODY, NOBODY, NOBODY}, TECH_KNOWN | LOCKED_X, LINKING_REFUSED, NOBODY, "account_locked"},
    {"TechID and number are two people's", 0, {X, Y, NOBODY, NOBODY, NOBODY}, TECH_KNOWN, LINKING_REFUSED, NOBODY, "number_conflict"},
    {"TechID and old card are two people's", 0, {X, NOBODY, Y, NOBODY, NOBODY}, TECH_KNOWN, LINKING_AUTH, X, NULL},
    {"TechID known, number found", 0, {NOBODY, X, NOBODY, NOBODY, NOBODY}, TECH_KNOWN, LINKING_PROVE, X, NULL},
    {"number", 0, {NOBODY, X, NOBODY, NOBODY, NOBODY}, 0, LINKING_PROVE, X, NULL},
    {"number, locked", 0, {NOBODY, X, NOBODY, NOBODY, NOBODY}, LOCKED_X, LINKING_REFUSED, NOBODY, "account_locked"},
    {"number locked, old card not", 0, {NOBODY, X, Y, NOBODY, NOBODY}, LOCKED_X, LINKING_REFUSED, NOBODY, "account_locked"},
    {"number and old card of two people", 0, {NOBODY, X, Y, NOBODY, NOBODY}, 0, LINKING_PROVE, X, NULL},
    {"old card", 0, {NOBODY, NOBODY, Y, NOBODY, NOBODY}, 0, LINKING_PROVE, Y, NULL},
    {"a person's tax code is no enterprise", 0, {NOBODY, NOBODY, NOBODY, E, NOBODY}, 0, LINKING_CREATE, NOBODY, NULL},
    {"a person's tax code is no way in", 0, {NOBODY, NOBODY, NOBODY, X, X}, 0, LINKING_CREATE, NOBODY, NULL},
    {"tax code", 0, {NOBODY, NOBODY, NOBODY, E, NOBODY}, BY_ENTERPRISE, LINKING_PROVE, E, NULL},
    {"enterprise code", 0, {NOBODY, NOBODY, NOBODY, NOBODY, E}, BY_ENTERPRISE, LINKING_PROVE, E, NULL},
    {"enterprise code, locked", 0, {NOBODY, NOBODY, NOBODY, NOBODY, E}, BY_ENTERPRISE | LOCKED_E, LINKING_REFUSED, NOBODY, "account_locked"},
    {"an enterprise's TechID at a person", 0, {X, NOBODY, NOBODY, NOBODY, NOBODY}, BY_ENTERPRISE | TECH_KNOWN, LINKING_CREATE, NOBODY, NULL},
    {"a representative's number", 0, {NOBODY, X, NOBODY, NOBODY, NOBODY}, BY_ENTERPRISE, LINKING_CREATE, NOBODY, NULL},
};

static void world_of(struct world *w, unsigned linked, const int by_kind[LINKING_KINDS],
                     unsigned flags) {
    world_init(w);
    for (int i = 0; i < ACCOUNTS; i++)
        if (flags & 1U << i)
            w->account[i].status = USER_LOCKED;
    for (int i = 0; i < ACCOUNTS; i++)
        if (linked & 1U << i)
            link_to(w, i);
    for (size_t kind = 0; kind < LINKING_KINDS; kind++)
        at_kind(w, kind, by_kind[kind]);
    w->person.type = flags & BY_ENTERPRISE ? USER_ENTERPRISE : USER_CITIZEN;
    w->found.tech_id_is_issuers = flags & TECH_KNOWN;
    w->found.represented.count = flags & MAY_ACT ? 1 : 0;
}

static void test_each_row_of_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        const struct example *x = &examples[i];
        struct world w;
        world_of(&w, x->linked, x->by_kind, x->flags);
        struct linking_verdict v = decide(&w);
        bool same_reason = x->reason ? v.reason && !strcmp(v.reason, x->reason) : !v.reason;
        bool same_account = x->account == NOBODY ? !v.account : is(v.account, x->account);
        if (v.outcome != x->outcome || !same_reason || !same_account)
            fail_msg("%s: outcome %d, reason %s", x->name, v.outcome, v.reason ? v.reason : "-");
    }
}

/* ---- over everything that can be found ---- */

/* What the tables say of a kind, in other words than the code's. */
static bool concerns(const struct world *w, size_t kind) {
    bool enterprise = w->person.type == USER_ENTERPRISE;
    return kind == 0 || (enterprise ? kind >= 3 : kind <= 2);
}

static bool matches(const struct world *w, size_t kind) {
    const struct user *u = &w->found.by_kind[kind];
    bool enterprise = w->person.type == USER_ENTERPRISE;
    return u->found && concerns(w, kind) && (u->type == USER_ENTERPRISE) == enterprise;
}

static bool linked(const struct world *w, const struct user *u) {
    bool found = false;
    for (size_t i = 0; i < w->found.linked.count; i++)
        found = found || w->link[i].user.id.b[0] == u->id.b[0];
    return found;
}

static const char *broken_rule(const struct world *w) {
    struct linking_verdict v = decide(w);
    bool any_match = false, strong_elsewhere = false, found_by = false;
    for (size_t kind = 0; kind < LINKING_KINDS; kind++) {
        const struct user *u = &w->found.by_kind[kind];
        if (!matches(w, kind))
            continue;
        any_match = true;
        found_by = found_by || (v.account && v.account->id.b[0] == u->id.b[0]);
        strong_elsewhere = strong_elsewhere || (kind != 2 && !linked(w, u));
    }
    bool is_linked = w->found.linked.count > 0, at_all = v.outcome != LINKING_REFUSED;
    bool names_one = v.outcome == LINKING_AUTH || v.outcome == LINKING_PROVE;
    if (names_one != (v.account != NULL) || at_all == (v.reason != NULL))
        return "account with AUTH and PROVE alone, reason with REFUSED alone";
    if (v.account && v.account->status != USER_ACTIVE)
        return "an account that may not be used";
    if (v.account && v.account->type != USER_ENTERPRISE && w->person.type == USER_ENTERPRISE)
        return "an enterprise is no person";
    if (v.outcome == LINKING_AUTH && !linked(w, v.account) &&
        !(v.account == &w->found.by_kind[0] && w->found.tech_id_is_issuers))
        return "in without a link";
    if (v.outcome == LINKING_PROVE && (is_linked || !found_by))
        return "a proof of what was not found, or of what is linked";
    if (v.outcome == LINKING_CREATE && (is_linked || any_match))
        return "a second account";
    if (is_linked && strong_elsewhere && at_all)
        return "one number, two accounts";
    if (v.outcome == LINKING_CHOOSE && !is_linked)
        return "a choice of nothing";
    for (size_t i = 0; i < w->found.linked.count; i++)
        if (w->link[i].user.type == USER_CITIZEN && w->link[i].user.status != USER_ACTIVE &&
            w->person.type == USER_CITIZEN && at_all)
            return "around a lock";
    return NULL;
}

static void test_U04_every_combination_keeps_the_rules(void **state) {
    (void)state;
    unsigned outcomes = 0;
    for (unsigned linked_set = 0; linked_set < 1U << ACCOUNTS; linked_set++)
        for (unsigned flags = 0; flags < 64; flags++)
            for (unsigned kinds = 0; kinds < 1U << 2 * LINKING_KINDS; kinds++) {
                int by_kind[LINKING_KINDS];
                struct world w;
                for (unsigned k = 0; k < LINKING_KINDS; k++)
                    by_kind[k] = (int)(kinds >> 2 * k & 3) - 1;
                world_of(&w, linked_set, by_kind, flags);
                const char *rule = broken_rule(&w);
                if (rule)
                    fail_msg("%s: linked %x, flags %x, kinds %x", rule, linked_set, flags, kinds);
                outcomes |= 1U << decide(&w).outcome;
            }
    assert_int_equal(outcomes, 0x1F); /* every outcome occurs: the rules were tried on each */
}

/* Not active is not active, whatever the word. */
static void test_disabled_and_erased_accounts_are_refused_too(void **state) {
    (void)state;
    static const enum user_status bad[] = {USER_NONE, USER_LOCKED, USER_DISABLED, USER_ERASED};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct world w;
        world_init(&w);
        w.account[X].status = bad[i];
        at_kind(&w, 1, X);
        assert_int_equal(decide(&w).outcome, LINKING_REFUSED);
        world_init(&w);
        w.account[X].status = bad[i];
        link_to(&w, X);
        assert_int_equal(decide(&w).outcome, LINKING_REFUSED);
        assert_int_equal(linking_may_choose(&w.person, &w.link[0].user), DENY);
    }
}

/* U04: there is nothing by which they could: whatever upstream says of them, verified or not, the
 * account that has the same ones is not looked for. */
static void test_U04_email_and_telephone_lead_to_no_account(void **state) {
    (void)state;
    static const char *const never[] = {"email", "ThuDienTu", "phone_number", "SoDienThoai"};
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        for (size_t kind = 0; kind < LINKING_KINDS; kind++)
            assert_string_not_equal(linking_kinds[kind], never[i]);
    struct world w;
    world_init(&w);
    w.account[X].claims = SPAN("{\"email\":\"lan@example.vn\",\"email_verified\":true}");
    w.person.claims = json_pack("{ssss}", "email", "lan@example.vn", "phone_number", "+84900000001");
    assert_int_equal(decide(&w).outcome, LINKING_CREATE);
    at_kind(&w, 1, X); /* twin: the number does lead there, and to a proof only */
    assert_int_equal(decide(&w).outcome, LINKING_PROVE);
    json_decref(w.person.claims);
}

/* U05: the proof is of the account that it was asked for. */
static void test_U05_another_accounts_sign_in_proves_nothing(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    at_kind(&w, 1, X);
    struct linking_verdict v = decide(&w);
    assert_int_equal(v.outcome, LINKING_PROVE);
    assert_int_equal(linking_proof_check(&v, &w.account[X].id), ALLOW);
    assert_int_equal(linking_proof_check(&v, &w.account[Y].id), DENY);
    assert_int_equal(linking_proof_check(&v, &w.account[E].id), DENY);
    struct user_id close = w.account[X].id; /* the last byte counts */
    close.b[USER_ID_BYTES - 1] = 1;
    assert_int_equal(linking_proof_check(&v, &close), DENY);
    v.outcome = LINKING_REFUSED; /* and no other outcome is proven by anybody */
    assert_int_equal(linking_proof_check(&v, &w.account[X].id), DENY);
    v = (struct linking_verdict){.outcome = LINKING_CREATE};
    assert_int_equal(linking_proof_check(&v, &w.account[X].id), DENY);
}

/* An official is a person with another desk. */
static void test_officials_are_persons(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.account[X].type = USER_OFFICIAL;
    at_kind(&w, 1, X);
    assert_true(is(decide(&w).account, X));
    w.person.type = USER_ENTERPRISE;
    assert_int_equal(decide(&w).outcome, LINKING_CREATE);
    w.found.by_kind[1].found = false;
    link_to(&w, X);
    assert_int_equal(decide(&w).outcome, LINKING_REFUSED);
}

static void test_the_index_of_a_new_account_is_what_it_is_looked_for_by(void **state) {
    (void)state;
    static const char persons[] = "11100", enterprises[] = "10011";
    for (size_t kind = 0; kind < LINKING_KINDS; kind++) {
        assert_int_equal(linking_kind_is_for(kind, USER_CITIZEN), persons[kind] == '1');
        assert_int_equal(linking_kind_is_for(kind, USER_OFFICIAL), persons[kind] == '1');
        assert_int_equal(linking_kind_is_for(kind, USER_ENTERPRISE), enterprises[kind] == '1');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_of_the_table),
        cmocka_unit_test(test_U04_every_combination_keeps_the_rules),
        cmocka_unit_test(test_disabled_and_erased_accounts_are_refused_too),
        cmocka_unit_test(test_U04_email_and_telephone_lead_to_no_account),
        cmocka_unit_test(test_U05_another_accounts_sign_in_proves_nothing),
        cmocka_unit_test(test_officials_are_persons),
        cmocka_unit_test(test_the_index_of_a_new_account_is_what_it_is_looked_for_by),
    };
    return cmocka_run_group_tests_name("linking", tests, NULL, NULL);
}
