/* SPDX-License-Identifier: Apache-2.0
 *
 * The account page: what is live in a person's name, and buttons that end it.
 *   GET  /            303 to /account
 *   GET  /account     the page, or the sign-in page first
 *   POST /account/end one session (`id`), or all others (`id=others`)
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/params.h"
#include "idp/client_services.h"
#include "idp/config.h"
#include "idp/flow.h"
#include "idp/idp.h"
#include "idp/session.h"
#include "idp/sign_in_page.h"
#include "idp/store/store.h"
#include "web/device_name.h"
#include "web/handlers.h"

#define SESSIONS_SHOWN 20   /* newest first; the page says when there are more */
#define CLIENTS_SHOWN 20    /* distinct services named on one page */
#define LINK_MAX 8192       /* a registered address and the issuer, percent-encoded */

enum stage { STAGE_SESSION, STAGE_SESSIONS, STAGE_SERVICES, STAGE_NAMES, STAGE_ENDED };

struct account {
    struct span csrf, id; /* the form of POST */
    struct session session;
    struct session_list sessions;
    struct grant_list services[SESSIONS_SHOWN];
    struct client_row client[CLIENTS_SHOWN];
    size_t n_clients;
    struct client_service *offer; /* services that a sign-in can be begun at from here */
    size_t n_offers;
    uint64_t epoch; /* of the clients, as the page was asked for */
    enum err refreshed;
    bool is_refreshed;
    struct session_key end_key;
    bool end_others;
    enum stage stage;
};

#define FIELD(name) offsetof(struct account, name)
static const struct param_def end_params[] = {
    /* name  field        parse        max  flags */
    {"csrf", FIELD(csrf), param_ascii, 64, PARAM_REQUIRED},
    {"id",   FIELD(id),   param_ascii, 64, PARAM_REQUIRED},
};
#undef FIELD

static enum step refuse_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

static enum step home_parse(struct request *req) {
    respond_redirect(req, SPAN("/account"));
    return STEP_RESPOND;
}

static enum step account_parse(struct request *req) {
    struct account *a = req->state;
    a->epoch = atomic_load(&request_idp(req)->client_epoch);
    return STEP_LOAD;
}

static bool session_live_now(struct request *req, struct session *s) {
    if (!s->found)
        return false;
    s->last_seen = session_activity_last(request_idp(req)->activity, &s->key, s->last_seen);
    return session_is_live(s, req->now, request_config(req)->session_idle_seconds);
}

static void load_names(struct request *req, struct account *a) {
    for (size_t i = 0; i < a->n_clients; i++)
        store_client_find(&req->load, a->client[i].client_id, &a->client[i]);
}

static size_t sessions_shown(const struct account *a) {
    return a->sessions.count < SESSIONS_SHOWN ? a->sessions.count : SESSIONS_SHOWN;
}

static void account_load(struct request *req) {
    struct account *a = req->state;
    struct session_key key;
    switch (a->stage) {
    case STAGE_SESSION:
        if (session_cookie_parse(request_own_cookie(req, "session"), &key) == ERR_OK)
            store_session_find(&req->load, &key, &a->session);
        break;
    case STAGE_SESSIONS:
        store_session_list(&req->load, &a->session.user.id, req->now, &a->sessions);
        break;
    case STAGE_SERVICES:
        for (size_t i = 0; i < sessions_shown(a); i++)
            store_grant_list_session(&req->load, &a->sessions.item[i].key, &a->services[i]);
        break;
    case STAGE_NAMES:
        load_names(req, a);
        break;
    case STAGE_ENDED:
        break;
    }
}

/* The flow that the person comes back with from a way that was tried in vain, or a new one. */
static enum step show_sign_in(struct request *req) {
    struct span handle = params_find(&req->query, "flow");
    struct flow flow;
    if (!handle.len || flow_open(req, handle, &flow) || flow.target != FLOW_ACCOUNT) {
        flow = (struct flow){.target = FLOW_ACCOUNT, .started_at = req->now, .max_age = -1};
        if (flow_seal(req, &flow, &handle))
            return refuse_page(req, 503, "unavailable");
    }
    sign_in_page_respond(req, &(struct sign_in_page){.status = 200, .flow = &flow, .handle = handle});
    return STEP_RESPOND;
}

