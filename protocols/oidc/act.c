/* SPDX-License-Identifier: Apache-2.0
 *
 * See act.h. */
#include "protocols/oidc/act.h"

#include "idp/claims.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/acr.h"
#include "protocols/oidc/tokens.h"

#define ACT_SCOPE "vn_org"

void act_add(const struct request *req, struct json_out *o, const struct client *client,
             const struct resource *resource, struct span scope, const struct grant *g) {
    char sub[SUB_CHARS + 1];
    if (!g->has_actor || !span_list_has(scope, SPAN(ACT_SCOPE)) ||
        acr_level(request_config(req), g->acr) < scope_def_find(SPAN(ACT_SCOPE))->least_loa)
        return;
    tokens_sub_at(request_idp(req)->keyring, client, resource, &g->actor, sub);
    json_open_object(o, "act");
    json_add_str(o, "sub", span_of(sub));
    json_close_object(o);
}
