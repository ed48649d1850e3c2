/* SPDX-License-Identifier: Apache-2.0
 *
 * GET and POST /authorize, GET /authorize/resume (RFC 6749 3.1, OIDC Core 3.1.2). With a live
 * session and remembered consent the answer is a redirect with a code, and nothing is written. */
#include "protocols/oidc/authorize.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/cross_site.h"
#include "protocols/oidc/oidc.h"

static enum step start_from_body(struct request *req, struct authorize *a) {
    a->joined = req->form;
    for (size_t i = 0; i < req->query.count; i++) {
        if (a->joined.count == PARAMS_MAX)
            return authorize_error_page(req, 400, "invalid_request");
        a->joined.item[a->joined.count++] = req->query.item[i];
    }
    a->params = &a->joined;
    if (!cross_site_post(req))
        return authorize_start(req, a);

    CLEANUP(buf_done) struct buf query = BUF_INIT(CROSS_SITE_QUERY_MAX);
    authz_request_build(a->params, &query);
    if (!cross_site_redirect(req, "/authorize", &query))
        return authorize_error_page(req, 400, "invalid_request");
    return STEP_RESPOND;
}

static enum step authorize_parse(struct request *req) {
    struct authorize *a = req->state;
    if (req->method == HTTP_POST)
        return start_from_body(req, a);
    a->params = &req->query;
    return authorize_start(req, a);
}

static enum step resume_parse(struct request *req) {
    struct authorize *a = req->state;
    enum err e = flow_open(req, params_find(&req->query, "flow"), &a->flow);
    if (e == ERR_BAD_SIGNATURE)
        return authorize_error_page(req, 403, "wrong_browser");
    if (e || a->flow.target != FLOW_AUTHORIZE)
        return authorize_error_page(req, 400, "expired_flow");
    if (!authorize_params_from_flow(req, a))
        return STEP_RESPOND;
    return authorize_start(req, a);
}

static void authorize_load(struct request *req) {
    authorize_load_all(req, req->state);
}

static enum step answer(struct request *req, struct authorize *a) {
    if (!authorize_code_build(req, a))
        return STEP_RESPOND;
    if (a->pending.len) {
        a->stage = AUTHORIZE_STORED;
        return STEP_WRITE;
    }
    return authorize_give_code(req, a);
}

static enum step decide_request(struct request *req, struct authorize *a) {
    if (!authorize_client_is_good(req, a))
        return STEP_RESPOND;
    if (!authorize_object_take(req, a))
        return STEP_FETCH;
    if (!authorize_request_is_good(req, a) || !authorize_person_is_good(req, a))
        return STEP_RESPOND;
    if (a->lookup.client->consent_by_legal_basis)
        return answer(req, a);
    a->stage = AUTHORIZE_CONSENT;
    return STEP_LOAD;
}

static enum step decide_consent(struct request *req, struct authorize *a) {
    if (!consent_is_due(a))
        return answer(req, a);
    if (a->request.prompt & PROMPT_NONE)
        return authorize_fail(req, a, OIDC_FAILURE(OIDC_CONSENT_REQUIRED, NULL));
    return consent_page(req, a);
}

static enum step authorize_decide(struct request *req) {
    struct authorize *a = req->state;
    if (req->load.result)
        return authorize_error_page(req, 503, "unavailable");
    switch (a->stage) {
    case AUTHORIZE_REQUEST:
        return decide_request(req, a);
    case AUTHORIZE_CONSENT:
        return decide_consent(req, a);
    case AUTHORIZE_STORED:
        break;
    }
    if (req->write.result)
        return authorize_fail(req, a, OIDC_FAILURE(OIDC_TEMPORARILY_UNAVAILABLE, NULL));
    return authorize_give_code(req, a);
}

static void authorize_fetch(struct request *req) {
    authorize_object_fetch(req, req->state);
}

static void authorize_write(struct request *req) {
    authorize_pending_write(req, req->state);
}

const struct handler oidc_authorize_handler = {
    .state_size = sizeof(struct authorize),
    .parse = authorize_parse,
    .load = authorize_load,
    .decide = authorize_decide,
    .write = authorize_write,
    .fetch = authorize_fetch,
};

const struct handler oidc_resume_handler = {
    .state_size = sizeof(struct authorize),
    .parse = resume_parse,
    .load = authorize_load,
    .decide = authorize_decide,
    .write = authorize_write,
    .fetch = authorize_fetch,
};
