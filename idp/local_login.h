/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether accounts of a type may sign in with what this provider itself checks, now. */
#ifndef IDP_LOCAL_LOGIN_H
#define IDP_LOCAL_LOGIN_H

#include <stdint.h>

#include "idp/config.h"
#include "idp/user.h"

enum local_login {
    LOCAL_LOGIN_DENY = 0,
    LOCAL_LOGIN_STEP_UP_ONLY, /* only to raise the level of a session that began at a connector */
    LOCAL_LOGIN_ALLOW
};

/* `now` in seconds since 1970. Before its date a rule is `allow`. Pure. */
enum local_login config_local_login(const struct config *c, enum user_type type, int64_t now);

#endif
