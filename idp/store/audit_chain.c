/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashing audit rows into a chain; see audit_chain.h. */
#include "idp/store/audit_chain.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "idp/store/internal.h"

#define AUDIT_ROW_MAX  65536
#define AUDIT_FIELDS   9 /* before the hash, in the order of the columns */
#define AUDIT_ENCODING 1

static void encode(const struct db_value field[AUDIT_FIELDS], struct buf *out) {
    buf_add_u32(out, AUDIT_ENCODING);
    for (size_t i = 0; i < AUDIT_FIELDS; i++) {
        buf_add_u8(out, (uint8_t)field[i].kind);
        if (field[i].kind == DB_INT)
            buf_add_u64(out, (uint64_t)field[i].num);
        else if (field[i].kind != DB_NULL)
            buf_add_block(out, field[i].bytes);
    }
}

static enum err hash_fields(const unsigned char previous[AUDIT_HASH_BYTES],
                            const struct db_value field[AUDIT_FIELDS],
                            unsigned char ret_hash[AUDIT_HASH_BYTES]) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(AUDIT_ROW_MAX);
    buf_add(&text, previous, AUDIT_HASH_BYTES);
    encode(field, &text);
    enum err e = buf_err(&text);
    if (e)
        return e;
    sha256(buf_span(&text), ret_hash);
    return ERR_OK;
}

enum err audit_chain_add(struct audit_chain *c, struct op *op, struct arena *a) {
    struct audit_chain next = {.seq = c->seq + 1};
    op->param[0] = v_int(next.seq);
    enum err e = hash_fields(c->hash, op->param, next.hash);
    if (e)
        return e;
    struct span hash = arena_dup(a, span_bytes(next.hash, AUDIT_HASH_BYTES));
    if (!hash.ptr)
        return ERR_NOMEM;
    op->param[AUDIT_FIELDS] = v_blob(hash);
    *c = next;
    return ERR_OK;
}

enum err store_audit_hash(const unsigned char previous[AUDIT_HASH_BYTES],
                          const struct audit_row *row, unsigned char ret_hash[AUDIT_HASH_BYTES]) {
    const struct db_value field[AUDIT_FIELDS] = {
        v_int(row->seq),        v_int(row->e.at),          v_text(span_of(row->e.event)),
        v_text(row->e.actor),   v_text(row->e.target),     v_text(row->e.client_id),
        v_text(row->e.address), v_text(row->e.request_id), v_text(row->e.detail),
    };
    return hash_fields(previous, field, ret_hash);
}

static enum err chain_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    struct audit_chain *c = ret;
    c->seq = col_int(row, 0);
    return col_bytes(row, 1, c->hash, AUDIT_HASH_BYTES);
}

enum err audit_chain_load(const struct db_driver *driver, struct db_conn *conn,
                          struct audit_chain *ret_chain) {
    struct audit_chain c = {0};
    const struct op last = {.stmt = STMT_AUDIT_LAST, .row = chain_row, .ret = &c};
    CLEANUP(arena_done) struct arena a = ARENA_INIT(4096);
    int64_t rows;
    enum err e = driver->run(conn, &last, &a, &rows);
    if (!e)
        *ret_chain = c;
    return e;
}
