/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch: statements of the SQL table with their parameters, run in order. One type serves both
 * directions: `load` builds a batch of reads, `write` one of conditional updates. Because a batch
 * is data, the engine decides how to run it: inline on a per-thread read connection (SQLite),
 * grouped into one commit by the writer, or stage by stage in PostgreSQL's pipeline mode.
 *
 * Only files of idp/store build batches from statements; everybody else calls store.h. */
#ifndef IDP_STORE_BATCH_H
#define IDP_STORE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define BATCH_OPS_MAX 24
#define OP_PARAMS_MAX 24

struct db_value {
    enum { DB_NULL = 0, DB_INT, DB_TEXT, DB_BYTES } kind;
    int64_t num;
    struct span bytes;
};

/* One row as the driver shows it: valid during the callback only. */
struct db_row {
    const struct db_value *col;
    size_t n_cols;
};

/* Called for each returned row, on the thread that runs the batch; copies what it keeps into `a`
 * (the requester is suspended, so its arena is free to use). */
typedef enum err db_row_fn(struct arena *a, const struct db_row *row, void *ret);

struct op {
    unsigned stmt; /* enum stmt of idp/store/sql.h */
    struct db_value
        *param; /* n_params of them, in the batch's arena: a request holds two batches */
    size_t n_params;
    db_row_fn *row; /* NULL: rows are ignored */
    void *ret;
    /* A gate: when the statement changed (or, for reads, returned) no row, the batch stops, all it
     * did is rolled back to its savepoint, and its result is `refusal`. ERR_OK: no gate. */
    enum err refusal;
    bool is_audit; /* the writer fills in sequence and chain hash just before it runs */
};

struct batch {
    struct arena *arena;
    struct op op[BATCH_OPS_MAX];
    size_t n;
    enum err build_err; /* sticky: no memory, or too many ops */
    bool has_deliveries; /* logout tokens to be delivered were added */
    enum err result;    /* after running: ERR_OK, a gate's refusal, or ERR_STORE */
    size_t failed_op;   /* index of the gate that refused */
};

#define BATCH_INIT(arena_) ((struct batch){.arena = (arena_)})

#endif
