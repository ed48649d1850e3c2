/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /sign-in: user name and password. The attempt is counted before it is judged, an unknown
 * user costs what a known one costs, and every refusal looks the same (F01, F03).
 *
 *   load user ─► write: count the attempt ─► work: Argon2id ─► write: session, or the failure
 */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/params.h"
#include "base/secret.h"
#include "idp/config.h"
#include "idp/flow.h"
#include "idp/identifiers.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/metrics.h"
#include "idp/local_login.h"
#include "idp/password.h"
#include "idp/sign_in_page.h"
#include "idp/store/store.h"
#include "idp/throttle.h"
#include "idp/user.h"
#include "web/handlers.h"
#include "web/password_change.h"
#include "web/sign_in_session.h"

#define BUSY_RETRY_SECONDS 3

enum stage {
    STAGE_LOADED,    /* the user has been looked for */
    STAGE_COUNTED,   /* the attempt stands in the throttle's rows, or they refused it */
    STAGE_THROTTLED, /* how long to wait has been read */
    STAGE_JUDGED,    /* the hash has been compared */
    STAGE_RECORDED,  /* session or failure is committed */
    STAGE_ANSWER
};

struct sign_in {
    struct span handle, csrf, username, password; /* the form */
    struct flow flow;
    struct span folded;
    struct user user;
    struct user by_number; /* the same field takes a personal number or a tax code */
    struct session previous;
    struct throttle_plan plan;
    bool by_known_device;
    struct throttle_state wait[ARRAY_LEN(((struct throttle_plan *)0)->limit)];
    struct span normalised, pepper_kid, new_hash;
    struct span peppered;     /* with the key that the stored hash was made with */
    struct span peppered_now; /* with today's key */
    enum verdict verdict;
    bool is_closed; /* to passwords, whatever the verdict */
    enum stage stage;
    struct sign_in_session session;
    const char *error_key; /* of the form, shown with it again */
    unsigned status;
    int64_t retry_seconds;
};

#define FIELD(name) offsetof(struct sign_in, name)
static const struct param_def sign_in_params[] = {
    /* name        field            parse        max              flags */
    {"flow",     FIELD(handle),   param_ascii, FLOW_HANDLE_MAX, PARAM_REQUIRED},
    {"csrf",     FIELD(csrf),     param_ascii, 64,              PARAM_REQUIRED},
    {"username", FIELD(username), param_span,  512,             0},
    {"password", FIELD(password), param_span,  4096,            0},
};
#undef FIELD

static enum step refuse_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

static enum step sign_in_parse(struct request *req) {
    struct sign_in *s = req->state;
    const char *at_fault;
    if (params_fill(sign_in_params, ARRAY_LEN(sign_in_params), req->arena, &req->form, s, &at_fault))
        return refuse_page(req, 400, "invalid_request");
    if (csrf_check(req, "sign_in", s->csrf) != ALLOW)
        return refuse_page(req, 403, "wrong_browser");
    enum err e = flow_open(req, s->handle, &s->flow);
    if (e)
        return refuse_page(req, e == ERR_BAD_SIGNATURE ? 403 : 400,
                           e == ERR_BAD_SIGNATURE ? "wrong_browser" : "expired_flow");

    /* A name or password that cannot be anybody's goes the same way as a wrong one. */
    if (username_fold(req->arena, s->username, &s->folded))
        s->folded = SPAN("?");
    if (password_normalise(req->arena, s->password, &s->normalised))
        s->normalised = SPAN("");
    return STEP_LOAD;
}

static void find_by_number(struct request *req, struct sign_in *s, const char *kind_name) {
    const struct identifier_kind *kind = identifier_kind_find(span_of(kind_name));
    unsigned char index[32];
    struct span normal;
    if (kind->normalise(req->arena, s->folded, &normal))
        return;
    keyring_index(request_idp(req)->keyring, kind_name, normal, index);
    store_user_by_identifier(&req->load, kind_name, span_bytes(index, sizeof index), &s->by_number);
}

static void sign_in_load(struct request *req) {
    struct sign_in *s = req->state;
    if (s->stage == STAGE_THROTTLED) {
        for (size_t i = 0; i < s->plan.count; i++)
            store_throttle_find(&req->load, &s->plan.limit[i].key, &s->wait[i]);
        return;
    }
    store_user_by_name(&req->load, s->folded, &s->user);
    find_by_number(req, s, "SoDinhDanh");
    find_by_number(req, s, "MaSoThue");
    struct session_key key;
    if (session_cookie_parse(request_own_cookie(req, "session"), &key) == ERR_OK)
        store_session_find(&req->load, &key, &s->previous);
}

static enum step show_form_again(struct sign_in *s, unsigned status, const char *error_key) {
    s->status = status;
    s->error_key = error_key;
    s->stage = STAGE_ANSWER;
    return STEP_RESPOND;
}

