/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose account an upstream identity is: rules only, over what the store found. Order (DOMAIN 2.1):
 * link, TechID, personal number (CCCD, then CMND), enterprise codes. E-mail and telephone never link
 * (U04). */
#ifndef IDP_LINKING_H
#define IDP_LINKING_H

#include <stddef.h>

#include "idp/store/store.h"
#include "idp/upstream_person.h"

enum linking_outcome {
    LINKING_REFUSED = 0, /* ambiguous, or an account that may not be used: staff has to look */
    LINKING_AUTH,        /* linked: this account */
    LINKING_CHOOSE,      /* linked to several, or it may act for others: the person says which */
    LINKING_PROVE,       /* an account has this number: it must be signed in to first */
    LINKING_CREATE       /* nobody here has this identity */
};

/* Kinds under which accounts are looked for, in this order. */
#define LINKING_KINDS 5
extern const char *const linking_kinds[LINKING_KINDS]; /* TechID SoDinhDanh SoCMND MaSoThue MaSoDoanhNghiep */

struct linking_found {
    struct upstream_link_list linked;        /* by (issuer, subject), accounts loaded with them */
    struct user by_kind[LINKING_KINDS];      /* `found` where there is one */
    struct representation_list represented;  /* of the linked person: whom they may act for now */
};

struct linking_verdict {
    enum linking_outcome outcome;
    const struct user *account; /* AUTH, PROVE; into linking_found */
    const char *reason;         /* REFUSED: for audit and page: "number_conflict", "account_locked" ... */
};

struct linking_verdict linking_decide(const struct upstream_person *p,
                                      const struct linking_found *found);
/* Whether the account that was signed in to is the one that a PROVE was about. */
enum verdict linking_proof_check(const struct linking_verdict *v, const struct user_id *signed_in);

#endif
