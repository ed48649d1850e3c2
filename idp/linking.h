/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose account an upstream identity is: rules only, over what the store found. Order:
 * link, TechID, personal number (CCCD, then CMND), enterprise codes. E-mail and telephone never link
 * (U04).
 *
 * An account *matches* an identity when it has one of its identifiers of a kind by which accounts of
 * that type are looked for, and is of that type: an official is a person, an enterprise is none. The
 * kinds of which everybody has one for life are *strong* (all but CMND).
 *
 *  linked to              matching, not linked      verdict
 *  ---------------------  ------------------------  -------------------------------------------------
 *  only of another type   -                         REFUSED "type_conflict": a person's account was
 *                                                   linked, and upstream now says enterprise
 *  a person's, not active -                         REFUSED "account_locked", whatever else is linked
 *  none that is active    -                         REFUSED "account_locked"
 *  active ones            by a strong kind          REFUSED "number_conflict": two accounts for one
 *                                                   person, or a number that changed: staff merges
 *  one active             none, or by CMND          AUTH; CHOOSE when it may act for others
 *  several active         none, or by CMND          CHOOSE
 *  nothing                two by strong kinds       REFUSED "number_conflict"
 *  nothing                first kind's not active   REFUSED "account_locked": never a new account
 *                                                   beside it, nor the next kind's
 *  nothing                by TechID, and linked to  AUTH: same provider, same technical id, another
 *                         this issuer               subject (link it: LINK_TECH_ID; whom it may act
 *                                                   for is asked from the next time on)
 *  nothing                otherwise                 PROVE the first kind's
 *  nothing                none                      CREATE
 *
 * TechID of another issuer proves nothing: whoever runs one provider could name any technical id of
 * another's. Whoever may assert subjects of the issuer that an account is linked to could assert that
 * subject just as well. */
#ifndef IDP_LINKING_H
#define IDP_LINKING_H

#include <stddef.h>

#include "idp/keyring.h"
#include "idp/store/store.h"
#include "idp/upstream_person.h"

enum linking_outcome {
    LINKING_REFUSED = 0, /* ambiguous, or an account that may not be used: staff has to look */
    LINKING_AUTH,        /* linked (or TechID, see above): this account */
    LINKING_CHOOSE,      /* linked to several, or it may act for others: the person says which */
    LINKING_PROVE,       /* an account has this number: it must be signed in to first */
    LINKING_CREATE       /* nobody here has this identity */
};

/* Kinds under which accounts are looked for, in this order. */
#define LINKING_KINDS 5
extern const char *const linking_kinds[LINKING_KINDS]; /* TechID SoDinhDanh SoCMND MaSoThue MaSoDoanhNghiep */
/* Whether an account of that type is looked for by linking_kinds[kind]: those are what a new account's
 * look-up index holds. A person's tax code is not: an enterprise may have it. */
bool linking_kind_is_for(size_t kind, enum user_type type);

struct linking_found {
    struct upstream_link_list linked;        /* by (issuer, subject), accounts loaded with them */
    struct user by_kind[LINKING_KINDS];      /* `found` where there is one */
    bool tech_id_is_issuers;                 /* by_kind[0] is linked to some subject of this issuer */
    struct representation_list represented;  /* of the linked person: whom they may act for now */
};

struct linking_verdict {
    enum linking_outcome outcome;
    const struct user *account; /* AUTH, PROVE; into linking_found */
    const char *reason;         /* REFUSED: for audit and page: "number_conflict", "account_locked",
                                 * "type_conflict" */
};

/* A CHOOSE is among the linked accounts that linking_may_choose() allows, and those represented. */
struct linking_verdict linking_decide(const struct upstream_person *p,
                                      const struct linking_found *found);
/* Whether a linked account may be signed in to with this identity: active, and of a fitting type (a
 * person's identity may be linked to an enterprise's account; not the other way round). */
enum verdict linking_may_choose(const struct upstream_person *p, const struct user *account);
/* Whether the account that was signed in to is the one that a PROVE was about. */
enum verdict linking_proof_check(const struct linking_verdict *v, const struct user_id *signed_in);

/* What a link is found by: HMAC(index key, "upstream" || 0 || issuer || 0 || subject). ERR_TOO_LONG:
 * past UPSTREAM_SUBJECT_MAX, or an issuer of more than UPSTREAM_URI_MAX bytes. */
must_check enum err linking_subject_index(const struct keyring *k, struct span issuer,
                                          struct span subject,
                                          unsigned char ret_index[SUBJECT_INDEX_BYTES]);

#endif
