/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the authorization endpoint, in the order in which they are looked at; see
 * authorize.h. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/acr.h"
#include "protocols/oidc/authorize.h"
#include "protocols/oidc/code.h"
#include "protocols/oidc/redirect.h"
#include "protocols/oidc/tokens.h"

/* Travels in a flow's payload beside the request's own parameters: the session that the browser had
 * when the flow began. Sealed, and not a name that authz_request_build lets through. */
#define SEEN_SESSION "seen_session"
/* Likewise: the request came as a signed object, whose parameters these are. */
#define SIGNED_REQUEST "signed_request"

enum step authorize_error_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

bool authorize_params_from_flow(struct request *req, struct authorize *a) {
    a->joined.count = 0;
    a->params = &a->joined;
    if (params_split(req->arena, a->flow.payload, &a->joined) == ERR_OK) {
        a->is_signed_request = params_count(&a->joined, SIGNED_REQUEST) > 0;
        return true;
    }
    respond_error_page(req, 400, "expired_flow");
    return false;
}

enum step authorize_start(struct request *req, struct authorize *a) {
    if (authz_client_id_parse(a->params, &a->lookup.client_id))
        return authorize_error_page(req, 400, "invalid_request");
    return STEP_LOAD;
}

void authorize_load_all(struct request *req, struct authorize *a) {
    if (a->stage == AUTHORIZE_CONSENT) {
        store_consent_find(&req->load, &a->session.user.id, a->lookup.client_id, &a->consent);
        return;
    }
    client_lookup_load(req, &a->lookup);
    struct session_key key;
    if (session_cookie_parse(request_own_cookie(req, "session"), &key) == ERR_OK)
        store_session_find(&req->load, &key, &a->session);
}

/* ---- the request ---- */

/* A hint says for whom the answer must be; one that cannot be read says nothing that could be
 * kept to. */
static struct oidc_failure check_hint(struct request *req, struct authorize *a) {
    if (!a->request.id_token_hint.len)
        return OIDC_FAILURE(OIDC_NO_ERROR, NULL);
    const struct key_snapshot *keys = keyring_snapshot(request_idp(req)->keyring);
    enum err e = id_token_hint_verify(req->arena, request_config(req), keys,
                                      a->request.id_token_hint, &a->hint);
    if (e || !span_eq(a->hint.client_id, a->lookup.client->client_id))
        return oidc_failure_of(e, OIDC_INVALID_REQUEST,
                               "id_token_hint is not an ID token of this client");
    return OIDC_FAILURE(OIDC_NO_ERROR, NULL);
}

bool authorize_client_is_good(struct request *req, struct authorize *a) {
    if (client_lookup_finish(req, &a->lookup)) {
        respond_error_page(req, 503, "unavailable");
        return false;
    }
    if (a->lookup.client && a->lookup.client->is_enabled)
        return true;
    respond_error_page(req, 400, "unknown_client");
    return false;
}

bool authorize_request_is_good(struct request *req, struct authorize *a) {
    const struct client *client = a->lookup.client;
    struct oidc_failure f = a->object_failure;
    //= https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
    //# If the request fails due to a missing, invalid, or mismatching redirection URI, or if the
    //# client identifier is missing or invalid, the authorization server SHOULD inform the resource
    //# owner of the error and MUST NOT automatically redirect the user-agent to the invalid
    //# redirection URI.
    if (authz_redirect_uri_check(a->params, client, &a->request)) {
        respond_error_page(req, 400, "bad_redirect");
        return false;
    }
    const struct audience_rules rules = {request_config(req), request_resources(req), client};
    if (!f.error)
        f = authz_request_check(req->arena, &rules, a->params, &a->request);
    if (!f.error)
        f = check_hint(req, a);
    if (f.error)
        (void)authorize_fail(req, a, f);
    return !f.error;
}

/* ---- the person ---- */

static bool session_is_live_now(struct request *req, struct session *s) {
    struct session_activity *activity = request_idp(req)->activity;
    if (!s->found)
        return false;
    s->last_seen = session_activity_last(activity, &s->key, s->last_seen);
    if (!session_is_live(s, req->now, request_config(req)->session_idle_seconds))
        return false;
    session_activity_touch(activity, &s->key, req->now);
    return true;
}

/* Signed in since this flow began: at or after its start, and in another session than before
 * (signing in always makes a new id), for times are whole seconds. */
static bool signed_in_during_flow(const struct authorize *a) {
    if (a->flow.target == FLOW_NONE || a->session.auth_time < a->flow.started_at)
        return false;
    char key[B64URL_LEN(SESSION_KEY_BYTES)];
    size_t len = b64url_encode(a->session.key.b, SESSION_KEY_BYTES, key);
    return !span_eq(params_find(a->params, SEEN_SESSION), span_bytes(key, len));
}

/* A session that is there already does not count, however young. */
static bool asks_anew(const struct authz_request *r) {
    return r->prompt & (PROMPT_LOGIN | PROMPT_SELECT_ACCOUNT) || r->max_age == 0;
}

static bool is_recent_enough(const struct request *req, const struct authorize *a) {
    const struct authz_request *r = &a->request;
    if (signed_in_during_flow(a))
        return true;
    if (asks_anew(r) || a->flow.must_authenticate)
        return false;
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-3.1.2.1
    //# If the elapsed time is greater than this value, the OP MUST attempt to actively
    //# re-authenticate the End-User.
    return r->max_age < 0 || req->now - a->session.auth_time <= r->max_age;
}

