/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /introspect (RFC 7662), with the answer as a signed JWT for who asks for one (RFC 9701).
 * Whoever has no business with a token learns nothing about it, not even that it exists. */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/resource.h"
#include "protocols/oidc/access_use.h"
#include "protocols/oidc/client_login.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/refresh_token.h"
#include "protocols/oidc/tokens.h"

#define ANSWER_MAX    16384
#define JWT_TYPE      "application/token-introspection+jwt"
#define JWT_TYP       "token-introspection+jwt"
#define TOKEN_TEXT_MAX 16384

enum token_kind { TOKEN_UNKNOWN = 0, TOKEN_ACCESS, TOKEN_REFRESH };

struct introspection {
    struct client_login login;
    struct span token, hint;
    enum token_kind kind;
    struct access_use use;
    struct refresh_token refresh;
    struct grant grant; /* of the refresh token */
    bool is_active, as_jwt;
};

#define FIELD(name) offsetof(struct introspection, name)
/* clang-format off */
static const struct param_def introspection_params[] = {
    /* name             field          parse       max             flags */
    {"token",           FIELD(token), param_span, TOKEN_TEXT_MAX, PARAM_REQUIRED}, /* RFC 7662 2.1 */
    {"token_type_hint", FIELD(hint),  param_span, 64,             0},              /* RFC 7662 2.1: tokens tell themselves apart */
    CLIENT_LOGIN_PARAMS(struct introspection, login),
};
/* clang-format on */
#undef FIELD

static enum step introspection_parse(struct request *req) {
    struct introspection *i = req->state;
    return client_login_parse(req, introspection_params, ARRAY_LEN(introspection_params), &i->login);
}

static void introspection_load(struct request *req) {
    struct introspection *i = req->state;
    if (!i->login.client)
        client_login_load(req, &i->login);
    else if (i->kind == TOKEN_ACCESS)
        access_use_load(req, &i->use);
    else
        store_grant_find(&req->load, &i->refresh.key, &i->grant);
}

/* Which kind of token it is; anything else is simply not active. */
static enum step read_token(struct request *req, struct introspection *i) {
    //= https://www.rfc-editor.org/rfc/rfc7662#section-2.1
    //# To prevent token scanning attacks, the endpoint MUST also require some form of authorization
    //# to access this endpoint
    if (i->login.client->is_public) {
        oidc_error_respond(req, OIDC_FAILURE(OIDC_INVALID_CLIENT, NULL));
        return STEP_RESPOND;
    }
    if (!refresh_token_parse(i->token, &i->refresh)) {
        i->kind = TOKEN_REFRESH;
        return STEP_LOAD;
    }
    enum err e = access_use_read(req, i->token, &i->use.token);
    if (e == ERR_UNAVAILABLE)
        return oidc_unavailable(req);
    i->kind = e ? TOKEN_UNKNOWN : TOKEN_ACCESS;
    return e ? STEP_RESPOND : STEP_LOAD;
}

/* The client that a token was issued to may look at it. */
static bool is_its_own(const struct introspection *i, struct span client_id) {
    return span_eq(i->login.client->client_id, client_id);
}

/* So may those that act for the resource that it is for, and for no other (D03). */
static bool may_see_access_token(struct request *req, const struct introspection *i) {
    const struct access_token *t = &i->use.token;
    const struct resource *r = resource_find(request_resources(req), t->aud);
    return is_its_own(i, t->client_id) ||
           (r && resource_introspector_allowed(r, i->login.client->client_id));
}

static bool refresh_is_active(struct request *req, const struct introspection *i) {
    const struct grant *g = &i->grant;
    return !req->load.result && g->found && is_its_own(i, g->client_id) &&
           refresh_token_verify(request_idp(req)->keyring, g, &i->refresh) == ALLOW &&
           i->refresh.generation == g->generation && grant_can_refresh(g, req->now);
}

