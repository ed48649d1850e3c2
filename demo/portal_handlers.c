/* SPDX-License-Identifier: Apache-2.0
 *
 * The pages of a sample portal: a home page that shows all it received, sign-in through the
 * provider, sign-out there too.
 *   GET  /            home
 *   GET  /thu-tuc/CODE  a procedure; with vnconnect=1, as the national portal links to it, only for
 *                     somebody who is signed in: sign-in starts by itself and ends at this very page
 *   GET  /sign-in     303 to the provider
 *   GET  /login       the same, asked for by another site (POST: sends on to GET)
 *   GET  /callback    the provider's answer
 *   POST /sign-out    ends the session here, then at the provider
 *   GET  /signed-out  where the provider sends people back to */
#include <sodium.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "base/params.h"
#include "base/secret.h"
#include "demo/portal.h"
#include "web/static.h"

#define COOKIE     "portal"
#define CSRF_BYTES 16
#define CLAIMS_MAX (64 * 1024)

static struct portal *portal_of(const struct request *req) {
    return req->app;
}

static const char *setting(const struct request *req, const char *name) {
    const char *text = json_string_value(json_object_get(portal_of(req)->config, name));
    return text ? text : "";
}

static bool current_session(struct request *req, struct portal_session *ret) {
    return portal_session_find(portal_of(req)->sessions, request_own_cookie(req, COOKIE), req->now,
                               req->arena, ret) == ERR_OK;
}

static void csrf_of(const struct request *req, char out[B64URL_LEN(CSRF_BYTES) + 1]) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    struct span cookie = request_own_cookie(req, COOKIE);
    crypto_auth_hmacsha256(mac, (const unsigned char *)cookie.ptr, cookie.len,
                           portal_of(req)->csrf_key);
    out[b64url_encode(mac, CSRF_BYTES, out)] = '\0';
}

/* ---- home ---- */

static json_t *claims_model(struct span text) {
    AUTO_JSON json_t *claims = NULL;
    json_t *list = json_array(), *value;
    const char *name;
    if (!text.len || json_parse_object(text, CLAIMS_MAX, &claims))
        return list;
    json_object_foreach(claims, name, value) {
        char *shown =
            json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        json_array_append_new(list, json_pack("{ssss}", "name", name, "value",
                                              shown ? shown : json_string_value(value)));
        free(shown);
    }
    return list;
}

static json_t *home_model(struct request *req) {
    struct portal_session session = {.signed_in = false};
    bool english = req->lang == LANG_EN, here = current_session(req, &session) && session.signed_in;
    const json_t *config = portal_of(req)->config;
    json_t *model = json_pack(
        "{ss ss sb sO ss sO ss}", "portal_name", setting(req, english ? "name_en" : "name"),
        "tagline", setting(req, english ? "tagline_en" : "tagline"), "signed_in", (int)here,
        "services", json_object_get(config, english ? "services_en" : "services"), "sign_in_url",
        "/sign-in", "others", json_object_get(config, english ? "others_en" : "others"), "overview_url",
        setting(req, "overview_url"));
    if (!model || !here)
        return model;
    char csrf[B64URL_LEN(CSRF_BYTES) + 1];
    csrf_of(req, csrf);
    json_object_set_new(model, "user_name", json_stringn(session.name.ptr, session.name.len));
    json_object_set_new(model, "claims", claims_model(session.claims));
    json_object_set_new(model, "csrf", json_string(csrf));
    json_object_set_new(model, "sign_out_action", json_string("/sign-out"));
    return model;
}

static enum step home_parse(struct request *req) {
    /* Sign-out posts here and is sent on to the provider: browsers apply form-action to both. */
    req->response.form_action = span_of(setting(req, "issuer"));
    respond_page(req, 200, "portal_home", home_model(req));
    return STEP_RESPOND;
}

/* ---- sign-in ---- */

struct sign_in {
    struct rp_initiation by; /* another site, or a deep link; empty: our own button */
    bool is_vnconnect;       /* from the national portal: without a page, if it can be */
};

static enum step to_work(struct request *req) {
    (void)req;
    return STEP_WORK;
}

static enum step after_work(struct request *req) {
    if (req->work_result)
        respond_error_page(req, 503, "busy");
    return STEP_RESPOND;
}

static void set_cookie(struct request *req, const char *cookie) {
    respond_cookie(req, COOKIE, span_of(arena_strdup(req->arena, cookie)),
                   &(struct cookie_options){0});
}

static void log_failure(const struct request *req, const char *event, enum err e) {
    LOG(LOG_WARN, event, LOG_STR("why", err_text(e)), LOG_STR("request_id", req->id));
}

