/* SPDX-License-Identifier: Apache-2.0
 *
 * See password_change.h.
 *   GET  /account/password   the form
 *   POST /account/password   current and new password; the session goes on under a new id
 *   POST /sign-in/password   new password only; the flow proves that the old one was given
 *
 *   load ─► [write: count the attempt] ─► work: verify old, hash new ─► write */
#include "web/password_change.h"


#include "base/cleanup.h"
#include "base/encode.h"
#include "base/params.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/password.h"
#include "idp/session.h"
#include "idp/store/store.h"
#include "idp/throttle.h"
#include "web/handlers.h"
#include "web/sign_in_session.h"

enum stage { STAGE_LOADED, STAGE_COUNTED, STAGE_HASHED, STAGE_RECORDED, STAGE_ANSWER };

struct password_change {
    struct span csrf, handle, current, fresh, repeated; /* the form */
    bool forced;
    bool is_page; /* GET: only show the form */
    struct flow flow;
    struct user user;
    struct session session;
    struct throttle_plan plan;
    struct span peppered_current, peppered_fresh, pepper_kid, new_hash;
    struct span current_normal, fresh_normal;
    enum verdict verdict;
    bool is_same;
    enum stage stage;
    struct sign_in_session started;
    const char *error_key;
    unsigned status;
};

#define FIELD(name) offsetof(struct password_change, name)
static const struct param_def change_params[] = {
    /* name              field            parse        max              flags */
    {"csrf",             FIELD(csrf),     param_ascii, 64,              PARAM_REQUIRED},
    {"flow",             FIELD(handle),   param_ascii, FLOW_HANDLE_MAX, 0},
    {"current_password", FIELD(current),  param_span,  4096,            0},
    {"new_password",     FIELD(fresh),    param_span,  4096,            0},
    {"new_password2",    FIELD(repeated), param_span,  4096,            0},
};
#undef FIELD

static const char *form_name(const struct password_change *c) {
    return c->forced ? "password_forced" : "password";
}

static enum step refuse_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

static enum step show_form(struct password_change *c, unsigned status, const char *error_key) {
    c->status = status;
    c->error_key = error_key;
    c->stage = STAGE_ANSWER;
    return STEP_RESPOND;
}

/* The new password by itself; what is wrong with it, or NULL. */
static const char *fresh_check(struct request *req, struct password_change *c) {
    if (!span_eq(c->fresh, c->repeated))
        return "password.error.mismatch";
    enum err e = password_normalise(req->arena, c->fresh, &c->fresh_normal);
    if (e)
        return e == ERR_TOO_LONG ? "password.error.too_long" : "password.error.unreadable";
    size_t characters = 0;
    for (size_t i = 0; i < c->fresh_normal.len; i++)
        characters += ((unsigned char)c->fresh_normal.ptr[i] & 0xC0) != 0x80;
    if (characters < (size_t)request_config(req)->password_min_length)
        return "password.error.too_short";
    return NULL;
}

static enum step read_form(struct request *req, struct password_change *c) {
    const char *at_fault;
    if (params_fill(change_params, ARRAY_LEN(change_params), req->arena, &req->form, c, &at_fault))
        return refuse_page(req, 400, "invalid_request");
    if (csrf_check(req, form_name(c), c->csrf) != ALLOW)
        return refuse_page(req, 403, "wrong_browser");
    if (password_normalise(req->arena, c->current, &c->current_normal))
        c->current_normal = SPAN("");
    return STEP_LOAD;
}

static enum step page_parse(struct request *req) {
    struct password_change *c = req->state;
    c->is_page = true;
    c->status = 200;
    return STEP_LOAD;
}

static enum step change_parse(struct request *req) {
    return read_form(req, req->state);
}

static enum step forced_parse(struct request *req) {
    struct password_change *c = req->state;
    c->forced = true;
    enum step next = read_form(req, c);
    if (next == STEP_RESPOND)
        return next;
    enum err e = flow_open(req, c->handle, &c->flow);
    /* A proof that was given for a link signs nobody in: not with a password of its own choice, either. */
    if (e || !c->flow.is_proven || c->flow.upstream_pending.len)
        return refuse_page(req, 400, "expired_flow");
    return STEP_LOAD;
}

static void change_load(struct request *req) {
    struct password_change *c = req->state;
    struct session_key key;
    if (session_cookie_parse(request_own_cookie(req, "session"), &key) == ERR_OK)
        store_session_find(&req->load, &key, &c->session);
    if (c->forced)
        store_user_by_id(&req->load, &c->flow.proven_user, &c->user);
}

