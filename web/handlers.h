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

#endif
