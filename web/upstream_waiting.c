/* SPDX-License-Identifier: Apache-2.0
 *
 * People whom upstream has sent back, but who are not signed in yet:
 *   GET  /upstream/choose  which of their accounts, or of those that they act for
 *   POST /upstream/choose
 *   GET  /upstream/link    proves an account that has their number: shows the sign-in page; whoever gave
 *                          the password on it comes back here, and the account is linked
 *
 * What upstream said is in the row that the flow names; only this browser can open it (U05, U10). */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/params.h"
#include "idp/claims.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/sign_in_page.h"
#include "idp/store/store.h"
#include "web/handlers.h"
#include "web/upstream.h"

enum stage { STAGE_ROW = 0, STAGE_ENTRY };

struct waiting {
    struct span handle, csrf, account; /* query, or form */
    bool is_post;
    enum stage stage;
    struct pending pending;
    struct user proven; /* whose password was given */
    struct rp *rp;
    struct upstream_entry entry;
};

#define FIELD(name) offsetof(struct waiting, name)
static const struct param_def waiting_params[] = {
    /* name       field           parse        max               flags */
    {"flow",    FIELD(handle),  param_ascii, FLOW_HANDLE_MAX,   PARAM_REQUIRED},
    {"csrf",    FIELD(csrf),    param_ascii, 64,                0},
    {"account", FIELD(account), param_ascii, 2 * USER_ID_BYTES, 0},
};
#undef FIELD

static enum step error_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

/* ---- what both pages begin with ---- */

static enum step waiting_parse(struct request *req) {
    struct waiting *w = req->state;
    const char *at_fault;
    w->is_post = req->method == HTTP_POST;
    if (params_fill(waiting_params, ARRAY_LEN(waiting_params), req->arena,
                    w->is_post ? &req->form : &req->query, w, &at_fault))
        return error_page(req, 400, "invalid_request");
    if (w->is_post && csrf_check(req, "choose", w->csrf) != ALLOW)
        return error_page(req, 403, "wrong_browser");
    enum err e = flow_open(req, w->handle, &w->entry.flow);
    if (e == ERR_BAD_SIGNATURE)
        return error_page(req, 403, "wrong_browser");
    if (e || w->entry.flow.upstream_pending.len != PENDING_KEY_BYTES)
        return error_page(req, 400, "expired_flow");
    memcpy(w->entry.waits, w->entry.flow.upstream_pending.ptr, PENDING_KEY_BYTES);
    return STEP_LOAD;
}

static void waiting_load(struct request *req) {
    struct waiting *w = req->state;
    if (w->stage == STAGE_ENTRY) {
        upstream_entry_load(req, &w->entry);
        return;
    }
    store_pending_find(&req->load, w->entry.waits, req->now, &w->pending);
    if (w->entry.flow.is_proven)
        store_user_by_id(&req->load, &w->entry.flow.proven_user, &w->proven);
}

/* False: answered. */
static bool open_row(struct request *req, struct waiting *w) {
    enum err e = req->load.result ? ERR_STORE : !w->pending.found ? ERR_EXPIRED : ERR_OK;
    if (!e)
        e = upstream_person_open(req, w->pending.sealed, &w->entry.person);
    if (e) {
        (void)error_page(req, e == ERR_STORE ? 503 : 400, e == ERR_STORE ? "unavailable" : "expired_flow");
        return false;
    }
    w->entry.takes_row = true;
    /* Switched off, or gone, since the person was sent there (U07). */
    if (upstream_find(req, w->entry.person.connector_id, &w->entry.connector, &w->rp))
        return true;
    (void)error_page(req, 400, "invalid_request");
    return false;
}

static void waiting_write(struct request *req) {
    struct waiting *w = req->state;
    upstream_entry_write(req, &w->entry);
}

static void waiting_done(struct request *req) {
    struct waiting *w = req->state;
    upstream_entry_done(&w->entry);
}

/* ---- /upstream/choose ---- */

static void add_account(json_t *list, const struct user *u, bool is_represented) {
    char id[2 * USER_ID_BYTES + 1];
    AUTO_JSON json_t *claims = NULL;
    if (!u->claims.len || json_parse_object(u->claims, CLAIMS_JSON_MAX, &claims))
        claims = json_object();
    struct span name = json_str(claims, u->type == USER_ENTERPRISE ? "TenDoanhNghiep" : "HoVaTen");
    if (!name.len)
        name = json_str(claims, "HoVaTen");
    if (!name.len)
        name = u->username;
    hex_encode(u->id.b, USER_ID_BYTES, id);
    json_array_append_new(list, json_pack("{ss ss% ss sb}", "id", id, "name", name.ptr, name.len,
                                          "type_key",
                                          u->type == USER_ENTERPRISE ? "account.type.enterprise"
                                          : u->type == USER_OFFICIAL ? "account.type.official"
                                                                     : "account.type.citizen",
                                          "is_represented", (int)is_represented));
}

