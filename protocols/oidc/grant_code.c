/* SPDX-License-Identifier: Apache-2.0
 *
 * grant_type=authorization_code (RFC 6749 4.1.3, RFC 7636 4.5): one batch that consumes the code by
 * inserting the grant. A code that is refused for any other reason is looked up all the same: had
 * it been used before, this is a replay, and what it made is revoked, however old it is. */
#include "base/random.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/token.h"

/* A grant without refresh token is kept this much longer than its access token, seconds. */
#define GRANT_AFTERLIFE 60

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static bool code_is_good(const struct request *req, const struct token_request *t) {
    const struct code_content *c = &t->code_content;
    int64_t age = req->now - t->code_text.issued_at;
    if (!span_eq(c->client_id, t->login.client->client_id))
        return false;
    return age >= 0 && age < request_config(req)->code_seconds &&
           code_redirect_uri_matches(c, t->redirect_uri) &&
           code_verifier_matches(c, t->code_verifier);
}

static bool code_opens(struct request *req, struct token_request *t) {
    struct span sealed = t->code_text.sealed.len ? t->code_text.sealed : t->pending.sealed;
    return sealed.len && code_open(request_idp(req)->keyring, req->arena, &t->code_text, sealed,
                                   req->now, &t->code_content) == ERR_OK;
}

static void grant_lifetime(const struct request *req, const struct token_request *t,
                           struct grant *g) {
    const struct config *cfg = request_config(req);
    int64_t access_seconds = t->login.client->access_token_seconds ? t->login.client->access_token_seconds
                                                             : cfg->access_token_seconds;
    g->expires_at = req->now + access_seconds + GRANT_AFTERLIFE;
    g->idle_expires_at = g->expires_at;
    if (!g->has_refresh) {
        /* The row is what says that the client is to be told of the session's end. */
        if (t->login.client->backchannel_logout_uri.len &&
            t->code_content.session_expires_at > g->expires_at)
            g->expires_at = t->code_content.session_expires_at;
        return;
    }
    int64_t end = g->is_offline ? req->now + cfg->refresh_absolute_seconds
                                : t->code_content.session_expires_at;
    if (end > g->expires_at)
        g->expires_at = end;
    g->idle_expires_at = least(req->now + cfg->refresh_idle_seconds, g->expires_at);
}

static void grant_build(const struct request *req, struct token_request *t) {
    const struct code_content *c = &t->code_content;
    struct grant *g = &t->grant;
    *g = (struct grant){
        .key = t->code_text.key,
        .user_id = c->user_id,
        .has_session = true,
        .session_key = c->session_key,
        .sid_key = c->session_key,
        .client_id = t->login.client->client_id,
        .scope = c->scope,
        .claims = c->claims,
        .resource = c->resource,
        .acr = c->acr,
        .amr = c->amr,
        .auth_time = c->auth_time,
        .has_actor = c->has_actor,
        .actor = c->actor,
        .is_offline = span_list_has(c->scope, SPAN("offline_access")),
        .has_refresh = (t->login.client->grant_types & GRANT_REFRESH_TOKEN) != 0,
        .rotated_at = req->now,
        .issued_at = req->now,
    };
    random_bytes(g->salt, sizeof g->salt);
    grant_lifetime(req, t, g);
}

static enum step redeem(struct request *req, struct token_request *t) {
    grant_build(req, t);
    if (!token_audience_decide(req, t, t->grant.scope))
        return STEP_RESPOND;
    t->grant_stage = GRANT_WRITTEN;
    return STEP_WRITE;
}

static enum step begin(struct request *req, struct token_request *t) {
    if (!t->code.len)
        return token_refuse(req, OIDC_INVALID_REQUEST, "code is missing");
    if (code_parse(req->arena, t->code, &t->code_text))
        return token_invalid_grant(req);
    if (code_opens(req, t) && code_is_good(req, t))
        return redeem(req, t);
    t->grant_stage = GRANT_LOADED;
    return STEP_LOAD;
}

static void code_load(struct request *req, struct token_request *t) {
    store_grant_find(&req->load, &t->code_text.key, &t->grant);
    if (!t->code_text.sealed.len)
        store_pending_find(&req->load, t->code_text.key.b, req->now, &t->pending);
}

/* Refused, or its content stands in a row. */
static enum step loaded(struct request *req, struct token_request *t) {
    if (req->load.result)
        return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    if (t->grant.revoked_at) /* known already: replays do not fill the audit */
        return token_invalid_grant(req);
    if (t->grant.found) {
        t->grant_stage = GRANT_REVOKED;
        return STEP_WRITE;
    }
    if (!t->code_text.sealed.len && code_opens(req, t) && code_is_good(req, t))
        return redeem(req, t);
    return token_invalid_grant(req);
}

static enum step written(struct request *req, struct token_request *t) {
    switch (req->write.result) {
    case ERR_OK:
        t->order.grant = &t->grant;
        t->order.nonce = t->code_content.nonce;
        t->has_refresh = t->grant.has_refresh;
        return STEP_RESPOND;
    case ERR_REPLAYED:
        t->grant = (struct grant){0};
        t->grant_stage = GRANT_LOADED;
        return STEP_LOAD;
    case ERR_REFUSED: /* signed out, locked or erased since */
        return token_invalid_grant(req);
    default:
        return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    }
}

static void code_write(struct request *req, struct token_request *t) {
    if (t->grant_stage == GRANT_WRITTEN) {
        store_grant_consume_code(&req->write, &t->grant);
        oidc_audit(req, "code_redeemed", &t->grant.user_id, t->login.client->client_id, SPAN_NONE);
        return;
    }
    //= https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
    //# If an authorization code is used more than once, the authorization server MUST deny the
    //# request and SHOULD revoke (when possible) all tokens previously issued based on that
    //# authorization code.
    store_grant_revoke(&req->write, &t->code_text.key, req->now);
    oidc_audit(req, "code_replayed", NULL, t->login.client->client_id, SPAN_NONE);
}

const struct token_grant_type grant_code = {
    .name = "authorization_code",
    .bit = GRANT_AUTHORIZATION_CODE,
    .begin = begin,
    .load = code_load,
    .loaded = loaded,
    .write = code_write,
    .written = written,
    .spec = "RFC 6749 4.1.3",
};
