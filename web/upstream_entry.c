/* SPDX-License-Identifier: Apache-2.0
 *
 * From what upstream said of a person to an account of ours and a session; see upstream.h. The rules
 * about whose account it is are idp/linking.c's; here is what is looked up for them, and what is written
 * for each outcome. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "idp/config.h"
#include "idp/identifiers.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/metrics.h"
#include "web/hop.h"
#include "web/upstream.h"
#include "web/upstream_account.h"

#define CLOCK_SKEW 30 /* seconds between upstream's clock and ours */

static enum step error_page(struct request *req, unsigned status, const char *key) {
    respond_error_page(req, status, key);
    return STEP_RESPOND;
}

enum step upstream_fail(struct request *req, struct flow *flow, struct span connector_id,
                        enum flow_failure failure) {
    struct span handle;
    flow->failure = failure;
    flow->failed_connector = connector_id;
    flow->upstream_pending = SPAN_NONE;
    if (flow_seal(req, flow, &handle))
        return error_page(req, 503, "unavailable");
    respond_redirect(req, flow_resume_url(req, flow, handle));
    return STEP_RESPOND;
}

static enum step fail(struct request *req, struct upstream_entry *e, enum flow_failure failure) {
    return upstream_fail(req, &e->flow, e->person.connector_id, failure);
}

void upstream_entry_done(struct upstream_entry *e) {
    upstream_person_done(&e->person);
}

/* ---- looking ---- */

static void look_by_identifiers(struct request *req, struct upstream_entry *e) {
    const struct keyring *k = request_idp(req)->keyring;
    unsigned char index[32];
    for (size_t i = 0; i < LINKING_KINDS; i++) {
        struct span value = json_str(e->person.identifiers, linking_kinds[i]);
        if (!value.len || !linking_kind_is_for(i, e->person.type))
            continue;
        keyring_index(k, linking_kinds[i], value, index);
        store_user_by_identifier(&req->load, linking_kinds[i], span_bytes(index, sizeof index),
                                 &e->found.by_kind[i]);
        if (i == 0)
            store_upstream_link_of_identifier(&req->load, e->person.issuer, linking_kinds[i],
                                              span_bytes(index, sizeof index),
                                              &e->found.tech_id_is_issuers);
    }
}

const struct user *upstream_entry_person(const struct upstream_entry *e) {
    for (size_t i = 0; i < e->found.linked.count && e->person.type != USER_ENTERPRISE; i++)
        if (e->found.linked.item[i].user.type == USER_CITIZEN)
            return &e->found.linked.item[i].user;
    return NULL;
}

/* For an enterprise: the account of the person who acts, if they have one here. */
static void look_for_actor(struct request *req, struct upstream_entry *e) {
    unsigned char index[32];
    if (e->person.type != USER_ENTERPRISE || !e->person.actor_number.len)
        return;
    keyring_index(request_idp(req)->keyring, "SoDinhDanh", e->person.actor_number, index);
    store_user_by_identifier(&req->load, "SoDinhDanh", span_bytes(index, sizeof index),
                             &e->asserted_actor);
}

static bool has_asserted_actor(const struct upstream_entry *e) {
    return e->asserted_actor.found && e->asserted_actor.status == USER_ACTIVE &&
           e->asserted_actor.type != USER_ENTERPRISE;
}

/* Whose representations are asked for; NULL: nobody's. */
static const struct user *representative(const struct upstream_entry *e) {
    return has_asserted_actor(e) ? &e->asserted_actor : upstream_entry_person(e);
}

void upstream_entry_load(struct request *req, struct upstream_entry *e) {
    struct session_key key;
    if (e->stage == ENTRY_REPRESENTED) {
        store_representation_list(&req->load, &representative(e)->id, req->now, &e->found.represented);
        return;
    }
    e->found = (struct linking_found){.linked = {.count = 0}};
    if (linking_subject_index(request_idp(req)->keyring, e->person.issuer, e->person.subject,
                              e->subject_index)) {
        req->load.build_err = ERR_TOO_LONG;
        return;
    }
    store_upstream_link_find(&req->load, e->person.issuer, e->subject_index, &e->found.linked);
    look_by_identifiers(req, e);
    look_for_actor(req, e);
    if (session_cookie_parse(request_own_cookie(req, "session"), &key) == ERR_OK)
        store_session_find(&req->load, &key, &e->previous);
}

/* ---- deciding ---- */

