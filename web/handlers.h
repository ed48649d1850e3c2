/* SPDX-License-Identifier: Apache-2.0
 *
 * The handlers of the provider's own pages; protocols bring theirs. Named in routes.tbl.h. */
#ifndef IDP_WEB_HANDLERS_H
#define IDP_WEB_HANDLERS_H

#include "idp/request.h"

extern const struct handler home_handler;            /* GET / -> the account page */
extern const struct handler sign_in_handler;         /* POST /sign-in: user name and password */
extern const struct handler password_forced_handler; /* POST /sign-in/password: first-login change */
extern const struct handler account_handler;         /* GET /account */
extern const struct handler account_end_handler;     /* POST /account/end: one session or all others */
extern const struct handler password_page_handler;   /* GET /account/password */
extern const struct handler password_change_handler; /* POST /account/password */
extern const struct handler upstream_start_handler;       /* GET /upstream/start: to another provider */
extern const struct handler upstream_callback_handler;    /* GET /upstream/callback/ID: back from it */
extern const struct handler upstream_choose_handler;      /* /upstream/choose: which account */
extern const struct handler upstream_link_handler;        /* GET /upstream/link: an account was proven */
extern const struct handler upstream_sign_out_handler;    /* GET /upstream/sign-out: its session too */
extern const struct handler upstream_signed_out_handler;  /* GET /upstream/signed-out/ID */
extern const struct handler upstream_backchannel_handler; /* POST /upstream/backchannel-logout/ID */

#endif
