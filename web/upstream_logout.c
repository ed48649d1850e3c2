/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that end together:
 *   GET  /upstream/sign-out?ticket=    after ours has ended: ends the upstream one too
 *   GET  /upstream/signed-out/ID       upstream sends the browser back; on to where the person wanted to go
 *   POST /upstream/backchannel-logout/ID  upstream says that its session has ended (Back-Channel Logout 2.5)
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/params.h"
#include "base/sha256.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/upstream_health.h"
#include "idp/upstream_logout.h"
#include "web/handlers.h"
#include "web/hop.h"
#include "web/upstream.h"

#define URL_MAX    16384 /* bytes */
#define TICKET_MAX 12288 /* characters */

static enum step error_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

/* ---- our session has ended ---- */

struct sign_out {
    struct span ticket;
    struct upstream_logout logout;
    struct upstream_exchange x;
};

#define FIELD(name) offsetof(struct sign_out, name)
static const struct param_def sign_out_params[] = {
    /* name      field          parse        max         flags */
    {"ticket", FIELD(ticket), param_ascii, TICKET_MAX, PARAM_REQUIRED},
};
#undef FIELD

static enum step go_on(struct request *req, const struct upstream_logout *l) {
    if (l->next.len)
        respond_redirect(req, l->next);
    else
        respond_page(req, 200, "signed_out", json_object());
    return STEP_RESPOND;
}

/* To its end_session endpoint, which sends the browser back; where there is none, all is done. */
static enum step go_upstream(struct request *req, const struct sign_out *s) {
    CLEANUP(buf_done) struct buf url = BUF_INIT(URL_MAX);
    const struct upstream_logout back = {.connector_id = s->logout.connector_id, .next = s->logout.next};
    struct span ticket;
    if (!s->logout.id_token.len || upstream_logout_seal(req, &back, &ticket) ||
        rp_logout_url(s->x.rp, s->logout.id_token, ticket.ptr, &url))
        return go_on(req, &s->logout);
    respond_hop(req, arena_dup(req->arena, buf_span(&url)));
    return STEP_RESPOND;
}

static enum step sign_out_parse(struct request *req) {
    struct sign_out *s = req->state;
    const char *at_fault;
    if (params_fill(sign_out_params, ARRAY_LEN(sign_out_params), req->arena, &req->query, s, &at_fault) ||
        upstream_logout_open(req, s->ticket, &s->logout))
        return error_page(req, 400, "invalid_request");
    /* Known to be down: nobody waits for it, or is led to a page that does not come. */
    if (!upstream_find(req, s->logout.connector_id, &s->x.connector, &s->x.rp) ||
        upstream_health_is_down(request_idp(req)->upstream_health, s->x.connector->id, clock_mono_us()))
        return go_on(req, &s->logout);
    if (!s->logout.logout_uri.len)
        return go_upstream(req, s);
    s->x.ask = (struct rp_exchange){.url = s->logout.logout_uri};
    return STEP_FETCH;
}

static void sign_out_fetch(struct request *req) {
    const struct sign_out *s = req->state;
    upstream_exchange_fetch(req, &s->x);
}

/* The address is one person's own, and asked as often as they like: what it answers says nothing of the
 * connector's health, or they could close it for everybody. */
static enum step sign_out_decide(struct request *req) {
    const struct sign_out *s = req->state;
    long status = req->fetch.result ? 0 : (long)req->fetch.status;
    if (status < 200 || status >= 400)
        LOG(LOG_WARN, "upstream_logout_failed", LOG_SPAN("connector", s->x.connector->id),
            LOG_INT("status", status), LOG_STR("request_id", req->id));
    return go_upstream(req, s);
}

/* ---- the browser is back ---- */

static enum step signed_out_parse(struct request *req) {
    struct upstream_logout l = {.next = SPAN_NONE};
    struct span state = params_find(&req->query, "state");
    /* Without a state of ours there is nowhere to go on to: the person is signed out all the same. */
    if (state.len > TICKET_MAX || upstream_logout_open(req, state, &l) ||
        !span_eq(l.connector_id, upstream_id_of_path(req)))
        l.next = SPAN_NONE;
    return go_on(req, &l);
}

/* ---- upstream's session has ended ---- */

enum stage { STAGE_CHECK = 0, STAGE_KEYS, STAGE_WRITTEN };

struct backchannel {
    struct span token;
    struct upstream_exchange x;
    bool kid_is_unknown;
    struct rp_logout_token logout;
    unsigned char subject_index[SUBJECT_INDEX_BYTES], sid_hash[SHA256_BYTES], jti_key[PENDING_KEY_BYTES];
    int64_t ended;
    enum stage stage;
};

#define FIELD(name) offsetof(struct backchannel, name)
static const struct param_def backchannel_params[] = {
    /* name            field         parse        max    flags           specification */
    {"logout_token", FIELD(token), param_ascii, 16384, PARAM_REQUIRED}, /* Back-Channel Logout 2.5 */
};
#undef FIELD

