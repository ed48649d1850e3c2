/* SPDX-License-Identifier: Apache-2.0
 *
 * Consent: when it is asked for, the page, and POST /consent. One approval gives one code: the
 * page's handle is used up by the answer (A37). What was approved is what the page showed: a
 * registration that grew since gives nothing more, the person is asked again. */

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sha256.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/authorize.h"
#include "protocols/oidc/client_logo.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/scope.h"

#define USER_CLAIMS_MAX 65536

/* RFC 8252 8.6: nobody can prove to be a public client behind a scheme or port that any program on
 * the device may claim, so what was agreed to before does not count. */
static bool is_assured(const struct authorize *a) {
    return !a->lookup.client->is_public || span_starts(a->request.redirect_uri, "https://");
}

bool consent_is_due(const struct authorize *a) {
    if (a->lookup.client->consent_by_legal_basis)
        return false;
    if (a->request.prompt & PROMPT_CONSENT || !is_assured(a))
        return true;
    return !a->consent.found || !scope_covered(a->request.consent_scope, a->consent.scope);
}

/* ---- the page ---- */

static json_t *display_name(const struct user *u) {
    AUTO_JSON json_t *claims = NULL;
    struct span name = SPAN_NONE;
    if (u->claims.len && json_parse_object(u->claims, USER_CLAIMS_MAX, &claims) == ERR_OK) {
        name = json_str(claims, "HoVaTen");
        if (!name.len)
            name = json_str(claims, "name");
    }
    if (!name.len)
        name = u->username;
    return json_stringn(name.ptr ? name.ptr : "", name.len);
}

static json_t *scopes_model(struct span scope) {
    json_t *list = json_array();
    for (struct span word; (word = span_word(&scope)).len;)
        if (!span_is(word, "offline_access"))
            json_array_append_new(list, json_pack("{ss%}", "name", word.ptr, word.len));
    return list;
}

static void set_text(json_t *model, const char *name, struct span text) {
    if (text.len)
        json_object_set_new(model, name, json_stringn(text.ptr, text.len));
}

static json_t *page_model(struct request *req, const struct authorize *a, struct span handle,
                          struct span csrf) {
    const struct client *client = a->lookup.client;
    struct span name = client_display_name(req, client);
    json_t *model =
        json_pack("{ss ss% ss% ss% so so sb}", "action", "/consent", "flow", handle.ptr, handle.len,
                  "csrf", csrf.ptr, csrf.len, "client_name", name.ptr, name.len, "user_name",
                  display_name(&a->session.user), "scopes", scopes_model(a->request.consent_scope),
                  "offline", (int)span_list_has(a->request.scope, SPAN("offline_access")));
    if (!model)
        return NULL;
    set_text(model, "self_url", flow_resume_url(req, &a->flow, handle));
    set_text(model, "logo", client_logo_path(req, client));
    set_text(model, "client_uri", client->client_uri);
    set_text(model, "policy_uri", client->policy_uri);
    set_text(model, "tos_uri", client->tos_uri);
    return model;
}

static void shown_digest(const struct authorize *a, unsigned char out[FLOW_PROOF_BYTES]) {
    unsigned char digest[SHA256_BYTES];
    sha256(a->request.consent_scope, digest);
    memcpy(out, digest, FLOW_PROOF_BYTES);
}

static bool is_what_was_shown(const struct authorize *a) {
    unsigned char asked[FLOW_PROOF_BYTES];
    shown_digest(a, asked);
    return memcmp(asked, a->flow.shown, sizeof asked) == 0;
}

enum step consent_page(struct request *req, struct authorize *a) {
    struct span handle;
    shown_digest(a, a->shown);
    enum err e = authorize_flow_seal(req, a, &handle);
    if (e == ERR_TOO_LONG)
        return authorize_fail(req, a,
                              OIDC_FAILURE(OIDC_INVALID_REQUEST, "the request is too long"));
    struct span csrf = csrf_token(req, "consent");
    if (e || !csrf.len)
        return authorize_error_page(req, 503, "unavailable");
    respond_page(req, 200, "consent", page_model(req, a, handle, csrf));
    return STEP_RESPOND;
}

/* ---- POST /consent ---- */

struct consent_form {
    struct authorize a; /* first: the shared functions see only this */
    struct span handle, csrf, decision;
    bool is_allowed;
};

#define FIELD(name) offsetof(struct consent_form, name)
/* clang-format off */
static const struct param_def consent_params[] = {
    /* name        field            parse        max              flags */
    {"flow",     FIELD(handle),   param_ascii, FLOW_HANDLE_MAX, PARAM_REQUIRED},
    {"csrf",     FIELD(csrf),     param_ascii, 64,              PARAM_REQUIRED},
    {"decision", FIELD(decision), param_ascii, 16,              PARAM_REQUIRED},
};
/* clang-format on */
#undef FIELD

