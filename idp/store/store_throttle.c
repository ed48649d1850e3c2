/* SPDX-License-Identifier: Apache-2.0
 *
 * Throttle counters. One statement counts an attempt and says whether it may be judged, so that
 * guesses that arrive together are told apart; the rule itself is in sql.tbl.h. */
#include "idp/store/internal.h"

static struct db_value v_throttle(const struct throttle_key *key) {
    return v_bytes(key->b, THROTTLE_KEY_BYTES);
}

static enum err throttle_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    struct throttle_state *s = ret;
    if (!s)
        return ERR_OK;
    s->found = true;
    s->failures = col_int(row, 0);
    s->blocked_until = col_int(row, 1);
    return ERR_OK;
}

void store_throttle_take(struct batch *b, const struct throttle_limit *l, int64_t now,
                         struct throttle_state *ret) {
    struct op *op =
        BATCH_ADD(b, STMT_THROTTLE_TAKE, v_throttle(&l->key), v_int(now), v_int(l->free_failures),
                  v_int(l->base_seconds), v_int(l->max_seconds), v_int(l->hard_failures),
                  v_int(l->memory_seconds));
    op->refusal = ERR_BUSY;
    op->row = throttle_row;
    op->ret = ret;
}

void store_throttle_find(struct batch *b, const struct throttle_key *key,
                         struct throttle_state *ret) {
    struct op *op = BATCH_ADD(b, STMT_THROTTLE_FIND, v_throttle(key));
    op->row = throttle_row;
    op->ret = ret;
}

void store_throttle_clear(struct batch *b, const struct throttle_key *key) {
    BATCH_ADD(b, STMT_THROTTLE_CLEAR, v_throttle(key));
}

void store_throttle_give_back(struct batch *b, const struct throttle_limit *l) {
    BATCH_ADD(b, STMT_THROTTLE_GIVE_BACK, v_throttle(&l->key), v_int(l->free_failures));
}
