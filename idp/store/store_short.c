/* SPDX-License-Identifier: Apache-2.0
 *
 * What lives shortly: overflow of sealed values, one-time things. */
#include "idp/store/internal.h"

static enum err pending_row(struct arena *a, const struct db_row *row, void *ret) {
    struct pending *p = ret;
    p->found = true;
    p->sealed = col_span(a, row, 0);
    return ERR_OK;
}

void store_pending_insert(struct batch *b, const unsigned char key[PENDING_KEY_BYTES],
                          struct span sealed, int64_t expires_at) {
    BATCH_ADD(b, STMT_PENDING_INSERT, v_bytes(key, PENDING_KEY_BYTES), v_blob(sealed),
              v_int(expires_at));
}

void store_pending_find(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t now,
                        struct pending *ret) {
    struct op *op = BATCH_ADD(b, STMT_PENDING_FIND, v_bytes(key, PENDING_KEY_BYTES), v_int(now));
    op->row = pending_row;
    op->ret = ret;
}

void store_pending_take(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t now,
                        struct pending *ret) {
    struct op *op = BATCH_ADD(b, STMT_PENDING_TAKE, v_bytes(key, PENDING_KEY_BYTES), v_int(now));
    op->row = pending_row;
    op->ret = ret;
    op->refusal = ERR_REPLAYED;
}

void store_once(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t expires_at) {
    BATCH_ADD(b, STMT_ONCE_INSERT, v_bytes(key, PENDING_KEY_BYTES), v_int(expires_at))->refusal =
        ERR_REPLAYED;
}

void store_token_revoke(struct batch *b, const unsigned char key[PENDING_KEY_BYTES],
                        int64_t expires_at) {
    store_once(b, key, expires_at);
}

static enum err found_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a, (void)row;
    *(bool *)ret = true;
    return ERR_OK;
}

void store_token_is_revoked(struct batch *b, const unsigned char key[PENDING_KEY_BYTES],
                            bool *ret_is_revoked) {
    struct op *op = BATCH_ADD(b, STMT_ONCE_FIND, v_bytes(key, PENDING_KEY_BYTES));
    op->row = found_row;
    op->ret = ret_is_revoked;
}
