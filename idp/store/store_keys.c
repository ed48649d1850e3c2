/* SPDX-License-Identifier: Apache-2.0
 *
 * Wrapped keys and their states. */
#include "base/cleanup.h"
#include "idp/store/internal.h"

static const char *const state_names[] = {
    [KEY_NEXT] = "next",       [KEY_ACTIVE] = "active",   [KEY_RETIRING] = "retiring",
    [KEY_RETIRED] = "retired", [KEY_REVOKED] = "revoked",
};

const char *key_state_name(enum key_state st) {
    return st >= KEY_NEXT && (size_t)st < ARRAY_LEN(state_names) ? state_names[st] : "unknown";
}

static enum err key_row(struct arena *a, const struct db_row *row, void *ret) {
    struct key_list *list = ret;
    struct key_row *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    list->item[list->count++] = (struct key_row){
        .kid = col_span(a, row, 0),
        .use = key_use_find(col_span(a, row, 1)),
        .alg = col_span(a, row, 2),
        .state = (enum key_state)col_int(row, 3),
        .wrapped = col_span(a, row, 4),
        .public_jwk = col_span(a, row, 5),
        .created_at = col_int(row, 6),
        .activated_at = col_int(row, 7),
        .retiring_at = col_int(row, 8),
        .expires_at = col_int(row, 9),
    };
    return ERR_OK;
}

void store_key_list(struct batch *b, struct key_list *ret) {
    struct op *op = BATCH_ADD0(b, STMT_KEY_LIST);
    op->row = key_row;
    op->ret = ret;
}

void store_key_insert(struct batch *b, const struct key_row *k) {
    BATCH_ADD(b, STMT_KEY_INSERT, v_text(k->kid), v_text(span_of(key_use_name(k->use))),
              v_text(k->alg), v_int(k->state), v_blob(k->wrapped), v_text(k->public_jwk),
              v_int(k->created_at), v_int(k->activated_at), v_int(k->retiring_at),
              v_int(k->expires_at))
        ->refusal = ERR_EXISTS;
}

void store_key_move(struct batch *b, struct span kid, enum key_state from, enum key_state to,
                    int64_t now, int64_t expires_at) {
    struct op *op = to == KEY_ACTIVE ? BATCH_ADD(b, STMT_KEY_ACTIVATE, v_text(kid), v_int(from),
                                                 v_int(to), v_int(now))
                                     : BATCH_ADD(b, STMT_KEY_MOVE, v_text(kid), v_int(from),
                                                 v_int(to), v_int(now), v_int(expires_at));
    op->refusal = ERR_REFUSED;
}