/* Hints for the provider: what the person reads here, and whom the other site means. */
static const char *extra_of(const struct request *req, const struct sign_in *s) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(2048);
    buf_addf(&b, "&ui_locales=%s", req->lang == LANG_EN ? "en" : "vi");
    if (s->is_vnconnect)
        buf_add_str(&b, "&vnconnect=1");
    if (s->by.login_hint.len) {
        buf_add_str(&b, "&login_hint=");
        percent_add(&b, s->by.login_hint);
    }
    return buf_err(&b) ? NULL : arena_strndup(req->arena, b.data, b.len);
}

static void respond_home(struct request *req, struct span target) {
    respond_redirect(req, target.len ? target : SPAN("/"));
}

static void sign_in_work(struct request *req) {
    const struct sign_in *s = req->state;
    struct portal *p = portal_of(req);
    struct portal_session fresh = {.signed_in = false}, current;
    char cookie[PORTAL_COOKIE_CHARS + 1];
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    if (current_session(req, &current)) {
        if (current.signed_in) {
            respond_home(req, s->by.target_link_uri);
            return;
        }
        portal_session_remove(p->sessions, request_own_cookie(req, COOKIE)); /* begun, not ended */
    }
    rp_login_new(&fresh.login);
    fresh.target = s->by.target_link_uri;
    enum err e = rp_discover(p->rp);
    if (!e)
        e = rp_authorize_url(p->rp, &fresh.login, extra_of(req, s), &url);
    if (!e)
        e = portal_session_add(p->sessions, &fresh, req->now, cookie);
    if (e) {
        log_failure(req, "sign_in_unavailable", e);
        respond_error_page(req, 503, "unavailable");
        return;
    }
    set_cookie(req, cookie);
    respond_redirect(req, arena_dup(req->arena, buf_span(&url)));
}

/* ---- sign-in that another site asks for (OIDC Core 4) ---- */

static void add_field(struct buf *b, const char *name, struct span value) {
    if (!value.len)
        return;
    buf_addf(b, "%s%s=", b->len ? "&" : "/login?", name);
    percent_add(b, value);
}

/* A form from another site comes without our cookie (SameSite): the browser brings it along to the
 * same request as GET. */
static enum step ask_by_get(struct request *req, const struct rp_initiation *by) {
    CLEANUP(buf_done) struct buf url = BUF_INIT(16384);
    add_field(&url, "iss", by->iss);
    add_field(&url, "login_hint", by->login_hint);
    add_field(&url, "target_link_uri", by->target_link_uri);
    if (buf_err(&url))
        respond_error_page(req, 400, "invalid_request");
    else
        respond_redirect(req, arena_dup(req->arena, buf_span(&url)));
    return STEP_RESPOND;
}

static enum step login_parse(struct request *req) {
    struct sign_in *s = req->state;
    bool is_post = req->method == HTTP_POST;
    enum err e = rp_initiation_parse(req->arena, is_post ? &req->form : &req->query, &s->by);
    if (!e)
        e = rp_initiation_check(portal_of(req)->rp, &s->by, setting(req, "url"));
    if (e) {
        log_failure(req, "initiation_refused", e);
        respond_error_page(req, 400, "invalid_request");
        return STEP_RESPOND;
    }
    return is_post ? ask_by_get(req, &s->by) : STEP_WORK;
}

/* ---- a procedure, and deep links to it ---- */

#define PROCEDURE_PATH "/thu-tuc/"
#define LINK_VALUE_MAX 64 /* characters of MaTTHCDP, MaCoQuanThucHien, MaDVC */

struct deep_link {
    struct span vnconnect, procedure, agency, service;
};

#define FIELD(name) offsetof(struct deep_link, name)
static const struct param_def link_params[] = {
    /* name               field             parse        max             flags */
    {"vnconnect",        FIELD(vnconnect), param_ascii, 1,              0},
    {"MaTTHCDP",         FIELD(procedure), param_ascii, LINK_VALUE_MAX, 0},
    {"MaCoQuanThucHien", FIELD(agency),    param_ascii, LINK_VALUE_MAX, 0},
    {"MaDVC",            FIELD(service),   param_ascii, LINK_VALUE_MAX, 0},
};
#undef FIELD

static const json_t *procedure_find(const struct request *req) {
    struct span code = span_bytes(req->path.ptr + strlen(PROCEDURE_PATH),
                                  req->path.len - strlen(PROCEDURE_PATH));
    const json_t *list = json_object_get(portal_of(req)->config, "procedures"), *one;
    size_t i;
    json_array_foreach(list, i, one) {
        if (span_eq(json_str(one, "code"), code))
            return one;
    }
    return NULL;
}

static void add_fact(json_t *list, const char *name, struct span value) {
    if (value.len)
        json_array_append_new(list, json_pack("{ss ss%}", "name", name, "value", value.ptr, value.len));
}

