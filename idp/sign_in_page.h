/* SPDX-License-Identifier: Apache-2.0
 *
 * The page with the ways of signing in: through another provider, or with a password. Shown by
 * whoever finds that somebody has to sign in. */
#ifndef IDP_SIGN_IN_PAGE_H
#define IDP_SIGN_IN_PAGE_H

#include "idp/connector.h"
#include "idp/flow.h"
#include "idp/request.h"

struct sign_in_page {
    unsigned status;
    const struct flow *flow;
    struct span handle;    /* of that flow, sealed */
    struct span username;  /* as typed before, or hinted */
    const char *error_key; /* of the catalogue; NULL: what the flow says, if anything */
    int64_t retry_seconds; /* how long to wait, 0: not at all */
};

/* Answers with the page; with the error page "unavailable" when it cannot be made. */
void sign_in_page_respond(struct request *req, const struct sign_in_page *page);

/* Whether people of the flow may come in through it: enabled, and on the client's list. */
bool sign_in_connector_allowed(const struct flow *flow, const struct connector *c);

#endif
