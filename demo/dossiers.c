/* SPDX-License-Identifier: Apache-2.0
 *
 * The dossier-status API of the one-stop system: GET /dossiers/CODE with a JWT access token, which it
 * checks by itself, by the provider's published keys (RFC 9068 4). */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "demo/bearer.h"
#include "demo/portal.h"

#define PATH       "/dossiers/"
#define SCOPE      "dossier.read"
#define ANSWER_MAX 4096

static void say_status(struct request *req, const json_t *dossier, struct span code) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "ma_ho_so", code);
    json_add_str(&o, "trang_thai", json_str(dossier, "trang_thai"));
    json_add_str(&o, "cap_nhat", json_str(dossier, "cap_nhat"));
    json_close_object(&o);
    respond_buf(req, 200, "application/json", &b);
}

static void status_work(struct request *req) {
    struct portal *p = req->app;
    struct rp_access_token token;
    struct span presented = bearer_token(req), code = dossier_code(req, PATH);
    const char *resource = json_string_value(json_object_get(p->config, "client_id"));
    enum err e = presented.ptr
                     ? rp_access_token_receive(p->rp, req->arena, presented, resource, &token)
                     : ERR_MISSING;
    if (e) {
        LOG(LOG_WARN, "token_refused", LOG_STR("why", err_text(e)), LOG_STR("request_id", req->id));
        bearer_refuse(req, e);
        return;
    }
    if (!span_list_has(token.scope, SPAN(SCOPE))) {
        bearer_lacks_scope(req, SCOPE);
        return;
    }
    const json_t *dossier =
        code.ptr ? json_object_getn(json_object_get(p->config, "dossiers"), code.ptr, code.len) : NULL;
    if (dossier)
        say_status(req, dossier, code);
    else
        respond_error_json(req, 404, "not_found", "no such dossier");
}

static enum step status_parse(struct request *req) {
    (void)req;
    return STEP_WORK;
}

static enum step status_decide(struct request *req) {
    if (req->work_result)
        bearer_refuse(req, ERR_UNAVAILABLE);
    return STEP_RESPOND;
}

static const struct handler status_handler = {
    .parse = status_parse, .work = status_work, .decide = status_decide};

/* clang-format off */
const struct route dossiers_routes[] = {
    /* methods   path         name       handler                body flags         specification */
    {HTTP_GET,  PATH,        "dossier", &status_handler,       0,   ROUTE_PREFIX, "RFC 9068 4"},
    {HTTP_GET,  "/healthz",  "healthz", &portal_ready_handler, 0,   0,            "-"},
    {HTTP_GET,  "/readyz",   "readyz",  &portal_ready_handler, 0,   0,            "-"},
};
/* clang-format on */
const size_t dossiers_routes_count = ARRAY_LEN(dossiers_routes);