/* What was asked for, before anything is written. */
static enum flow_failure check_answer(const struct request *req, const struct upstream_entry *e) {
    const struct flow *flow = &e->flow;
    const struct upstream_person *p = &e->person;
    if (p->level < flow->min_loa || p->level < 1)
        return FLOW_LEVEL_TOO_LOW;
    bool is_fresh = p->auth_time >= flow->started_at - CLOCK_SKEW;
    if (flow->must_authenticate && !is_fresh)
        return FLOW_NOT_FRESH;
    if (flow->max_age >= 0 && !is_fresh && req->now - p->auth_time > flow->max_age)
        return FLOW_NOT_FRESH;
    return FLOW_NO_FAILURE;
}

static enum step sign_in_to(struct request *req, struct upstream_entry *e, const struct user *account,
                            bool is_linked) {
    (void)req;
    e->account = *account;
    e->is_linked = is_linked;
    if (has_asserted_actor(e) && !e->representation)
        e->actor = &e->asserted_actor.id;
    return STEP_WRITE;
}

static bool link_exists(const struct upstream_entry *e, const struct user_id *id) {
    for (size_t i = 0; i < e->found.linked.count; i++)
        if (memcmp(e->found.linked.item[i].user.id.b, id->b, USER_ID_BYTES) == 0)
            return true;
    return false;
}

/* The person waits: for a choice, or for the proof that an account is theirs. */
static enum step let_wait(struct request *req, struct upstream_entry *e) {
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-3.1.2.1
    //# The Authorization Server MUST NOT display any authentication or consent user interface
    //# pages.
    if (e->flow.is_silent)
        return fail(req, e, FLOW_UPSTREAM_DECLINED);
    if (upstream_person_seal(req, &e->person, e->waits, &e->sealed))
        return error_page(req, 503, "unavailable");
    return STEP_WRITE;
}

static enum step refuse(struct request *req, struct upstream_entry *e) {
    LOG(LOG_WARN, "upstream_identity_refused", LOG_SPAN("connector", e->person.connector_id),
        LOG_STR("reason", e->verdict.reason), LOG_STR("request_id", req->id));
    return STEP_WRITE; /* the audit row */
}

static enum step choose(struct request *req, struct upstream_entry *e) {
    if (e->by != ENTRY_BY_CHOICE)
        return let_wait(req, e);
    for (size_t i = 0; i < e->found.linked.count; i++) {
        const struct user *u = &e->found.linked.item[i].user;
        if (linking_may_choose(&e->person, u) == ALLOW && memcmp(u->id.b, e->chosen.b, USER_ID_BYTES) == 0)
            return sign_in_to(req, e, u, true);
    }
    const struct user *person = upstream_entry_person(e);
    for (size_t i = 0; person && i < e->found.represented.count; i++) {
        const struct representation *r = &e->found.represented.item[i];
        if (memcmp(r->represented.id.b, e->chosen.b, USER_ID_BYTES) == 0) {
            e->actor = &person->id;
            e->representation = r;
            return sign_in_to(req, e, &r->represented, true);
        }
    }
    return error_page(req, 400, "invalid_request");
}

static enum step prove(struct request *req, struct upstream_entry *e) {
    if (e->by != ENTRY_BY_PROOF)
        return let_wait(req, e);
    if (linking_proof_check(&e->verdict, &e->proven.id) == ALLOW)
        return sign_in_to(req, e, &e->proven, false);
    e->verdict = (struct linking_verdict){.outcome = LINKING_REFUSED, .reason = "another_account"};
    return refuse(req, e);
}

static enum step create(struct request *req, struct upstream_entry *e) {
    if (e->connector->on_unknown == UNKNOWN_REFUSE)
        return fail(req, e, FLOW_UPSTREAM_UNKNOWN);
    if (upstream_account_new(req, &e->person, e->connector, &e->account))
        return error_page(req, 503, "unavailable");
    e->is_new = true;
    if (has_asserted_actor(e))
        e->actor = &e->asserted_actor.id;
    return STEP_WRITE;
}

static enum step decide(struct request *req, struct upstream_entry *e) {
    e->verdict = linking_decide(&e->person, &e->found);
    switch (e->verdict.outcome) {
    case LINKING_AUTH:
        return sign_in_to(req, e, e->verdict.account, link_exists(e, &e->verdict.account->id));
    case LINKING_CHOOSE:
        return choose(req, e);
    case LINKING_PROVE:
        return prove(req, e);
    case LINKING_CREATE:
        return create(req, e);
    case LINKING_REFUSED:
        break;
    }
    return refuse(req, e);
}

