/* SPDX-License-Identifier: Apache-2.0
 *
 * The logout token that tells a client of a session's end (Back-Channel Logout 2.4). */
#ifndef IDP_PROTOCOLS_OIDC_LOGOUT_TOKEN_H
#define IDP_PROTOCOLS_OIDC_LOGOUT_TOKEN_H

#include "base/buf.h"
#include "base/err.h"
#include "idp/client.h"
#include "idp/idp.h"
#include "idp/store/store.h"

/* Its claims, with a jti of its own each time. ERR_TOO_LONG, ERR_NOMEM. */
must_check enum err logout_token_build(struct idp *idp, const struct client *client,
                                       const struct logout_delivery *d, int64_t now, struct buf *out);

#endif
