/* SPDX-License-Identifier: Apache-2.0
 *
 * Registered clients. */
#include "idp/store/internal.h"

#define CLIENTS_MAX 10000

static enum err client_from_row(struct arena *a, const struct db_row *row, struct client_row *c) {
    c->found = true;
    c->client_id = col_span(a, row, 0);
    c->metadata = col_span(a, row, 1);
    c->secret_hash = col_span(a, row, 2);
    c->is_enabled = col_int(row, 3) != 0;
    c->created_at = col_int(row, 4);
    return c->client_id.ptr && c->metadata.ptr ? ERR_OK : ERR_STORE;
}

static enum err client_row(struct arena *a, const struct db_row *row, void *ret) {
    return client_from_row(a, row, ret);
}

void store_client_find(struct batch *b, struct span client_id, struct client_row *ret) {
    struct op *op = BATCH_ADD(b, STMT_CLIENT_FIND, v_text(client_id));
    op->row = client_row;
    op->ret = ret;
}

void store_client_insert(struct batch *b, const struct client_row *row) {
    BATCH_ADD(b, STMT_CLIENT_INSERT, v_text(row->client_id), v_text(row->metadata),
              v_blob(row->secret_hash), v_int(row->is_enabled), v_int(row->created_at))
        ->refusal = ERR_EXISTS;
}

void store_client_set_enabled(struct batch *b, struct span client_id, bool is_enabled,
                              int64_t now) {
    BATCH_ADD(b, STMT_CLIENT_SET_ENABLED, v_text(client_id), v_int(is_enabled))->refusal =
        ERR_NOT_FOUND;
    if (!is_enabled)
        BATCH_ADD(b, STMT_CLIENT_REVOKE_GRANTS, v_text(client_id), v_int(now));
}

static enum err client_list_row(struct arena *a, const struct db_row *row, void *ret) {
    struct client_list *list = ret;
    struct client_row *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    return client_from_row(a, row, &list->item[list->count++]);
}

void store_client_list(struct batch *b, struct client_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_CLIENT_LIST, v_int(CLIENTS_MAX));
    op->row = client_list_row;
    op->ret = ret;
}
