/* SPDX-License-Identifier: Apache-2.0
 *
 * See client_all.h. */
#include "idp/client_all.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/client_metadata.h"
#include "idp/store/store.h"

#define ROWS_BYTES_MAX (256 * 1024 * 1024) /* all registered metadata, while it is read */

static enum err visit(const struct client_row *row, client_each_fn *each, void *context) {
    json_t *metadata;
    struct client client;
    if (!row->is_enabled || json_parse_object(row->metadata, CLIENT_METADATA_MAX, &metadata))
        return ERR_OK;
    if (client_from_metadata(metadata, row->is_enabled, row->secret, row->n_secrets, &client)) {
        json_decref(metadata);
        return ERR_OK;
    }
    enum err e = each(context, &client);
    client_done(&client);
    return e;
}

enum err client_all_each(struct store *store, client_each_fn *each, void *context) {
    CLEANUP(arena_done) struct arena rows = ARENA_INIT(ROWS_BYTES_MAX);
    struct store_reader *reader;
    enum err e = store_reader_open(store, &reader);
    if (e)
        return e;
    struct batch b = BATCH_INIT(&rows);
    struct client_list list = {0};
    store_client_list(&b, &list);
    e = store_read(reader, &b);
    store_reader_close(reader);
    for (size_t i = 0; i < list.count && !e; i++)
        e = visit(&list.item[i], each, context);
    return e;
}
