/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts and their identifiers. */
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/store/internal.h"

static struct db_value v_user(const struct user_id *id) {
    return v_bytes(id->b, USER_ID_BYTES);
}

enum err user_from_row(struct arena *a, const struct db_row *row, size_t at, struct user *u) {
    enum err e = col_bytes(row, at, u->id.b, USER_ID_BYTES);
    if (e)
        return e;
    u->found = true;
    u->username = col_span(a, row, at + 1);
    u->type = (enum user_type)col_int(row, at + 2);
    u->status = (enum user_status)col_int(row, at + 3);
    u->ial = (int)col_int(row, at + 4);
    u->password_hash = col_span(a, row, at + 5);
    u->require_change = col_int(row, at + 6) != 0;
    u->claims = col_span(a, row, at + 7);
    u->identifiers = col_span(a, row, at + 8);
    u->created_at = col_int(row, at + 9);
    u->updated_at = col_int(row, at + 10);
    return ERR_OK;
}

static enum err user_row(struct arena *a, const struct db_row *row, void *ret) {
    return user_from_row(a, row, 0, ret);
}

static void read_user(struct op *op, struct user *ret) {
    op->row = user_row;
    op->ret = ret;
}

void store_user_by_name(struct batch *b, struct span username, struct user *ret) {
    read_user(BATCH_ADD(b, STMT_USER_BY_NAME, v_text(username)), ret);
}

void store_user_by_id(struct batch *b, const struct user_id *id, struct user *ret) {
    read_user(BATCH_ADD(b, STMT_USER_BY_ID, v_user(id)), ret);
}

void store_user_by_identifier(struct batch *b, const char *kind, struct span index,
                              struct user *ret) {
    read_user(BATCH_ADD(b, STMT_USER_BY_IDENTIFIER, v_text(span_of(kind)), v_blob(index)), ret);
}

void store_user_insert(struct batch *b, const struct user *u) {
    struct op *op = BATCH_ADD(b, STMT_USER_INSERT, v_user(&u->id), v_text(u->username),
                              v_int(u->type), v_int(u->status), v_int(u->ial),
                              v_text(u->password_hash), v_int(u->require_change), v_text(u->claims),
                              v_blob(u->identifiers), v_int(u->created_at), v_int(u->updated_at));
    op->refusal = ERR_EXISTS;
}

void store_identifier_insert(struct batch *b, const char *kind, struct span index,
                             const struct user_id *id) {
    struct op *op =
        BATCH_ADD(b, STMT_IDENTIFIER_INSERT, v_text(span_of(kind)), v_blob(index), v_user(id));
    op->refusal = ERR_EXISTS;
}

void store_identifier_delete(struct batch *b, const char *kind, struct span index,
                             const struct user_id *id) {
    BATCH_ADD(b, STMT_IDENTIFIER_DELETE, v_text(span_of(kind)), v_blob(index), v_user(id));
}

void store_user_unchanged(struct batch *b, const struct user *u) {
    struct op *op = BATCH_ADD(b, STMT_USER_UNCHANGED, v_user(&u->id), v_text(u->password_hash));
    op->refusal = ERR_REFUSED;
}

void store_user_set_password(struct batch *b, const struct user_id *id, struct span hash,
                             bool require_change, int64_t now) {
    struct op *op = BATCH_ADD(b, STMT_USER_SET_PASSWORD, v_user(id), v_text(hash),
                              v_int(require_change), v_int(now));
    op->refusal = ERR_NOT_FOUND;
}

void store_user_upgrade_hash(struct batch *b, const struct user_id *id, struct span old_hash,
                             struct span new_hash, int64_t now) {
    BATCH_ADD(b, STMT_USER_UPGRADE_HASH, v_user(id), v_text(old_hash), v_text(new_hash),
              v_int(now));
}

#define ERASED_NAME_SIZE (8 + 2 * USER_ID_BYTES + 1)

/* The name is given up, but not to a later account by chance: it becomes one that cannot be typed.
 */
static void erased_name(const struct user_id *id, char name[ERASED_NAME_SIZE]) {
    memcpy(name, "erased: ", 8);
    hex_encode(id->b, USER_ID_BYTES, name + 8);
}

