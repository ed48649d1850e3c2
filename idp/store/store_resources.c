/* SPDX-License-Identifier: Apache-2.0
 *
 * Registered resources. */
#include "idp/resource.h"
#include "idp/store/internal.h"

static enum err resource_list_row(struct arena *a, const struct db_row *row, void *ret) {
    struct resource_rows *list = ret;
    struct resource_row *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    item = &list->item[list->count++];
    item->identifier = col_span(a, row, 0);
    item->metadata = col_span(a, row, 1);
    item->is_enabled = col_int(row, 2) != 0;
    item->created_at = col_int(row, 3);
    return item->identifier.ptr && item->metadata.ptr ? ERR_OK : ERR_STORE;
}

void store_resource_list(struct batch *b, struct resource_rows *ret) {
    struct op *op = BATCH_ADD(b, STMT_RESOURCE_LIST, v_int(RESOURCES_MAX));
    op->row = resource_list_row;
    op->ret = ret;
}

void store_resource_insert(struct batch *b, const struct resource_row *row) {
    BATCH_ADD(b, STMT_RESOURCE_INSERT, v_text(row->identifier), v_text(row->metadata),
              v_int(row->is_enabled), v_int(row->created_at))
        ->refusal = ERR_EXISTS;
}

void store_resource_update(struct batch *b, struct span identifier, struct span metadata) {
    BATCH_ADD(b, STMT_RESOURCE_UPDATE, v_text(identifier), v_text(metadata))->refusal =
        ERR_NOT_FOUND;
}

void store_resource_set_enabled(struct batch *b, struct span identifier, bool is_enabled) {
    BATCH_ADD(b, STMT_RESOURCE_SET_ENABLED, v_text(identifier), v_int(is_enabled))->refusal =
        ERR_NOT_FOUND;
}
