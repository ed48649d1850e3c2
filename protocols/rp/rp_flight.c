/* SPDX-License-Identifier: Apache-2.0
 *
 * One fetch at a time, whose result all share who came while it ran; and only so many, so that
 * neither a provider that is down nor tokens with invented key ids make us hammer it (U09). */
#include <time.h>

#include "base/clock.h"
#include "protocols/rp/rp_internal.h"

void rp_flight_init(struct rp_flight *f, unsigned seconds_between) {
    pthread_condattr_t attributes;
    *f = (struct rp_flight){
        .result = ERR_UNAVAILABLE,
        .budget = RP_FETCH_BURST,
        .per_second = 1.0 / seconds_between,
        .refilled_us = clock_mono_us(),
    };
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&f->landed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void rp_flight_done(struct rp_flight *f) {
    pthread_cond_destroy(&f->landed);
    pthread_mutex_destroy(&f->lock);
}

static bool budget_take(struct rp_flight *f) {
    int64_t now = clock_mono_us();
    f->budget += (double)(now - f->refilled_us) / 1e6 * f->per_second;
    f->refilled_us = now;
    if (f->budget > RP_FETCH_BURST)
        f->budget = RP_FETCH_BURST;
    if (f->budget < 1)
        return false;
    f->budget -= 1;
    return true;
}

static int64_t lost_at_us(const struct rp_flight *f) {
    return f->began_us + RP_FLIGHT_SECONDS * INT64_C(1000000);
}

enum err rp_flight_begin(struct rp_flight *f, unsigned *ret_turn, bool *ret_is_joined) {
    enum err e = ERR_OK;
    pthread_mutex_lock(&f->lock);
    bool is_joined = f->is_flying && clock_mono_us() < lost_at_us(f);
    if (!is_joined && budget_take(f)) {
        f->is_flying = true;
        f->began_us = clock_mono_us();
        f->turn++;
    } else if (!is_joined) {
        e = ERR_BUSY;
    }
    *ret_turn = f->turn;
    *ret_is_joined = is_joined;
    pthread_mutex_unlock(&f->lock);
    return e;
}

bool rp_flight_went_well(struct rp_flight *f, unsigned turn) {
    pthread_mutex_lock(&f->lock);
    bool good = turn && f->good_turn == turn;
    pthread_mutex_unlock(&f->lock);
    return good;
}

void rp_flight_end(struct rp_flight *f, unsigned turn, enum err result) {
    pthread_mutex_lock(&f->lock);
    if (f->turn == turn) { /* else it was given up for lost, and another began */
        f->is_flying = false;
        f->result = result;
        if (!result)
            f->good_turn = turn;
        pthread_cond_broadcast(&f->landed);
    }
    pthread_mutex_unlock(&f->lock);
}

enum err rp_flight_wait(struct rp_flight *f, unsigned turn) {
    int timed_out = 0;
    pthread_mutex_lock(&f->lock);
    int64_t until_us = lost_at_us(f);
    const struct timespec until = {.tv_sec = until_us / 1000000,
                                   .tv_nsec = until_us % 1000000 * 1000};
    while (f->is_flying && f->turn == turn && !timed_out)
        timed_out = pthread_cond_timedwait(&f->landed, &f->lock, &until);
    enum err e = timed_out ? ERR_UNAVAILABLE : f->result;
    pthread_mutex_unlock(&f->lock);
    return e;
}
