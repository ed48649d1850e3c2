/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is still to be told that a session has ended (Back-Channel Logout). The rows are written in the
 * commit that ends the session, from the grants that it had: no process that dies between the two can
 * lose one. */
#include "idp/store/internal.h"

const char *logout_state_name(enum logout_state st) {
    static const char *const names[LOGOUT_STATES] = {[LOGOUT_WAITS] = "waits",
                                                     [LOGOUT_DONE] = "done",
                                                     [LOGOUT_REFUSED] = "refused",
                                                     [LOGOUT_GIVEN_UP] = "given_up"};
    return st > 0 && st < LOGOUT_STATES ? names[st] : "unknown";
}

/* ---- added ---- */

static enum err added_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a, (void)row;
    *(bool *)ret = true;
    return ERR_OK;
}

void store_logout_added(struct batch *b, struct op *op) {
    op->row = added_row;
    op->ret = &b->has_deliveries;
}

void store_logout_add(struct batch *b, const struct session_key *key, enum logout_of which, int64_t now) {
    enum stmt stmt = which == LOGOUT_OF_LIVE ? STMT_LOGOUT_ADD_LIVE_SESSION : STMT_LOGOUT_ADD_SESSION;
    store_logout_added(b, BATCH_ADD(b, stmt, v_bytes(key->b, SESSION_KEY_BYTES), v_int(now),
                      v_int(now + LOGOUT_SHOWN_SECONDS)));
}

void store_logout_add_user(struct batch *b, const struct user_id *owner,
                           const struct session_key *keep, int64_t now) {
    store_logout_added(b, BATCH_ADD(b, STMT_LOGOUT_ADD_USER, v_bytes(owner->b, USER_ID_BYTES),
                      v_bytes(keep->b, SESSION_KEY_BYTES), v_int(now),
                      v_int(now + LOGOUT_SHOWN_SECONDS)));
}

/* ---- delivered ---- */

static enum err client_row(struct arena *a, const struct db_row *row, void *ret) {
    struct logout_clients *list = ret;
    struct span *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    list->item[list->count] = col_span(a, row, 0);
    return list->item[list->count++].ptr ? ERR_OK : ERR_NOMEM;
}

void store_logout_clients_due(struct batch *b, int64_t now, struct logout_clients *ret) {
    struct op *op = BATCH_ADD(b, STMT_LOGOUT_CLIENTS_DUE, v_int(now), v_int(LOGOUT_CLIENTS_MAX));
    op->row = client_row;
    op->ret = ret;
}

static enum err delivery_row(struct arena *a, const struct db_row *row, void *ret) {
    struct logout_list *list = ret;
    struct logout_delivery *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    struct logout_delivery *d = &list->item[list->count++];
    enum err e = col_bytes(row, 0, d->id, LOGOUT_ID_BYTES);
    if (!e)
        e = col_bytes(row, 2, d->user_id.b, USER_ID_BYTES);
    if (!e)
        e = col_bytes(row, 3, d->session_key.b, SESSION_KEY_BYTES);
    d->client_id = col_span(a, row, 1);
    d->created_at = col_int(row, 4);
    d->attempts = col_int(row, 5);
    d->next_at = col_int(row, 6);
    d->state = (enum logout_state)col_int(row, 7);
    d->status = (unsigned)col_int(row, 8);
    return e;
}

void store_logout_due(struct batch *b, struct span client_id, int64_t now, unsigned most,
                      struct logout_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_LOGOUT_DUE, v_text(client_id), v_int(now), v_int(most));
    op->row = delivery_row;
    op->ret = ret;
}

static enum err next_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    *(int64_t *)ret = col_int(row, 0);
    return ERR_OK;
}

void store_logout_next(struct batch *b, int64_t now, int64_t *ret_next_at) {
    struct op *op = BATCH_ADD(b, STMT_LOGOUT_NEXT, v_int(now));
    op->row = next_row;
    op->ret = ret_next_at;
}

void store_logout_mark(struct batch *b, const struct logout_delivery *d) {
    BATCH_ADD(b, STMT_LOGOUT_MARK, v_bytes(d->id, LOGOUT_ID_BYTES), v_int(d->state),
              v_int(d->status), v_int(d->next_at), v_int(d->created_at + LOGOUT_SHOWN_SECONDS));
}

void store_logout_drop_client(struct batch *b, struct span client_id) {
    BATCH_ADD(b, STMT_LOGOUT_DROP_CLIENT, v_text(client_id));
}

void store_logout_list(struct batch *b, enum logout_state state, unsigned most, struct logout_list *ret) {
    struct op *op = BATCH_ADD(b, STMT_LOGOUT_LIST, v_int(state),
                              v_int(most < LOGOUT_LISTED_MAX ? most : LOGOUT_LISTED_MAX));
    op->row = delivery_row;
    op->ret = ret;
}
