/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /token (RFC 6749 3.2): parameters, client authentication, then the grant type's own file;
 * in the end one place that answers.
 *
 *   load client ─► authenticate ─► grant type: load · decide · write ─► sign, answer */
#include "protocols/oidc/token.h"

#include <openssl/sha.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/scope.h"

#define TOKEN_BODY_MAX 65536
/* Wrong secrets of one client from one network, and from one network for any client names (B12): so
 * many before delays start, and how long they are remembered. A secret has 256 random bits; this
 * keeps logs and store quiet. */
#define WRONG_SECRETS_FREE         60
#define WRONG_SECRETS_FREE_NETWORK 300
#define WRONG_SECRETS_SECONDS      60
#define THROTTLE_KIND_CLIENT       'c'
#define THROTTLE_KIND_ANY_CLIENT   'm'

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
    {"resource",              FIELD(resource),                   param_span, 1024, PARAM_MULTIPLE}, /* RFC 8707 2 */
    {"client_id",             FIELD(auth.client_id),             param_span, CLIENT_ID_MAX, 0},     /* RFC 6749 2.3.1 */
    {"client_secret",         FIELD(auth.client_secret),         param_span, CLIENT_SECRET_MAX, 0}, /* RFC 6749 2.3.1 */
    {"client_assertion",      FIELD(auth.client_assertion),      param_span, 16384, 0},             /* RFC 7521 4.2 */
    {"client_assertion_type", FIELD(auth.client_assertion_type), param_span, 256, 0},               /* RFC 7521 4.2 */
};
/* clang-format on */
#undef FIELD

enum step token_refuse(struct request *req, enum oidc_error error, const char *description) {
    oidc_error_respond(req, OIDC_FAILURE(error, description));
    return STEP_RESPOND;
}

static enum step refuse_client(struct request *req, const struct token_request *t) {
    //= https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    //# If the client attempted to authenticate via the "Authorization" request header field, the
    //# authorization server MUST respond with an HTTP 401 (Unauthorized) status code and include
    //# the "WWW-Authenticate" response header field matching the authentication scheme used by the
    //# client.
    if (t->claim.used_header)
        respond_header(req, "WWW-Authenticate", SPAN("Basic realm=\"token\", charset=\"UTF-8\""));
    return token_refuse(req, OIDC_INVALID_CLIENT, NULL);
}

static enum step token_parse(struct request *req) {
    struct token_request *t = req->state;
    const char *at_fault = NULL;
    enum err e =
        params_fill(token_params, ARRAY_LEN(token_params), req->arena, &req->form, t, &at_fault);
    if (e) {
        oidc_error_respond(req, oidc_param_failure(e, at_fault, req->arena));
        return STEP_RESPOND;
    }
    t->auth.authorization = request_header(req, "Authorization");
    t->auth.n_authorization = request_header_count(req, "Authorization");
    struct oidc_failure f = client_auth_parse(req->arena, &t->auth, &t->claim);
    if (f.error == OIDC_INVALID_CLIENT)
        return refuse_client(req, t);
    if (f.error) {
        oidc_error_respond(req, f);
        return STEP_RESPOND;
    }
    t->lookup.client_id = t->claim.client_id;
    return STEP_LOAD;
}

static void token_load(struct request *req) {
    struct token_request *t = req->state;
    if (t->stage == TOKEN_CLIENT)
        client_lookup_load(req, &t->lookup);
    else
        t->type->load(req, t);
}

/* ---- the client ---- */

static enum step find_grant_type(struct request *req, struct token_request *t) {
    for (size_t i = 0; i < token_grant_types_count; i++)
        if (span_is(t->grant_type, token_grant_types[i]->name))
            t->type = token_grant_types[i];
    if (!t->type)
        return token_refuse(req, OIDC_UNSUPPORTED_GRANT_TYPE, NULL);
    if (!(t->client->grant_types & t->type->bit))
        return token_refuse(req, OIDC_UNAUTHORIZED_CLIENT, NULL);
    if (t->resource.len && !span_eq(t->resource, request_config(req)->issuer))
        return token_refuse(req, OIDC_INVALID_TARGET, "unknown resource");
    /* Without a signer a code would be used up for nothing. */
    if (!signer_is_ready(request_idp(req)->signer))
        return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    t->stage = TOKEN_GRANT;
    return t->type->decide(req, t);
}