static void procedure_page(struct request *req, const json_t *procedure, const struct deep_link *link,
                           const struct portal_session *session, struct span here) {
    bool english = req->lang == LANG_EN;
    json_t *facts = json_array();
    CLEANUP(buf_done) struct buf sign_in = BUF_INIT(8192);
    add_fact(facts, "MaTTHCDP", link->procedure);
    add_fact(facts, "MaCoQuanThucHien", link->agency);
    add_fact(facts, "MaDVC", link->service);
    add_field(&sign_in, "iss", span_of(setting(req, "issuer")));
    add_field(&sign_in, "target_link_uri", here);
    if (buf_err(&sign_in)) {
        json_decref(facts);
        respond_error_page(req, 400, "invalid_request");
        return;
    }
    respond_page(req, 200, "portal_procedure",
                 json_pack("{sb ss ss ss ss sb ss% ss% so}", "has_facts",
                           (int)(json_array_size(facts) > 0), "portal_name",
                           setting(req, english ? "name_en" : "name"), "code",
                           json_str(procedure, "code").ptr, "title",
                           json_str(procedure, english ? "title_en" : "title").ptr, "detail",
                           json_str(procedure, english ? "detail_en" : "detail").ptr, "signed_in",
                           (int)session->signed_in, "user_name", session->name.len ? session->name.ptr : "",
                           session->name.len, "sign_in_url", sign_in.data, sign_in.len, "facts", facts));
}

static enum step procedure_parse(struct request *req) {
    struct sign_in *s = req->state;
    struct deep_link link = {.vnconnect = SPAN_NONE};
    struct portal_session session = {.signed_in = false};
    const char *at_fault;
    const json_t *procedure = procedure_find(req);
    if (!procedure || params_fill(link_params, ARRAY_LEN(link_params), req->arena, &req->query, &link, &at_fault)) {
        respond_error_page(req, procedure ? 400 : 404, procedure ? "invalid_request" : "not_found");
        return STEP_RESPOND;
    }
    /* The page itself, byte for byte as it was asked for: where sign-in comes back to. */
    struct span here =
        span_of(arena_printf(req->arena, "%s%.*s", setting(req, "url"), SPAN_FMT(req->target)));
    bool is_here = current_session(req, &session) && session.signed_in;
    if (!is_here && span_is(link.vnconnect, "1") && here.ptr) {
        s->by.target_link_uri = here;
        s->is_vnconnect = true;
        return STEP_WORK;
    }
    procedure_page(req, procedure, &link, &session, here);
    return STEP_RESPOND;
}

/* ---- callback ---- */

static struct span display_name(const json_t *claims) {
    static const char *const members[] = {"HoVaTen", "name", "preferred_username", "sub"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct span name = json_str(claims, members[i]);
        if (name.len)
            return name;
    }
    return SPAN_NONE;
}

/* All that came, from the ID token and from userinfo, as the home page shows it. */
static enum err merge_claims(struct request *req, const struct rp_tokens *tokens,
                             struct portal_session *s) {
    AUTO_JSON json_t *userinfo = NULL;
    AUTO_JSON json_t *all = json_deep_copy(tokens->claims);
    struct span sub = json_str(tokens->claims, "sub");
    enum err e = rp_userinfo(portal_of(req)->rp, tokens->access_token, sub, req->arena, &userinfo);
    if (e)
        return e;
    char *text = all && !json_object_update(all, userinfo) ? json_dumps(all, JSON_COMPACT) : NULL;
    if (!text)
        return ERR_NOMEM;
    s->claims = arena_dup(req->arena, span_of(text));
    free(text);
    s->name = arena_dup(req->arena, display_name(all));
    s->id_token = tokens->id_token;
    s->signed_in = true;
    return ERR_OK;
}

static enum err finish(struct request *req, struct portal_session *ret_session,
                       struct span *ret_target) {
    struct portal_session pending;
    if (!current_session(req, &pending) || pending.signed_in)
        return ERR_REFUSED;
    /* One use, whatever the outcome. */
    portal_session_remove(portal_of(req)->sessions, request_own_cookie(req, COOKIE));
    struct rp_callback callback;
    struct rp_tokens tokens;
    enum err e = rp_callback_parse(portal_of(req)->rp, req->arena, req->query_text, &callback);
    if (!e)
        e = rp_finish(portal_of(req)->rp, &pending.login, &callback, req->arena, &tokens);
    if (e)
        return e;
    e = merge_claims(req, &tokens, ret_session);
    json_decref(tokens.claims);
    *ret_target = pending.target;
    return e;
}