//= https://openid.net/specs/openid-connect-backchannel-1_0.html#section-2.8
//# If the logout request was invalid or the logout failed, the RP MUST respond with HTTP 400 Bad Request.
static enum step refuse(struct request *req, const struct backchannel *b, enum err e) {
    LOG(LOG_WARN, "logout_token_refused", LOG_SPAN("connector", b->x.connector->id),
        LOG_STR("why", err_text(e)), LOG_STR("request_id", req->id));
    respond_error_json(req, 400, "invalid_request", "the logout token is not acceptable");
    return STEP_RESPOND;
}

static enum err keys_of(const struct request *req, struct backchannel *b) {
    const struct connector *c = b->x.connector;
    const struct span sub = b->logout.sub;
    unsigned char digest[SHA256_BYTES];
    if (!b->logout.sid.len && !span_is(c->subject, "sub"))
        return ERR_UNSUPPORTED; /* links go by another claim: to say yes, and end nothing, would be worse */
    enum err e = sub.len ? linking_subject_index(request_idp(req)->keyring, c->issuer, sub, b->subject_index)
                         : ERR_OK; /* the session alone is named */
    sha256(b->logout.sid, b->sid_hash);
    char *text = arena_printf(req->arena, "logout %.*s %.*s", SPAN_FMT(c->issuer), SPAN_FMT(b->logout.jti));
    sha256(span_of(text ? text : ""), digest);
    /* Rows of `once` begin with the time until which they count. */
    for (unsigned i = 0; i < 4; i++)
        b->jti_key[i] = (unsigned char)((uint64_t)b->logout.expires_at >> (24 - 8 * i));
    memcpy(b->jti_key + 4, digest, PENDING_KEY_BYTES - 4);
    return text ? e : ERR_NOMEM;
}

static enum step check(struct request *req, struct backchannel *b) {
    enum step step;
    /* When it counts as down, or was asked too often, the keys that are known decide: nobody's session goes on
     * for want of newer ones. */
    bool may_ask =
        upstream_exchange_due(req, &b->x, b->kid_is_unknown && b->stage == STAGE_CHECK, &step);
    if (may_ask && step == STEP_FETCH) {
        b->stage = STAGE_KEYS;
        return step;
    }
    enum err e = rp_logout_token_check(b->x.rp, req->arena, b->token, &b->logout);
    if (e == ERR_UNKNOWN_KEY && may_ask && !b->kid_is_unknown) {
        b->kid_is_unknown = true;
        b->stage = STAGE_CHECK;
        return check(req, b);
    }
    if (!e)
        e = keys_of(req, b);
    if (e)
        return refuse(req, b, e);
    b->stage = STAGE_WRITTEN;
    return STEP_WRITE;
}

static enum step backchannel_parse(struct request *req) {
    struct backchannel *b = req->state;
    const char *at_fault;
    if (!upstream_find(req, upstream_id_of_path(req), &b->x.connector, &b->x.rp) ||
        !b->x.connector->takes_backchannel_logout) {
        respond_error_json(req, 404, "not_found", "no such resource");
        return STEP_RESPOND;
    }
    enum err e = params_fill(backchannel_params, ARRAY_LEN(backchannel_params), req->arena, &req->form, b,
                             &at_fault);
    return e ? refuse(req, b, e) : check(req, b);
}

static void backchannel_fetch(struct request *req) {
    const struct backchannel *b = req->state;
    upstream_exchange_fetch(req, &b->x);
}

static void backchannel_write(struct request *req) {
    struct backchannel *b = req->state;
    store_once(&req->write, b->jti_key, b->logout.expires_at);
    store_upstream_session_end(&req->write, b->x.connector->issuer, b->subject_index,
                               b->logout.sid.len ? span_bytes(b->sid_hash, SHA256_BYTES) : SPAN_NONE,
                               req->now, &b->ended);
    store_audit(&req->write,
                &(struct audit_event){
                    .at = req->now,
                    .event = "upstream_logout",
                    .address = span_of(req->client.text),
                    .request_id = span_of(req->id),
                    .detail = span_of(arena_printf(req->arena, "{\"connector\":\"%.*s\"}",
                                                   SPAN_FMT(b->x.connector->id))),
                });
}

static enum step backchannel_decide(struct request *req) {
    struct backchannel *b = req->state;
    if (b->stage == STAGE_KEYS) {
        upstream_exchange_ended(req, &b->x);
        enum err e = rp_fetch_take(b->x.rp, &b->x.ask, b->x.status, b->x.body);
        return e && !rp_is_ready(b->x.rp) ? refuse(req, b, e) : check(req, b);
    }
    if (req->write.result == ERR_REPLAYED)
        return refuse(req, b, ERR_REPLAYED);
    if (req->write.result)
        respond_error_json(req, 503, "temporarily_unavailable", "please try again");
    else
        respond_body(req, 200, "text/plain; charset=utf-8", SPAN(""));
    return STEP_RESPOND;
}

const struct handler upstream_sign_out_handler = {
    .state_size = sizeof(struct sign_out),
    .parse = sign_out_parse,
    .decide = sign_out_decide,
    .fetch = sign_out_fetch,
};

const struct handler upstream_signed_out_handler = {.parse = signed_out_parse};

const struct handler upstream_backchannel_handler = {
    .state_size = sizeof(struct backchannel),
    .parse = backchannel_parse,
    .decide = backchannel_decide,
    .write = backchannel_write,
    .fetch = backchannel_fetch,
};
