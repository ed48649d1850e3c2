/* SPDX-License-Identifier: Apache-2.0
 *
 * What lives shortly: overflow of sealed values, one-time things, throttle counters. */
#include "idp/store/internal.h"

static enum err pending_row(struct arena *a, const struct db_row *row, void *ret) {
    struct pending *p = ret;
    p->found = true;
    p->sealed = col_span(a, row, 0);
    return ERR_OK;
}

void store_pending_insert(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], struct span sealed,
                          int64_t expires_at) {
    BATCH_ADD(b, STMT_PENDING_INSERT, v_bytes(key, PENDING_KEY_BYTES), v_blob(sealed), v_int(expires_at));
}

void store_pending_find(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t now,
                        struct pending *ret) {
    struct op *op = BATCH_ADD(b, STMT_PENDING_FIND, v_bytes(key, PENDING_KEY_BYTES), v_int(now));
    op->row = pending_row;
    op->ret = ret;
}

void store_once(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t expires_at) {
    BATCH_ADD(b, STMT_ONCE_INSERT, v_bytes(key, PENDING_KEY_BYTES), v_int(expires_at))->refusal =
        ERR_REPLAYED;
}

/* ---- throttle ---- */

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
    struct op *op = BATCH_ADD(b, STMT_THROTTLE_TAKE, v_throttle(&l->key), v_int(now),
                              v_int(l->free_failures), v_int(l->base_seconds), v_int(l->max_seconds),
                              v_int(l->hard_failures), v_int(l->memory_seconds));
    op->refusal = ERR_BUSY;
    op->row = throttle_row;
    op->ret = ret;
}

void store_throttle_find(struct batch *b, const struct throttle_key *key, struct throttle_state *ret) {
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
