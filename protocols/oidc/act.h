/* SPDX-License-Identifier: Apache-2.0
 *
 * Who acts for the account that a token is about (RFC 8693 4.1: act), as its reader knows that person.
 * Part of scope vn_org, so only from that scope's level on. */
#ifndef IDP_PROTOCOLS_OIDC_ACT_H
#define IDP_PROTOCOLS_OIDC_ACT_H

#include "base/json.h"
#include "idp/client.h"
#include "idp/grant.h"
#include "idp/request.h"
#include "idp/resource.h"

/* Adds member "act" to the open object; nothing when nobody acts for anybody, or `scope` does not say.
 * `resource` NULL: for the client itself. */
void act_add(const struct request *req, struct json_out *o, const struct client *client,
             const struct resource *resource, struct span scope, const struct grant *g);

#endif
