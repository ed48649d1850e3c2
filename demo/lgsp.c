/* SPDX-License-Identifier: Apache-2.0
 *
 * An adapter as a provincial integration platform (LGSP) has one: GET /ho-so/CODE. It asks the provider
 * whether the token still stands (RFC 7662), so that a revoked one ends here at once, and only then
 * passes the request on to the service that the token is for. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "demo/bearer.h"
#include "demo/portal.h"

#define PATH       "/ho-so/"
#define FORM_MAX   16384
#define ANSWER_MAX 65536

static struct span setting(const struct request *req, const char *name) {
    const struct portal *p = req->app;
    return json_str(p->config, name);
}

static void add_field(struct buf *form, const char *name, struct span value) {
    buf_addf(form, "%s%s=", form->len ? "&" : "", name);
    percent_add(form, value);
}

static enum err introspect(struct request *req, struct span token, json_t **ret_answer) {
    CLEANUP(buf_done) struct buf form = BUF_INIT(FORM_MAX);
    const struct portal *p = req->app;
    struct span body;
    long status;
    add_field(&form, "token", token);
    add_field(&form, "client_id", setting(req, "client_id"));
    add_field(&form, "client_secret", setting(req, "client_secret"));
    enum err e = buf_err(&form);
    const struct rp_exchange x = {.url = setting(req, "introspection_endpoint"), .form = buf_span(&form)};
    if (!e)
        e = rp_send(p->rp, &x, req->arena, &status, &body);
    if (e)
        return e;
    return status == 200 ? json_parse_object(body, ANSWER_MAX, ret_answer) : ERR_UNAVAILABLE;
}

static enum err token_check(struct request *req, struct span token) {
    AUTO_JSON json_t *answer = NULL;
    enum err e = introspect(req, token, &answer);
    if (e)
        return e == ERR_NOMEM ? e : ERR_UNAVAILABLE;
    bool stands = json_is_true(json_object_get(answer, "active")) &&
                  span_eq(json_str(answer, "aud"), setting(req, "resource"));
    return stands ? ERR_OK : ERR_REFUSED;
}

static void pass_on(struct request *req, struct span token, struct span code) {
    const struct portal *p = req->app;
    struct span body;
    long status;
    const char *url = arena_printf(req->arena, "%.*s/dossiers/%.*s", SPAN_FMT(setting(req, "service")),
                                   SPAN_FMT(code));
    const char *bearer = arena_printf(req->arena, "Bearer %.*s", SPAN_FMT(token));
    const struct rp_exchange x = {.url = span_of(url), .authorization = span_of(bearer)};
    if (!url || !bearer || rp_send(p->rp, &x, req->arena, &status, &body) || status < 200 || status > 499)
        respond_error_json(req, 502, "bad_gateway", "the service does not answer");
    else
        respond_body(req, (unsigned)status, "application/json", body);
}

static void relay_work(struct request *req) {
    struct span token = bearer_token(req), code = dossier_code(req, PATH);
    enum err e = token.ptr ? token_check(req, token) : ERR_MISSING;
    if (e) {
        LOG(LOG_WARN, "token_refused", LOG_STR("why", err_text(e)), LOG_STR("request_id", req->id));
        bearer_refuse(req, e);
    } else if (!code.ptr) {
        respond_error_json(req, 404, "not_found", "no such dossier");
    } else {
        pass_on(req, token, code);
    }
}

static enum step relay_parse(struct request *req) {
    (void)req;
    return STEP_WORK;
}

static enum step relay_decide(struct request *req) {
    if (req->work_result)
        bearer_refuse(req, ERR_UNAVAILABLE);
    return STEP_RESPOND;
}

static const struct handler relay_handler = {
    .parse = relay_parse, .work = relay_work, .decide = relay_decide};

/* clang-format off */
const struct route lgsp_routes[] = {
    /* methods   path         name       handler                body flags         specification */
    {HTTP_GET,  PATH,        "relay",   &relay_handler,        0,   ROUTE_PREFIX, "RFC 7662"},
    {HTTP_GET,  "/healthz",  "healthz", &portal_ready_handler, 0,   0,            "-"},
    {HTTP_GET,  "/readyz",   "readyz",  &portal_ready_handler, 0,   0,            "-"},
};
/* clang-format on */
const size_t lgsp_routes_count = ARRAY_LEN(lgsp_routes);
