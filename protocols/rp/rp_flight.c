/* SPDX-License-Identifier: Apache-2.0
 *
 * One fetch at a time, whose result all share who came while it ran; and only so many, so that
 * neither a provider that is down nor tokens with invented key ids make us hammer it (U09). */
#include "base/clock.h"
#include "protocols/rp/rp_internal.h"

void rp_flight_init(struct rp_flight *f, unsigned seconds_between) {
    *f = (struct rp_flight){
        .budget = RP_FETCH_BURST,
        .per_second = 1.0 / seconds_between,
        .refilled_us = clock_mono_us(),
    };
    pthread_mutex_init(&f->flying, NULL);
}

void rp_flight_done(struct rp_flight *f) {
    pthread_mutex_destroy(&f->flying);
}

unsigned rp_flight_seen(struct rp_flight *f) {
    return atomic_load(&f->ended);
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

enum err rp_flight_run(struct rp_flight *f, unsigned seen, enum err (*fetch)(struct rp *),
                       struct rp *rp) {
    enum err e = ERR_BUSY;
    pthread_mutex_lock(&f->flying);
    if (atomic_load(&f->ended) != seen) {
        e = f->result;
    } else if (budget_take(f)) {
        e = f->result = fetch(rp);
        atomic_fetch_add(&f->ended, 1);
    }
    pthread_mutex_unlock(&f->flying);
    return e;
}
