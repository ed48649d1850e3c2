/* SPDX-License-Identifier: Apache-2.0
 *
 * See access_use.h. */
#include "protocols/oidc/access_use.h"

#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/store/store.h"
#include "protocols/oidc/opaque_token.h"

enum err access_use_read(struct request *req, struct span token, struct access_token *ret_token) {
    const struct keyring *keyring = request_idp(req)->keyring;
    enum err e = opaque_token_is(token)
                     ? opaque_token_open(keyring, req->arena, token, req->now, ret_token)
                     : access_token_verify(req->arena, request_config(req), keyring,
                                           req->thread->access_tokens, token, req->now, ret_token);
    return e == ERR_NOMEM || e == ERR_CRYPTO ? ERR_UNAVAILABLE : e;
}

void access_use_load(struct request *req, struct access_use *u) {
    unsigned char key[PENDING_KEY_BYTES];
    if (u->token.has_grant)
        store_grant_find(&req->load, &u->token.grant, &u->grant);
    access_token_revocation_key(&u->token, key);
    store_token_is_revoked(&req->load, key, &u->is_revoked);
    u->lookup.client_id = u->token.client_id;
    client_lookup_load(req, &u->lookup);
}

static bool grant_stands(const struct access_use *u, int64_t now) {
    const struct grant *g = &u->grant;
    return g->found && !g->revoked_at && now < g->expires_at && g->user_status == USER_ACTIVE &&
           span_eq(g->client_id, u->token.client_id);
}

enum err access_use_check(struct request *req, struct access_use *u) {
    if (req->load.result)
        return req->load.result;
    enum err e = client_lookup_finish(req, &u->lookup);
    if (e)
        return e;
    if (u->is_revoked || !u->lookup.client || !u->lookup.client->is_enabled)
        return ERR_REFUSED;
    return !u->token.has_grant || grant_stands(u, req->now) ? ERR_OK : ERR_REFUSED;
}
