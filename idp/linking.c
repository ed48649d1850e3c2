/* SPDX-License-Identifier: Apache-2.0
 *
 * See linking.h. Pure. */
#include "idp/linking.h"

#include <string.h>

#include "base/cleanup.h"

const char *const linking_kinds[LINKING_KINDS] = {"TechID", "SoDinhDanh", "SoCMND", "MaSoThue",
                                                  "MaSoDoanhNghiep"};

#define TECH_ID 0

static const struct {
    bool of_persons, of_enterprises;
    bool is_strong; /* one for life: found at two accounts, one of them is wrong */
} rules[LINKING_KINDS] = {
    /* TechID          */ {true, true, true},
    /* SoDinhDanh      */ {true, false, true},
    /* SoCMND          */ {true, false, false}, /* several in a life, and some were given out twice */
    /* MaSoThue        */ {false, true, true},
    /* MaSoDoanhNghiep */ {false, true, true},
};

static bool is_enterprise(enum user_type type) {
    return type == USER_ENTERPRISE;
}

bool linking_kind_is_for(size_t kind, enum user_type type) {
    return is_enterprise(type) ? rules[kind].of_enterprises : rules[kind].of_persons;
}

static bool same_account(const struct user *a, const struct user *b) {
    return memcmp(a->id.b, b->id.b, USER_ID_BYTES) == 0;
}

/* The account that matches by this kind, or NULL. */
static const struct user *match(const struct upstream_person *p, const struct linking_found *f,
                                size_t kind) {
    const struct user *u = &f->by_kind[kind];
    bool fits = u->found && is_enterprise(u->type) == is_enterprise(p->type);
    return fits && linking_kind_is_for(kind, p->type) ? u : NULL;
}

static bool is_linked(const struct linking_found *f, const struct user *u) {
    for (size_t i = 0; i < f->linked.count; i++)
        if (same_account(&f->linked.item[i].user, u))
            return true;
    return false;
}

static struct linking_verdict refused(const char *reason) {
    return (struct linking_verdict){.outcome = LINKING_REFUSED, .reason = reason};
}

/* ---- linked ---- */

static bool type_fits(const struct upstream_person *p, const struct user *account) {
    return is_enterprise(account->type) || !is_enterprise(p->type);
}

enum verdict linking_may_choose(const struct upstream_person *p, const struct user *account) {
    return account->found && account->status == USER_ACTIVE && type_fits(p, account) ? ALLOW : DENY;
}

static bool strong_kind_is_anothers(const struct upstream_person *p,
                                    const struct linking_found *f) {
    for (size_t kind = 0; kind < LINKING_KINDS; kind++) {
        const struct user *u = match(p, f, kind);
        if (u && rules[kind].is_strong && !is_linked(f, u))
            return true;
    }
    return false;
}

static struct linking_verdict decide_linked(const struct upstream_person *p,
                                            const struct linking_found *f) {
    const struct user *usable = NULL;
    size_t n_usable = 0, n_fitting = 0;
    for (size_t i = 0; i < f->linked.count; i++) {
        const struct user *u = &f->linked.item[i].user;
        bool fits = type_fits(p, u);
        n_fitting += fits;
        if (linking_may_choose(p, u) == ALLOW) {
            usable = u;
            n_usable++;
        } else if (fits && !is_enterprise(u->type)) {
            return refused("account_locked"); /* nor what this person may act for */
        }
    }
    if (!n_usable)
        return refused(n_fitting ? "account_locked" : "type_conflict");
    if (strong_kind_is_anothers(p, f))
        return refused("number_conflict");
    if (n_usable > 1 || (!is_enterprise(usable->type) && f->represented.count))
        return (struct linking_verdict){.outcome = LINKING_CHOOSE};
    return (struct linking_verdict){.outcome = LINKING_AUTH, .account = usable};
}

/* ---- not linked ---- */

static struct linking_verdict decide_unlinked(const struct upstream_person *p,
                                              const struct linking_found *f) {
    const struct user *first = NULL, *strong = NULL;
    for (size_t kind = 0; kind < LINKING_KINDS; kind++) {
        const struct user *u = match(p, f, kind);
        if (!u)
            continue;
        if (rules[kind].is_strong && strong && !same_account(u, strong))
            return refused("number_conflict");
        if (rules[kind].is_strong)
            strong = u;
        if (!first)
            first = u;
    }
    if (!first)
        return (struct linking_verdict){.outcome = LINKING_CREATE};
    if (first->status != USER_ACTIVE)
        return refused("account_locked");
    bool by_tech_id = first == &f->by_kind[TECH_ID] && f->tech_id_is_issuers;
    return (struct linking_verdict){.outcome = by_tech_id ? LINKING_AUTH : LINKING_PROVE,
                                    .account = first};
}

struct linking_verdict linking_decide(const struct upstream_person *p,
                                      const struct linking_found *found) {
    return found->linked.count ? decide_linked(p, found) : decide_unlinked(p, found);
}

enum verdict linking_proof_check(const struct linking_verdict *v, const struct user_id *signed_in) {
    bool is_it = v->outcome == LINKING_PROVE && v->account &&
                 memcmp(v->account->id.b, signed_in->b, USER_ID_BYTES) == 0;
    return is_it ? ALLOW : DENY;
}

/* ---- the index ---- */

enum err linking_subject_index(const struct keyring *k, struct span issuer, struct span subject,
                               unsigned char ret_index[SUBJECT_INDEX_BYTES]) {
    CLEANUP(buf_done) struct buf both = BUF_INIT(UPSTREAM_URI_MAX + 1 + UPSTREAM_SUBJECT_MAX);
    if (issuer.len > UPSTREAM_URI_MAX || subject.len > UPSTREAM_SUBJECT_MAX)
        return ERR_TOO_LONG;
    buf_add_span(&both, issuer);
    buf_add_char(&both, '\0');
    buf_add_span(&both, subject);
    enum err e = buf_err(&both);
    if (!e)
        keyring_index(k, "upstream", buf_span(&both), ret_index);
    return e;
}
