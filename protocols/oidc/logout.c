/* SPDX-License-Identifier: Apache-2.0
 *
 * RP-Initiated Logout 1.0: GET and POST /logout. With an ID token of the signed-in person the
 * session ends at once; without, the person is asked first, so that no link of another site can
 * sign anyone out (D09). The page's form comes back here, recognised by its form token. */
#include "base/cleanup.h"
#include "idp/config.h"
#include "idp/flow.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/session.h"
#include "idp/store/store.h"
#include "idp/upstream_logout.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/client_lookup.h"
#include "protocols/oidc/cross_site.h"
#include "protocols/oidc/id_token_hint.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/redirect.h"
#include "protocols/oidc/tokens.h"

enum logout_stage { LOGOUT_LOADED, LOGOUT_ENDED };

struct logout {
    enum logout_stage stage;
    struct span id_token_hint, client_id, return_uri, csrf, decision;
    struct span state_raw;
    bool is_confirmed; /* the person pressed the button */
    bool has_hint;
    struct id_token_hint hint;
    struct client_lookup lookup;
    struct session session;
    struct upstream_session upstream; /* that it came through another provider */
};

#define FIELD(name) offsetof(struct logout, name)
/* clang-format off */
static const struct param_def logout_params[] = {
    /* name                        field                 parse       max                flags */
    {"id_token_hint",            FIELD(id_token_hint), param_span, 16384,             0}, /* RP-Initiated Logout 2 */
    {"client_id",                FIELD(client_id),     param_span, CLIENT_ID_MAX,     0}, /* RP-Initiated Logout 2 */
    {"post_logout_redirect_uri", FIELD(return_uri),    param_span, REDIRECT_URI_MAX,  0}, /* RP-Initiated Logout 2 */
    {"csrf",                     FIELD(csrf),          param_span, 64,                0}, /* our own form */
    {"decision",                 FIELD(decision),      param_span, 16,                0}, /* our own form */
};
/* clang-format on */
#undef FIELD

/* What other sites may send, with state; csrf and decision are the form's alone. */
static const char *const forwarded[] = {"id_token_hint", "client_id", "post_logout_redirect_uri",
                                        "state", "ui_locales"};

static enum step error_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

static enum step repeat_as_get(struct request *req) {
    CLEANUP(buf_done) struct buf query = BUF_INIT(CROSS_SITE_QUERY_MAX);
    for (size_t i = 0; i < req->form.count; i++)
        for (size_t j = 0; j < ARRAY_LEN(forwarded); j++) {
            if (!span_is(req->form.item[i].name, forwarded[j]))
                continue;
            if (query.len)
                buf_add_char(&query, '&');
            buf_add_str(&query, forwarded[j]);
            buf_add_char(&query, '=');
            redirect_add_octets(&query, req->form.item[i].raw);
        }
    return cross_site_redirect(req, "/logout", &query) ? STEP_RESPOND
                                                       : error_page(req, 400, "invalid_request");
}

/* The hint may be of any age; one that does not verify says nothing. */
static bool hint_read(struct request *req, struct logout *l) {
    const struct key_snapshot *keys = keyring_snapshot(request_idp(req)->keyring);
    l->has_hint =
        l->id_token_hint.len && id_token_hint_verify(req->arena, request_config(req), keys,
                                                     l->id_token_hint, &l->hint) == ERR_OK;
    l->lookup.client_id = l->has_hint ? l->hint.client_id : l->client_id;
    //= https://openid.net/specs/openid-connect-rpinitiated-1_0.html#section-2
    //# When both client_id and id_token_hint are present, the OP MUST verify that the Client
    //# Identifier matches the one used when issuing the ID Token.
    return !l->has_hint || !l->client_id.len || span_eq(l->client_id, l->hint.client_id);
}

static enum step logout_parse(struct request *req) {
    struct logout *l = req->state;
    const struct params *params = req->method == HTTP_POST ? &req->form : &req->query;
    const char *at_fault;
    if (params_fill(logout_params, ARRAY_LEN(logout_params), req->arena, params, l, &at_fault))
        return error_page(req, 400, "invalid_request");
    bool is_own_form = req->method == HTTP_POST && l->csrf.len;
    if (req->method == HTTP_POST && !is_own_form && cross_site_post(req))
        return repeat_as_get(req);
    if (is_own_form && csrf_check(req, "logout", l->csrf) != ALLOW)
        return error_page(req, 403, "wrong_browser");
    if (is_own_form && span_is(l->decision, "deny")) {
        respond_redirect(req, SPAN("/account"));
        return STEP_RESPOND;
    }
    l->is_confirmed = is_own_form;
    l->state_raw = redirect_state(params);
    return hint_read(req, l) ? STEP_LOAD : error_page(req, 400, "invalid_request");
}

static void logout_load(struct request *req) {
    struct logout *l = req->state;
    if (l->lookup.client_id.len)
        client_lookup_load(req, &l->lookup);
    struct session_key key;
    if (session_cookie_parse(request_own_cookie(req, "session"), &key))
        return;
    store_session_find(&req->load, &key, &l->session);
    store_upstream_session_find(&req->load, &key, &l->upstream);
}

