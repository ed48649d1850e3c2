/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider's keys as they were last fetched. Verifying goes on with a copy of the set
 * (references), so that nobody waits for anything under the lock. When to fetch again is for
 * rp_fetch.c: when a token names a key that we do not know, and when they have grown old, so that a
 * key that was withdrawn stops being believed. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "protocols/rp/rp_internal.h"

int64_t rp_jwks_age(const struct rp_jwks *j) {
    return j->fetched_us ? (clock_mono_us() - j->fetched_us) / 1000000 : 0;
}

enum err rp_jwks_take(struct rp *rp, struct span body) {
    CLEANUP(jwk_set_done) struct jwk_set keys = {.count = 0};
    enum err e = jwk_set_parse(body, &keys);
    if (e)
        return e;
    pthread_mutex_lock(&rp->lock);
    bool is_awaited = rp->is_located; /* else they are from where a forgotten document pointed */
    if (is_awaited) {
        struct jwk_set old = rp->jwks.keys;
        rp->jwks = (struct rp_jwks){.keys = keys, .fetched_us = clock_mono_us()};
        keys = old;
        atomic_store(&rp->ready, true);
    }
    pthread_mutex_unlock(&rp->lock);
    return is_awaited ? ERR_OK : ERR_UNAVAILABLE;
}

/* References to all keys; when they were fetched, how old they are. */
static int64_t keys_copy(struct rp *rp, struct jwk_set *ret_keys, int64_t *ret_fetched_us) {
    struct rp_jwks *j = &rp->jwks;
    pthread_mutex_lock(&rp->lock);
    ret_keys->count = j->keys.count;
    for (size_t i = 0; i < j->keys.count; i++)
        ret_keys->key[i] = jwk_ref(j->keys.key[i]);
    int64_t age = rp_jwks_age(j);
    *ret_fetched_us = j->fetched_us;
    pthread_mutex_unlock(&rp->lock);
    return age;
}

/* Only of the set that was looked at: newer keys may well have it. */
static void mark_lacking(struct rp *rp, int64_t fetched_us) {
    pthread_mutex_lock(&rp->lock);
    if (rp->jwks.fetched_us == fetched_us)
        rp->jwks.is_lacking = true;
    pthread_mutex_unlock(&rp->lock);
}

enum err rp_jwks_verify(struct rp *rp, struct arena *a, struct span token,
                        const struct jws_expect *expect, struct jws *ret_jws) {
    CLEANUP(jwk_set_done) struct jwk_set keys = {.count = 0};
    struct jws jws;
    int64_t fetched_us;
    if (keys_copy(rp, &keys, &fetched_us) > RP_KEYS_STALE_SECONDS)
        return ERR_UNAVAILABLE;
    enum err e = jws_verify(a, token, expect, &keys, &jws);
    if (e == ERR_NOT_FOUND) {
        mark_lacking(rp, fetched_us);
        return ERR_UNKNOWN_KEY;
    }
    if (e)
        return e;
    jws.key = jwk_ref((struct jwk *)(uintptr_t)jws.key); /* the copy of the set ends here */
    *ret_jws = jws;
    return ERR_OK;
}
