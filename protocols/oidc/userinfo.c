/* SPDX-License-Identifier: Apache-2.0
 *
 * GET and POST /userinfo (OIDC Core 5.3): the person's claims for whoever holds their access
 * token (RFC 6750). Reads only.
 *
 *   verify token ─► load grant and client ─► load person ─► claims */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/store/store.h"
#include "protocols/oidc/act.h"
#include "protocols/oidc/access_use.h"
#include "protocols/oidc/bearer.h"
#include "protocols/oidc/claims_request.h"
#include "protocols/oidc/cors.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/oidc_error.h"
#include "protocols/oidc/person_claims.h"
#include "protocols/oidc/tokens.h"

#define USERINFO_MAX 65536
#define USERINFO_TYP "userinfo+jwt"

enum userinfo_stage { USERINFO_GRANT, USERINFO_PERSON };

struct userinfo {
    enum userinfo_stage stage;
    struct access_use use;
    struct user user;
};

/* RFC 6750 3.1; no error code at all when the request shows no token. */
static enum step refuse(struct request *req, unsigned status, const char *error) {
    char *challenge =
        error ? arena_printf(req->arena, "Bearer realm=\"userinfo\", error=\"%s\"", error)
              : arena_strdup(req->arena, "Bearer realm=\"userinfo\"");
    respond_header(req, "WWW-Authenticate", span_of(challenge));
    const char *body = error ? arena_printf(req->arena, "{\"error\":\"%s\"}", error) : "{}";
    respond_body(req, status, "application/json", span_of(body));
    return STEP_RESPOND;
}

/* ERR_MISSING: no token; ERR_REPEATED: more than one way of giving it; ERR_REFUSED: a way that is
 * not accepted. */
static enum err token_find(const struct request *req, struct span *ret_token) {
    struct span in_body = params_find(&req->form, "access_token");
    size_t n_headers = request_header_count(req, "Authorization");
    if (params_count(&req->query, "access_token"))
        return ERR_REFUSED;
    //= https://www.rfc-editor.org/rfc/rfc6750#section-2
    //# Clients MUST NOT use more than one method to transmit the token in each request.
    if (n_headers + params_count(&req->form, "access_token") > 1)
        return ERR_REPEATED;
    if (in_body.len) {
        *ret_token = in_body;
        return ERR_OK;
    }
    return bearer_find(req, ret_token);
}

static enum step userinfo_parse(struct request *req) {
    struct userinfo *u = req->state;
    struct span token;
    enum err e = token_find(req, &token);
    if (e == ERR_MISSING)
        return refuse(req, 401, NULL);
    if (e == ERR_REPEATED || e == ERR_REFUSED)
        return refuse(req, 400, "invalid_request");
    const struct config *cfg = request_config(req);
    struct access_token *t = &u->use.token;
    if (!e)
        e = access_use_read(req, token, t);
    if (e == ERR_UNAVAILABLE)
        return oidc_unavailable(req);
    if (e || !span_eq(t->aud, cfg->issuer))
        return refuse(req, 401, "invalid_token");
    if (!t->has_grant || !span_list_has(t->scope, SPAN("openid")))
        return refuse(req, 403, "insufficient_scope");
    return STEP_LOAD;
}

static void userinfo_load(struct request *req) {
    struct userinfo *u = req->state;
    if (u->stage == USERINFO_PERSON)
        store_user_by_id(&req->load, &u->use.grant.user_id, &u->user);
    else
        access_use_load(req, &u->use);
}

static enum step userinfo_decide(struct request *req) {
    struct userinfo *u = req->state;
    if (u->stage == USERINFO_PERSON && req->load.result)
        return oidc_unavailable(req);
    if (u->stage == USERINFO_PERSON)
        return u->user.found && u->user.status == USER_ACTIVE ? STEP_RESPOND
                                                              : refuse(req, 401, "invalid_token");
    enum err e = access_use_check(req, &u->use);
    if (e)
        return e == ERR_REFUSED ? refuse(req, 401, "invalid_token") : oidc_unavailable(req);
    u->stage = USERINFO_PERSON;
    return STEP_LOAD;
}

/* Also an account without any claims has a sub. `names_audience`: it will be signed. */
static enum err claims_build(struct request *req, const struct userinfo *u, bool names_audience,
                             struct buf *out) {
    const struct client *client = u->use.lookup.client;
    char sub[SUB_CHARS + 1];
    tokens_sub(request_idp(req)->keyring, client, &u->user.id, sub);
    const struct claims_order order = {
        .client = client,
        .user = &u->user,
        .sub = span_of(sub),
        .acr = u->use.grant.acr,
        .scope = u->use.token.scope,
        .names = claims_request_userinfo(u->use.grant.claims),
    };
    struct json_out o = JSON_OUT(out);
    json_open_object(&o, NULL);
    json_add_str(&o, "sub", span_of(sub));
    if (names_audience) {
        json_add_str(&o, "iss", request_config(req)->issuer);
        json_add_str(&o, "aud", client->client_id);
        json_add_i64(&o, "iat", req->now);
    }
    enum err e = person_claims_add(req, &order, &o);
    act_add(req, &o, client, NULL, u->use.token.scope, &u->use.grant);
    json_close_object(&o);
    return e ? e : buf_err(out);
}

/* OIDC Core 5.3.2. It has neither the exp nor the type of an ID token, so that nobody takes it for
 * one (E16). */
static void userinfo_sign(struct request *req) {
    const struct userinfo *u = req->state;
    const struct jose_alg *alg = u->use.lookup.client->userinfo_alg;
    if (!alg)
        return;
    CLEANUP(buf_done) struct buf b = BUF_INIT(USERINFO_MAX);
    if (claims_build(req, u, true, &b))
        oidc_error_respond(req, OIDC_FAILURE(OIDC_SERVER_ERROR, NULL));
    else if (jwt_ask(req, alg, USERINFO_TYP, &b))
        (void)oidc_unavailable(req);
}

static void respond_signed(struct request *req) {
    struct span jwt;
    if (jwt_take(req, &jwt))
        (void)oidc_unavailable(req);
    else
        respond_body(req, 200, "application/jwt", jwt);
}

static void userinfo_respond(struct request *req) {
    const struct userinfo *u = req->state;
    cors_answer(req, u->use.lookup.client);
    if (req->response.status)
        return;
    if (u->use.lookup.client->userinfo_alg) {
        respond_signed(req);
        return;
    }
    CLEANUP(buf_done) struct buf b = BUF_INIT(USERINFO_MAX);
    if (claims_build(req, u, false, &b))
        oidc_error_respond(req, OIDC_FAILURE(OIDC_SERVER_ERROR, NULL));
    else
        respond_buf(req, 200, "application/json", &b);
}

const struct handler oidc_userinfo_handler = {
    .state_size = sizeof(struct userinfo),
    .parse = userinfo_parse,
    .load = userinfo_load,
    .decide = userinfo_decide,
    .sign = userinfo_sign,
    .respond = userinfo_respond,
};
