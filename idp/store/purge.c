/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletes what has expired, in transactions small enough not to hold up sign-ins: between two of
 * them the writer takes what waits. */
#include "base/cleanup.h"
#include "idp/store/internal.h"

static enum err count_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    (void)row;
    ++*(uint64_t *)ret;
    return ERR_OK;
}

static enum err purge_once(struct store *s, enum stmt stmt, int64_t now, unsigned most,
                           uint64_t *ret_deleted) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct batch b = BATCH_INIT(&a);
    uint64_t deleted = 0;
    struct op *op = BATCH_ADD(&b, stmt, v_int(now), v_int(most));
    op->row = count_row;
    op->ret = &deleted;
    enum err e = store_write_wait(s, &b);
    if (!e)
        *ret_deleted = deleted;
    return e;
}

enum err store_purge(struct store *s, int64_t now, unsigned most, uint64_t *ret_deleted) {
    static const enum stmt purges[] = {STMT_PURGE_SESSION, STMT_PURGE_GRANT, STMT_PURGE_PENDING,
                                       STMT_PURGE_ONCE, STMT_PURGE_THROTTLE,
                                       STMT_PURGE_UPSTREAM_SESSION, STMT_PURGE_LOGOUT};
    uint64_t total = 0;
    for (size_t i = 0; i < ARRAY_LEN(purges); i++) {
        uint64_t deleted = most;
        for (unsigned round = 0; deleted == most && round < STORE_PURGE_BATCHES; round++) {
            enum err e = purge_once(s, purges[i], now, most, &deleted);
            if (e)
                return e;
            total += deleted;
        }
    }
    *ret_deleted = total;
    return ERR_OK;
}
