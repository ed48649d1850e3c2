/* SPDX-License-Identifier: Apache-2.0
 *
 * The relying parties of the connectors; see upstream.h. One set for each configuration that was
 * loaded: requests under way go on with the one they began with. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "web/upstream.h"

struct upstream_set {
    struct arena arena;
    const struct config *config; /* whose connectors these are; lives at least as long */
    struct {
        struct span id;
        struct rp *rp;
    } item[CONNECTORS_MAX];
    size_t count;
};

static const char *text(struct arena *a, struct span s) {
    return s.len ? arena_strndup(a, s.ptr, s.len) : NULL;
}

static enum err rp_make(struct arena *a, const struct config *cfg, const struct connector *c,
                        struct rp **ret_rp) {
    const char *redirect =
        arena_printf(a, "%.*s%.*s", SPAN_FMT(cfg->issuer), SPAN_FMT(c->redirect_path));
    const char *after = arena_printf(a, "%.*s/upstream/signed-out/%.*s", SPAN_FMT(cfg->issuer),
                                     SPAN_FMT(c->id));
    if (!redirect || !after)
        return ERR_NOMEM;
    const struct rp_config rc = {
        .issuer = text(a, c->issuer),
        .client_id = text(a, c->client_id),
        .client_secret = text(a, c->client_secret),
        .auth = !c->client_secret.len ? RP_AUTH_NONE : c->secret_in_body ? RP_AUTH_POST : RP_AUTH_BASIC,
        .redirect_uri = redirect,
        .post_logout_redirect_uri = after,
        .scope = text(a, c->scope),
        .id_token_alg = text(a, c->id_token_alg),
        .authorization_endpoint = text(a, c->authorization_endpoint),
        .token_endpoint = text(a, c->token_endpoint),
        .userinfo_endpoint = text(a, c->userinfo_endpoint),
        .jwks_uri = text(a, c->jwks_uri),
        .end_session_endpoint = text(a, c->end_session_endpoint),
        .no_id_token = c->dialect == DIALECT_VNEID_PARTNER || c->dialect == DIALECT_DVCQG,
        .raw_plus = c->dialect == DIALECT_VNEID_PARTNER,
    };
    return rp_new(&rc, ret_rp);
}

enum err upstream_set_new(const struct config *cfg, struct upstream_set **ret_set) {
    struct upstream_set *set = calloc(1, sizeof *set);
    if (!set)
        return ERR_NOMEM;
    set->arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    set->config = cfg;
    for (size_t i = 0; i < cfg->n_connectors; i++) {
        const struct connector *c = &cfg->connector[i];
        enum err e = rp_make(&set->arena, cfg, c, &set->item[set->count].rp);
        if (e == ERR_NOMEM) {
            upstream_set_free(set);
            return e;
        }
        if (e)
            LOG(LOG_ERROR, "connector_unusable", LOG_SPAN("connector", c->id), LOG_STR("why", err_text(e)));
        else
            set->item[set->count++].id = c->id;
    }
    *ret_set = set;
    return ERR_OK;
}

void upstream_set_free(struct upstream_set *set) {
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        rp_free(set->item[i].rp);
    arena_done(&set->arena);
    free(set);
}

static struct rp *rp_find(const struct upstream_set *set, struct span connector_id) {
    for (size_t i = 0; set && i < set->count; i++)
        if (span_eq(set->item[i].id, connector_id))
            return set->item[i].rp;
    return NULL;
}

bool upstream_find(const struct request *req, struct span id, const struct connector **ret_connector,
                   struct rp **ret_rp) {
    struct upstream_set *set = atomic_load(&request_idp(req)->upstreams);
    /* Both of one configuration: another's issuer must not stand for what this one's keys have signed. */
    const struct connector *c = set ? config_connector_find(set->config, id) : NULL;
    struct rp *rp = c && c->is_enabled ? rp_find(set, c->id) : NULL;
    if (!rp)
        return false;
    *ret_connector = c;
    *ret_rp = rp;
    return true;
}

struct span upstream_id_of_path(const struct request *req) {
    const struct config *cfg = request_config(req);
    for (size_t i = 0; i < cfg->n_connectors; i++)
        if (span_eq(cfg->connector[i].redirect_path, req->path))
            return cfg->connector[i].id;
    const char *slash = memrchr(req->path.ptr, '/', req->path.len);
    return slash ? span_bytes(slash + 1, (size_t)(req->path.ptr + req->path.len - slash - 1)) : SPAN_NONE;
}
