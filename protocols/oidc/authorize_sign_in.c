/* SPDX-License-Identifier: Apache-2.0
 *
 * How somebody who has to sign in goes about it: the page with the ways, or at once, without a page,
 * through the provider that they come from (docs/FEDERATION.md); see authorize.h. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/sign_in_page.h"
#include "idp/upstream_health.h"
#include "protocols/oidc/acr.h"
#include "protocols/oidc/authorize.h"

#define LOCAL_LEVEL 1 /* what a password gives */

int authorize_level_needed(const struct request *req, const struct authorize *a) {
    const struct authz_request *r = &a->request;
    int needed = a->lookup.client->minimum_level;
    if (r->resource_level > needed)
        needed = r->resource_level;
    int essential = r->claims.is_acr_essential ? acr_lowest(request_config(req), r->claims.acr_values) : 0;
    return essential > needed ? essential : needed;
}

/* ---- other providers ---- */

static bool is_down(const struct request *req, const struct connector *c) {
    return upstream_health_is_down(request_idp(req)->upstream_health, c->id, clock_mono_us());
}

static bool is_allowed(const struct authorize *a, const struct connector *c) {
    return c->is_enabled && client_allows_connector(a->lookup.client, c->id);
}

enum err authorize_connectors(struct request *req, const struct client *client, struct span *ret_ids) {
    CLEANUP(buf_done) struct buf ids = BUF_INIT(CONNECTORS_MAX * (CONNECTOR_ID_MAX + 1));
    const struct config *cfg = request_config(req);
    if (!client->connectors)
        return ERR_OK;
    for (size_t i = 0; i < cfg->n_connectors; i++)
        if (client_allows_connector(client, cfg->connector[i].id)) {
            buf_add_span(&ids, cfg->connector[i].id);
            buf_add_char(&ids, ' ');
        }
    enum err e = buf_err(&ids);
    if (e)
        return e;
    *ret_ids = ids.len ? arena_dup(req->arena, buf_span(&ids)) : SPAN(" ");
    return ret_ids->ptr ? ERR_OK : ERR_NOMEM;
}

struct ways {
    size_t reach, up; /* that give the level; of these: that answer */
};

static struct ways ways_to(const struct request *req, const struct authorize *a, int level) {
    const struct config *cfg = request_config(req);
    struct ways w = {0};
    for (size_t i = 0; i < cfg->n_connectors; i++) {
        const struct connector *c = &cfg->connector[i];
        if (!is_allowed(a, c) || c->most_level < level)
            continue;
        w.reach++;
        w.up += !is_down(req, c);
    }
    return w;
}

/* The provider that the request names, or that people from the national portal come from; who may show
 * no page can at most ask one in silence. */
static const struct connector *hinted(const struct request *req, const struct authorize *a) {
    const struct config *cfg = request_config(req);
    bool wants_silence = span_is(a->request.vnconnect, "1") || a->request.prompt & PROMPT_NONE;
    for (size_t i = 0; i < cfg->n_connectors; i++) {
        const struct connector *c = &cfg->connector[i];
        bool is_meant = a->request.idp_hint.len
                            ? span_eq(a->request.idp_hint, c->id)
                            : wants_silence && c->is_silent_first;
        if (is_meant && is_allowed(a, c) && c->most_level >= authorize_level_needed(req, a) &&
            !is_down(req, c))
            return c;
    }
    return NULL;
}

/* ---- answers ---- */

static bool seal(struct request *req, struct authorize *a, struct span *ret_handle) {
    enum err e = authorize_flow_seal(req, a, ret_handle);
    if (e == ERR_TOO_LONG)
        (void)authorize_fail(req, a, OIDC_FAILURE(OIDC_INVALID_REQUEST, "the request is too long"));
    else if (e)
        respond_error_page(req, 503, "unavailable");
    return !e;
}

static void show_page(struct request *req, struct authorize *a) {
    struct span handle;
    if (seal(req, a, &handle))
        sign_in_page_respond(req, &(struct sign_in_page){.status = 200,
                                                         .flow = &a->flow,
                                                         .handle = handle,
                                                         .username = a->flow.login_hint});
}

static void go_upstream(struct request *req, struct authorize *a, const struct connector *c) {
    struct span handle;
    if (!seal(req, a, &handle))
        return;
    respond_redirect(req, span_of(arena_printf(req->arena, "/upstream/start?connector=%.*s&flow=%.*s%s",
                                               SPAN_FMT(c->id), SPAN_FMT(handle),
                                               c->is_silent_first ? "&silent=1" : "")));
}

void authorize_sign_in(struct request *req, struct authorize *a) {
    bool is_silent = a->request.prompt & PROMPT_NONE;
    bool is_first = a->flow.target == FLOW_NONE; /* nothing has been tried */
    const struct connector *c = is_first ? hinted(req, a) : NULL;
    if (c && (c->is_silent_first || !is_silent)) {
        go_upstream(req, a, c);
        return;
    }
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-3.1.2.1
    //# The Authorization Server MUST NOT display any authentication or consent user interface
    //# pages.
    if (is_silent) {
        (void)authorize_fail(req, a, OIDC_FAILURE(OIDC_LOGIN_REQUIRED, NULL));
        return;
    }
    int needed = authorize_level_needed(req, a);
    const struct ways ways = ways_to(req, a, needed);
    if (needed > LOCAL_LEVEL && ways.reach && !ways.up) {
        (void)authorize_fail(req, a,
                             OIDC_FAILURE(OIDC_TEMPORARILY_UNAVAILABLE,
                                          "the provider that gives this level does not answer"));
        return;
    }
    show_page(req, a);
}

void authorize_level_is_too_low(struct request *req, struct authorize *a) {
    static const char why[] = "the level of authentication is too low";
    const struct ways ways = ways_to(req, a, authorize_level_needed(req, a));
    if (a->request.prompt & PROMPT_NONE) {
        (void)authorize_fail(req, a, OIDC_FAILURE(OIDC_INTERACTION_REQUIRED, why));
    } else if (!ways.reach) {
        (void)authorize_fail(req, a, OIDC_FAILURE(OIDC_UNMET_AUTHENTICATION_REQUIREMENTS, why));
    } else {
        a->flow.failure = FLOW_LEVEL_TOO_LOW;
        authorize_sign_in(req, a);
    }
}
