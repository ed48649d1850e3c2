/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit: rows chained by hash, written in the transaction of what they tell of. */
#include "idp/store/internal.h"

#define AUDIT_TAIL_MAX 1000

void store_audit(struct batch *b, const struct audit_event *e) {
    /* Sequence and hash are the writer's to fill in. */
    struct op *op =
        BATCH_ADD(b, STMT_AUDIT_INSERT, v_int(0), v_int(e->at), v_text(span_of(e->event)),
                  v_text(e->actor), v_text(e->target), v_text(e->client_id), v_text(e->address),
                  v_text(e->request_id), v_text(e->detail), v_blob(SPAN_NONE));
    op->is_audit = true;
}

static enum err audit_row(struct arena *a, const struct db_row *row, void *ret) {
    struct audit_list *list = ret;
    struct audit_row *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    struct span event = col_span(a, row, 2);
    list->item[list->count++] = (struct audit_row){
        .seq = col_int(row, 0),
        .e = {.at = col_int(row, 1),
              .event = event.ptr ? event.ptr : "",
              .actor = col_span(a, row, 3),
              .target = col_span(a, row, 4),
              .client_id = col_span(a, row, 5),
              .address = col_span(a, row, 6),
              .request_id = col_span(a, row, 7),
              .detail = col_span(a, row, 8)},
        .hash = col_span(a, row, 9),
    };
    return ERR_OK;
}

void store_audit_tail(struct batch *b, int64_t after_seq, unsigned most, struct audit_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_AUDIT_TAIL, v_int(after_seq),
                              v_int(most < AUDIT_TAIL_MAX ? most : AUDIT_TAIL_MAX));
    op->row = audit_row;
    op->ret = ret;
}

void store_audit_newest(struct batch *b, unsigned most, struct audit_list *ret) {
    struct op *op =
        BATCH_ADD(b, STMT_AUDIT_NEWEST, v_int(most < AUDIT_TAIL_MAX ? most : AUDIT_TAIL_MAX));
    op->row = audit_row;
    op->ret = ret;
}
