/* SPDX-License-Identifier: Apache-2.0
 *
 * See sign_in_page.h. */
#include "idp/sign_in_page.h"

#include "base/clock.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/upstream_health.h"

/* What the page says of a way that was tried in vain. */
static const char *const failure_keys[FLOW_FAILURES] = {
    [FLOW_UPSTREAM_DOWN] = "sign_in.error.upstream_down",
    [FLOW_UPSTREAM_FAILED] = "sign_in.error.upstream_failed",
    [FLOW_UPSTREAM_DECLINED] = "sign_in.error.upstream_declined",
    [FLOW_UPSTREAM_UNKNOWN] = "sign_in.error.upstream_unknown",
    [FLOW_LEVEL_TOO_LOW] = "sign_in.error.level_too_low",
    [FLOW_NOT_FRESH] = "sign_in.error.not_fresh",
};

bool sign_in_connector_allowed(const struct flow *flow, const struct connector *c) {
    return c->is_enabled && (!flow->connectors.len || span_list_has(flow->connectors, c->id));
}

static struct span connector_name(const struct request *req, const struct connector *c) {
    return req->lang == LANG_EN && c->name_en.len ? c->name_en : c->name;
}

static json_t *text_new(struct span s) {
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

/* An identity that waits to be linked is not sent away again. */
static json_t *connectors_new(struct request *req, const struct sign_in_page *page) {
    const struct config *cfg = request_config(req);
    json_t *list = json_array();
    for (size_t i = 0; i < cfg->n_connectors && !page->flow->upstream_pending.len; i++) {
        const struct connector *c = &cfg->connector[i];
        if (!sign_in_connector_allowed(page->flow, c))
            continue;
        char *href = arena_printf(req->arena, "/upstream/start?connector=%.*s&flow=%.*s",
                                  SPAN_FMT(c->id), SPAN_FMT(page->handle));
        bool is_down = upstream_health_is_down(request_idp(req)->upstream_health, c->id, clock_mono_us());
        json_array_append_new(list, json_pack("{ss so sb}", "href", href ? href : "#", "name",
                                              text_new(connector_name(req, c)), "is_down",
                                              (int)is_down));
    }
    return list;
}

static json_t *failed_name_new(const struct request *req, const struct flow *flow) {
    const struct connector *c = config_connector_find(request_config(req), flow->failed_connector);
    return text_new(c ? connector_name(req, c) : SPAN(""));
}

static json_t *model_new(struct request *req, const struct sign_in_page *page, struct span csrf) {
    const struct flow *flow = page->flow;
    const char *error_key = page->error_key ? page->error_key : failure_keys[flow->failure];
    struct span again = flow_resume_url(req, flow, page->handle);
    json_t *connectors = connectors_new(req, page);
    json_t *model = json_pack(
        "{ss so so so so so so sb so sb ss?}", "action", "/sign-in", "flow", text_new(page->handle),
        "csrf", text_new(csrf), "username", text_new(page->username), "self_url", text_new(again),
        "client_name", text_new(flow->client_name), "connectors", connectors, "has_connectors",
        (int)(json_array_size(connectors) > 0), "upstream_name", failed_name_new(req, flow),
        "is_linking", (int)(flow->upstream_pending.len > 0), "error_key", error_key);
    if (model && page->retry_seconds > 0)
        json_object_set_new(model, "retry_seconds", json_integer(page->retry_seconds));
    return model;
}

void sign_in_page_respond(struct request *req, const struct sign_in_page *page) {
    struct span csrf = csrf_token(req, "sign_in");
    json_t *model = csrf.len ? model_new(req, page, csrf) : NULL;
    if (!model) {
        respond_error_page(req, 503, "unavailable");
        return;
    }
    if (page->retry_seconds > 0)
        respond_header(req, "Retry-After",
                       span_of(arena_printf(req->arena, "%lld", (long long)page->retry_seconds)));
    req->response.form_action = page->flow->form_action;
    respond_page(req, page->status, "sign_in", model);
}
