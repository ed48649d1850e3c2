/* SPDX-License-Identifier: Apache-2.0
 *
 * Building and running batches; see batch.h and internal.h. */
#include <assert.h>
#include <string.h>

#include "idp/store/internal.h"

static struct db_value value_copy(struct batch *b, struct db_value v) {
    if (v.kind == DB_TEXT || v.kind == DB_BYTES) {
        v.bytes = arena_dup(b->arena, v.bytes.ptr ? v.bytes : SPAN(""));
        if (!v.bytes.ptr)
            b->build_err = ERR_NOMEM;
    }
    return v;
}

/* SQLite would take a text for a number; PostgreSQL is told the types of the table and would not.
 */
static bool types_match(enum stmt stmt, const struct db_value *params, size_t n) {
    static const char letter[] = {[DB_INT] = 'i', [DB_TEXT] = 't', [DB_BYTES] = 'b'};
    const char *types = sql_table[stmt].types;
    if (strlen(types) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (params[i].kind != DB_NULL && letter[params[i].kind] != types[i])
            return false;
    return true;
}

static void params_copy(struct batch *b, struct op *op, const struct db_value *params, size_t n) {
    op->param = n ? arena_alloc(b->arena, n * sizeof *params) : NULL;
    if (n && !op->param) {
        b->build_err = ERR_NOMEM;
        return;
    }
    op->n_params = n;
    for (size_t i = 0; i < n; i++)
        op->param[i] = value_copy(b, params[i]);
}

struct op *batch_add(struct batch *b, enum stmt stmt, const struct db_value *params, size_t n) {
    static _Thread_local struct op scratch;
    assert(n <= OP_PARAMS_MAX && types_match(stmt, params, n));
    struct op *op = &scratch;
    if (b->n < BATCH_OPS_MAX)
        op = &b->op[b->n++];
    else
        b->build_err = ERR_TOO_LONG;
    *op = (struct op){.stmt = stmt};
    params_copy(b, op, params, n);
    return op;
}

/* The requester is not told why the engine could not: ERR_BUSY is a gate's answer. */
static enum err run_op(const struct db_driver *driver, struct db_conn *conn, const struct op *op,
                       struct arena *a, int64_t *ret_rows) {
    enum err e = driver->run(conn, op, a, ret_rows);
    return e == ERR_BUSY ? ERR_STORE : e;
}

enum err batch_run(const struct db_driver *driver, struct db_conn *conn, struct batch *b,
                   enum err (*before)(void *ctx, struct op *op, struct arena *a), void *ctx) {
    b->result = b->build_err;
    for (size_t i = 0; !b->result && i < b->n; i++) {
        struct op *op = &b->op[i];
        int64_t rows = 0;
        if (before)
            b->result = before(ctx, op, b->arena);
        if (!b->result)
            b->result = run_op(driver, conn, op, b->arena, &rows);
        if (!b->result && op->refusal && rows == 0)
            b->result = op->refusal;
        b->failed_op = i;
    }
    return b->result;
}

struct span col_span(struct arena *a, const struct db_row *row, size_t i) {
    if (i >= row->n_cols || (row->col[i].kind != DB_TEXT && row->col[i].kind != DB_BYTES))
        return SPAN_NONE;
    return arena_dup(a, row->col[i].bytes);
}

enum err col_bytes(const struct db_row *row, size_t i, void *out, size_t len) {
    if (i >= row->n_cols || row->col[i].kind != DB_BYTES || row->col[i].bytes.len != len)
        return ERR_STORE;
    memcpy(out, row->col[i].bytes.ptr, len);
    return ERR_OK;
}

enum err col_actor(const struct db_row *row, size_t i, bool *ret_has_actor,
                   struct user_id *ret_actor) {
    *ret_has_actor = i < row->n_cols && row->col[i].kind != DB_NULL;
    return *ret_has_actor ? col_bytes(row, i, ret_actor->b, USER_ID_BYTES) : ERR_OK;
}

/* Doubling, so that a list costs its length; the count itself says when an array is full. */
void *list_grow(struct arena *a, void *items, size_t count, size_t size) {
    bool full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8, ... */
    if (!full)
        return items;
    void *grown = arena_alloc(a, (count ? 2 * count : 1) * size);
    if (grown && count)
        memcpy(grown, items, count * size);
    return grown;
}

/* ---- dry runs ---- */

void store_dry_run(struct batch *b) {
    BATCH_ADD0(b, STMT_NOTHING)->refusal = ERR_REFUSED;
}

bool store_dry_run_passed(const struct batch *b) {
    return b->result == ERR_REFUSED && b->failed_op + 1 == b->n;
}