static enum step consent_parse(struct request *req) {
    struct consent_form *f = req->state;
    const char *at_fault;
    if (params_fill(consent_params, ARRAY_LEN(consent_params), req->arena, &req->form, f,
                    &at_fault))
        return authorize_error_page(req, 400, "invalid_request");
    if (csrf_check(req, "consent", f->csrf) != ALLOW)
        return authorize_error_page(req, 403, "wrong_browser");
    f->is_allowed = span_is(f->decision, "allow");
    if (!f->is_allowed && !span_is(f->decision, "deny"))
        return authorize_error_page(req, 400, "invalid_request");

    enum err e = flow_open(req, f->handle, &f->a.flow);
    if (e == ERR_BAD_SIGNATURE)
        return authorize_error_page(req, 403, "wrong_browser");
    if (e || f->a.flow.target != FLOW_AUTHORIZE)
        return authorize_error_page(req, 400, "expired_flow");
    if (!authorize_params_from_flow(req, &f->a))
        return STEP_RESPOND;
    return authorize_start(req, &f->a);
}

static void consent_load(struct request *req) {
    struct consent_form *f = req->state;
    authorize_load_all(req, &f->a);
}

static enum step decide_stored(struct request *req, struct consent_form *f) {
    if (req->write.result == ERR_REPLAYED)
        return authorize_error_page(req, 403, "expired_flow");
    if (req->write.result)
        return authorize_fail(req, &f->a, OIDC_FAILURE(OIDC_TEMPORARILY_UNAVAILABLE, NULL));
    if (!f->is_allowed)
        return authorize_fail(req, &f->a, OIDC_FAILURE(OIDC_ACCESS_DENIED, NULL));
    return authorize_give_code(req, &f->a);
}

static enum step consent_decide(struct request *req) {
    struct consent_form *f = req->state;
    if (req->load.result)
        return authorize_error_page(req, 503, "unavailable");
    switch (f->a.stage) {
    case AUTHORIZE_REQUEST:
        if (!authorize_client_is_good(req, &f->a))
            return STEP_RESPOND;
        if (!authorize_object_take(req, &f->a)) /* a flow carries what stood in the object */
            return authorize_error_page(req, 400, "invalid_request");
        if (!authorize_request_is_good(req, &f->a) || !authorize_person_is_good(req, &f->a))
            return STEP_RESPOND;
        if (f->is_allowed && !is_what_was_shown(&f->a))
            return consent_page(req, &f->a);
        f->a.stage = AUTHORIZE_CONSENT;
        return STEP_LOAD;
    case AUTHORIZE_CONSENT:
        if (f->is_allowed && !authorize_code_build(req, &f->a))
            return STEP_RESPOND;
        f->a.stage = AUTHORIZE_STORED;
        return STEP_WRITE;
    case AUTHORIZE_STORED:
        break;
    }
    return decide_stored(req, f);
}

/* Time of the flow || SHA-256 of the handle. */
static void once_key(const struct consent_form *f, unsigned char key[PENDING_KEY_BYTES]) {
    unsigned char hash[32];
    sha256(f->handle, hash);
    for (unsigned i = 0; i < 4; i++)
        key[i] = (unsigned char)((uint64_t)f->a.flow.started_at >> (24 - 8 * i));
    memcpy(key + 4, hash, PENDING_KEY_BYTES - 4);
}

static struct span scope_detail(struct request *req, struct span scope) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(2 * SCOPE_MAX);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "scope", scope);
    json_close_object(&o);
    return buf_err(&b) ? SPAN_NONE : arena_dup(req->arena, buf_span(&b));
}

static void consent_write(struct request *req) {
    struct consent_form *f = req->state;
    const struct user_id *user = &f->a.session.user.id;
    struct span client_id = f->a.lookup.client->client_id, all = SPAN_NONE;
    unsigned char key[PENDING_KEY_BYTES];
    once_key(f, key);
    store_once(&req->write, key, f->a.flow.started_at + request_config(req)->flow_seconds);

    if (f->is_allowed) {
        if (scope_union(req->arena, f->a.consent.scope, f->a.request.consent_scope, &all))
            all = f->a.request.consent_scope;
        store_consent_save(&req->write, user, client_id, all, req->now);
        authorize_pending_write(req, &f->a);
    }
    oidc_audit(req, f->is_allowed ? "consent_given" : "consent_denied", user, client_id,
               scope_detail(req, f->a.request.consent_scope));
}

const struct handler oidc_consent_handler = {
    .state_size = sizeof(struct consent_form),
    .parse = consent_parse,
    .load = consent_load,
    .decide = consent_decide,
    .write = consent_write,
};
