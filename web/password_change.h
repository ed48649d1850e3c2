/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing a new password: by one's own will on the account page, or because staff made the
 * account and the first sign-in demands it. Both end every other session and all grants. */
#ifndef IDP_WEB_PASSWORD_CHANGE_H
#define IDP_WEB_PASSWORD_CHANGE_H

#include "idp/flow.h"
#include "idp/request.h"
#include "idp/user.h"

/* Shows the form of the forced change to someone who has just given the right password: the flow
 * goes on, with that fact sealed into it. */
void password_forced_respond(struct request *req, const struct flow *flow, const struct user *user);

#endif
