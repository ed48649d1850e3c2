/* SPDX-License-Identifier: Apache-2.0
 *
 * One exchange with an upstream provider; see upstream.h. The bound on sockets is the connector's, so
 * that one that hangs holds up nobody but its own people (X14). */
#include "base/clock.h"
#include "idp/idp.h"
#include "idp/upstream_health.h"
#include "web/upstream.h"

bool upstream_exchange_due(struct request *req, struct upstream_exchange *x, bool kid_is_unknown,
                           enum step *ret_step) {
    if (!upstream_health_may_try(request_idp(req)->upstream_health, x->connector->id, clock_mono_us()))
        return false;
    enum err e = rp_fetch_due(x->rp, kid_is_unknown, req->arena, &x->ask);
    if (e && e != ERR_NOT_FOUND)
        return false;
    *ret_step = e ? STEP_RESPOND : STEP_FETCH;
    return true;
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
