/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom an access token is for (RFC 8707; RFC 9068 3): the provider itself, where it opens userinfo,
 * or one registered resource. Never several: a token that two can read is one that the first can use
 * at the second (RFC 9700 2.3). A client may name a resource when it is registered for a scope of
 * it. Pure. */
#ifndef IDP_PROTOCOLS_OIDC_AUDIENCE_H
#define IDP_PROTOCOLS_OIDC_AUDIENCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/params.h"
#include "base/span.h"
#include "idp/resource.h"
#include "protocols/oidc/oidc_error.h"

struct config;

#define ASKED_RESOURCES_MAX 8 /* in one request */

struct resource_list {
    struct span item[ASKED_RESOURCES_MAX];
    size_t count;
};
/* For parameter tables: a field of type struct resource_list. */
enum err param_resource(struct arena *a, struct span value, void *field);

/* What the decisions are made on. */
struct audience_rules {
    const struct config *cfg;
    const struct resource_set *resources;
    const struct client *client;
};

/* What an authorization request names. `ret_level`: the highest of their minimum levels.
 * OIDC_INVALID_TARGET. */
struct oidc_failure audience_check(const struct audience_rules *rules,
                                   const struct resource_list *asked, int *ret_level);
/* Space-separated, for the code and the grant; absent when there are none. In the arena. */
must_check enum err resource_list_build(struct arena *a, const struct resource_list *list,
                                        struct span *ret_text);

struct audience {
    const struct resource *resource; /* NULL: the provider itself */
    struct span scope;               /* what of the granted scope has a meaning there */
};

#define AUDIENCE_NO_SESSION (-1) /* a client acts for itself: no level is asked of it */

/* The audience of one access token: the resource that the token request names; else the only one
 * that the authorization request named; else the owner of all scopes; else the provider.
 * `granted` is resource_list_build()'s; `scope` what was granted, or asked for of that; `level` the
 * session's. OIDC_INVALID_TARGET, OIDC_SERVER_ERROR (memory). */
struct oidc_failure audience_choose(struct arena *a, const struct audience_rules *rules,
                                    const struct resource_list *asked, struct span granted,
                                    struct span scope, int level, struct audience *ret_audience);

#endif
