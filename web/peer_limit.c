/* SPDX-License-Identifier: Apache-2.0
 *
 * How many connections one address (IPv6: one /64) may hold, so that nobody alone can take them
 * all (T04). A fixed array of counters by keyed hash: no lock, no allocation; two addresses may
 * share a counter, but nobody can choose with whom. */
#include <stdlib.h>

#include "web/server_internal.h"

#define SLOTS 8192 /* a power of two */

struct peer_limit {
    unsigned most;
    atomic_uint slot[SLOTS];
};

enum err peer_limit_new(unsigned most, struct peer_limit **ret_limit) {
    struct peer_limit *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->most = most;
    *ret_limit = l;
    return ERR_OK;
}

void peer_limit_free(struct peer_limit *l) {
    free(l);
}

bool peer_limit_take(struct peer_limit *l, uint64_t hash) {
    atomic_uint *slot = &l->slot[hash & (SLOTS - 1)];
    if (atomic_fetch_add_explicit(slot, 1, memory_order_relaxed) < l->most)
        return true;
    atomic_fetch_sub_explicit(slot, 1, memory_order_relaxed);
    return false;
}

void peer_limit_give(struct peer_limit *l, uint64_t hash) {
    atomic_fetch_sub_explicit(&l->slot[hash & (SLOTS - 1)], 1, memory_order_relaxed);
}