static void callback_work(struct request *req) {
    struct portal_session session = {.signed_in = false};
    char cookie[PORTAL_COOKIE_CHARS + 1];
    struct span target = SPAN_NONE;
    enum err e = finish(req, &session, &target);
    if (!e)
        e = portal_session_add(portal_of(req)->sessions, &session, req->now, cookie);
    if (e == ERR_NOT_FOUND) { /* the person said no, or the provider could not: back to the start */
        respond_redirect(req, SPAN("/"));
        return;
    }
    if (e) {
        log_failure(req, "sign_in_refused", e);
        respond_error_page(req, e == ERR_UNAVAILABLE ? 503 : 400,
                           e == ERR_UNAVAILABLE ? "unavailable" : "expired_flow");
        return;
    }
    set_cookie(req, cookie);
    respond_home(req, target);
}

/* ---- sign-out ---- */

static enum step sign_out_parse(struct request *req) {
    struct portal_session session = {.signed_in = false};
    char csrf[B64URL_LEN(CSRF_BYTES) + 1];
    csrf_of(req, csrf);
    if (!current_session(req, &session) || !session.signed_in) {
        respond_redirect(req, SPAN("/"));
        return STEP_RESPOND;
    }
    if (!ct_equal(params_find(&req->form, "csrf"), span_of(csrf))) {
        respond_error_page(req, 403, "forbidden");
        return STEP_RESPOND;
    }
    portal_session_remove(portal_of(req)->sessions, request_own_cookie(req, COOKIE));
    respond_cookie(req, COOKIE, SPAN(""), &(struct cookie_options){.max_age = -1});
    CLEANUP(buf_done) struct buf url = BUF_INIT(32768);
    if (rp_logout_url(portal_of(req)->rp, session.id_token, NULL, &url))
        respond_redirect(req, SPAN("/signed-out"));
    else
        respond_redirect(req, arena_dup(req->arena, buf_span(&url)));
    return STEP_RESPOND;
}

static enum step signed_out_parse(struct request *req) {
    respond_page(req, 200, "signed_out", json_pack("{ss}", "return_url", "/"));
    return STEP_RESPOND;
}

static enum step ready_parse(struct request *req) {
    respond_body(req, 200, "application/json", SPAN("{\"status\":\"ok\"}"));
    return STEP_RESPOND;
}

static const struct handler home_handler = {.parse = home_parse};
static const struct handler sign_in_handler = {.state_size = sizeof(struct sign_in),
                                               .parse = to_work,
                                               .work = sign_in_work,
                                               .decide = after_work};
static const struct handler login_handler = {.state_size = sizeof(struct sign_in),
                                             .parse = login_parse,
                                             .work = sign_in_work,
                                             .decide = after_work};
static const struct handler procedure_handler = {.state_size = sizeof(struct sign_in),
                                                 .parse = procedure_parse,
                                                 .work = sign_in_work,
                                                 .decide = after_work};
static const struct handler callback_handler = {
    .parse = to_work, .work = callback_work, .decide = after_work};
static const struct handler sign_out_handler = {.parse = sign_out_parse};
static const struct handler signed_out_handler = {.parse = signed_out_parse};
const struct handler portal_ready_handler = {.parse = ready_parse};

/* clang-format off */
const struct route portal_routes[] = {
    /* methods   path           name          handler              body  flags                                     */
    {HTTP_GET,  "/",           "home",       &home_handler,       0,    ROUTE_HTML,                              "-"},
    {HTTP_GET,  "/sign-in",    "sign_in",    &sign_in_handler,    0,    ROUTE_HTML,                              "OIDC Core 3.1.2.1"},
    {HTTP_GET | HTTP_POST, "/login", "login",  &login_handler,      16384, ROUTE_HTML | ROUTE_FORM | ROUTE_CROSS_SITE_POST, "OIDC Core 4"},
    {HTTP_GET,  PROCEDURE_PATH, "procedure", &procedure_handler, 0,   ROUTE_HTML | ROUTE_PREFIX,               "-"},
    {HTTP_GET,  "/callback",   "callback",   &callback_handler,   0,    ROUTE_HTML,                              "OIDC Core 3.1.2.5"},
    {HTTP_POST, "/sign-out",   "sign_out",   &sign_out_handler,   4096, ROUTE_HTML | ROUTE_FORM | ROUTE_BROWSER, "RP-Initiated Logout 2"},
    {HTTP_GET,  "/signed-out", "signed_out", &signed_out_handler, 0,    ROUTE_HTML,                              "RP-Initiated Logout 3"},
    {HTTP_GET,  "/static/",    "static",     &static_handler,     0,    ROUTE_PREFIX,                            "-"},
    {HTTP_GET,  "/healthz",    "healthz",    &portal_ready_handler, 0,  0,                                       "-"},
    {HTTP_GET,  "/readyz",     "readyz",     &portal_ready_handler, 0,  0,                                       "-"},
};
/* clang-format on */
const size_t portal_routes_count = ARRAY_LEN(portal_routes);
