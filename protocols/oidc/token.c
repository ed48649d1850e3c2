/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /token (RFC 6749 3.2): parameters, client authentication, then the grant type's own file;
 * in the end one place that answers.
 *
 *   load client ─► authenticate ─► grant type: load · decide · write ─► sign, answer */
#include "protocols/oidc/token.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/acr.h"
#include "protocols/oidc/claims_request.h"
#include "protocols/oidc/cors.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/scope.h"

#define TOKEN_BODY_MAX 65536

const struct token_grant_type *const token_grant_types[] = {
    &grant_code,
    &grant_refresh,
    &grant_client_credentials,
};
const size_t token_grant_types_count = ARRAY_LEN(token_grant_types);

#define FIELD(name) offsetof(struct token_request, name)
/* clang-format off */
static const struct param_def token_params[] = {
    /* name                    field                              parse       max   flags */
    {"grant_type",            FIELD(grant_type),                 param_span, 128,  PARAM_REQUIRED}, /* RFC 6749 4.1.3 */
    {"code",                  FIELD(code),                       param_span, 2048, 0},              /* RFC 6749 4.1.3 */
    {"redirect_uri",          FIELD(redirect_uri),               param_span, 4096, 0},              /* RFC 6749 4.1.3 */
    {"code_verifier",         FIELD(code_verifier),              param_span, 1024, 0},              /* RFC 7636 4.5 */
    {"refresh_token",         FIELD(refresh_token),              param_span, 2048, 0},              /* RFC 6749 6 */
    {"scope",                 FIELD(scope),                      param_span, SCOPE_MAX, 0},         /* RFC 6749 3.3 */
    {"resource",              FIELD(resource),                   param_resource, RESOURCE_IDENTIFIER_MAX, PARAM_MULTIPLE}, /* RFC 8707 2.2 */
    CLIENT_LOGIN_PARAMS(struct token_request, login),
};
/* clang-format on */
#undef FIELD

enum step token_refuse(struct request *req, enum oidc_error error, const char *description) {
    oidc_error_respond(req, OIDC_FAILURE(error, description));
    return STEP_RESPOND;
}

enum step token_invalid_grant(struct request *req) {
    return token_refuse(req, OIDC_INVALID_GRANT, NULL);
}

static enum step token_parse(struct request *req) {
    struct token_request *t = req->state;
    return client_login_parse(req, token_params, ARRAY_LEN(token_params), &t->login);
}

static void token_load(struct request *req) {
    struct token_request *t = req->state;
    if (!t->login.client)
        client_login_load(req, &t->login);
    else if (t->has_asked_person)
        store_user_by_id(&req->load, &t->grant.user_id, &t->person);
    else
        t->type->load(req, t);
}

bool token_audience_decide(struct request *req, struct token_request *t, struct span scope) {
    const struct config *cfg = request_config(req);
    const struct audience_rules rules = {cfg, request_resources(req), t->login.client};
    bool is_person = t->type != &grant_client_credentials;
    struct oidc_failure f = audience_choose(
        req->arena, &rules, &t->resource, is_person ? t->grant.resource : SPAN_NONE, scope,
        is_person ? acr_level(cfg, t->grant.acr) : AUDIENCE_NO_SESSION, &t->order.audience);
    if (f.error)
        oidc_error_respond(req, f);
    return !f.error;
}

static enum step find_grant_type(struct request *req, struct token_request *t) {
    for (size_t i = 0; i < token_grant_types_count; i++)
        if (span_is(t->grant_type, token_grant_types[i]->name))
            t->type = token_grant_types[i];
    if (!t->type)
        return token_refuse(req, OIDC_UNSUPPORTED_GRANT_TYPE, NULL);
    if (!(t->login.client->grant_types & t->type->bit))
        return token_refuse(req, OIDC_UNAUTHORIZED_CLIENT, NULL);
    /* Without a signer a code would be used up for nothing. */
    if (!signer_is_ready(request_idp(req)->signer))
        return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    return t->type->begin(req, t);
}

static enum step grant_decide(struct request *req, struct token_request *t) {
    switch (t->grant_stage) {
    case GRANT_BEGIN:
        return find_grant_type(req, t);
    case GRANT_LOADED:
        return t->type->loaded(req, t);
    case GRANT_WRITTEN:
        return t->type->written(req, t);
    case GRANT_REVOKED:
        break;
    }
    return req->write.result ? token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL)
                             : token_invalid_grant(req);
}

/* The grant type has spoken. Claims of the person stand in the ID token only where the client asked
 * for them singly (OIDC Core 5.5): then the account is looked at, too. */
static enum step add_person(struct request *req, struct token_request *t, enum step next) {
    if (next != STEP_RESPOND || req->response.status || !t->order.grant ||
        !claims_request_id_token(t->order.grant->claims).len)
        return next;
    t->has_asked_person = true;
    return STEP_LOAD;
}

static enum step take_person(struct request *req, struct token_request *t) {
    if (req->load.result || !t->person.found)
        return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    t->order.person = &t->person;
    return STEP_RESPOND;
}

static enum step token_decide(struct request *req) {
    struct token_request *t = req->state;
    if (t->has_asked_person)
        return take_person(req, t);
    if (t->login.client)
        return add_person(req, t, grant_decide(req, t));
    enum step next = client_login_decide(req, &t->login);
    return t->login.client ? add_person(req, t, grant_decide(req, t)) : next;
}

static void token_fetch(struct request *req) {
    struct token_request *t = req->state;
    client_login_fetch(req, &t->login);
}

static void token_write(struct request *req) {
    struct token_request *t = req->state;
    if (t->login.client)
        t->type->write(req, t);
    else
        client_login_write(req, &t->login);
}

/* ---- the answer ---- */

static void token_sign(struct request *req) {
    struct token_request *t = req->state;
    t->order.client = t->login.client;
    if (tokens_ask(req, &t->order, &t->tokens))
        (void)token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
}

static void token_respond(struct request *req) {
    struct token_request *t = req->state;
    cors_answer(req, t->login.client);
    if (req->response.status)
        return;
    if (tokens_take(req, &t->tokens)) {
        (void)token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
        return;
    }
    CLEANUP(buf_done) struct buf b = BUF_INIT(TOKEN_BODY_MAX);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "access_token", t->tokens.access_token);
    json_add_str(&o, "token_type", SPAN("Bearer"));
    json_add_i64(&o, "expires_in", t->tokens.expires_in);
    if (t->has_refresh) {
        char refresh[REFRESH_TOKEN_CHARS + 1];
        refresh_token_build(request_idp(req)->keyring, &t->grant, t->refresh_generation, refresh);
        json_add_str(&o, "refresh_token", span_of(refresh));
    }
    json_add_opt(&o, "id_token", t->tokens.id_token);
    json_add_opt(&o, "scope", t->order.audience.scope);
    json_close_object(&o);
    respond_header(req, "Pragma", SPAN("no-cache"));
    respond_buf(req, 200, "application/json", &b);
}

const struct handler oidc_token_handler = {
    .state_size = sizeof(struct token_request),
    .parse = token_parse,
    .load = token_load,
    .decide = token_decide,
    .write = token_write,
    .fetch = token_fetch,
    .sign = token_sign,
    .respond = token_respond,
};
