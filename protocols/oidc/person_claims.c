/* SPDX-License-Identifier: Apache-2.0
 *
 * See person_claims.h. */
#include "protocols/oidc/person_claims.h"

#include "base/cleanup.h"
#include "idp/claims.h"
#include "idp/config.h"
#include "idp/identifiers.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/acr.h"

enum err person_claims_add(struct request *req, const struct claims_order *order,
                           struct json_out *o) {
    const struct keyring *k = request_idp(req)->keyring;
    AUTO_JSON json_t *claims = NULL;
    AUTO_JSON json_t *identifiers = NULL;
    enum err e = identifiers_open(k, req->arena, order->user, &identifiers);
    if (!e && order->user->claims.len)
        e = json_parse_object(order->user->claims, CLAIMS_JSON_MAX, &claims);
    if (e)
        return e;
    const struct claims_source source = {
        .user = order->user,
        .claims = claims,
        .identifiers = identifiers,
        .client = order->client,
        .sub = order->sub,
        .loa = acr_level(request_config(req), order->acr),
    };
    claims_add_for_scope(o, order->scope, &source);
    claims_add_named(o, order->names, order->scope, &source);
    return ERR_OK;
}