static void collect_clients(struct account *a) {
    for (size_t i = 0; i < sessions_shown(a); i++)
        for (size_t j = 0; j < a->services[i].count; j++) {
            struct span id = a->services[i].item[j].client_id;
            size_t k = 0;
            while (k < a->n_clients && !span_eq(a->client[k].client_id, id))
                k++;
            if (k == a->n_clients && k < CLIENTS_SHOWN)
                a->client[a->n_clients++].client_id = id;
        }
}

static enum step find_offers(struct request *req) {
    struct account *a = req->state;
    enum err e = client_services_list(request_idp(req)->services, a->epoch, req->arena, &a->offer,
                                      &a->n_offers);
    if (e == ERR_EXPIRED && !a->is_refreshed)
        return STEP_WORK;
    return e || a->refreshed ? refuse_page(req, 503, "unavailable") : STEP_RESPOND;
}

static void account_work(struct request *req) {
    struct account *a = req->state;
    struct idp *idp = request_idp(req);
    a->refreshed = client_services_refresh(idp->services, idp->store, a->epoch);
    a->is_refreshed = true;
}

static enum step account_decide(struct request *req) {
    struct account *a = req->state;
    if (req->work_result || req->load.result)
        return refuse_page(req, 503, "unavailable");
    switch (a->stage) {
    case STAGE_SESSION:
        if (!session_live_now(req, &a->session))
            return show_sign_in(req);
        session_activity_touch(request_idp(req)->activity, &a->session.key, req->now);
        a->stage = STAGE_SESSIONS;
        return STEP_LOAD;
    case STAGE_SESSIONS:
        a->stage = STAGE_SERVICES;
        return STEP_LOAD;
    case STAGE_SERVICES:
        collect_clients(a);
        a->stage = STAGE_NAMES;
        return STEP_LOAD;
    case STAGE_NAMES:
        return find_offers(req);
    case STAGE_ENDED:
        break;
    }
    return STEP_RESPOND;
}

/* The name that the service registered, else its id. */
static json_t *client_display_name(const struct request *req, const struct account *a, struct span id) {
    for (size_t i = 0; i < a->n_clients; i++) {
        if (!a->client[i].found || !span_eq(a->client[i].client_id, id))
            continue;
        AUTO_JSON json_t *metadata = NULL;
        if (json_parse_object(a->client[i].metadata, RESPONSE_MAX, &metadata))
            break;
        struct span name = SPAN_NONE;
        if (req->lang == LANG_EN)
            name = json_str(metadata, "client_name#en");
        if (!name.len)
            name = json_str(metadata, "client_name");
        if (name.len)
            return json_stringn(name.ptr, name.len);
    }
    return json_stringn(id.ptr ? id.ptr : "", id.len);
}

static json_t *services_model(const struct request *req, const struct account *a, size_t session) {
    json_t *list = json_array();
    for (size_t i = 0; i < a->services[session].count; i++)
        json_array_append_new(
            list, json_pack("{so}", "name",
                            client_display_name(req, a, a->services[session].item[i].client_id)));
    return list;
}

static json_t *session_model(struct request *req, const struct account *a, size_t i) {
    const struct session *s = &a->sessions.item[i];
    char id[2 * SESSION_KEY_BYTES + 1], started[20], seen[20];
    hex_encode(s->key.b, sizeof s->key.b, id);
    clock_format_vn(s->auth_time, started, sizeof started);
    int64_t last = session_activity_last(request_idp(req)->activity, &s->key, s->last_seen);
    clock_format_vn(last, seen, sizeof seen);
    struct span device = device_name(req->arena, s->user_agent);
    bool is_current = memcmp(s->key.b, a->session.key.b, SESSION_KEY_BYTES) == 0;
    return json_pack("{ss sb ss ss ss% ss% si so}", "id", id, "is_current", (int)is_current, "started",
                     started, "last_seen", seen, "network", s->network.ptr ? s->network.ptr : "",
                     s->network.len, "device", device.ptr ? device.ptr : "", device.len,
                     "level", session_loa(s), "services",
                     services_model(req, a, i));
}

