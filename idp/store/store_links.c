/* SPDX-License-Identifier: Apache-2.0
 *
 * What ties an account to others: identities at other providers, the changes that came from them, and
 * accounts that it may act for. */
#include "base/cleanup.h"
#include "base/random.h"
#include "idp/store/internal.h"

#define HISTORY_ID_BYTES 16
#define LINK_COLUMNS 6
#define REPRESENTATION_COLUMNS 7

static struct db_value v_user(const struct user_id *id) {
    return v_bytes(id->b, USER_ID_BYTES);
}

static struct db_value v_subject(const unsigned char index[SUBJECT_INDEX_BYTES]) {
    return v_bytes(index, SUBJECT_INDEX_BYTES);
}

/* ---- links ---- */

const char *upstream_link_how_name(enum upstream_link_how how) {
    static const char *const names[] = {[LINK_CREATED] = "created",
                                        [LINK_PROVEN] = "proven",
                                        [LINK_STAFF] = "staff",
                                        [LINK_TECH_ID] = "tech_id"};
    return (size_t)how < ARRAY_LEN(names) && names[how] ? names[how] : "unknown";
}

static enum err link_list_row(struct arena *a, const struct db_row *row, void *ret) {
    struct upstream_link_list *list = ret;
    struct upstream_link *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    struct upstream_link *l = &list->item[list->count++];
    *l = (struct upstream_link){.issuer = col_span(a, row, 0),
                                .connector = col_span(a, row, 2),
                                .how = (enum upstream_link_how)col_int(row, 3),
                                .linked_at = col_int(row, 4),
                                .last_used_at = col_int(row, 5)};
    enum err e = col_bytes(row, 1, l->subject_index, SUBJECT_INDEX_BYTES);
    return e ? e : user_from_row(a, row, LINK_COLUMNS, &l->user);
}

void store_upstream_link_find(struct batch *b, struct span issuer,
                              const unsigned char subject_index[SUBJECT_INDEX_BYTES],
                              struct upstream_link_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_LINK_FIND, v_text(issuer), v_subject(subject_index),
                              v_int(UPSTREAM_LINKS_MAX));
    op->row = link_list_row;
    op->ret = ret;
}

void store_upstream_link_list(struct batch *b, const struct user_id *id,
                              struct upstream_link_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_LINK_LIST, v_user(id), v_int(UPSTREAM_LINKS_MAX));
    op->row = link_list_row;
    op->ret = ret;
}

static enum err found_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a, (void)row;
    *(bool *)ret = true;
    return ERR_OK;
}

void store_upstream_link_of_identifier(struct batch *b, struct span issuer, const char *kind,
                                       struct span index, bool *ret_is_linked) {
    struct op *op = BATCH_ADD(b, STMT_LINK_OF_IDENTIFIER, v_text(issuer), v_text(span_of(kind)),
                              v_blob(index));
    op->row = found_row;
    op->ret = ret_is_linked;
}

void store_upstream_link_insert(struct batch *b, const struct upstream_link *l) {
    BATCH_ADD(b, STMT_USER_IS_ACTIVE, v_user(&l->user.id))->refusal = ERR_REFUSED;
    if (l->how == LINK_CREATED)
        BATCH_ADD(b, STMT_LINK_IS_FIRST, v_text(l->issuer), v_subject(l->subject_index))->refusal =
            ERR_EXISTS;
    BATCH_ADD(b, STMT_LINK_INSERT, v_text(l->issuer), v_subject(l->subject_index),
              v_user(&l->user.id), v_text(l->connector), v_int(l->how), v_int(l->linked_at),
              v_int(l->last_used_at))
        ->refusal = ERR_EXISTS;
}

void store_upstream_link_touch(struct batch *b, const struct upstream_link *l, int64_t now) {
    BATCH_ADD(b, STMT_LINK_TOUCH, v_text(l->issuer), v_subject(l->subject_index),
              v_user(&l->user.id), v_int(now))
        ->refusal = ERR_NOT_FOUND;
}

