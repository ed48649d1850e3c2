/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider's keys: fetched at discovery, again when a token names one that we do not know, and
 * again when they have grown old, so that a key that was withdrawn stops being believed. Verifying
 * goes on with a copy of the set (references), never waiting for the network under the lock. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "protocols/rp/rp_internal.h"

#define ARENA_BYTES (2 * ARENA_LIMIT_DEFAULT)

static enum err fetch(struct rp *rp, struct jwk_set *ret_keys) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    const struct rp_http_request q = {
        .url = rp->at.jwks, .ca_file = rp->ca_file, .https_only = rp->is_https};
    struct span body;
    long status;
    enum err e = rp_http(&q, &a, &status, &body);
    if (e)
        return e;
    return status == 200 ? jwk_set_parse(body, ret_keys) : ERR_UNAVAILABLE;
}

enum err rp_jwks_fetch(struct rp *rp) {
    CLEANUP(jwk_set_done) struct jwk_set keys = {.count = 0};
    enum err e = fetch(rp, &keys);
    if (e)
        return e; /* the old keys stay */
    pthread_mutex_lock(&rp->jwks.lock);
    struct jwk_set old = rp->jwks.keys;
    rp->jwks.keys = keys;
    rp->jwks.fetched_us = clock_mono_us();
    pthread_mutex_unlock(&rp->jwks.lock);
    keys = old;
    return ERR_OK;
}

/* References to all keys; how old they are. */
static double keys_copy(struct rp_jwks *j, struct jwk_set *ret_keys) {
    pthread_mutex_lock(&j->lock);
    ret_keys->count = j->keys.count;
    for (size_t i = 0; i < j->keys.count; i++)
        ret_keys->key[i] = jwk_ref(j->keys.key[i]);
    double age = (double)(clock_mono_us() - j->fetched_us) / 1e6;
    pthread_mutex_unlock(&j->lock);
    return age;
}

static enum err refetch(struct rp *rp, unsigned seen, struct jwk_set *keys, double *age) {
    enum err e = rp_flight_run(&rp->jwks.flight, seen, rp_jwks_fetch, rp);
    if (e)
        return e;
    jwk_set_done(keys);
    *age = keys_copy(&rp->jwks, keys);
    return ERR_OK;
}

enum err rp_jwks_verify(struct rp *rp, struct arena *a, struct span token,
                        const struct jws_expect *expect, struct jws *ret_jws) {
    CLEANUP(jwk_set_done) struct jwk_set keys = {.count = 0};
    struct jws jws;
    unsigned seen = rp_flight_seen(&rp->jwks.flight);
    double age = keys_copy(&rp->jwks, &keys);
    if (age > RP_KEYS_FRESH_SECONDS && refetch(rp, seen, &keys, &age) &&
        age > RP_KEYS_STALE_SECONDS)
        return ERR_UNAVAILABLE;
    enum err e = jws_verify(a, token, expect, &keys, &jws);
    if (e == ERR_NOT_FOUND && !refetch(rp, seen, &keys, &age))
        e = jws_verify(a, token, expect, &keys, &jws);
    if (e)
        return e;
    jws.key = jwk_ref((struct jwk *)(uintptr_t)jws.key); /* the copy of the set ends here */
    *ret_jws = jws;
    return ERR_OK;
}