/* The link that begins a sign-in at the service (OIDC Core 4). It says who sends the person, and not who they
 * are: that is for the service to ask. */
static char *offer_link(const struct request *req, struct span uri) {
    CLEANUP(buf_done) struct buf link = BUF_INIT(LINK_MAX);
    buf_add_span(&link, uri);
    buf_add_str(&link, memchr(uri.ptr, '?', uri.len) ? "&iss=" : "?iss=");
    percent_add(&link, request_config(req)->issuer);
    return buf_err(&link) ? NULL : arena_strndup(req->arena, link.data, link.len);
}

static void add_offer(const struct request *req, json_t *list, struct span name, struct span uri) {
    const char *url = offer_link(req, uri);
    if (url)
        json_array_append_new(list, json_pack("{ss% ss}", "name", name.ptr, name.len, "url", url));
}

static bool is_offered(const struct account *a, struct span client_id) {
    for (size_t i = 0; i < a->n_offers; i++)
        if (span_eq(a->offer[i].client_id, client_id))
            return true;
    return false;
}

/* What staff registered, then what this person uses already and registered itself. */
static json_t *offers_model(const struct request *req, const struct account *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < a->n_offers; i++) {
        const struct client_service *s = &a->offer[i];
        add_offer(req, list, req->lang == LANG_EN && s->name_en.len ? s->name_en : s->name,
                  s->initiate_login_uri);
    }
    for (size_t i = 0; i < a->n_clients; i++) {
        const struct client_row *row = &a->client[i];
        AUTO_JSON json_t *metadata = NULL;
        if (!row->found || !row->is_enabled || is_offered(a, row->client_id) ||
            json_parse_object(row->metadata, RESPONSE_MAX, &metadata))
            continue;
        struct span uri = json_str(metadata, "initiate_login_uri");
        AUTO_JSON json_t *name = client_display_name(req, a, row->client_id);
        if (uri.len)
            add_offer(req, list, span_bytes(json_string_value(name), json_string_length(name)), uri);
    }
    return list;
}

static struct span display_name(const json_t *claims, struct span username) {
    struct span name = json_str(claims, "HoVaTen");
    if (!name.len)
        name = json_str(claims, "name");
    return name.len ? name : username;
}

static json_t *user_model(const struct account *a) {
    static const char *const type_key[] = {
        [USER_CITIZEN] = "account.type.citizen",
        [USER_ENTERPRISE] = "account.type.enterprise",
        [USER_OFFICIAL] = "account.type.official",
    };
    const struct user *u = &a->session.user;
    AUTO_JSON json_t *claims = NULL;
    if (!u->claims.len || json_parse_object(u->claims, RESPONSE_MAX, &claims))
        claims = json_object();
    struct span name = display_name(claims, u->username);
    return json_pack("{ss% ss% ss si}", "name", name.ptr, name.len, "username", u->username.ptr,
                     u->username.len, "type_key", type_key[u->type], "level",
                     session_loa(&a->session));
}

/* Notices come as a word of this list, so that a link cannot make the page say anything else. */
static const char *notice_key(const struct request *req) {
    static const struct {
        const char *word, *key;
    } notices[] = {
        {"password_changed", "account.notice.password_changed"},
        {"session_ended", "account.notice.session_ended"},
        {"sessions_ended", "account.notice.sessions_ended"},
    };
    struct span word = params_find(&req->query, "notice");
    for (size_t i = 0; i < ARRAY_LEN(notices); i++)
        if (span_is(word, notices[i].word))
            return notices[i].key;
    return NULL;
}