static bool session_good(struct request *req, struct session *s) {
    if (!s->found)
        return false;
    s->last_seen = session_activity_last(request_idp(req)->activity, &s->key, s->last_seen);
    return session_is_live(s, req->now, request_config(req)->session_idle_seconds);
}

static bool proof_stands(const struct request *req, const struct password_change *c) {
    return c->user.require_change && flow_proof_stands(&c->flow, &c->user, req->now);
}

static enum step after_load(struct request *req, struct password_change *c) {
    if (req->load.result)
        return refuse_page(req, 503, "unavailable");
    if (c->forced) {
        /* Once changed, the same form is of no further use. */
        if (!proof_stands(req, c))
            return refuse_page(req, 400, "expired_flow");
    } else {
        if (!session_good(req, &c->session)) {
            respond_redirect(req, SPAN("/account"));
            return STEP_RESPOND;
        }
        session_activity_touch(request_idp(req)->activity, &c->session.key, req->now);
        c->user = c->session.user;
    }
    if (c->is_page) {
        c->stage = STAGE_ANSWER;
        return STEP_RESPOND;
    }
    const char *wrong = fresh_check(req, c);
    if (wrong)
        return show_form(c, 422, wrong);
    throttle_plan_password(request_config(req), &req->client, c->user.username, true, &c->plan);
    c->stage = STAGE_COUNTED;
    return STEP_WRITE;
}

static enum step after_count(struct request *req, struct password_change *c) {
    if (req->write.result == ERR_BUSY)
        return show_form(c, 429, "sign_in.error.throttled");
    if (req->write.result)
        return refuse_page(req, 503, "unavailable");

    c->pepper_kid = keyring_pepper_kid(request_idp(req)->keyring);
    struct span kid = SPAN_NONE;
    if (!password_hash_pepper(c->user.password_hash, &kid) || !kid.len)
        kid = c->pepper_kid;
    const struct signer_request ask[] = {
        {.op = SIGNER_OP_PEPPER, .kid = kid, .bytes = c->forced ? c->fresh_normal : c->current_normal},
        {.op = SIGNER_OP_PEPPER, .kid = c->pepper_kid, .bytes = c->fresh_normal},
    };
    struct signer_answer answer[ARRAY_LEN(ask)];
    if (signer_call(req->thread->channel, ask, ARRAY_LEN(ask), req->arena, answer) ||
        answer[0].err || answer[1].err)
        return refuse_page(req, 503, "unavailable");
    c->peppered_current = answer[0].bytes;
    c->peppered_fresh = answer[1].bytes;
    c->stage = STAGE_HASHED;
    return STEP_WORK;
}

static void change_work(struct request *req) {
    struct password_change *c = req->state;
    const struct config *cfg = request_config(req);
    const struct password_params params = {cfg->argon2_memory_kib, cfg->argon2_passes};

    if (c->forced) {
        c->is_same = password_verify(c->user.password_hash, c->fresh_normal, c->peppered_current) == ALLOW;
        c->verdict = c->is_same ? DENY : ALLOW;
    } else {
        c->verdict = password_verify(c->user.password_hash, c->current_normal, c->peppered_current);
        c->is_same = c->verdict == ALLOW && span_eq(c->current_normal, c->fresh_normal);
    }
    if (c->verdict == ALLOW && !c->is_same &&
        password_hash(req->arena, &params, c->peppered_fresh, c->pepper_kid, &c->new_hash))
        c->verdict = DENY;
}

static void audit(struct request *req, const struct password_change *c, const char *event) {
    char hex[2 * USER_ID_BYTES + 1];
    hex_encode(c->user.id.b, sizeof c->user.id.b, hex);
    struct span user = span_of(arena_strdup(req->arena, hex));
    store_audit(&req->write, &(struct audit_event){
                                 .at = req->now,
                                 .event = event,
                                 .actor = user,
                                 .target = user,
                                 .address = span_of(req->client.text),
                                 .request_id = span_of(req->id),
                             });
}

