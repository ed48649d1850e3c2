/* SPDX-License-Identifier: Apache-2.0
 *
 * Registered clients. */
#include "base/json.h"
#include "idp/client_metadata.h"
#include "idp/store/internal.h"

#define CLIENTS_MAX 10000

/* A client comes as a row for each of its secrets. */
static enum err add_row(struct arena *a, const struct db_row *row, struct client_row *c) {
    if (!c->found) {
        c->found = true;
        c->client_id = col_span(a, row, 0);
        c->metadata = col_span(a, row, 1);
        c->is_enabled = col_int(row, 2) != 0;
        c->created_at = col_int(row, 3);
    }
    if (!c->client_id.ptr || !c->metadata.ptr)
        return ERR_STORE;
    if (row->col[4].kind == DB_NULL)
        return ERR_OK;
    if (c->n_secrets == CLIENT_SECRETS_MAX)
        return ERR_STORE;
    struct client_secret *s = &c->secret[c->n_secrets++];
    s->created_at = col_int(row, 5);
    s->expires_at = col_int(row, 6);
    s->last_used_at = col_int(row, 7);
    return col_bytes(row, 4, s->hash, sizeof s->hash);
}

static enum err client_row(struct arena *a, const struct db_row *row, void *ret) {
    return add_row(a, row, ret);
}

void store_client_find(struct batch *b, struct span client_id, struct client_row *ret) {
    struct op *op = BATCH_ADD(b, STMT_CLIENT_FIND, v_text(client_id));
    op->row = client_row;
    op->ret = ret;
}

/* Whether it is to be told when sessions end. What cannot be read may want to be. */
static bool hears_logout(struct span metadata) {
    AUTO_JSON json_t *m = NULL;
    return json_parse_object(metadata, CLIENT_METADATA_MAX, &m) ||
           json_str(m, "backchannel_logout_uri").len;
}

static void insert_secret(struct batch *b, struct span client_id, bool is_newest,
                          const struct client_secret *s) {
    BATCH_ADD(b, STMT_CLIENT_SECRET_INSERT, v_text(client_id), v_int(is_newest),
              v_bytes(s->hash, sizeof s->hash), v_int(s->created_at), v_int(s->expires_at),
              v_int(s->last_used_at));
}

void store_client_insert(struct batch *b, const struct client_row *row) {
    BATCH_ADD(b, STMT_CLIENT_INSERT, v_text(row->client_id), v_text(row->metadata),
              v_int(row->is_enabled), v_int(row->created_at), v_int(hears_logout(row->metadata)))
        ->refusal = ERR_EXISTS;
    for (size_t i = 0; i < row->n_secrets; i++)
        insert_secret(b, row->client_id, i == 0, &row->secret[i]);
}

void store_client_set_enabled(struct batch *b, struct span client_id, bool is_enabled,
                              int64_t now) {
    BATCH_ADD(b, STMT_CLIENT_SET_ENABLED, v_text(client_id), v_int(is_enabled))->refusal =
        ERR_NOT_FOUND;
    if (!is_enabled)
        BATCH_ADD(b, STMT_CLIENT_REVOKE_GRANTS, v_text(client_id), v_int(now));
}

void store_client_secret_rotate(struct batch *b, struct span client_id,
                                const struct client_secret *fresh, int64_t old_ends_at) {
    BATCH_ADD(b, STMT_CLIENT_SECRET_DELETE_OLD, v_text(client_id));
    BATCH_ADD(b, STMT_CLIENT_SECRET_MAKE_OLD, v_text(client_id), v_int(old_ends_at))->refusal =
        ERR_NOT_FOUND;
    insert_secret(b, client_id, true, fresh);
}

void store_client_secret_drop(struct batch *b, struct span client_id) {
    BATCH_ADD(b, STMT_CLIENT_SECRET_DELETE_OLD, v_text(client_id))->refusal = ERR_NOT_FOUND;
}

void store_client_secret_touch(struct batch *b, const unsigned char hash[CLIENT_SECRET_HASH_BYTES],
                               int64_t last_used_at) {
    BATCH_ADD(b, STMT_CLIENT_SECRET_TOUCH, v_bytes(hash, CLIENT_SECRET_HASH_BYTES),
              v_int(last_used_at));
}

void store_client_replace(struct batch *b, struct span client_id, struct span metadata,
                          const struct client_secret *secret) {
    BATCH_ADD(b, STMT_CLIENT_REPLACE, v_text(client_id), v_text(metadata),
              v_int(hears_logout(metadata)))
        ->refusal = ERR_NOT_FOUND;
    if (secret)
        insert_secret(b, client_id, true, secret);
}

void store_client_delete(struct batch *b, struct span client_id, int64_t now) {
    BATCH_ADD(b, STMT_CLIENT_DELETE, v_text(client_id))->refusal = ERR_NOT_FOUND;
    BATCH_ADD(b, STMT_CLIENT_REVOKE_GRANTS, v_text(client_id), v_int(now));
    BATCH_ADD(b, STMT_CLIENT_SECRET_DELETE_ALL, v_text(client_id));
    BATCH_ADD(b, STMT_REGISTRATION_DELETE, v_text(client_id));
    BATCH_ADD(b, STMT_CONSENT_DELETE_CLIENT, v_text(client_id));
}

static enum err client_list_row(struct arena *a, const struct db_row *row, void *ret) {
    struct client_list *list = ret;
    if (list->count) {
        struct client_row *last = &list->item[list->count - 1];
        if (span_eq(last->client_id, row->col[0].bytes))
            return add_row(a, row, last);
    }
    struct client_row *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    return add_row(a, row, &list->item[list->count++]);
}

void store_client_list(struct batch *b, struct client_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_CLIENT_LIST, v_int(CLIENTS_MAX * CLIENT_SECRETS_MAX));
    op->row = client_list_row;
    op->ret = ret;
}