void store_upstream_link_delete(struct batch *b, const struct upstream_link *l) {
    BATCH_ADD(b, STMT_LINK_DELETE, v_text(l->issuer), v_subject(l->subject_index),
              v_user(&l->user.id))
        ->refusal = ERR_NOT_FOUND;
}

/* ---- history ---- */

void store_history_insert(struct batch *b, const struct user_id *id, const struct history_item *h) {
    unsigned char row_id[HISTORY_ID_BYTES];
    random_bytes(row_id, sizeof row_id);
    BATCH_ADD(b, STMT_HISTORY_INSERT, v_user(id), v_int(h->at), v_bytes(row_id, sizeof row_id),
              v_text(h->source), v_blob(h->sealed));
}

static enum err history_row(struct arena *a, const struct db_row *row, void *ret) {
    struct history_list *list = ret;
    struct history_item *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    struct history_item *h = &list->item[list->count++];
    *h = (struct history_item){
        .at = col_int(row, 1), .source = col_span(a, row, 2), .sealed = col_span(a, row, 3)};
    return col_bytes(row, 0, h->user.b, USER_ID_BYTES);
}

void store_history_list(struct batch *b, const struct user_id *id, struct history_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_HISTORY_LIST, v_user(id), v_int(HISTORY_LISTED));
    op->row = history_row;
    op->ret = ret;
}

/* ---- representations ---- */

static enum err representation_row(struct arena *a, const struct db_row *row, void *ret) {
    struct representation_list *list = ret;
    struct representation *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    struct representation *r = &list->item[list->count++];
    *r = (struct representation){.scope = col_span(a, row, 2),
                                 .source = col_span(a, row, 3),
                                 .valid_from = col_int(row, 4),
                                 .valid_until = col_int(row, 5),
                                 .ended_at = col_int(row, 6)};
    enum err e = col_bytes(row, 0, r->id, REPRESENTATION_ID_BYTES);
    if (!e)
        e = col_bytes(row, 1, r->person.b, USER_ID_BYTES);
    return e ? e : user_from_row(a, row, REPRESENTATION_COLUMNS, &r->represented);
}

void store_representation_list(struct batch *b, const struct user_id *person, int64_t now,
                               struct representation_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_REPRESENTATION_LIST, v_user(person), v_int(now),
                              v_int(REPRESENTATIONS_MAX));
    op->row = representation_row;
    op->ret = ret;
}

void store_representation_stands(struct batch *b, const unsigned char id[REPRESENTATION_ID_BYTES],
                                 int64_t now) {
    BATCH_ADD(b, STMT_REPRESENTATION_STANDS, v_bytes(id, REPRESENTATION_ID_BYTES), v_int(now))->refusal =
        ERR_NOT_FOUND;
}

void store_representation_insert(struct batch *b, const struct representation *r) {
    BATCH_ADD(b, STMT_REPRESENTATION_INSERT, v_bytes(r->id, REPRESENTATION_ID_BYTES),
              v_user(&r->person), v_user(&r->represented.id), v_text(r->scope), v_text(r->source),
              v_int(r->valid_from), v_int(r->valid_until));
}

void store_representation_end(struct batch *b, const unsigned char id[REPRESENTATION_ID_BYTES],
                              int64_t now) {
    struct db_value it = v_bytes(id, REPRESENTATION_ID_BYTES);
    BATCH_ADD(b, STMT_REPRESENTATION_END, it, v_int(now))->refusal = ERR_NOT_FOUND;
    store_logout_added(b, BATCH_ADD(b, STMT_LOGOUT_ADD_REPRESENTED, it, v_int(now),
                                    v_int(now + LOGOUT_SHOWN_SECONDS)));
    BATCH_ADD(b, STMT_REPRESENTATION_END_SESSIONS, it, v_int(now));
    BATCH_ADD(b, STMT_REPRESENTATION_REVOKE_GRANTS, it, v_int(now));
    BATCH_ADD(b, STMT_REPRESENTATION_DELETE_UPSTREAM_SESSIONS, it);
}
