/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /upstream/callback/ID (and a connector's own redirect path): the browser is back.
 *
 *   load: what waited ─► write: take it ─► [fetch: keys] ─► fetch: tokens ─► [fetch: keys]
 *     ─► [fetch: userinfo] ─► whose account (upstream_entry.c) ─► write ─► 303
 *
 * Everything that upstream said is in this request's memory only, until it is known whose it is. */
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/throttle.h"
#include "web/handlers.h"
#include "web/upstream.h"

enum stage {
    STAGE_STATE = 0, /* what waited has been looked for */
    STAGE_TAKEN,     /* and taken, so that nobody can come with it again */
    STAGE_KEYS,      /* metadata or keys have been fetched */
    STAGE_TOKENS,    /* the code was exchanged */
    STAGE_USERINFO,
    STAGE_ENTRY
};

struct callback {
    enum stage stage;
    struct upstream_exchange x;
    struct rp_callback answer;
    unsigned char key[PENDING_KEY_BYTES];
    struct pending pending, taken;
    struct upstream_login waited;
    bool has_token_answer, kid_is_unknown;
    long token_status; /* kept while keys are fetched again */
    struct span token_body;
    struct rp_tokens tokens;
    struct upstream_entry entry;
};

static enum step error_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

static enum step fail(struct request *req, struct callback *c, enum flow_failure failure,
                      const char *why) {
    LOG(LOG_WARN, "upstream_sign_in_failed", LOG_SPAN("connector", c->x.connector->id),
        LOG_STR("why", why), LOG_STR("request_id", req->id));
    return upstream_fail(req, &c->entry.flow, c->x.connector->id, failure);
}

static enum step callback_parse(struct request *req) {
    struct callback *c = req->state;
    //= https://www.rfc-editor.org/rfc/rfc9700#section-4.4.2.2
    //# clients MUST use a distinct redirection URI for each issuer they interact with
    if (!upstream_find(req, upstream_id_of_path(req), &c->x.connector, &c->x.rp))
        return error_page(req, 404, "not_found");
    if (rp_callback_parse(c->x.rp, req->arena, req->query_text, &c->answer) ||
        upstream_state_parse(c->answer.state, c->key))
        return error_page(req, 400, "invalid_request");
    return STEP_LOAD;
}

static void callback_load(struct request *req) {
    struct callback *c = req->state;
    if (c->stage == STAGE_ENTRY)
        upstream_entry_load(req, &c->entry);
    else
        store_pending_find(&req->load, c->key, req->now, &c->pending);
}

static void take_row(struct request *req, struct callback *c) {
    const struct throttle_limit limit = throttle_away(request_config(req), &req->client);
    store_pending_take(&req->write, c->key, req->now, &c->taken);
    store_throttle_give_back(&req->write, &limit);
}

static void callback_write(struct request *req) {
    struct callback *c = req->state;
    if (c->stage == STAGE_ENTRY)
        upstream_entry_write(req, &c->entry);
    else
        take_row(req, c);
}

static void callback_fetch(struct request *req) {
    const struct callback *c = req->state;
    upstream_exchange_fetch(req, &c->x);
}

/* ---- what waited ---- */

static enum step open_state(struct request *req, struct callback *c) {
    if (req->load.result)
        return error_page(req, 503, "unavailable");
    if (!c->pending.found)
        return error_page(req, 400, "expired_flow");
    enum err e = upstream_login_open(req, c->answer.state, c->pending.sealed, &c->waited);
    if (!e)
        e = flow_open(req, c->waited.handle, &c->entry.flow);
    if (e)
        return error_page(req, e == ERR_BAD_SIGNATURE ? 403 : 400,
                          e == ERR_BAD_SIGNATURE ? "wrong_browser" : "expired_flow");
    /* U02; also when the connector was made another provider's meanwhile. */
    if (!span_eq(c->waited.connector_id, c->x.connector->id) ||
        !span_eq(c->waited.issuer, c->x.connector->issuer))
        return error_page(req, 400, "invalid_request");
    c->entry.is_without_pages = c->waited.is_silent;
    c->stage = STAGE_TAKEN;
    return STEP_WRITE;
}

/* ---- an answer that is an error (OIDC Core 3.1.2.6) ---- */

static enum step again_with_pages(struct request *req, struct callback *c) {
    struct span handle;
    if (flow_seal(req, &c->entry.flow, &handle))
        return error_page(req, 503, "unavailable");
    respond_redirect(req, span_of(arena_printf(req->arena, "/upstream/start?connector=%.*s&flow=%.*s",
                                               SPAN_FMT(c->x.connector->id), SPAN_FMT(handle))));
    return STEP_RESPOND;
}

static enum step take_error(struct request *req, struct callback *c) {
    static const char *const wants_pages[] = {"login_required", "interaction_required",
                                              "consent_required", "account_selection_required"};
    for (size_t i = 0; c->waited.is_silent && i < ARRAY_LEN(wants_pages); i++)
        if (span_is(c->answer.error, wants_pages[i]))
            return c->entry.flow.is_silent ? upstream_fail(req, &c->entry.flow, c->x.connector->id,
                                                           FLOW_UPSTREAM_DECLINED)
                                           : again_with_pages(req, c);
    bool is_down = span_is(c->answer.error, "temporarily_unavailable") ||
                   span_is(c->answer.error, "server_error");
    return fail(req, c, is_down ? FLOW_UPSTREAM_DOWN : FLOW_UPSTREAM_DECLINED, "error");
}

/* ---- exchanges ---- */

static enum step look_on(struct request *req, struct callback *c);

static enum step whose(struct request *req, struct callback *c, const json_t *userinfo) {
    struct span dropped = SPAN_NONE;
    enum err e = upstream_person_build(c->x.connector, req->arena, c->tokens.claims, userinfo,
                                       &c->entry.person, &dropped);
    if (e)
        return fail(req, c, FLOW_UPSTREAM_FAILED, "person");
    c->entry.person.id_token = c->tokens.id_token;
    if (dropped.len)
        LOG(LOG_WARN, "upstream_claims_dropped", LOG_SPAN("connector", c->x.connector->id),
            LOG_SPAN("names", dropped));
    c->entry.connector = c->x.connector;
    c->stage = STAGE_ENTRY;
    return STEP_LOAD;
}

static enum step ask_userinfo(struct request *req, struct callback *c) {
    if (!c->x.connector->identity_from_userinfo)
        return whose(req, c, NULL);
    if (rp_userinfo_exchange(c->x.rp, c->tokens.access_token, req->arena, &c->x.ask))
        return fail(req, c, FLOW_UPSTREAM_FAILED, "userinfo");
    c->stage = STAGE_USERINFO;
    return STEP_FETCH;
}

static enum step take_tokens(struct request *req, struct callback *c) {
    enum err e = rp_code_take(c->x.rp, &c->waited.login, req->arena, c->token_status, c->token_body,
                              &c->tokens);
    if (e == ERR_UNKNOWN_KEY && !c->kid_is_unknown) {
        c->kid_is_unknown = true;
        return look_on(req, c);
    }
    if (e)
        return fail(req, c, e == ERR_UNAVAILABLE ? FLOW_UPSTREAM_DOWN : FLOW_UPSTREAM_FAILED,
                    err_text(e));
    return ask_userinfo(req, c);
}

static enum step ask_tokens(struct request *req, struct callback *c) {
    enum err e = rp_code_exchange(c->x.rp, &c->waited.login, &c->answer, req->arena, &c->x.ask);
    if (e == ERR_NOT_FOUND)
        return take_error(req, c);
    if (e)
        return fail(req, c, FLOW_UPSTREAM_FAILED, "answer");
    if (!upstream_exchange_turn(req, &c->x))
        return fail(req, c, FLOW_UPSTREAM_DOWN, "somebody else is trying it");
    c->stage = STAGE_TOKENS;
    return STEP_FETCH;
}

/* Keys that are due come first; then whatever has not been done yet. */
static enum step look_on(struct request *req, struct callback *c) {
    enum step step;
    if (!upstream_exchange_due(req, &c->x, c->kid_is_unknown, &step))
        return fail(req, c, FLOW_UPSTREAM_DOWN, "keys");
    if (step == STEP_FETCH) {
        c->stage = STAGE_KEYS;
        return step;
    }
    return c->has_token_answer ? take_tokens(req, c) : ask_tokens(req, c);
}

static enum step after_keys(struct request *req, struct callback *c) {
    enum err e = rp_fetch_take(c->x.rp, &c->x.ask, c->x.status, c->x.body);
    if (c->kid_is_unknown) /* with or without a new key: now it is decided */
        return e ? fail(req, c, FLOW_UPSTREAM_DOWN, "keys") : take_tokens(req, c);
    if (e && !rp_is_ready(c->x.rp))
        return fail(req, c, FLOW_UPSTREAM_DOWN, "metadata");
    return look_on(req, c);
}

/* One word for whatever is wrong with an envelope: nothing is to be learnt from the answer. */
static bool opens(struct request *req, struct callback *c, enum step *ret_step) {
    enum err e = upstream_exchange_open(req, &c->x);
    if (e == ERR_UNAVAILABLE)
        *ret_step = error_page(req, 503, "unavailable");
    else if (e)
        *ret_step = fail(req, c, FLOW_UPSTREAM_FAILED, "envelope");
    return !e;
}

static enum step after_tokens(struct request *req, struct callback *c) {
    enum step step;
    if (!opens(req, c, &step))
        return step;
    c->has_token_answer = true;
    c->token_status = c->x.status;
    c->token_body = c->x.body;
    return c->x.status ? take_tokens(req, c) : fail(req, c, FLOW_UPSTREAM_DOWN, "token endpoint");
}

static enum step after_userinfo(struct request *req, struct callback *c) {
    AUTO_JSON json_t *userinfo = NULL;
    enum step step;
    if (!c->x.status)
        return fail(req, c, FLOW_UPSTREAM_DOWN, "userinfo endpoint");
    if (!opens(req, c, &step))
        return step;
    enum err e = rp_userinfo_take(json_str(c->tokens.claims, "sub"), c->x.status, c->x.body, &userinfo);
    if (e)
        return fail(req, c, e == ERR_UNAVAILABLE ? FLOW_UPSTREAM_DOWN : FLOW_UPSTREAM_FAILED, "userinfo");
    return whose(req, c, userinfo);
}

static enum step after_taken(struct request *req, struct callback *c) {
    if (req->write.result == ERR_REPLAYED) /* somebody came with it before (U01) */
        return error_page(req, 400, "expired_flow");
    return req->write.result ? error_page(req, 503, "unavailable") : look_on(req, c);
}

static enum step callback_decide(struct request *req) {
    struct callback *c = req->state;
    switch (c->stage) {
    case STAGE_STATE:
        return open_state(req, c);
    case STAGE_TAKEN:
        return after_taken(req, c);
    case STAGE_ENTRY:
        return c->entry.stage == ENTRY_RECORDED ? upstream_entry_recorded(req, &c->entry)
                                                : upstream_entry_look(req, &c->entry);
    case STAGE_KEYS:
    case STAGE_TOKENS:
    case STAGE_USERINFO:
        break;
    }
    upstream_exchange_ended(req, &c->x);
    return c->stage == STAGE_KEYS     ? after_keys(req, c)
           : c->stage == STAGE_TOKENS ? after_tokens(req, c)
                                      : after_userinfo(req, c);
}

static void callback_done(struct request *req) {
    struct callback *c = req->state;
    json_cleanup(&c->tokens.claims);
    upstream_entry_done(&c->entry);
}

const struct handler upstream_callback_handler = {
    .state_size = sizeof(struct callback),
    .parse = callback_parse,
    .load = callback_load,
    .decide = callback_decide,
    .write = callback_write,
    .fetch = callback_fetch,
    .done = callback_done,
};
