/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /upstream/start?flow=HANDLE&connector=ID[&silent=1]: sends the browser to another provider.
 *
 *   [fetch: metadata, keys] ─► [fetch: does it answer?] ─► write: what waits for the answer ─► 303
 *
 * A GET, though it writes a row: the handle opens in the browser alone that it was made for, so no
 * other site can begin a sign-in here (U10). */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/sign_in_page.h"
#include "idp/throttle.h"
#include "idp/upstream_health.h"
#include "web/handlers.h"
#include "web/i18n.h"
#include "web/upstream.h"

#define URL_MAX 8192 /* bytes */

enum stage { STAGE_PREPARE = 0, STAGE_FETCHED, STAGE_CHECKED, STAGE_STORED };

struct start {
    struct span handle, connector_id, silent; /* the query */
    struct flow flow;
    struct upstream_exchange x;
    struct upstream_login login;
    unsigned char key[PENDING_KEY_BYTES];
    struct span sealed;
    enum stage stage;
};

#define FIELD(name) offsetof(struct start, name)
static const struct param_def start_params[] = {
    /* name         field                parse        max               flags */
    {"flow",      FIELD(handle),       param_ascii, FLOW_HANDLE_MAX,  PARAM_REQUIRED},
    {"connector", FIELD(connector_id), param_ascii, CONNECTOR_ID_MAX, PARAM_REQUIRED},
    {"silent",    FIELD(silent),       param_ascii, 1,                0},
};
#undef FIELD

static enum step error_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

/* ---- the rows: what waits for the browser's return ---- */

static enum step store_login(struct request *req, struct start *s) {
    s->flow.failure = FLOW_NO_FAILURE;
    s->flow.failed_connector = SPAN_NONE;
    s->flow.is_proven = false; /* a proof from here on is about whom upstream sends back */
    s->login = (struct upstream_login){.connector_id = s->x.connector->id,
                                       .issuer = s->x.connector->issuer,
                                       .is_silent = s->flow.is_silent || span_is(s->silent, "1")};
    enum err e = flow_seal(req, &s->flow, &s->login.handle);
    if (!e)
        e = upstream_login_seal(req, &s->login, s->key, &s->sealed);
    if (e)
        return error_page(req, e == ERR_TOO_LONG ? 400 : 503,
                          e == ERR_TOO_LONG ? "invalid_request" : "unavailable");
    s->stage = STAGE_STORED;
    return STEP_WRITE;
}

static enum step fail_down(struct request *req, struct start *s) {
    return upstream_fail(req, &s->flow, s->x.connector->id, FLOW_UPSTREAM_DOWN);
}

/* Any answer will do: what is asked is whether it gives one. */
static enum step check(struct request *req, struct start *s) {
    const struct connector *c = s->x.connector;
    if (!upstream_exchange_turn(req, &s->x))
        return fail_down(req, s);
    s->x.ask = (struct rp_exchange){
        .url = c->token_endpoint.len
                   ? c->token_endpoint
                   : span_of(arena_printf(req->arena, "%.*s/.well-known/openid-configuration",
                                          SPAN_FMT(c->issuer)))};
    s->stage = STAGE_CHECKED;
    return s->x.ask.url.ptr ? STEP_FETCH : error_page(req, 503, "unavailable");
}

static enum step next(struct request *req, struct start *s) {
    enum step step;
    if (!upstream_exchange_due(req, &s->x, false, &step))
        return fail_down(req, s);
    if (step == STEP_FETCH) {
        s->stage = STAGE_FETCHED;
        return step;
    }
    if (upstream_health_is_check_due(request_idp(req)->upstream_health, s->x.connector->id,
                                     s->x.connector->quiet_seconds, clock_mono_us()))
        return check(req, s);
    return store_login(req, s);
}