static void choose_page(struct request *req, struct waiting *w) {
    const struct linking_found *found = &w->entry.found;
    struct span csrf = csrf_token(req, "choose");
    json_t *accounts = json_array();
    for (size_t i = 0; i < found->linked.count; i++)
        if (linking_may_choose(&w->entry.person, &found->linked.item[i].user) == ALLOW)
            add_account(accounts, &found->linked.item[i].user, false);
    for (size_t i = 0; i < found->represented.count; i++)
        add_account(accounts, &found->represented.item[i].represented, true);
    struct span again =
        span_of(arena_printf(req->arena, "/upstream/choose?flow=%.*s", SPAN_FMT(w->handle)));
    req->response.form_action = w->entry.flow.form_action;
    respond_page(req, 200, "upstream_choose",
                 json_pack("{ss ss% ss% ss% ss% so}", "action", "/upstream/choose", "flow",
                           w->handle.ptr, w->handle.len, "csrf", csrf.ptr ? csrf.ptr : "", csrf.len,
                           "client_name", w->entry.flow.client_name.ptr ? w->entry.flow.client_name.ptr : "",
                           w->entry.flow.client_name.len, "self_url", again.ptr ? again.ptr : "", again.len,
                           "accounts", accounts));
}

static enum step chosen(struct request *req, struct waiting *w) {
    size_t len = 0;
    if (hex_decode(w->account, w->entry.chosen.b, USER_ID_BYTES, &len) || len != USER_ID_BYTES)
        return error_page(req, 400, "invalid_request");
    w->entry.by = ENTRY_BY_CHOICE;
    return upstream_entry_look(req, &w->entry);
}

/* The page shows what the rules offer, and offers nothing that they do not. */
static enum step choose_entry(struct request *req, struct waiting *w) {
    struct upstream_entry *e = &w->entry;
    if (e->stage == ENTRY_RECORDED)
        return upstream_entry_recorded(req, e);
    if (w->is_post)
        return chosen(req, w);
    if (req->load.result)
        return error_page(req, 503, "unavailable");
    if (e->stage == ENTRY_LOOK) {
        e->stage = ENTRY_REPRESENTED;
        if (upstream_entry_person(e))
            return STEP_LOAD;
    }
    if (linking_decide(&e->person, &e->found).outcome != LINKING_CHOOSE)
        return error_page(req, 400, "expired_flow");
    choose_page(req, w);
    return STEP_RESPOND;
}

static enum step choose_decide(struct request *req) {
    struct waiting *w = req->state;
    if (w->stage == STAGE_ENTRY)
        return choose_entry(req, w);
    if (!open_row(req, w))
        return STEP_RESPOND;
    w->stage = STAGE_ENTRY;
    return STEP_LOAD;
}

/* ---- /upstream/link ---- */

static enum step link_decide(struct request *req) {
    struct waiting *w = req->state;
    if (w->stage == STAGE_ENTRY)
        return w->entry.stage == ENTRY_RECORDED ? upstream_entry_recorded(req, &w->entry)
                                                : upstream_entry_look(req, &w->entry);
    if (!open_row(req, w))
        return STEP_RESPOND;
    if (!flow_proof_stands(&w->entry.flow, &w->proven, req->now)) {
        sign_in_page_respond(req, &(struct sign_in_page){
                                      .status = 200, .flow = &w->entry.flow, .handle = w->handle});
        return STEP_RESPOND;
    }
    w->entry.by = ENTRY_BY_PROOF;
    w->entry.proven = w->proven;
    w->stage = STAGE_ENTRY;
    return STEP_LOAD;
}

const struct handler upstream_choose_handler = {
    .state_size = sizeof(struct waiting),
    .parse = waiting_parse,
    .load = waiting_load,
    .decide = choose_decide,
    .write = waiting_write,
    .done = waiting_done,
};

const struct handler upstream_link_handler = {
    .state_size = sizeof(struct waiting),
    .parse = waiting_parse,
    .load = waiting_load,
    .decide = link_decide,
    .write = waiting_write,
    .done = waiting_done,
};