/* Whatever was typed, attempts on one account are counted together. */
static enum step count_attempt(struct request *req, struct sign_in *s) {
    if (!s->user.found)
        s->user = s->by_number;
    if (s->user.found)
        s->folded = s->user.username;
    s->by_known_device = s->user.found && device_is_known(req, &s->user.id);
    throttle_plan_password(request_config(req), &req->client, s->folded, s->by_known_device, &s->plan);
    s->stage = STAGE_COUNTED;
    return STEP_WRITE;
}

static enum step prepare_hash(struct request *req, struct sign_in *s) {
    s->pepper_kid = keyring_pepper_kid(request_idp(req)->keyring);
    struct span kid = SPAN_NONE;
    if (!s->user.found || !password_hash_pepper(s->user.password_hash, &kid) || !kid.len)
        kid = s->pepper_kid;

    const struct signer_request ask[] = {
        {.op = SIGNER_OP_PEPPER, .kid = kid, .bytes = s->normalised},
        {.op = SIGNER_OP_PEPPER, .kid = s->pepper_kid, .bytes = s->normalised},
    };
    struct signer_answer answer[ARRAY_LEN(ask)];
    if (signer_call(req->thread->channel, ask, ARRAY_LEN(ask), req->arena, answer) ||
        answer[0].err || answer[1].err)
        return refuse_page(req, 503, "unavailable");
    s->peppered = answer[0].bytes;
    s->peppered_now = answer[1].bytes;
    s->stage = STAGE_JUDGED;
    return STEP_WORK;
}

static void sign_in_work(struct request *req) {
    struct sign_in *s = req->state;
    const struct config *cfg = request_config(req);
    const struct password_params params = {cfg->argon2_memory_kib, cfg->argon2_passes};

    enum verdict matches;
    if (s->user.found && s->user.password_hash.len)
        matches = password_verify(s->user.password_hash, s->normalised, s->peppered);
    else
        matches = password_dummy(&params, s->peppered);
    if (matches != ALLOW || s->user.status != USER_ACTIVE)
        return;
    s->verdict = ALLOW;
    if (password_needs_upgrade(s->user.password_hash, &params, s->pepper_kid) &&
        password_hash(req->arena, &params, s->peppered_now, s->pepper_kid, &s->new_hash))
        s->new_hash = SPAN_NONE; /* another time */
}

/* An upstream identity is to be linked with the account: nobody is signed in before it is. */
static bool is_for_link(const struct sign_in *s) {
    return s->flow.upstream_pending.len > 0;
}

/* The right password of an account that comes in by another way now: only who gave it
 * learns this. Proving the account that an upstream identity is to be linked with is a step up. */
static bool local_is_closed(const struct request *req, struct sign_in *s) {
    struct session *p = &s->previous;
    if (p->found)
        p->last_seen = session_activity_last(request_idp(req)->activity, &p->key, p->last_seen);
    bool is_in_session = session_is_live(p, req->now, request_config(req)->session_idle_seconds) &&
                         memcmp(p->user.id.b, s->user.id.b, USER_ID_BYTES) == 0;
    switch (config_local_login(request_config(req), s->user.type, req->now)) {
    case LOCAL_LOGIN_ALLOW:
        return false;
    case LOCAL_LOGIN_STEP_UP_ONLY:
        return !is_in_session && !is_for_link(s);
    case LOCAL_LOGIN_DENY:
        break;
    }
    return true;
}

static void record_failure(struct request *req, const struct sign_in *s) {
    char hex[2 * USER_ID_BYTES + 1] = "";
    const char *detail = s->is_closed ? "{\"reason\":\"local_login_closed\"}" : NULL;
    if (s->user.found)
        hex_encode(s->user.id.b, sizeof s->user.id.b, hex);
    store_audit(&req->write, &(struct audit_event){
                                 .at = req->now,
                                 .event = "login_failed",
                                 .target = span_of(arena_strdup(req->arena, hex)),
                                 .client_id = s->flow.client_id,
                                 .address = span_of(req->client.text),
                                 .request_id = span_of(req->id),
                                 .detail = span_of(detail),
                             });
}

static void sign_in_write(struct request *req) {
    struct sign_in *s = req->state;
    if (s->stage == STAGE_COUNTED) {
        throttle_take(&req->write, &s->plan, req->now, NULL);
        return;
    }
    if (req->work_result == ERR_BUSY) { /* not judged, so it does not count */
        for (size_t i = 0; i < s->plan.count; i++)
            store_throttle_give_back(&req->write, &s->plan.limit[i]);
        return;
    }
    if (s->verdict != ALLOW) {
        record_failure(req, s);
        return;
    }
    s->is_closed = local_is_closed(req, s);
    if (s->is_closed) {
        throttle_success(&req->write, &s->plan);
        record_failure(req, s);
        return;
    }
    const struct sign_in_proof proof = {
        .amr = AMR_PWD, .aal = 1, .auth_time = req->now, .method = "password"};
    if (!s->user.require_change && !is_for_link(s))
        sign_in_session_write(req, &s->session, &s->user, &s->previous, &proof);
    throttle_success(&req->write, &s->plan);
    if (s->new_hash.len && !s->user.require_change) /* else it is replaced in a moment */
        store_user_upgrade_hash(&req->write, &s->user.id, s->user.password_hash, s->new_hash, req->now);
}