enum step upstream_entry_look(struct request *req, struct upstream_entry *e) {
    if (req->load.result)
        return error_page(req, 503, "unavailable");
    if (e->stage == ENTRY_LOOK) {
        enum flow_failure failure = check_answer(req, e);
        if (failure)
            return fail(req, e, failure);
        if (representative(e)) {
            e->stage = ENTRY_REPRESENTED;
            return STEP_LOAD;
        }
    }
    enum step step = decide(req, e);
    e->stage = ENTRY_RECORDED;
    return step;
}

/* ---- writing ---- */

static void audit(struct request *req, const struct upstream_entry *e, const char *event,
                  const char *detail) {
    char hex[2 * USER_ID_BYTES + 1] = "";
    if (e->account.found)
        hex_encode(e->account.id.b, USER_ID_BYTES, hex);
    store_audit(&req->write, &(struct audit_event){
                                 .at = req->now,
                                 .event = event,
                                 .target = span_of(arena_strdup(req->arena, hex)),
                                 .client_id = e->flow.client_id,
                                 .address = span_of(req->client.text),
                                 .request_id = span_of(req->id),
                                 .detail = span_of(detail),
                             });
}

static void write_link(struct request *req, const struct upstream_entry *e) {
    struct upstream_link l = {
        .issuer = e->person.issuer,
        .connector = e->person.connector_id,
        .how = e->is_new                    ? LINK_CREATED
               : e->by == ENTRY_BY_PROOF    ? LINK_PROVEN
                                            : LINK_TECH_ID,
        .linked_at = req->now,
        .last_used_at = req->now,
        .user = e->account,
    };
    memcpy(l.subject_index, e->subject_index, SUBJECT_INDEX_BYTES);
    if (!e->is_linked) {
        store_upstream_link_insert(&req->write, &l);
        audit(req, e, "account_linked",
              arena_printf(req->arena, "{\"connector\":\"%.*s\",\"how\":\"%s\"}",
                           SPAN_FMT(l.connector), upstream_link_how_name(l.how)));
    } else { /* unless staff took it away this very moment */
        if (e->representation)
            l.user = *upstream_entry_person(e);
        store_upstream_link_touch(&req->write, &l, req->now);
    }
}

/* Upstream says so of this moment; it counts here no longer than a session may last (idp/store/store.h:
 * representations). */
static void write_representation(struct request *req, const struct upstream_entry *e) {
    if (e->representation)
        store_representation_stands(&req->write, e->representation->id, req->now);
    if (!e->actor || e->representation)
        return;
    for (size_t i = 0; i < e->found.represented.count; i++)
        if (memcmp(e->found.represented.item[i].represented.id.b, e->account.id.b, USER_ID_BYTES) == 0)
            return;
    struct representation r = {
        .person = *e->actor,
        .represented = e->account,
        .source = span_of(arena_printf(req->arena, "upstream:%.*s", SPAN_FMT(e->person.connector_id))),
        .valid_from = req->now,
        .valid_until = req->now + request_config(req)->session_absolute_seconds,
    };
    random_bytes(r.id, sizeof r.id);
    store_representation_insert(&req->write, &r);
}

static void write_upstream_session(struct request *req, const struct upstream_entry *e) {
    struct upstream_session s = {
        .session_key = e->session.fresh.key,
        .connector = e->person.connector_id,
        .issuer = e->person.issuer,
        .expires_at = e->session.fresh.expires_at,
    };
    memcpy(s.subject_index, e->subject_index, SUBJECT_INDEX_BYTES);
    if (upstream_session_fill(req, &e->person, &s))
        req->write.build_err = ERR_NOMEM;
    else
        store_upstream_session_insert(&req->write, &s);
}

/* The password of this very account was given. Of another's it says nothing: while the person typed, the
 * identity may have been linked in another window. */
static bool is_proven(const struct upstream_entry *e) {
    return e->by == ENTRY_BY_PROOF && memcmp(e->proven.id.b, e->account.id.b, USER_ID_BYTES) == 0;
}

/* When the person authenticated, by our clock: upstream's may be ahead of it, or a little behind an
 * authentication that this flow brought about. */
static int64_t auth_time(const struct request *req, const struct upstream_entry *e) {
    int64_t theirs = e->person.auth_time;
    if (is_proven(e) && e->flow.proven_at > theirs)
        return e->flow.proven_at;
    if (e->flow.must_authenticate && theirs < e->flow.started_at)
        return e->flow.started_at; /* within CLOCK_SKEW, or it had been refused */
    return theirs > req->now ? req->now : theirs;
}