static void erase(struct batch *b, const struct user_id *id, int64_t now) {
    char name[ERASED_NAME_SIZE];
    erased_name(id, name);
    BATCH_ADD(b, STMT_USER_ERASE, v_user(id), v_text(span_of(name)), v_int(now))->refusal =
        ERR_NOT_FOUND;
    BATCH_ADD(b, STMT_IDENTIFIER_DELETE_USER, v_user(id));
    BATCH_ADD(b, STMT_CONSENT_DELETE_USER, v_user(id));
    BATCH_ADD(b, STMT_LINK_DELETE_USER, v_user(id));
    BATCH_ADD(b, STMT_REPRESENTATION_DELETE_USER, v_user(id));
    BATCH_ADD(b, STMT_HISTORY_DELETE_USER, v_user(id));
}

void store_user_set_status(struct batch *b, const struct user_id *id, enum user_status status,
                           int64_t now) {
    if (status == USER_ERASED)
        erase(b, id, now);
    else
        BATCH_ADD(b, STMT_USER_SET_STATUS, v_user(id), v_int(status), v_int(now))->refusal =
            ERR_NOT_FOUND;
}

void store_user_end_all(struct batch *b, const struct user_id *id, const struct session_key *except,
                        int64_t now) {
    static const struct session_key nobody;
    const struct session_key *keep = except ? except : &nobody;
    store_logout_add_user(b, id, keep, now);
    BATCH_ADD(b, STMT_USER_END_SESSIONS, v_user(id), v_bytes(keep->b, SESSION_KEY_BYTES),
              v_int(now));
    BATCH_ADD(b, STMT_USER_REVOKE_GRANTS, v_user(id), v_int(now));
    BATCH_ADD(b, STMT_UPSTREAM_SESSION_DELETE_USER, v_user(id));
}

void store_user_refresh(struct batch *b, const struct user_id *id, struct span claims,
                        struct span identifiers, int ial, int64_t as_of, int64_t now) {
    BATCH_ADD(b, STMT_USER_REFRESH, v_user(id), v_text(claims), v_blob(identifiers), v_int(ial),
              v_int(as_of), v_int(now))
        ->refusal = ERR_REFUSED;
}

/* What both have stays `into`'s. The row of `from` stays too: its id, and with it every `sub` made of
 * it, is nobody else's ever after. */
void store_user_merge(struct batch *b, const struct user_id *from, const struct user_id *into,
                      int64_t now) {
    static const enum stmt moves[] = {
        STMT_LINK_MOVE,    STMT_IDENTIFIER_MOVE, STMT_REPRESENTATION_MOVE_PERSON,
        STMT_CONSENT_MOVE, STMT_USER_MERGE_EARLIER, STMT_REPRESENTATION_MOVE_REPRESENTED};
    static const enum stmt rests[] = {STMT_LINK_DELETE_USER, STMT_CONSENT_DELETE_USER};
    char name[ERASED_NAME_SIZE];
    erased_name(from, name);
    BATCH_ADD(b, STMT_USER_MERGE, v_user(from), v_user(into), v_text(span_of(name)), v_int(now))
        ->refusal = ERR_NOT_FOUND;
    for (size_t i = 0; i < ARRAY_LEN(moves); i++)
        BATCH_ADD(b, moves[i], v_user(from), v_user(into));
    for (size_t i = 0; i < ARRAY_LEN(rests); i++)
        BATCH_ADD(b, rests[i], v_user(from));
    store_user_end_all(b, from, NULL, now);
}

static enum err user_list_row(struct arena *a, const struct db_row *row, void *ret) {
    struct user_list *list = ret;
    struct user *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    return user_from_row(a, row, 0, &list->item[list->count++]);
}

void store_user_list(struct batch *b, struct span after_username, unsigned most,
                     struct user_list *ret) {
    struct op *op =
        BATCH_ADD(b, STMT_USER_LIST, v_text(after_username.ptr ? after_username : SPAN("")),
                  v_int(most < USER_LIST_MAX ? most : USER_LIST_MAX));
    op->row = user_list_row;
    op->ret = ret;
}