static bool hint_is_of_session(const struct request *req, const struct logout *l) {
    if (!l->has_hint || !l->lookup.client)
        return false;
    char sub[SUB_CHARS + 1];
    tokens_sub(request_idp(req)->keyring, l->lookup.client, &l->session.user.id, sub);
    return span_is(l->hint.sub, sub);
}

static void add_hidden(json_t *list, const char *name, struct span value) {
    if (value.len)
        json_array_append_new(list,
                              json_pack("{ss ss%}", "name", name, "value", value.ptr, value.len));
}

static enum step ask_first(struct request *req, const struct logout *l) {
    const struct params *params = req->method == HTTP_POST ? &req->form : &req->query;
    const struct client *client = l->lookup.client;
    json_t *hidden = json_array();
    if (client) {
        add_hidden(hidden, "client_id", client->client_id);
        add_hidden(hidden, "post_logout_redirect_uri", l->return_uri);
        if (l->state_raw.len)
            add_hidden(hidden, "state", params_find(params, "state"));
    }
    struct span csrf = csrf_token(req, "logout");
    json_t *model = json_pack("{ss ss% so}", "action", "/logout", "csrf", csrf.ptr ? csrf.ptr : "",
                              csrf.len, "hidden", hidden);
    if (model && client) {
        struct span name = client_display_name(req, client);
        json_object_set_new(model, "client_name", json_stringn(name.ptr, name.len));
    }
    if (client && l->return_uri.len)
        req->response.form_action = redirect_form_action(l->return_uri);
    respond_page(req, 200, "sign_out", model);
    return STEP_RESPOND;
}

/* The provider that the session came through has one of its own. True: the person is on the way there,
 * and comes back to `next`. */
static bool goes_on_upstream(struct request *req, const struct logout *l, struct span next) {
    struct upstream_logout upstream;
    struct span link;
    if (l->stage != LOGOUT_ENDED || upstream_logout_build(req, &l->upstream, next, &upstream) ||
        upstream_logout_link(req, &upstream, &link))
        return false;
    respond_redirect(req, link);
    return true;
}

static enum step say_goodbye(struct request *req, const struct logout *l) {
    const struct client *client = l->lookup.client;
    const struct redirect_param state = {"state", l->state_raw, true};
    struct span location = SPAN_NONE;
    bool has_return = client && l->return_uri.len;
    if (has_return && redirect_build(req->arena, l->return_uri, &state, 1, &location))
        return error_page(req, 500, "internal");
    if (goes_on_upstream(req, l, location))
        return STEP_RESPOND;
    if (!has_return) {
        json_t *model = json_object();
        if (client && client->client_uri.len) {
            struct span name = client_display_name(req, client), uri = client->client_uri;
            json_object_set_new(model, "client_name", json_stringn(name.ptr, name.len));
            json_object_set_new(model, "return_url", json_stringn(uri.ptr, uri.len));
        }
        respond_page(req, 200, "signed_out", model);
    } else {
        respond_redirect(req, location);
    }
    return STEP_RESPOND;
}

static enum step decide_loaded(struct request *req, struct logout *l) {
    if (req->load.result || client_lookup_finish(req, &l->lookup))
        return error_page(req, 503, "unavailable");
    /* Nobody is sent on to a client that staff disabled, and it ends nobody's session. */
    if (l->lookup.client && !l->lookup.client->is_enabled)
        l->lookup.client = NULL;
    //= https://openid.net/specs/openid-connect-rpinitiated-1_0.html#section-3
    //# The OP MUST NOT perform post-logout redirection if the post_logout_redirect_uri value
    //# supplied does not exactly match one of the previously registered post_logout_redirect_uris
    //# values.
    if (l->return_uri.len && l->lookup.client &&
        !client_post_logout_uri_allowed(l->lookup.client, l->return_uri))
        return error_page(req, 400, "bad_redirect");
    if (l->session.found)
        l->session.last_seen = session_activity_last(request_idp(req)->activity, &l->session.key,
                                                     l->session.last_seen);
    if (!session_is_live(&l->session, req->now, request_config(req)->session_idle_seconds))
        return say_goodbye(req, l);
    if (!l->is_confirmed && !hint_is_of_session(req, l))
        return ask_first(req, l);
    l->stage = LOGOUT_ENDED;
    return STEP_WRITE;
}

static enum step logout_decide(struct request *req) {
    struct logout *l = req->state;
    if (l->stage == LOGOUT_LOADED)
        return decide_loaded(req, l);
    /* Not found: it has ended meanwhile. */
    if (req->write.result && req->write.result != ERR_NOT_FOUND)
        return error_page(req, 503, "unavailable");
    respond_cookie(req, "session", SPAN(""), &(struct cookie_options){.max_age = -1});
    return say_goodbye(req, l);
}

static void logout_write(struct request *req) {
    struct logout *l = req->state;
    store_session_end(&req->write, &l->session.key, &l->session.user.id, req->now);
    oidc_audit(req, "logout", &l->session.user.id,
               l->lookup.client ? l->lookup.client->client_id : SPAN_NONE, SPAN_NONE);
}

const struct handler oidc_logout_handler = {
    .state_size = sizeof(struct logout),
    .parse = logout_parse,
    .load = logout_load,
    .decide = logout_decide,
    .write = logout_write,
};