static void change_write(struct request *req) {
    struct password_change *c = req->state;
    if (c->stage == STAGE_COUNTED) {
        throttle_take(&req->write, &c->plan, req->now, NULL);
        return;
    }
    if (req->work_result == ERR_BUSY || c->is_same) { /* no guess at the old password was judged wrong */
        for (size_t i = 0; i < c->plan.count; i++)
            store_throttle_give_back(&req->write, &c->plan.limit[i]);
        return;
    }
    if (c->verdict != ALLOW) {
        audit(req, c, "password_change_failed");
        return;
    }
    /* Also of one's own will: whoever holds a copy of the cookie must not stay in (ASVS 7.2.4). */
    const struct sign_in_proof proof = {
        .amr = AMR_PWD, .aal = 1, .auth_time = req->now, .method = "password"};
    sign_in_session_write(req, &c->started, &c->user, &c->session, &proof);
    store_user_set_password(&req->write, &c->user.id, c->new_hash, false, req->now);
    store_user_end_all(&req->write, &c->user.id, &c->started.fresh.key, req->now);
    throttle_success(&req->write, &c->plan);
    audit(req, c, "password_changed");
}

/* Meanwhile, in another window or by the form sent twice; nothing was written. A forced change needs
 * no session; any other is for who is signed in. */
static enum step session_has_ended(struct request *req, struct password_change *c) {
    c->session = (struct session){0};
    if (c->forced)
        return STEP_WRITE;
    respond_redirect(req, SPAN("/account"));
    return STEP_RESPOND;
}

static enum step after_record(struct request *req, struct password_change *c) {
    if (req->work_result == ERR_BUSY)
        return show_form(c, 503, "sign_in.error.busy");
    if (c->is_same)
        return show_form(c, 422, "password.error.same");
    if (req->write.result == ERR_NOT_FOUND && c->session.found)
        return session_has_ended(req, c);
    if (c->verdict != ALLOW || req->write.result == ERR_REFUSED)
        return show_form(c, 422, "password.error.wrong_current");
    if (req->write.result)
        return refuse_page(req, 503, "unavailable");
    return STEP_RESPOND;
}

static enum step change_decide(struct request *req) {
    struct password_change *c = req->state;
    switch (c->stage) {
    case STAGE_LOADED:
        return after_load(req, c);
    case STAGE_COUNTED:
        return after_count(req, c);
    case STAGE_HASHED:
        c->stage = STAGE_RECORDED;
        return STEP_WRITE;
    case STAGE_RECORDED:
        return after_record(req, c);
    case STAGE_ANSWER:
        break;
    }
    return STEP_RESPOND;
}

static void form_respond(struct request *req, const struct password_change *c) {
    struct span csrf = csrf_token(req, form_name(c));
    json_t *model = json_pack(
        "{ss ss% ss% sb sI}", "action", c->forced ? "/sign-in/password" : "/account/password", "flow",
        c->handle.ptr ? c->handle.ptr : "", c->handle.len, "csrf", csrf.ptr ? csrf.ptr : "", csrf.len,
        "forced", (int)c->forced, "min_length", (json_int_t)request_config(req)->password_min_length);
    if (model && !c->forced)
        json_object_set_new(model, "self_url", json_string("/account/password"));
    if (model && c->error_key)
        json_object_set_new(model, "error_key", json_string(c->error_key));
    req->response.form_action = c->flow.form_action;
    respond_page(req, c->status, "password_change", model);
}

void password_forced_respond(struct request *req, const struct flow *flow, const struct user *user) {
    struct password_change c = {.forced = true, .flow = *flow, .status = 200};
    flow_prove(&c.flow, user, req->now);
    if (flow_seal(req, &c.flow, &c.handle))
        respond_error_page(req, 503, "unavailable");
    else
        form_respond(req, &c);
}

static void change_respond(struct request *req) {
    struct password_change *c = req->state;
    if (req->response.status)
        return;
    if (c->stage == STAGE_ANSWER) {
        form_respond(req, c);
        return;
    }
    sign_in_session_respond(req, &c->started);
    if (c->forced) {
        respond_redirect(req, flow_resume_url(req, &c->flow, c->handle));
        return;
    }
    respond_redirect(req, SPAN("/account?notice=password_changed"));
}

const struct handler password_page_handler = {
    .state_size = sizeof(struct password_change),
    .parse = page_parse,
    .load = change_load,
    .decide = change_decide,
    .respond = change_respond,
};

const struct handler password_change_handler = {
    .state_size = sizeof(struct password_change),
    .parse = change_parse,
    .load = change_load,
    .decide = change_decide,
    .work = change_work,
    .write = change_write,
    .respond = change_respond,
};

const struct handler password_forced_handler = {
    .state_size = sizeof(struct password_change),
    .parse = forced_parse,
    .load = change_load,
    .decide = change_decide,
    .work = change_work,
    .write = change_write,
    .respond = change_respond,
};
