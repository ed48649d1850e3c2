/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client is told of a person, wherever it is told: in userinfo and in ID tokens. */
#ifndef IDP_PROTOCOLS_OIDC_PERSON_CLAIMS_H
#define IDP_PROTOCOLS_OIDC_PERSON_CLAIMS_H

#include "base/err.h"
#include "base/json.h"
#include "idp/client.h"
#include "idp/request.h"
#include "idp/user.h"

struct claims_order {
    const struct client *client;
    const struct user *user;
    struct span sub;   /* of the user, for the client */
    struct span acr;   /* of the grant: claims of a higher level are left out */
    struct span scope; /* gives all claims of its words */
    struct span names; /* single claims beside them (OIDC Core 5.5) */
};

/* Into the open object; `sub` and the claims of the authentication are the caller's. ERR_CRYPTO,
 * ERR_SYNTAX (the account's row), ERR_NOMEM. */
must_check enum err person_claims_add(struct request *req, const struct claims_order *order,
                                      struct json_out *o);

#endif
