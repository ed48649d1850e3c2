/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that registered themselves, and the tokens of staff that let them. */
#include "idp/store/internal.h"

static struct db_value v_hash(const unsigned char hash[TOKEN_HASH_BYTES]) {
    return v_bytes(hash, TOKEN_HASH_BYTES);
}

/* ---- initial access tokens ---- */

static enum err initial_token_from_row(struct arena *a, const struct db_row *row,
                                       struct initial_token *t) {
    t->found = true;
    t->id = col_span(a, row, 0);
    t->label = col_span(a, row, 1);
    t->uses_left = col_int(row, 2);
    t->created_at = col_int(row, 3);
    t->expires_at = col_int(row, 4);
    return t->id.ptr && t->label.ptr ? ERR_OK : ERR_STORE;
}

static enum err initial_token_row(struct arena *a, const struct db_row *row, void *ret) {
    return initial_token_from_row(a, row, ret);
}

static enum err initial_token_list_row(struct arena *a, const struct db_row *row, void *ret) {
    struct initial_token_list *list = ret;
    struct initial_token *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    return initial_token_from_row(a, row, &list->item[list->count++]);
}

void store_initial_token_insert(struct batch *b, const struct initial_token *t,
                                const unsigned char hash[TOKEN_HASH_BYTES]) {
    BATCH_ADD(b, STMT_INITIAL_TOKEN_INSERT, v_text(t->id), v_text(t->label), v_hash(hash),
              v_int(t->uses_left), v_int(t->created_at), v_int(t->expires_at))
        ->refusal = ERR_EXISTS;
}

void store_initial_token_find(struct batch *b, const unsigned char hash[TOKEN_HASH_BYTES],
                              int64_t now, struct initial_token *ret) {
    struct op *op = BATCH_ADD(b, STMT_INITIAL_TOKEN_FIND, v_hash(hash), v_int(now));
    op->row = initial_token_row;
    op->ret = ret;
}

void store_initial_token_take(struct batch *b, const unsigned char hash[TOKEN_HASH_BYTES],
                              int64_t now) {
    BATCH_ADD(b, STMT_INITIAL_TOKEN_TAKE, v_hash(hash), v_int(now))->refusal = ERR_REFUSED;
}

void store_initial_token_list(struct batch *b, struct initial_token_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_INITIAL_TOKEN_LIST, v_int(INITIAL_TOKENS_MAX));
    op->row = initial_token_list_row;
    op->ret = ret;
}

void store_initial_token_delete(struct batch *b, struct span id) {
    BATCH_ADD(b, STMT_INITIAL_TOKEN_DELETE, v_text(id))->refusal = ERR_NOT_FOUND;
}

/* ---- registrations ---- */

void store_registration_insert(struct batch *b, struct span client_id,
                               const unsigned char token_hash[TOKEN_HASH_BYTES]) {
    BATCH_ADD(b, STMT_REGISTRATION_INSERT, v_text(client_id), v_hash(token_hash))->refusal =
        ERR_EXISTS;
}

static enum err registration_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    struct registration_row *r = ret;
    r->found = true;
    return col_bytes(row, 0, r->token_hash, TOKEN_HASH_BYTES);
}

void store_registration_find(struct batch *b, struct span client_id, struct registration_row *ret) {
    struct op *op = BATCH_ADD(b, STMT_REGISTRATION_FIND, v_text(client_id));
    op->row = registration_row;
    op->ret = ret;
}
