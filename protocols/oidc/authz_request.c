/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing and checking of authorization requests; see authz_request.h. */
#include "protocols/oidc/authz_request.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/config.h"
#include "idp/connector.h"
#include "protocols/oidc/id_token_hint.h"
#include "protocols/oidc/redirect.h"
#include "protocols/oidc/request_object.h"
#include "protocols/oidc/scope.h"

const struct prompt_word prompt_words[] = {
    {"none", PROMPT_NONE},
    {"login", PROMPT_LOGIN},
    {"consent", PROMPT_CONSENT},
    {"select_account", PROMPT_SELECT_ACCOUNT},
};
const size_t prompt_words_count = ARRAY_LEN(prompt_words);

static enum err param_ignore(struct arena *a, struct span value, void *field) {
    (void)a, (void)value, (void)field;
    return ERR_OK;
}

#define RESPONSE_MODE_MAX 32 /* bytes */
/* All that a client may register; a request may name fewer. */
#define ACR_VALUES_MAX (CLIENT_URIS_MAX * (CLIENT_ACR_VALUE_MAX + 1))

#define FIELD(name) offsetof(struct authz_request, name)
/* clang-format off */
static const struct param_def authz_params[] = {
    /* name                   field                    parse           max               flags */
    {"client_id",             FIELD(client_id),        param_span,     CLIENT_ID_MAX,    PARAM_REQUIRED}, /* RFC 6749 4.1.1 */
    {"redirect_uri",          FIELD(redirect_uri),     param_span,     REDIRECT_URI_MAX, PARAM_REQUIRED}, /* OIDC Core 3.1.2.1 */
    {"response_type",         FIELD(response_type),    param_span,     64,               PARAM_REQUIRED}, /* RFC 6749 3.1.1 */
    {"response_mode",         FIELD(response_mode),    param_span,     RESPONSE_MODE_MAX, 0},             /* OAuth MRT 2.1 */
    {"scope",                 FIELD(scope_asked),      param_span,     SCOPE_MAX,        0},              /* RFC 6749 3.3 */
    {"state",                 0,                       param_ignore,   STATE_MAX,        0},              /* RFC 6749 4.1.1: kept raw */
    {"claims",                FIELD(claims_text),      param_span,     CLAIMS_REQUEST_MAX, 0},            /* OIDC Core 5.5 */
    {"claims_locales",        0,                       param_ignore,   128,              0},              /* OIDC Core 5.2: claims have one form */
    {"nonce",                 FIELD(nonce),            param_span,     NONCE_MAX,        0},              /* OIDC Core 3.1.2.1 */
    {"code_challenge",        FIELD(challenge_text),   param_span,     128,              0},              /* RFC 7636 4.3 */
    {"code_challenge_method", FIELD(challenge_method), param_span,     16,               0},              /* RFC 7636 4.3 */
    {"prompt",                FIELD(prompt_text),      param_span,     64,               0},              /* OIDC Core 3.1.2.1 */
    {"max_age",               FIELD(max_age),          param_seconds,  10,               0},              /* OIDC Core 3.1.2.1, seconds */
    {"acr_values",            FIELD(acr_values),       param_span,     512,              0},              /* OIDC Core 3.1.2.1 */
    {"login_hint",            FIELD(login_hint),       param_span,     256,              0},              /* OIDC Core 3.1.2.1 */
    {"id_token_hint",         FIELD(id_token_hint),    param_span,     ID_TOKEN_HINT_MAX, 0},             /* OIDC Core 3.1.2.1 */
    {"ui_locales",            0,                       param_ignore,   128,              0},              /* read by the pages */
    {"display",               0,                       param_ignore,   32,               0},              /* one layout serves all */
    {"idp_hint",              FIELD(idp_hint),         param_ascii,    CONNECTOR_ID_MAX, 0},              /* ours: docs/FEDERATION.md */
    {"vnconnect",             FIELD(vnconnect),        param_ascii,    8,                0},              /* as in the national portal's links */
    {"resource",              FIELD(resource),         param_resource, RESOURCE_IDENTIFIER_MAX, PARAM_MULTIPLE}, /* RFC 8707 2 */
    {"request",               0,                       param_ignore,   REQUEST_OBJECT_MAX, 0},            /* RFC 9101 5: see authorize_object.c */
    {"request_uri",           0,                       param_ignore,   2048,             0},              /* RFC 9101 5 */
    {"registration",          FIELD(registration),     param_span,     8192,             0},              /* OIDC Core 7.2.1: refused */
};
/* clang-format on */
#undef FIELD

/* One value of a parameter that must not be repeated, not even empty. */
static enum err find_one(const struct params *params, const char *name, size_t max,
                         struct span *ret_value) {
    if (redirect_param_count(params, name) > 1)
        return ERR_REPEATED;
    struct span value = params_find(params, name);
    if (!value.len)
        return ERR_MISSING;
    if (value.len > max)
        return ERR_TOO_LONG;
    *ret_value = value;
    return ERR_OK;
}

