/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls by scripts of another origin; see cors.h.
 *
 *   OPTIONS ─► known origins are current? ─► answer
 *                    └─► no: read all clients in the pool ─► answer */
#include "protocols/oidc/cors.h"

#include <stdatomic.h>

#include "idp/client_origins.h"
#include "idp/idp.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/oidc_error.h"

#define ORIGIN_MAX    512
#define PREFLIGHT_AGE "600" /* seconds that a browser may keep the answer */

struct preflight {
    struct span origin;
    uint64_t epoch;
    enum err refreshed;
};

static struct span origin_of(const struct request *req) {
    struct span origin = request_header(req, "Origin");
    bool is_one = request_header_count(req, "Origin") == 1 && origin.len <= ORIGIN_MAX;
    return is_one ? origin : SPAN_NONE;
}

void cors_answer(struct request *req, const struct client *client) {
    struct span origin = origin_of(req);
    respond_header(req, "Vary", SPAN("Origin"));
    if (origin.len && client && client->is_enabled && client_cors_origin_allowed(client, origin))
        respond_header(req, "Access-Control-Allow-Origin", origin);
}

/* ---- preflight ---- */

static enum step preflight_parse(struct request *req) {
    struct preflight *p = req->state;
    p->origin = origin_of(req);
    p->epoch = atomic_load(&request_idp(req)->client_epoch);
    if (!p->origin.len)
        return STEP_RESPOND;
    enum err e = client_origins_find(request_idp(req)->origins, p->epoch, p->origin);
    return e == ERR_EXPIRED ? STEP_WORK : STEP_RESPOND;
}

static void preflight_work(struct request *req) {
    struct preflight *p = req->state;
    const struct idp *idp = request_idp(req);
    p->refreshed = client_origins_refresh(idp->origins, idp->store, p->epoch);
}

static enum step preflight_decide(struct request *req) {
    const struct preflight *p = req->state;
    if (req->work_result || p->refreshed)
        (void)oidc_unavailable(req);
    return STEP_RESPOND;
}

static void preflight_respond(struct request *req) {
    const struct preflight *p = req->state;
    respond_header(req, "Vary", SPAN("Origin"));
    if (req->response.status)
        return;
    if (p->origin.len &&
        client_origins_find(request_idp(req)->origins, p->epoch, p->origin) == ERR_OK) {
        respond_header(req, "Access-Control-Allow-Origin", p->origin);
        respond_header(req, "Access-Control-Allow-Methods", SPAN("GET, POST"));
        respond_header(req, "Access-Control-Allow-Headers", SPAN("Authorization, Content-Type"));
        respond_header(req, "Access-Control-Max-Age", SPAN(PREFLIGHT_AGE));
    }
    respond_body(req, 204, NULL, SPAN(""));
}

const struct handler oidc_preflight_handler = {
    .state_size = sizeof(struct preflight),
    .parse = preflight_parse,
    .decide = preflight_decide,
    .work = preflight_work,
    .respond = preflight_respond,
};

/* What anybody may read: the route says so itself (ROUTE_ANY_ORIGIN). */
static enum step public_preflight_parse(struct request *req) {
    respond_header(req, "Access-Control-Allow-Methods", SPAN("GET"));
    respond_header(req, "Access-Control-Allow-Headers", SPAN("*"));
    respond_header(req, "Access-Control-Max-Age", SPAN(PREFLIGHT_AGE));
    respond_body(req, 204, NULL, SPAN(""));
    return STEP_RESPOND;
}

const struct handler oidc_public_preflight_handler = {.parse = public_preflight_parse};
