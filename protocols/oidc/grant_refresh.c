/* SPDX-License-Identifier: Apache-2.0
 *
 * grant_type=refresh_token (RFC 6749 6, RFC 9700 4.14.2): rotation by generation. An answer may be
 * lost on its way, so for a few seconds, while the successor has not been used, the same client
 * that comes with the old token gets the same successor again. Anything else that is old is theft
 * until shown otherwise: the grant is revoked. */
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/scope.h"
#include "protocols/oidc/token.h"

static enum step begin(struct request *req, struct token_request *t) {
    if (!t->refresh_token.len)
        return token_refuse(req, OIDC_INVALID_REQUEST, "refresh_token is missing");
    if (refresh_token_parse(t->refresh_token, &t->refresh))
        return token_invalid_grant(req);
    t->grant_stage = GRANT_LOADED;
    return STEP_LOAD;
}

static void refresh_load(struct request *req, struct token_request *t) {
    store_grant_find(&req->load, &t->refresh.key, &t->grant);
}

static bool scope_decide(struct request *req, struct token_request *t) {
    struct span scope = t->grant.scope;
    //= https://www.rfc-editor.org/rfc/rfc6749#section-6
    //# The requested scope MUST NOT include any scope not originally granted by the resource owner
    enum err e = ERR_OK;
    if (t->scope.len)
        e = scope_covered(t->scope, t->grant.scope)
                ? scope_reduce(req->arena, t->scope, t->grant.scope, &scope)
                : ERR_REFUSED;
    if (e) {
        (void)token_refuse(req, oidc_error_of(e, OIDC_INVALID_SCOPE), NULL);
        return false;
    }
    return token_audience_decide(req, t, scope);
}

static enum step revoke(struct token_request *t) {
    t->grant_stage = GRANT_REVOKED;
    return STEP_WRITE;
}

/* The same answer once more: nothing to write. A rotation by a request that began later may bear a
 * time that this one has not seen yet. */
static bool is_within_grace(const struct request *req, const struct token_request *t) {
    int64_t age = req->now > t->grant.rotated_at ? req->now - t->grant.rotated_at : 0;
    return t->refresh.generation + 1 == t->grant.generation &&
           age < request_config(req)->refresh_grace_seconds;
}

static enum step give(struct token_request *t, int64_t generation) {
    t->order.grant = &t->grant;
    t->has_refresh = true;
    t->refresh_generation = generation;
    return STEP_RESPOND;
}

static enum step loaded(struct request *req, struct token_request *t) {
    const struct grant *g = &t->grant;
    if (req->load.result)
        return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    if (!g->found || refresh_token_verify(request_idp(req)->keyring, g, &t->refresh) != ALLOW)
        return token_invalid_grant(req);
    if (!span_eq(g->client_id, t->login.client->client_id))
        return g->revoked_at ? token_invalid_grant(req) : revoke(t);
    if (!grant_can_refresh(g, req->now))
        return token_invalid_grant(req);
    if (!scope_decide(req, t))
        return STEP_RESPOND;
    if (is_within_grace(req, t))
        return give(t, g->generation);
    if (t->refresh.generation != g->generation)
        return revoke(t);
    t->grant_stage = GRANT_WRITTEN;
    return STEP_WRITE;
}

static enum step written(struct request *req, struct token_request *t) {
    if (req->write.result == ERR_OK)
        return give(t, t->refresh.generation + 1);
    if (req->write.result != ERR_REPLAYED)
        return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    /* Another request was faster, or the grant fell: look again and decide anew, once. */
    if (t->has_looked_again)
        return token_invalid_grant(req);
    t->has_looked_again = true;
    t->grant = (struct grant){0};
    t->grant_stage = GRANT_LOADED;
    return STEP_LOAD;
}

static void refresh_write(struct request *req, struct token_request *t) {
    if (t->grant_stage == GRANT_WRITTEN) {
        int64_t idle = req->now + request_config(req)->refresh_idle_seconds;
        store_grant_rotate(&req->write, &t->grant.key, t->refresh.generation, req->now,
                           idle < t->grant.expires_at ? idle : t->grant.expires_at);
        return;
    }
    store_grant_revoke(&req->write, &t->grant.key, req->now);
    oidc_audit(req, "refresh_reused", &t->grant.user_id, t->login.client->client_id, SPAN_NONE);
}

const struct token_grant_type grant_refresh = {
    .name = "refresh_token",
    .bit = GRANT_REFRESH_TOKEN,
    .begin = begin,
    .load = refresh_load,
    .loaded = loaded,
    .write = refresh_write,
    .written = written,
    .spec = "RFC 6749 6",
};
