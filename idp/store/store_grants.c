/* SPDX-License-Identifier: Apache-2.0
 *
 * Grants: consumed codes and their refresh tokens. */
#include "idp/store/internal.h"

static struct db_value v_grant(const struct grant_key *key) {
    return v_bytes(key->b, GRANT_KEY_BYTES);
}

static struct db_value v_person(const struct user_id *id) {
    return v_bytes(id->b, USER_ID_BYTES);
}

void store_grant_consume_code(struct batch *b, const struct grant *g) {
    BATCH_ADD(b, STMT_GRANT_NOT_THERE, v_grant(&g->key))->refusal = ERR_REPLAYED;
    BATCH_ADD(b, STMT_GRANT_INSERT, v_grant(&g->key), v_person(&g->user_id),
              v_bytes(g->session_key.b, SESSION_KEY_BYTES), v_text(g->client_id), v_text(g->scope),
              v_text(g->claims), v_text(g->acr), v_int(g->amr), v_int(g->auth_time),
              v_int(g->is_offline), v_int(g->has_refresh), v_int(g->generation),
              v_bytes(g->salt, GRANT_SALT_BYTES), v_int(g->rotated_at), v_int(g->issued_at),
              v_int(g->idle_expires_at), v_int(g->expires_at), v_text(g->resource))
        ->refusal = ERR_REFUSED;
}

static enum err grant_row(struct arena *a, const struct db_row *row, void *ret) {
    struct grant *g = ret;
    enum err e = col_bytes(row, 0, g->key.b, GRANT_KEY_BYTES);
    if (!e)
        e = col_bytes(row, 1, g->user_id.b, USER_ID_BYTES);
    if (!e)
        e = col_bytes(row, 2, g->session_key.b, SESSION_KEY_BYTES);
    if (!e)
        e = col_bytes(row, 12, g->salt, GRANT_SALT_BYTES);
    if (e)
        return e;
    g->found = true;
    g->has_session = true;
    g->client_id = col_span(a, row, 3);
    g->scope = col_span(a, row, 4);
    g->claims = col_span(a, row, 5);
    g->acr = col_span(a, row, 6);
    g->amr = (unsigned)col_int(row, 7);
    g->auth_time = col_int(row, 8);
    g->is_offline = col_int(row, 9) != 0;
    g->has_refresh = col_int(row, 10) != 0;
    g->generation = col_int(row, 11);
    g->rotated_at = col_int(row, 13);
    g->issued_at = col_int(row, 14);
    g->idle_expires_at = col_int(row, 15);
    g->expires_at = col_int(row, 16);
    g->revoked_at = col_int(row, 17);
    g->user_status = (enum user_status)col_int(row, 18);
    g->resource = col_span(a, row, 20);
    e = col_bytes(row, 21, g->sid_key.b, SESSION_KEY_BYTES);
    g->session_live = row->col[19].kind == DB_INT && col_int(row, 19) == 0;
    return e ? e : col_actor(row, 22, &g->has_actor, &g->actor);
}

void store_grant_find(struct batch *b, const struct grant_key *key, struct grant *ret) {
    struct op *op = BATCH_ADD(b, STMT_GRANT_FIND, v_grant(key));
    op->row = grant_row;
    op->ret = ret;
}

void store_grant_rotate(struct batch *b, const struct grant_key *key, int64_t generation,
                        int64_t now, int64_t idle_expires_at) {
    BATCH_ADD(b, STMT_GRANT_ROTATE, v_grant(key), v_int(generation), v_int(now),
              v_int(idle_expires_at))
        ->refusal = ERR_REPLAYED;
}

void store_grant_revoke(struct batch *b, const struct grant_key *key, int64_t now) {
    BATCH_ADD(b, STMT_GRANT_REVOKE, v_grant(key), v_int(now));
}

static enum err grant_list_row(struct arena *a, const struct db_row *row, void *ret) {
    struct grant_list *list = ret;
    struct grant *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    struct grant *g = &list->item[list->count++];
    *g = (struct grant){
        .found = true, .client_id = col_span(a, row, 0), .issued_at = col_int(row, 1)};
    return ERR_OK;
}

void store_grant_list_session(struct batch *b, const struct session_key *key,
                              struct grant_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_GRANT_LIST_SESSION, v_bytes(key->b, SESSION_KEY_BYTES));
    op->row = grant_list_row;
    op->ret = ret;
}