static void account_respond(struct request *req) {
    struct account *a = req->state;
    if (req->response.status)
        return;
    json_t *sessions = json_array();
    for (size_t i = 0; i < sessions_shown(a); i++)
        json_array_append_new(sessions, session_model(req, a, i));
    struct span csrf = csrf_token(req, "account"), csrf_logout = csrf_token(req, "logout");
    json_t *model = json_pack(
        "{so so so ss ss ss ss ss% ss% sb}", "user", user_model(a), "offers", offers_model(req, a),
        "sessions", sessions, "action_end",
        "/account/end", "action_end_all", "/account/end", "action_password", "/account/password",
        "action_sign_out", "/logout", "csrf", csrf.ptr ? csrf.ptr : "", csrf.len, "csrf_logout",
        csrf_logout.ptr ? csrf_logout.ptr : "", csrf_logout.len, "has_others",
        (int)(a->sessions.count > 1));
    const char *notice = notice_key(req);
    if (model && json_array_size(json_object_get(model, "offers")))
        json_object_set_new(model, "has_offers", json_true());
    if (model && notice)
        json_object_set_new(model, "notice_key", json_string(notice));
    respond_page(req, 200, "account", model);
}

/* ---- POST /account/end ---- */

static enum step end_parse(struct request *req) {
    struct account *a = req->state;
    const char *at_fault;
    if (params_fill(end_params, ARRAY_LEN(end_params), req->arena, &req->form, a, &at_fault))
        return refuse_page(req, 400, "invalid_request");
    if (csrf_check(req, "account", a->csrf) != ALLOW)
        return refuse_page(req, 403, "wrong_browser");
    size_t len = 0;
    a->end_others = span_is(a->id, "others");
    if (!a->end_others && (hex_decode(a->id, a->end_key.b, sizeof a->end_key.b, &len) ||
                           len != sizeof a->end_key.b))
        return refuse_page(req, 400, "invalid_request");
    return STEP_LOAD;
}

static enum step end_decide(struct request *req) {
    struct account *a = req->state;
    if (a->stage == STAGE_ENDED) {
        /* Already ended, or another person's: either way it is not live in this person's name. */
        if (req->write.result && req->write.result != ERR_NOT_FOUND)
            return refuse_page(req, 503, "unavailable");
        return STEP_RESPOND;
    }
    if (req->load.result)
        return refuse_page(req, 503, "unavailable");
    if (!session_live_now(req, &a->session))
        return show_sign_in(req);
    a->stage = STAGE_ENDED;
    return STEP_WRITE;
}

static void end_write(struct request *req) {
    struct account *a = req->state;
    char user[2 * USER_ID_BYTES + 1];
    hex_encode(a->session.user.id.b, USER_ID_BYTES, user);
    if (a->end_others)
        store_session_end_others(&req->write, &a->session.user.id, &a->session.key, req->now);
    else
        store_session_end(&req->write, &a->end_key, &a->session.user.id, req->now);
    store_audit(&req->write, &(struct audit_event){
                                 .at = req->now,
                                 .event = a->end_others ? "sessions_ended" : "session_ended",
                                 .actor = span_of(arena_strdup(req->arena, user)),
                                 .target = a->id,
                                 .address = span_of(req->client.text),
                                 .request_id = span_of(req->id),
                             });
}

static void end_respond(struct request *req) {
    const struct account *a = req->state;
    if (req->response.status)
        return;
    respond_redirect(req, a->end_others ? SPAN("/account?notice=sessions_ended")
                                        : SPAN("/account?notice=session_ended"));
}

const struct handler home_handler = {.parse = home_parse};

const struct handler account_handler = {
    .state_size = sizeof(struct account),
    .parse = account_parse,
    .load = account_load,
    .work = account_work,
    .decide = account_decide,
    .respond = account_respond,
};

const struct handler account_end_handler = {
    .state_size = sizeof(struct account),
    .parse = end_parse,
    .load = account_load,
    .decide = end_decide,
    .write = end_write,
    .respond = end_respond,
};