enum err authz_client_id_parse(const struct params *params, struct span *ret_client_id) {
    struct span id;
    enum err e = find_one(params, "client_id", CLIENT_ID_MAX, &id);
    if (e)
        return e;
    if (!ascii_printable(id))
        return ERR_SYNTAX;
    *ret_client_id = id;
    return ERR_OK;
}

enum err authz_redirect_uri_check(const struct params *params, const struct client *client,
                                  struct authz_request *request) {
    struct span uri;
    enum err e = find_one(params, "redirect_uri", REDIRECT_URI_MAX, &uri);
    if (e)
        return e;
    if (!client_redirect_uri_allowed(client, uri))
        return ERR_REFUSED;
    request->client_id = client->client_id;
    request->redirect_uri = uri;
    request->state_raw = redirect_state(params);
    if (request->state_raw.len)
        request->state = params_find(params, "state");
    struct span mode;
    request->is_form_post = (client->response_modes & RESPONSE_MODE_FORM_POST) &&
                            !find_one(params, "response_mode", RESPONSE_MODE_MAX, &mode) &&
                            span_is(mode, "form_post");
    return ERR_OK;
}

/* ---- the rest: one small check each, run in the order of the table below ---- */

struct check_context {
    struct arena *arena;
    const struct audience_rules *rules;
    const struct client *client;
};
typedef struct oidc_failure check_fn(const struct check_context *c, struct authz_request *r);

#define PASS OIDC_FAILURE(OIDC_NO_ERROR, NULL)

static struct oidc_failure check_unsupported(const struct check_context *c,
                                             struct authz_request *r) {
    (void)c;
    if (r->registration.len)
        return OIDC_FAILURE(OIDC_REGISTRATION_NOT_SUPPORTED, NULL);
    return PASS;
}

static struct oidc_failure check_response_type(const struct check_context *c,
                                               struct authz_request *r) {
    if (!span_is(r->response_type, "code"))
        return OIDC_FAILURE(OIDC_UNSUPPORTED_RESPONSE_TYPE, "response_type must be code");
    if (!(c->client->grant_types & GRANT_AUTHORIZATION_CODE))
        return OIDC_FAILURE(OIDC_UNAUTHORIZED_CLIENT,
                            "the client is not registered for this grant");
    if (r->is_form_post)
        return PASS;
    if (!(c->client->response_modes & RESPONSE_MODE_QUERY) ||
        (r->response_mode.len && !span_is(r->response_mode, "query")))
        return OIDC_FAILURE(OIDC_INVALID_REQUEST,
                            "response_mode must be one that the client is registered for");
    return PASS;
}

static struct oidc_failure check_scope(const struct check_context *c, struct authz_request *r) {
    //= https://www.rfc-editor.org/rfc/rfc6749#section-3.3
    //# If the client omits the scope parameter when requesting
    //# authorization, the authorization server MUST either process the
    //# request using a pre-defined default value or fail the request
    //# indicating an invalid scope.
    /* The default is for portals of the national portal's dialect, which may send none. */
    struct span asked = r->scope_asked;
    if (!asked.len && c->client->dvcqg_profile)
        asked = SPAN("openid");
    enum err e = scope_reduce(c->arena, asked, c->client->scope, &r->scope);
    if (e)
        return oidc_failure_of(e, OIDC_INVALID_SCOPE, "no requested scope is allowed to this client");
    /* Without refresh tokens there is nothing that could be used offline. */
    if (!(c->client->grant_types & GRANT_REFRESH_TOKEN) &&
        scope_without(c->arena, r->scope, SPAN("offline_access"), &r->scope))
        return OIDC_FAILURE(OIDC_SERVER_ERROR, NULL);
    if (!r->scope.len)
        return OIDC_FAILURE(OIDC_INVALID_SCOPE, "offline_access alone is of no use");
    return PASS;
}

static struct oidc_failure check_prompt(const struct check_context *c, struct authz_request *r) {
    (void)c;
    for (struct span rest = r->prompt_text, word; (word = span_word(&rest)).len;) {
        size_t i = 0;
        while (i < prompt_words_count && !span_is(word, prompt_words[i].name))
            i++;
        if (i == prompt_words_count)
            return OIDC_FAILURE(OIDC_INVALID_REQUEST, "unknown prompt");
        r->prompt |= prompt_words[i].bit;
    }
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-3.1.2.1
    //# If this parameter contains none with any other value, an error is returned.
    if (r->prompt & PROMPT_NONE && r->prompt != PROMPT_NONE)
        return OIDC_FAILURE(OIDC_INVALID_REQUEST, "prompt none excludes other values");
    return PASS;
}

