/* SPDX-License-Identifier: Apache-2.0
 *
 * One exchange with an upstream provider; see upstream.h. The bound on sockets is the connector's, so
 * that one that hangs holds up nobody but its own people (X14). */
#include "base/clock.h"
#include "base/log.h"
#include "idp/idp.h"
#include "idp/upstream_health.h"
#include "keys/signer_client.h"
#include "protocols/rp/vneid_envelope.h"
#include "web/upstream.h"

bool upstream_exchange_due(struct request *req, struct upstream_exchange *x, bool kid_is_unknown,
                           enum step *ret_step) {
    if (!x->has_turn && upstream_health_is_down(request_idp(req)->upstream_health, x->connector->id,
                                                clock_mono_us()))
        return false;
    enum err e = rp_fetch_due(x->rp, kid_is_unknown, req->arena, &x->ask);
    if (e && e != ERR_NOT_FOUND)
        return false;
    *ret_step = e ? STEP_RESPOND : STEP_FETCH;
    return e || upstream_exchange_turn(req, x);
}

bool upstream_exchange_turn(struct request *req, struct upstream_exchange *x) {
    if (!x->has_turn)
        x->has_turn = upstream_health_may_try(request_idp(req)->upstream_health, x->connector->id,
                                              clock_mono_us());
    return x->has_turn;
}

void upstream_exchange_fetch(struct request *req, const struct upstream_exchange *x) {
    req->fetch.purpose = OUTBOUND_UPSTREAM;
    req->fetch.url = x->ask.url;
    req->fetch.form = x->ask.form;
    req->fetch.authorization = x->ask.authorization;
    req->fetch.group = x->connector->id;
    req->fetch.group_max = x->connector->connections;
    req->fetch.any_status = true;
}

void upstream_exchange_ended(struct request *req, struct upstream_exchange *x) {
    const struct outbound_job *job = &req->fetch;
    x->status = job->result ? 0 : (long)job->status;
    x->body = job->result ? SPAN_NONE : arena_dup(req->arena, span_bytes(job->body, job->body_len));
    /* Our own queue being full says nothing about upstream. */
    if (job->result != ERR_BUSY)
        upstream_health_note(request_idp(req)->upstream_health, x->connector->id,
                             x->status > 0 && x->status < 500, x->connector->failures_to_open,
                             x->connector->retry_seconds, clock_mono_us());
}

enum err upstream_exchange_open(struct request *req, struct upstream_exchange *x) {
    struct vneid_envelope envelope;
    struct signer_answer answer;
    if (x->connector->dialect != DIALECT_VNEID_PARTNER || x->status != 200)
        return ERR_OK;
    enum err e = vneid_envelope_parse(req->arena, x->body, &envelope);
    if (e)
        return e;
    const struct signer_request ask = {
        .op = SIGNER_OP_UNWRAP, .kid = x->connector->envelope_kid, .bytes = envelope.wrapped};
    if (signer_call(req->thread->channel, &ask, 1, req->arena, &answer))
        return ERR_UNAVAILABLE;
    if (answer.err) { /* of policy or key, never of what was wrapped */
        LOG(LOG_ERROR, "envelope_key_unusable", LOG_SPAN("connector", x->connector->id),
            LOG_STR("why", err_text(answer.err)));
        return ERR_REFUSED;
    }
    return vneid_envelope_open(req->arena, &envelope, answer.bytes, &x->body);
}