static bool is_whom_client_means(const struct request *req, const struct authorize *a) {
    char sub[SUB_CHARS + 1];
    tokens_sub(request_idp(req)->keyring, a->lookup.client, &a->session.user.id, sub);
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-3.1.2.2
    //# If the sub (subject) Claim is requested with a specific value for the ID Token, the
    //# Authorization Server MUST only send a positive response if the End-User identified by that
    //# sub value has an active session with the Authorization Server or has been Authenticated as a
    //# result of the request.
    if (a->request.claims.sub.len && !span_is(a->request.claims.sub, sub))
        return false;
    return !a->request.id_token_hint.len || span_is(a->hint.sub, sub);
}

/* The level that the answer names: an essential one as it was asked for, else the one reached in
 * the client's vocabulary (OIDC Core 5.5.1.1). Absent: too low for what is binding. */
static struct span acr_decide(const struct request *req, const struct authorize *a) {
    const struct config *cfg = request_config(req);
    const struct authz_request *r = &a->request;
    int loa = session_loa(&a->session);
    if (loa < a->lookup.client->minimum_level || loa < r->resource_level)
        return SPAN_NONE;
    if (r->claims.is_acr_essential)
        return acr_highest(cfg, r->claims.acr_values, loa);
    return acr_name(cfg, r->acr_values.len ? r->acr_values : r->claims.acr_values, loa);
}

/* The payload of a flow: the request, and which session the browser had. */
static enum err payload_build(struct request *req, const struct authorize *a,
                              struct span *ret_payload) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(FLOW_PAYLOAD_MAX);
    authz_request_build(a->params, &b);
    if (a->session.found) {
        buf_add_str(&b, "&" SEEN_SESSION "=");
        b64url_add(&b, a->session.key.b, SESSION_KEY_BYTES);
    }
    if (a->is_signed_request)
        buf_add_str(&b, "&" SIGNED_REQUEST "=1");
    enum err e = buf_err(&b);
    if (e)
        return e;
    *ret_payload = arena_dup(req->arena, buf_span(&b));
    return ret_payload->ptr ? ERR_OK : ERR_NOMEM;
}

enum err authorize_flow_seal(struct request *req, struct authorize *a, struct span *ret_handle) {
    if (a->flow.target == FLOW_NONE) {
        a->flow = (struct flow){
            .target = FLOW_AUTHORIZE,
            .started_at = req->now,
            .must_authenticate = a->flow.must_authenticate || asks_anew(&a->request),
            .max_age = a->request.max_age,
            .min_loa = authorize_level_needed(req, a),
            .asked_loa = acr_first(request_config(req), a->request.acr_values),
            .is_silent = (a->request.prompt & PROMPT_NONE) != 0,
            .failure = a->flow.failure,
            .client_id = a->lookup.client->client_id,
            .client_name = client_display_name(req, a->lookup.client),
            .form_action = redirect_form_action(a->request.redirect_uri),
            .login_hint = a->request.login_hint,
        };
        enum err e = payload_build(req, a, &a->flow.payload);
        if (!e)
            e = authorize_connectors(req, a->lookup.client, &a->flow.connectors);
        if (e)
            return e;
    }
    memcpy(a->flow.shown, a->shown, sizeof a->flow.shown);
    req->response.form_action = a->flow.form_action;
    return flow_seal(req, &a->flow, ret_handle);
}

bool authorize_person_is_good(struct request *req, struct authorize *a) {
    bool is_silent = a->request.prompt & PROMPT_NONE;
    bool is_live = session_is_live_now(req, &a->session);
    if (is_live && is_recent_enough(req, a)) {
        a->acr = acr_decide(req, a);
        if (!a->acr.len) {
            authorize_level_is_too_low(req, a);
            return false;
        }
        if (is_whom_client_means(req, a))
            return true;
        /* Somebody else, even after signing in for this: the client must not get them (A18). */
        if (is_silent || signed_in_during_flow(a)) {
            (void)authorize_fail(req, a, OIDC_FAILURE(OIDC_LOGIN_REQUIRED, NULL));
            return false;
        }
        a->flow.must_authenticate = true;
    }
    authorize_sign_in(req, a);
    return false;
}

/* ---- the code ---- */

bool authorize_code_build(struct request *req, struct authorize *a) {
    const struct authz_request *r = &a->request;
    struct code_content c = {
        .client_id = a->lookup.client->client_id,
        .redirect_uri = r->redirect_uri,
        .has_challenge = r->has_challenge,
        .user_id = a->session.user.id,
        .session_key = a->session.key,
        .session_expires_at = a->session.expires_at,
        .has_actor = a->session.has_actor,
        .actor = a->session.actor,
        .auth_time = a->session.auth_time,
        .amr = a->session.amr,
        .acr = a->acr,
        .nonce = r->nonce,
        .scope = r->scope,
    };
    memcpy(c.challenge, r->challenge, sizeof c.challenge);
    if (claims_request_build(req->arena, &r->claims, &c.claims) ||
        resource_list_build(req->arena, &r->resource, &c.resource)) {
        respond_error_page(req, 503, "unavailable");
        return false;
    }

    if (code_seal(request_idp(req)->keyring, req->arena, &c, req->now, &a->code, &a->pending_key,
                  &a->pending)) {
        (void)authorize_fail(req, a, OIDC_FAILURE(OIDC_SERVER_ERROR, NULL));
        return false;
    }
    return true;
}

void authorize_pending_write(struct request *req, const struct authorize *a) {
    if (a->pending.len)
        store_pending_insert(&req->write, a->pending_key.b, a->pending,
                             req->now + request_config(req)->code_seconds);
}
