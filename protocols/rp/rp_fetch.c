/* SPDX-License-Identifier: Apache-2.0
 *
 * What has to be fetched, when, and what becomes of it: the provider's metadata (OpenID Connect
 * Discovery 1.0), learnt once; its keys, which alone change later. No network here. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "protocols/rp/rp_internal.h"

/* ---- what is due ---- */

/* Under the lock, as are the next two. */
static bool find_due(const struct rp *rp, bool kid_is_unknown, enum rp_fetch *ret_fetch) {
    const struct rp_jwks *j = &rp->jwks;
    if (!rp->is_located) {
        *ret_fetch = RP_FETCH_METADATA;
        return true;
    }
    if (!rp_is_ready(rp)) {
        *ret_fetch = RP_FETCH_FIRST_KEYS;
        return true;
    }
    *ret_fetch = RP_FETCH_KEYS;
    if (!rp->at.jwks || !rp->alg)
        return false; /* no token is ever looked at */
    if (kid_is_unknown && (j->is_lacking || !j->fetched_us))
        return true;
    return rp_jwks_age(j) > RP_KEYS_FRESH_SECONDS;
}

static const char *url_due(const struct rp *rp, enum rp_fetch fetch, struct arena *a) {
    if (fetch != RP_FETCH_METADATA)
        return arena_strdup(a, rp->at.jwks);
    //= https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationRequest
    //# If the Issuer value contains a path component, any terminating / MUST be removed before
    //appending /.well-known/openid-configuration.
    struct span issuer = span_of(rp->issuer);
    if (issuer.len && issuer.ptr[issuer.len - 1] == '/')
        issuer.len--;
    return arena_printf(a, "%.*s/.well-known/openid-configuration", SPAN_FMT(issuer));
}

static bool can_go_on(const struct rp *rp, bool kid_is_unknown) {
    const struct rp_jwks *j = &rp->jwks;
    return rp_is_ready(rp) && (j->fetched_us || rp->no_id_token) &&
           rp_jwks_age(j) <= RP_KEYS_STALE_SECONDS && !(kid_is_unknown && j->is_lacking);
}

static enum err due_locked(struct rp *rp, bool kid_is_unknown, struct arena *a,
                           struct rp_exchange *x) {
    enum rp_fetch fetch;
    if (!find_due(rp, kid_is_unknown, &fetch))
        return ERR_NOT_FOUND;
    x->fetch = fetch;
    x->url = span_of(url_due(rp, fetch, a));
    if (!x->url.ptr)
        return ERR_NOMEM;
    enum err e = rp_flight_begin(&rp->flight[fetch], &x->turn, &x->is_joined);
    return e == ERR_BUSY && can_go_on(rp, kid_is_unknown) ? ERR_NOT_FOUND : e;
}

enum err rp_fetch_due(struct rp *rp, bool kid_is_unknown, struct arena *a,
                      struct rp_exchange *ret_exchange) {
    struct rp_exchange x = {.url = SPAN_NONE};
    pthread_mutex_lock(&rp->lock);
    enum err e = due_locked(rp, kid_is_unknown, a, &x);
    pthread_mutex_unlock(&rp->lock);
    if (!e)
        *ret_exchange = x;
    return e;
}

/* ---- what came ---- */

static enum err metadata_take(struct rp *rp, struct span body) {
    AUTO_JSON json_t *metadata = NULL;
    CLEANUP(rp_endpoints_done) struct rp_endpoints at = {0};
    enum err e = json_parse_object(body, RP_HTTP_MAX, &metadata);
    if (e)
        return e;
    //= https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
    //# The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to
    ///.well-known/openid-configuration to retrieve the configuration information.
    if (!span_is(json_str(metadata, "issuer"), rp->issuer))
        return ERR_REFUSED;
    e = rp_endpoints_read(rp, metadata, &at);
    if (e)
        return e;
    pthread_mutex_lock(&rp->lock);
    if (!rp->is_located) {
        struct rp_endpoints old = rp->at;
        rp->at = at;
        at = old;
        rp->is_located = true;
        atomic_store(&rp->ready, rp->no_id_token);
    }
    pthread_mutex_unlock(&rp->lock);
    return ERR_OK;
}

/* Keys that cannot be had at first may be the metadata's fault: that is asked again too. */
static void metadata_forget(struct rp *rp) {
    pthread_mutex_lock(&rp->lock);
    if (!rp_is_ready(rp) && !rp_endpoints_complete(rp))
        rp->is_located = false;
    pthread_mutex_unlock(&rp->lock);
}

enum err rp_fetch_take(struct rp *rp, const struct rp_exchange *exchange, long status,
                       struct span body) {
    struct rp_flight *flight = &rp->flight[exchange->fetch];
    if (rp_flight_went_well(flight, exchange->turn))
        return ERR_OK; /* who joined brings the same answer once more, or none */
    enum err e = ERR_UNAVAILABLE;
    if (status == 200)
        e = exchange->fetch == RP_FETCH_METADATA ? metadata_take(rp, body) : rp_jwks_take(rp, body);
    if (e && exchange->fetch == RP_FETCH_FIRST_KEYS)
        metadata_forget(rp);
    rp_flight_end(flight, exchange->turn, e);
    return e;
}
