/* SPDX-License-Identifier: Apache-2.0
 *
 * What each scope says of a person (OIDC Core 5.4; the Vietnamese scopes beside them), and the
 * claims that an account may hold. One table serves userinfo, discovery and the import check. */
#ifndef IDP_CLAIMS_H
#define IDP_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/span.h"
#include "idp/client.h"
#include "idp/user.h"

#define CLAIMS_JSON_MAX 16384 /* bytes of an account's claims object */
#define CLAIM_TEXT_MAX  1000  /* bytes of one text */

struct scope_def {
    const char *name;
    int least_loa;          /* sessions below it get none of its claims */
    bool is_of_numbers;     /* personal and tax numbers: a client's numbers_level counts in its place */
    bool needs_legal_basis; /* only clients with a recorded one may have it */
    bool in_dvcqg_profile;  /* given to `claims_profile: dvcqg` clients with plain openid */
};
extern const struct scope_def scope_defs[];
extern const size_t scope_defs_count;
const struct scope_def *scope_def_find(struct span name);

/* What claims are made from. */
struct claims_source {
    const struct user *user;
    const json_t *claims;      /* the account's, as object; NULL: none */
    const json_t *identifiers; /* identifiers_open(); NULL: none */
    const struct client *client;
    struct span sub; /* as this client knows the person: TechID too; absent: left out */
    int loa;         /* of the session that the grant came from */
};

/* Writes into the open object every claim that the granted scopes (a space-separated list) allow
 * and the account can fill, each once; `sub`, `acr`, `amr`, `auth_time` and `sid` are the caller's.
 */
void claims_add_for_scope(struct json_out *o, struct span scope, const struct claims_source *s);

/* The same for single claims (a space-separated list), but for those that `scope` gives already. */
void claims_add_named(struct json_out *o, struct span names, struct span scope,
                      const struct claims_source *s);
/* The scope that a claim belongs to; NULL: no claim of ours. */
const char *claims_scope_of(struct span name);

/* For discovery: arrays with every scope, and with every claim of the table. */
void claims_list_scopes(struct json_out *o, const char *name);
void claims_list(struct json_out *o, const char *name);

/* Checks the claims object of a new account and brings texts into NFC. ERR_UNSUPPORTED (no claim
 * that an account can hold), ERR_SYNTAX (wrong kind or form), ERR_TOO_LONG; `*reterr_name` is the
 * member at fault, in the arena. The caller owns `ret_normal`. */
must_check enum err claims_check(struct arena *a, const json_t *given, json_t **ret_normal,
                                 const char **reterr_name);

#endif