static enum step authenticate(struct request *req, struct token_request *t) {
    if (req->load.result || client_lookup_finish(req, &t->lookup))
        return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    if (client_auth_check(t->lookup.client, &t->claim) != ALLOW) {
        t->stage = TOKEN_WRONG_SECRET;
        return STEP_WRITE;
    }
    t->client = t->lookup.client;
    return find_grant_type(req, t);
}

static enum step token_decide(struct request *req) {
    struct token_request *t = req->state;
    switch (t->stage) {
    case TOKEN_CLIENT:
        return authenticate(req, t);
    case TOKEN_GRANT:
        return t->type->decide(req, t);
    case TOKEN_WRONG_SECRET:
        break;
    }
    if (req->write.result == ERR_BUSY)
        return token_refuse(req, OIDC_TOO_MANY_REQUESTS, NULL);
    return refuse_client(req, t);
}

static void take_one(struct request *req, char kind, struct span id, int64_t free_failures) {
    struct throttle_limit limit = {
        .free_failures = free_failures,
        .base_seconds = WRONG_SECRETS_SECONDS,
        .max_seconds = WRONG_SECRETS_SECONDS,
        .memory_seconds = WRONG_SECRETS_SECONDS,
    };
    unsigned char text[CLIENT_ID_MAX + sizeof req->client.network], hash[32];
    size_t network_len = strlen(req->client.network);
    memcpy(text, id.ptr, id.len);
    memcpy(text + id.len, req->client.network, network_len);
    SHA256(text, id.len + network_len, hash);
    limit.key.b[0] = (unsigned char)kind;
    memcpy(limit.key.b + 1, hash, THROTTLE_KEY_BYTES - 1);
    store_throttle_take(&req->write, &limit, req->now, NULL);
}

/* Also for clients that do not exist; beyond a limit nothing is written, not even to the audit. */
static void count_wrong_secret(struct request *req, const struct token_request *t) {
    take_one(req, THROTTLE_KIND_CLIENT, t->claim.client_id, WRONG_SECRETS_FREE);
    take_one(req, THROTTLE_KIND_ANY_CLIENT, SPAN(""), WRONG_SECRETS_FREE_NETWORK);
    oidc_audit(req, "client_refused", NULL,
               t->lookup.client ? t->lookup.client->client_id : SPAN_NONE, SPAN_NONE);
}

static void token_write(struct request *req) {
    struct token_request *t = req->state;
    if (t->stage == TOKEN_WRONG_SECRET)
        count_wrong_secret(req, t);
    else
        t->type->write(req, t);
}

/* ---- the answer ---- */

static void token_respond(struct request *req) {
    struct token_request *t = req->state;
    if (req->response.status)
        return;
    struct token_set tokens;
    t->order.client = t->client;
    if (tokens_issue(req, &t->order, &tokens)) {
        (void)token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
        return;
    }
    CLEANUP(buf_done) struct buf b = BUF_INIT(TOKEN_BODY_MAX);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "access_token", tokens.access_token);
    json_add_str(&o, "token_type", SPAN("Bearer"));
    json_add_i64(&o, "expires_in", tokens.expires_in);
    if (t->has_refresh) {
        char refresh[REFRESH_TOKEN_CHARS + 1];
        refresh_token_build(request_idp(req)->keyring, &t->grant, t->refresh_generation, refresh);
        json_add_str(&o, "refresh_token", span_of(refresh));
    }
    json_add_opt(&o, "id_token", tokens.id_token);
    if (t->order.scope.len)
        json_add_str(&o, "scope", t->order.scope);
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
    .respond = token_respond,
};
