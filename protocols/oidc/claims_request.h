/* SPDX-License-Identifier: Apache-2.0
 *
 * The claims parameter (OIDC Core 5.5): single claims that a client asks for, in the ID token or
 * from userinfo. Pure.
 *
 * What a client asks for so, it must also be allowed by scope: a claim belongs to a scope (the
 * table of idp/claims.c), and one whose scope the client may not have is passed over, as is one
 * that nobody knows ("it is not an error to not return a requested claim", 5.5.1). Binding are
 * `sub` with a value, and `acr` when it is essential. */
#ifndef IDP_PROTOCOLS_OIDC_CLAIMS_REQUEST_H
#define IDP_PROTOCOLS_OIDC_CLAIMS_REQUEST_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define CLAIMS_REQUEST_MAX 8192 /* bytes of the parameter's JSON */

struct claims_request {
    struct span userinfo, id_token; /* names of claims, space-separated; absent: none */
    struct span scope;              /* the scopes that they belong to, each once */
    struct span sub;                /* the only person that may answer; absent: anybody */
    struct span acr_values;         /* levels asked for, space-separated */
    bool is_acr_essential;
};

/* `allowed_scope`: what the client may have. In the arena. ERR_SYNTAX (no JSON of the form of 5.5,
 * duplicate members), ERR_TOO_LONG (bytes, depth), ERR_NOMEM. */
must_check enum err claims_request_parse(struct arena *a, struct span text,
                                         struct span allowed_scope,
                                         struct claims_request *ret_request);

/* The form in which it travels in codes and grants ("userinfo names|id token names"), and back.
 * Absent for none. */
must_check enum err claims_request_build(struct arena *a, const struct claims_request *r,
                                         struct span *ret_text);
struct span claims_request_userinfo(struct span text);
struct span claims_request_id_token(struct span text);

#endif
