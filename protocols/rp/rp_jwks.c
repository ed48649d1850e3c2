/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider's keys: fetched at discovery, and again when a token names one that we do not know,
 * one fetch at a time and within a budget, so that forged kids cannot make us hammer the provider. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "protocols/rp/rp_internal.h"

static enum err fetch(struct rp *rp, struct jwk_set *ret_keys) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(2 * ARENA_LIMIT_DEFAULT);
    const struct rp_http_request q = {.url = rp->at.jwks, .ca_file = rp->ca_file, .https_only = rp->is_https};
    struct span body;
    long status;
    enum err e = rp_http(&q, &a, &status, &body);
    if (e)
        return e;
    return status == 200 ? jwk_set_parse(body, ret_keys) : ERR_UNAVAILABLE;
}

/* With the lock held. */
static enum err replace(struct rp *rp) {
    struct jwk_set keys = {.count = 0};
    enum err e = fetch(rp, &keys);
    if (e)
        return e; /* the old keys stay */
    jwk_set_done(&rp->jwks.keys);
    rp->jwks.keys = keys;
    return ERR_OK;
}

enum err rp_jwks_fetch(struct rp *rp) {
    pthread_mutex_lock(&rp->jwks.lock);
    enum err e = replace(rp);
    pthread_mutex_unlock(&rp->jwks.lock);
    return e;
}

static bool budget_take(struct rp_jwks *j) {
    int64_t now = clock_mono_us();
    j->budget += (double)(now - j->refilled_us) / (RP_REFETCH_SECONDS * 1e6);
    j->refilled_us = now;
    if (j->budget > RP_REFETCH_BURST)
        j->budget = RP_REFETCH_BURST;
    if (j->budget < 1)
        return false;
    j->budget -= 1;
    return true;
}

enum err rp_jwks_verify(struct rp *rp, struct arena *a, struct span token, const struct jws_expect *expect,
                        struct jws *ret_jws) {
    pthread_mutex_lock(&rp->jwks.lock);
    enum err e = jws_verify(a, token, expect, &rp->jwks.keys, ret_jws);
    if (e == ERR_NOT_FOUND && budget_take(&rp->jwks) && !replace(rp))
        e = jws_verify(a, token, expect, &rp->jwks.keys, ret_jws);
    if (!e) /* the set may be replaced once the lock is gone */
        ret_jws->key = jwk_ref((struct jwk *)(uintptr_t)ret_jws->key);
    pthread_mutex_unlock(&rp->jwks.lock);
    return e;
}
