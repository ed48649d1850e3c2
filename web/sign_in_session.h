/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of every way of signing in: a new session with a new id, its cookie, the device cookie.
 * Whatever proved the person (password now, codes and passkeys later) comes through here. */
#ifndef IDP_WEB_SIGN_IN_SESSION_H
#define IDP_WEB_SIGN_IN_SESSION_H

#include "idp/request.h"
#include "idp/session.h"
#include "idp/user.h"

struct sign_in_session {
    struct session fresh;
    char cookie[SESSION_COOKIE_CHARS + 1];
};

/* Fills `s` and adds to req->write what makes it durable: the session row, which takes the place
 * of `previous` (the browser's session until now, or not found), and the audit row. Gate: refused
 * when the account was locked, or its password changed, since `user` was loaded. */
void sign_in_session_write(struct request *req, struct sign_in_session *s, const struct user *user,
                           const struct session *previous, unsigned amr, int aal);
/* After the commit: both cookies. */
void sign_in_session_respond(struct request *req, const struct sign_in_session *s);

/* Whether the browser's device cookie was given to this account (idp/throttle.h says why). */
bool device_is_known(const struct request *req, const struct user_id *user);

#endif
