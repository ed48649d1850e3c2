/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing out goes on to the provider that the session came through: what is carried there, sealed for
 * the browser, in a link of our own. The session here has ended before. */
#ifndef IDP_UPSTREAM_LOGOUT_H
#define IDP_UPSTREAM_LOGOUT_H

#include "base/err.h"
#include "base/span.h"
#include "idp/request.h"
#include "idp/store/store.h"

struct upstream_logout {
    struct span connector_id;
    struct span id_token;   /* for its end_session endpoint; absent: none */
    struct span logout_uri; /* dvcqg; absent: none */
    struct span next;       /* where the person goes after all: a checked address of a client; absent: our page */
};

/* From the session's row. ERR_NOT_FOUND: there is nothing to go on to (no row, the connector is gone or
 * does not want it). */
must_check enum err upstream_logout_build(struct request *req, const struct upstream_session *s,
                                          struct span next, struct upstream_logout *ret_logout);
/* "/upstream/sign-out?ticket=..." in the arena. ERR_TOO_LONG, ERR_NOMEM. */
must_check enum err upstream_logout_link(struct request *req, const struct upstream_logout *l,
                                         struct span *ret_link);
/* `next` alone, for the state that comes back. */
must_check enum err upstream_logout_seal(struct request *req, const struct upstream_logout *l,
                                         struct span *ret_ticket);
/* ERR_BAD_SIGNATURE: not for this browser. ERR_SYNTAX, ERR_EXPIRED. */
must_check enum err upstream_logout_open(struct request *req, struct span ticket,
                                         struct upstream_logout *ret_logout);

#endif