/* 0: as any session of ours. */
static int64_t ends_at(const struct upstream_entry *e) {
    int64_t theirs = e->connector->session_within_upstream ? e->person.session_ends_at : 0;
    int64_t acts_until = e->representation ? e->representation->valid_until : 0;
    return acts_until && (!theirs || acts_until < theirs) ? acts_until : theirs;
}

static void write_session(struct request *req, struct upstream_entry *e) {
    const struct sign_in_proof proof = {
        .amr = AMR_FED | (is_proven(e) ? AMR_PWD : 0),
        .aal = e->person.level,
        .auth_time = auth_time(req, e),
        .ends_at = ends_at(e),
        .method = "upstream",
        .connector = e->person.connector_id,
        .actor = e->actor,
    };
    sign_in_session_write(req, &e->session, &e->account, &e->previous, &proof);
    write_upstream_session(req, e);
}

void upstream_entry_write(struct request *req, struct upstream_entry *e) {
    struct pending *ignored = arena_alloc(req->arena, sizeof *ignored);
    if (e->sealed.len) {
        store_pending_insert(&req->write, e->waits, e->sealed,
                             req->now + request_config(req)->flow_seconds);
        return;
    }
    if (e->verdict.outcome == LINKING_REFUSED) {
        audit(req, e, "upstream_refused",
              arena_printf(req->arena, "{\"connector\":\"%.*s\",\"reason\":\"%s\"}",
                           SPAN_FMT(e->person.connector_id), e->verdict.reason));
        return;
    }
    if (e->takes_row && ignored)
        store_pending_take(&req->write, e->waits, req->now, ignored);
    enum err err = e->is_new  ? upstream_account_insert(req, &e->account, &e->person)
                   : e->representation ? ERR_OK /* what upstream said is about the person who acts */
                              : upstream_account_refresh(req, &e->account, &e->person, e->connector,
                                                         &e->found);
    if (err) {
        req->write.build_err = err;
        return;
    }
    write_link(req, e);
    write_representation(req, e);
    write_session(req, e);
}

/* ---- after it ---- */

static enum step refused(struct request *req, struct upstream_entry *e) {
    return e->flow.is_silent ? fail(req, e, FLOW_UPSTREAM_FAILED)
                             : error_page(req, 403, "upstream_refused");
}

static enum step after_waiting(struct request *req, struct upstream_entry *e) {
    struct span handle;
    e->flow.upstream_pending = span_bytes(e->waits, PENDING_KEY_BYTES);
    if (flow_seal(req, &e->flow, &handle))
        return error_page(req, 503, "unavailable");
    const char *path = e->verdict.outcome == LINKING_CHOOSE ? "choose" : "link";
    respond_redirect(req, span_of(arena_printf(req->arena, "/upstream/%s?flow=%.*s", path,
                                               SPAN_FMT(handle))));
    return STEP_RESPOND;
}

enum step upstream_entry_recorded(struct request *req, struct upstream_entry *e) {
    enum err err = req->write.result;
    /* Somebody else was quicker (the same person in another window, most likely): look again, once. */
    if ((err == ERR_EXISTS || err == ERR_REFUSED || err == ERR_NOT_FOUND) && !e->has_tried_again) {
        e->has_tried_again = true;
        e->is_new = false;
        e->sealed = SPAN_NONE;
        e->representation = NULL;
        e->actor = NULL;
        e->asserted_actor = (struct user){0};
        e->stage = ENTRY_LOOK;
        e->previous = (struct session){0};
        return STEP_LOAD;
    }
    if (err == ERR_EXISTS || err == ERR_REFUSED)
        return refused(req, e);
    if (err)
        return error_page(req, 503, "unavailable");
    if (e->sealed.len)
        return after_waiting(req, e);
    if (e->verdict.outcome == LINKING_REFUSED)
        return refused(req, e);
    metrics_add(request_idp(req)->metrics, METRIC_SIGN_IN_OK, 1);
    sign_in_session_respond(req, &e->session);
    struct span handle;
    e->flow.upstream_pending = SPAN_NONE;
    if (flow_seal(req, &e->flow, &handle))
        return error_page(req, 503, "unavailable");
    /* The person may come from upstream's form, whose page knows nothing of where we go on to. */
    if (e->by == ENTRY_BY_UPSTREAM && !e->is_without_pages)
        respond_hop(req, flow_resume_url(req, &e->flow, handle));
    else
        respond_redirect(req, flow_resume_url(req, &e->flow, handle));
    return STEP_RESPOND;
}
