/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /revoke (RFC 7009). A refresh token falls with its whole grant, an access token alone. The
 * answer to whoever proved who it is is always 200: what is revoked is revoked, what never was
 * valid needs no revocation, and what belongs to another client is none of its business. */
#include "base/cleanup.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/store/store.h"
#include "protocols/oidc/access_use.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/client_login.h"
#include "protocols/oidc/cors.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/refresh_token.h"

#define TOKEN_TEXT_MAX 16384

enum revocation_stage { REVOCATION_BEGIN, REVOCATION_GRANT, REVOCATION_WRITTEN };

struct revocation {
    enum revocation_stage stage;
    struct client_login login;
    struct span token, hint;
    struct refresh_token refresh;
    struct grant grant;
    bool is_access_token;
    struct access_token access;
};

#define FIELD(name) offsetof(struct revocation, name)
/* clang-format off */
static const struct param_def revocation_params[] = {
    /* name             field          parse       max             flags */
    {"token",           FIELD(token), param_span, TOKEN_TEXT_MAX, PARAM_REQUIRED}, /* RFC 7009 2.1 */
    {"token_type_hint", FIELD(hint),  param_span, 64,             0},              /* RFC 7009 2.1: tokens tell themselves apart */
    CLIENT_LOGIN_PARAMS(struct revocation, login),
};
/* clang-format on */
#undef FIELD

static enum step done(struct request *req) {
    respond_body(req, 200, "application/json", SPAN("{}"));
    return STEP_RESPOND;
}

static enum step revocation_parse(struct request *req) {
    struct revocation *r = req->state;
    return client_login_parse(req, revocation_params, ARRAY_LEN(revocation_params), &r->login);
}

static void revocation_load(struct request *req) {
    struct revocation *r = req->state;
    if (r->login.client)
        store_grant_find(&req->load, &r->refresh.key, &r->grant);
    else
        client_login_load(req, &r->login);
}

static enum step read_token(struct request *req, struct revocation *r) {
    if (!refresh_token_parse(r->token, &r->refresh)) {
        r->stage = REVOCATION_GRANT;
        return STEP_LOAD;
    }
    //= https://www.rfc-editor.org/rfc/rfc7009#section-2.1
    //# The authorization server first validates the client credentials (in case of a confidential
    //# client) and then verifies whether the token was issued to the client making the revocation
    //# request.
    enum err e = access_use_read(req, r->token, &r->access);
    if (e == ERR_UNAVAILABLE)
        return oidc_unavailable(req);
    if (e || !span_eq(r->access.client_id, r->login.client->client_id))
        return done(req);
    r->is_access_token = true;
    r->stage = REVOCATION_WRITTEN;
    return STEP_WRITE;
}

static enum step grant_decide(struct request *req, struct revocation *r) {
    if (req->load.result)
        return oidc_unavailable(req);
    if (!r->grant.found || r->grant.revoked_at ||
        refresh_token_verify(request_idp(req)->keyring, &r->grant, &r->refresh) != ALLOW ||
        !span_eq(r->grant.client_id, r->login.client->client_id))
        return done(req);
    r->stage = REVOCATION_WRITTEN;
    return STEP_WRITE;
}

static enum step revocation_decide(struct request *req) {
    struct revocation *r = req->state;
    if (!r->login.client) {
        enum step next = client_login_decide(req, &r->login);
        return r->login.client ? read_token(req, r) : next;
    }
    if (r->stage == REVOCATION_GRANT)
        return grant_decide(req, r);
    if (req->write.result == ERR_REPLAYED) /* revoked before: does not fill the audit */
        return done(req);
    return req->write.result ? oidc_unavailable(req) : done(req);
}

static void revocation_fetch(struct request *req) {
    struct revocation *r = req->state;
    client_login_fetch(req, &r->login);
}

static void revocation_write(struct request *req) {
    struct revocation *r = req->state;
    if (!r->login.client) {
        client_login_write(req, &r->login);
        return;
    }
    if (r->is_access_token) {
        unsigned char key[PENDING_KEY_BYTES];
        access_token_revocation_key(&r->access, key);
        store_token_revoke(&req->write, key, r->access.expires_at);
    } else {
        store_grant_revoke(&req->write, &r->grant.key, req->now);
    }
    oidc_audit(req, "token_revoked", r->is_access_token ? NULL : &r->grant.user_id,
               r->login.client->client_id, SPAN_NONE);
}

static void revocation_respond(struct request *req) {
    const struct revocation *r = req->state;
    cors_answer(req, r->login.client);
}

const struct handler oidc_revocation_handler = {
    .state_size = sizeof(struct revocation),
    .parse = revocation_parse,
    .load = revocation_load,
    .decide = revocation_decide,
    .write = revocation_write,
    .fetch = revocation_fetch,
    .respond = revocation_respond,
};