static enum step after_count(struct request *req, struct sign_in *s) {
    if (req->write.result == ERR_BUSY && s->by_known_device) {
        s->by_known_device = false; /* whoever has a copy of the cookie may have used its share up */
        throttle_plan_password(request_config(req), &req->client, s->folded, false, &s->plan);
        return STEP_WRITE;
    }
    if (req->write.result == ERR_BUSY) {
        metrics_add(request_idp(req)->metrics, METRIC_SIGN_IN_THROTTLED, 1);
        s->stage = STAGE_THROTTLED;
        return STEP_LOAD;
    }
    if (req->write.result)
        return refuse_page(req, 503, "unavailable");
    return prepare_hash(req, s);
}

static enum step after_wait_is_known(struct request *req, struct sign_in *s) {
    for (size_t i = 0; i < s->plan.count; i++)
        if (s->wait[i].blocked_until - req->now > s->retry_seconds)
            s->retry_seconds = s->wait[i].blocked_until - req->now;
    if (s->retry_seconds <= 0) /* the hard limit: no time of its own; a known device or staff open it sooner */
        s->retry_seconds = request_config(req)->throttle_max_seconds;
    return show_form_again(s, 429, "sign_in.error.throttled");
}

static enum step after_record(struct request *req, struct sign_in *s) {
    struct metrics *m = request_idp(req)->metrics;
    /* The session that this one was to follow has just ended, as when the form was sent twice. */
    if (req->write.result == ERR_NOT_FOUND && s->previous.found) {
        s->previous = (struct session){0};
        return STEP_WRITE;
    }
    if (req->work_result == ERR_BUSY) {
        metrics_add(m, METRIC_SIGN_IN_BUSY, 1);
        s->retry_seconds = BUSY_RETRY_SECONDS;
        return show_form_again(s, 503, "sign_in.error.busy");
    }
    /* Locked, or the password changed, while we hashed: as if it had been wrong. */
    if (s->verdict == ALLOW && req->write.result == ERR_REFUSED)
        s->verdict = DENY;
    else if (req->write.result)
        return refuse_page(req, 503, "unavailable");
    if (s->is_closed)
        return show_form_again(s, 403, "sign_in.error.local_closed");
    metrics_add(m, s->verdict == ALLOW ? METRIC_SIGN_IN_OK : METRIC_SIGN_IN_WRONG, 1);
    return s->verdict == ALLOW ? STEP_RESPOND : show_form_again(s, 422, "sign_in.error.wrong");
}

static enum step sign_in_decide(struct request *req) {
    struct sign_in *s = req->state;
    switch (s->stage) {
    case STAGE_LOADED:
        return req->load.result ? refuse_page(req, 503, "unavailable") : count_attempt(req, s);
    case STAGE_COUNTED:
        return after_count(req, s);
    case STAGE_THROTTLED:
        return after_wait_is_known(req, s);
    case STAGE_JUDGED:
        s->stage = STAGE_RECORDED;
        return STEP_WRITE;
    case STAGE_RECORDED:
        return after_record(req, s);
    case STAGE_ANSWER:
        break;
    }
    return STEP_RESPOND;
}

static void respond_form(struct request *req, const struct sign_in *s) {
    sign_in_page_respond(req, &(struct sign_in_page){
                                  .status = s->status,
                                  .flow = &s->flow,
                                  .handle = s->handle,
                                  .username = s->username,
                                  .error_key = s->error_key,
                                  .retry_seconds = s->retry_seconds,
                              });
}

static void respond_link(struct request *req, const struct sign_in *s) {
    struct flow flow = s->flow;
    struct span handle;
    flow_prove(&flow, &s->user, req->now);
    if (flow_seal(req, &flow, &handle))
        respond_error_page(req, 503, "unavailable");
    else
        respond_redirect(req, flow_resume_url(req, &flow, handle));
}

static void sign_in_respond(struct request *req) {
    struct sign_in *s = req->state;
    if (req->response.status)
        return;
    if (s->error_key) {
        respond_form(req, s);
        return;
    }
    if (is_for_link(s)) {
        respond_link(req, s);
        return;
    }
    if (s->user.require_change) {
        password_forced_respond(req, &s->flow, &s->user);
        return;
    }
    sign_in_session_respond(req, &s->session);
    respond_redirect(req, flow_resume_url(req, &s->flow, s->handle));
}

const struct handler sign_in_handler = {
    .state_size = sizeof(struct sign_in),
    .parse = sign_in_parse,
    .load = sign_in_load,
    .decide = sign_in_decide,
    .work = sign_in_work,
    .write = sign_in_write,
    .respond = sign_in_respond,
};