static enum step start_parse(struct request *req) {
    struct start *s = req->state;
    const char *at_fault;
    if (params_fill(start_params, ARRAY_LEN(start_params), req->arena, &req->query, s, &at_fault))
        return error_page(req, 400, "invalid_request");
    enum err e = flow_open(req, s->handle, &s->flow);
    if (e == ERR_BAD_SIGNATURE)
        return error_page(req, 403, "wrong_browser");
    if (e)
        return error_page(req, 400, "expired_flow");
    if (!upstream_find(req, s->connector_id, &s->x.connector, &s->x.rp) ||
        !sign_in_connector_allowed(&s->flow, s->x.connector))
        return error_page(req, 400, "invalid_request");
    if (s->flow.min_loa > s->x.connector->most_level)
        return upstream_fail(req, &s->flow, s->x.connector->id, FLOW_LEVEL_TOO_LOW);
    return next(req, s);
}

static enum step start_decide(struct request *req) {
    struct start *s = req->state;
    if (s->stage == STAGE_FETCHED) {
        upstream_exchange_ended(req, &s->x);
        if (rp_fetch_take(s->x.rp, &s->x.ask, s->x.status, s->x.body) && !rp_is_ready(s->x.rp))
            return fail_down(req, s);
        return next(req, s);
    }
    if (s->stage == STAGE_CHECKED) {
        upstream_exchange_ended(req, &s->x);
        return s->x.status <= 0 || s->x.status >= 500 ? fail_down(req, s) : store_login(req, s);
    }
    if (req->write.result == ERR_BUSY)
        return error_page(req, 429, "busy");
    return req->write.result ? error_page(req, 503, "unavailable") : STEP_RESPOND;
}

static void start_fetch(struct request *req) {
    const struct start *s = req->state;
    upstream_exchange_fetch(req, &s->x);
}

static void start_write(struct request *req) {
    const struct start *s = req->state;
    const struct throttle_limit limit = throttle_away(request_config(req), &req->client);
    store_throttle_take(&req->write, &limit, req->now, NULL);
    store_pending_insert(&req->write, s->key, s->sealed,
                         req->now + request_config(req)->flow_seconds);
}

/* ---- what of our request is passed on ---- */

static void pass(struct buf *out, const char *name, struct span value) {
    if (!value.len)
        return;
    buf_addf(out, "&%s=", name);
    percent_add(out, value);
}

static void pass_on(const struct request *req, const struct start *s, struct buf *out) {
    const struct connector *c = s->x.connector;
    const struct flow *flow = &s->flow;
    char max_age[24];
    struct span acr = SPAN_NONE;
    int level = flow->min_loa > flow->asked_loa ? flow->min_loa : flow->asked_loa;
    if (c->passes & PASS_ACR_VALUES && level)
        acr = connector_acr_for(c, level);
    pass(out, "acr_values", acr.len ? acr : c->acr_values);
    if (c->passes & PASS_LOGIN_HINT)
        pass(out, "login_hint", flow->login_hint);
    if (c->passes & PASS_UI_LOCALES)
        pass(out, "ui_locales", span_of(i18n_lang_code(req->lang)));
    if (s->login.is_silent)
        pass(out, "prompt", SPAN("none"));
    else if (flow->must_authenticate && c->passes & PASS_PROMPT_LOGIN)
        pass(out, "prompt", SPAN("login"));
    if (flow->max_age >= 0 && c->passes & PASS_MAX_AGE) {
        snprintf(max_age, sizeof max_age, "%lld", (long long)flow->max_age);
        pass(out, "max_age", span_of(max_age));
    }
}

static void start_respond(struct request *req) {
    const struct start *s = req->state;
    if (req->response.status)
        return;
    CLEANUP(buf_done) struct buf extra = BUF_INIT(URL_MAX), url = BUF_INIT(URL_MAX);
    pass_on(req, s, &extra);
    if (buf_err(&extra) ||
        rp_authorize_url(s->x.rp, &s->login.login, extra.data ? extra.data : "", &url)) {
        respond_error_page(req, 503, "unavailable");
        return;
    }
    struct span location = arena_dup(req->arena, buf_span(&url));
    if (location.len)
        respond_redirect(req, location);
    else
        respond_error_page(req, 503, "unavailable");
}

const struct handler upstream_start_handler = {
    .state_size = sizeof(struct start),
    .parse = start_parse,
    .decide = start_decide,
    .fetch = start_fetch,
    .write = start_write,
    .respond = start_respond,
};