static enum step introspection_decide(struct request *req) {
    struct introspection *i = req->state;
    if (!i->login.client) {
        enum step next = client_login_decide(req, &i->login);
        return i->login.client ? read_token(req, i) : next;
    }
    enum err e = i->kind == TOKEN_ACCESS ? access_use_check(req, &i->use) : req->load.result;
    if (e && e != ERR_REFUSED)
        return oidc_unavailable(req);
    i->is_active = i->kind == TOKEN_ACCESS ? !e && may_see_access_token(req, i)
                                           : refresh_is_active(req, i);
    return STEP_RESPOND;
}

static void introspection_fetch(struct request *req) {
    struct introspection *i = req->state;
    client_login_fetch(req, &i->login);
}

static void introspection_write(struct request *req) {
    struct introspection *i = req->state;
    client_login_write(req, &i->login);
}

/* ---- the answer ---- */

static void add_access_token(struct json_out *o, const struct access_token *t) {
    json_add_str(o, "token_type", SPAN("Bearer"));
    json_add_str(o, "client_id", t->client_id);
    json_add_str(o, "sub", t->sub);
    json_add_opt(o, "scope", t->scope);
    json_add_str(o, "aud", t->aud);
    json_add_str(o, "jti", t->jti);
    json_add_i64(o, "iat", t->issued_at);
    json_add_i64(o, "exp", t->expires_at);
    json_add_opt(o, "acr", t->acr);
    if (t->auth_time)
        json_add_i64(o, "auth_time", t->auth_time);
}

static void add_refresh_token(struct json_out *o, const struct grant *g) {
    json_add_str(o, "client_id", g->client_id);
    json_add_str(o, "scope", g->scope);
    json_add_i64(o, "exp", g->idle_expires_at);
}

/* RFC 7662 2.2: "if the token is not active ... the authorization server MUST return an
 * introspection response with the active field set to false"; nothing else is in it then. */
static void add_answer(struct json_out *o, const char *name, const struct request *req,
                       const struct introspection *i) {
    json_open_object(o, name);
    json_add_bool(o, "active", i->is_active);
    if (i->is_active) {
        json_add_str(o, "iss", request_config(req)->issuer);
        if (i->kind == TOKEN_ACCESS)
            add_access_token(o, &i->use.token);
        else
            add_refresh_token(o, &i->grant);
    }
    json_close_object(o);
}

static bool wants_jwt(const struct request *req, const struct introspection *i) {
    struct span accept = request_header(req, "Accept");
    return i->login.client->introspection_alg ||
           (accept.len >= strlen(JWT_TYPE) && span_starts(accept, JWT_TYPE));
}

/* RFC 9701 5: iss, aud, iat and token_introspection; "the JWT SHOULD NOT include the sub and exp
 * claims", so that nobody takes it for an access token. */
static void introspection_sign(struct request *req) {
    struct introspection *i = req->state;
    i->as_jwt = wants_jwt(req, i);
    if (!i->as_jwt)
        return;
    const struct jose_alg *alg = i->login.client->introspection_alg;
    CLEANUP(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "iss", request_config(req)->issuer);
    json_add_str(&o, "aud", i->login.client->client_id);
    json_add_i64(&o, "iat", req->now);
    add_answer(&o, "token_introspection", req, i);
    json_close_object(&o);
    if (buf_err(&b) || jwt_ask(req, alg ? alg : jose_alg_find(SPAN("RS256")), JWT_TYP, &b))
        (void)oidc_unavailable(req);
}

static void introspection_respond(struct request *req) {
    struct introspection *i = req->state;
    struct span jwt;
    if (req->response.status)
        return;
    if (i->as_jwt) {
        if (jwt_take(req, &jwt))
            (void)oidc_unavailable(req);
        else
            respond_body(req, 200, JWT_TYPE, jwt);
        return;
    }
    CLEANUP(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
    struct json_out o = JSON_OUT(&b);
    add_answer(&o, NULL, req, i);
    respond_buf(req, 200, "application/json", &b);
}

const struct handler oidc_introspection_handler = {
    .state_size = sizeof(struct introspection),
    .parse = introspection_parse,
    .load = introspection_load,
    .decide = introspection_decide,
    .write = introspection_write,
    .fetch = introspection_fetch,
    .sign = introspection_sign,
    .respond = introspection_respond,
};
