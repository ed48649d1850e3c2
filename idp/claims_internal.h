/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of claims, for claims.c and claims_check.c only. */
#ifndef IDP_CLAIMS_INTERNAL_H
#define IDP_CLAIMS_INTERNAL_H

#include "idp/claims.h"

/* What an account may hold under the name. */
enum claim_kind {
    CLAIM_DERIVED,    /* nothing: it follows from the account or the session */
    CLAIM_IDENTIFIER, /* nothing: it belongs among the sealed identifiers */
    CLAIM_TEXT,
    CLAIM_EMAIL,
    CLAIM_PHONE,      /* stored as E.164 */
    CLAIM_ISO_DATE,   /* 1990-02-12, 1990, 0000-02-12 (OIDC Core 5.1) */
    CLAIM_PLAIN_DATE, /* 19900212 */
    CLAIM_AGENCY,     /* QD 20/2020 */
    CLAIM_BOOL,
    CLAIM_INT,
    CLAIM_TEXTS, /* object of texts */
    CLAIM_WORDS  /* array of texts */
};

struct claim_def;
typedef void claim_make_fn(struct json_out *o, const struct claim_def *d,
                           const struct claims_source *s);

struct claim_def {
    const char *name;
    const char *scope;
    claim_make_fn *make;
    enum claim_kind kind;
    const char *other, *other2; /* claims that it can be made from */
};
extern const struct claim_def claim_defs[];
extern const size_t claim_defs_count;

#endif