static struct oidc_failure check_pkce(const struct check_context *c, struct authz_request *r) {
    if (!r->challenge_text.len) {
        if (c->client->is_public || c->client->require_pkce)
            return OIDC_FAILURE(OIDC_INVALID_REQUEST, "code_challenge is missing");
        return PASS;
    }
    if (!span_is(r->challenge_method, "S256"))
        return OIDC_FAILURE(OIDC_INVALID_REQUEST, "code_challenge_method must be S256");
    size_t len;
    if (b64url_decode(r->challenge_text, r->challenge, sizeof r->challenge, &len) ||
        len != PKCE_S256_BYTES)
        return OIDC_FAILURE(OIDC_INVALID_REQUEST, "code_challenge is malformed");
    r->has_challenge = true;
    return PASS;
}

static struct oidc_failure check_resource(const struct check_context *c, struct authz_request *r) {
    return audience_check(c->rules, &r->resource, &r->resource_level);
}

static struct oidc_failure check_claims(const struct check_context *c, struct authz_request *r) {
    struct span consent_scope;
    enum err e = ERR_OK;
    if (r->claims_text.len)
        e = claims_request_parse(c->arena, r->claims_text, c->client->scope, &r->claims);
    if (e)
        return oidc_failure_of(e, OIDC_INVALID_REQUEST, "claims is malformed");
    e = scope_union(c->arena, r->scope, r->claims.scope, &consent_scope);
    if (e)
        return oidc_failure_of(e, OIDC_INVALID_REQUEST, "claims asks for too much");
    r->consent_scope = consent_scope;
    return PASS;
}

/* What the client registered counts where the request asks for no level in any way. */
static struct oidc_failure check_acr(const struct check_context *c, struct authz_request *r) {
    const json_t *words = c->client->default_acr_values;
    CLEANUP(buf_done) struct buf b = BUF_INIT(ACR_VALUES_MAX);
    if (r->acr_values.len || r->claims.acr_values.len || !json_array_size(words))
        return PASS;
    for (size_t i = 0; i < json_array_size(words); i++) {
        if (i)
            buf_add_char(&b, ' ');
        buf_add_str(&b, json_string_value(json_array_get(words, i)));
    }
    r->acr_values = buf_err(&b) ? SPAN_NONE : arena_dup(c->arena, buf_span(&b));
    return r->acr_values.ptr ? PASS : OIDC_FAILURE(OIDC_TEMPORARILY_UNAVAILABLE, NULL);
}

static struct oidc_failure check_max_age(const struct check_context *c, struct authz_request *r) {
    if (r->max_age < 0)
        r->max_age = c->client->default_max_age;
    return PASS;
}

static const struct {
    check_fn *check;
    const char *spec;
} checks[] = {
    {check_unsupported, "OIDC Core 3.1.2.6"},
    {check_response_type, "RFC 6749 3.1.1"},
    {check_pkce, "RFC 7636 4.4.1"},
    {check_prompt, "OIDC Core 3.1.2.1"},
    {check_max_age, "OIDC Registration 2"},
    {check_resource, "RFC 8707 2"},
    {check_scope, "RFC 6749 3.3"},
    {check_claims, "OIDC Core 5.5"},
    {check_acr, "OIDC Registration 2, default_acr_values"},
};

struct oidc_failure authz_request_check(struct arena *a, const struct audience_rules *rules,
                                        const struct params *params, struct authz_request *request) {
    const char *at_fault = NULL;
    request->max_age = -1;
    enum err e = params_fill(authz_params, ARRAY_LEN(authz_params), a, params, request, &at_fault);
    if (e == ERR_TOO_LONG && span_is(span_of(at_fault), "scope"))
        return OIDC_FAILURE(OIDC_INVALID_SCOPE, "scope is too long");
    if (e)
        return oidc_param_failure(e, at_fault, a);
    if (params_find(params, "state").len && !request->state_raw.len)
        return oidc_param_failure(ERR_TOO_LONG, "state", a);

    const struct check_context c = {a, rules, rules->client};
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct oidc_failure f = checks[i].check(&c, request);
        if (f.error)
            return f;
    }
    return PASS;
}

void authz_request_build(const struct params *params, struct buf *out) {
    for (size_t i = 0; i < params->count; i++) {
        const struct param *p = &params->item[i];
        size_t known = 0;
        while (known < ARRAY_LEN(authz_params) && !span_is(p->name, authz_params[known].name))
            known++;
        if (known == ARRAY_LEN(authz_params) || !p->value.len)
            continue;
        if (out->len)
            buf_add_char(out, '&');
        buf_add_str(out, authz_params[known].name);
        buf_add_char(out, '=');
        redirect_add_octets(out, p->raw);
    }
}
