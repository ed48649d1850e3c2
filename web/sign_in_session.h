/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of every way of signing in: a new session with a new id, its cookie, the device cookie.
 * Whatever proved the person (password now, codes and passkeys later) comes through here. */
#ifndef IDP_WEB_SIGN_IN_SESSION_H
#define IDP_WEB_SIGN_IN_SESSION_H

#include "idp/request.h"
#include "idp/session.h"
#include "idp/user.h"

/* What proved the person. */
struct sign_in_proof {
    unsigned amr;         /* AMR_* */
    int aal;              /* 1..3 */
    int64_t auth_time;    /* when they proved it; 0: not known (another provider does not say) */
    int64_t ends_at;      /* the session's end, if it is earlier than ours; 0: none of its own */
    const char *method;   /* for the audit: "password", "upstream" */
    struct span connector; /* with "upstream": which */
    const struct user_id *actor; /* the person who acts for the account, or NULL */
};

struct sign_in_session {
    struct session fresh;
    char cookie[SESSION_COOKIE_CHARS + 1];
};

/* Fills `s` and adds to req->write what makes it durable: the session row, which takes the place
 * of `previous` (the browser's session until now, or not found), and the audit row. Gate: refused
 * when the account was locked, or its password changed, since `user` was loaded. */
void sign_in_session_write(struct request *req, struct sign_in_session *s, const struct user *user,
                           const struct session *previous,
                           const struct sign_in_proof *proof);
/* After the commit: both cookies. */
void sign_in_session_respond(struct request *req, const struct sign_in_session *s);

/* Whether the browser's device cookie was given to this account (idp/throttle.h says why). */
bool device_is_known(const struct request *req, const struct user_id *user);

#endif
