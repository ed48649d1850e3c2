/* SPDX-License-Identifier: Apache-2.0
 *
 * Browser sessions. */
#include "idp/store/internal.h"

#define SESSIONS_LISTED 100
#define SESSION_COLUMNS 11

static struct db_value v_session(const struct session_key *key) {
    return v_bytes(key->b, SESSION_KEY_BYTES);
}

static struct db_value v_owner(const struct user_id *id) {
    return v_bytes(id->b, USER_ID_BYTES);
}

static enum err session_from_row(struct arena *a, const struct db_row *row, struct session *s) {
    enum err e = col_bytes(row, 0, s->key.b, SESSION_KEY_BYTES);
    if (e)
        return e;
    s->found = true;
    s->created_at = col_int(row, 1);
    s->auth_time = col_int(row, 2);
    s->last_seen = col_int(row, 3);
    s->expires_at = col_int(row, 4);
    s->ended_at = col_int(row, 5);
    s->aal = (int)col_int(row, 6);
    s->amr = (unsigned)col_int(row, 7);
    s->network = col_span(a, row, 8);
    s->user_agent = col_span(a, row, 9);
    if ((e = col_actor(row, 10, &s->has_actor, &s->actor)))
        return e;
    return user_from_row(a, row, SESSION_COLUMNS, &s->user);
}

static enum err session_row(struct arena *a, const struct db_row *row, void *ret) {
    return session_from_row(a, row, ret);
}

void store_session_find(struct batch *b, const struct session_key *key, struct session *ret) {
    struct op *op = BATCH_ADD(b, STMT_SESSION_FIND, v_session(key));
    op->row = session_row;
    op->ret = ret;
}

static void insert(struct batch *b, const struct session *s) {
    BATCH_ADD(b, STMT_SESSION_INSERT, v_session(&s->key), v_owner(&s->user.id),
              v_int(s->created_at), v_int(s->auth_time), v_int(s->last_seen), v_int(s->expires_at),
              v_int(s->aal), v_int(s->amr), v_text(s->network), v_text(s->user_agent),
              s->has_actor ? v_owner(&s->actor) : v_blob(SPAN_NONE));
}

void store_session_insert(struct batch *b, const struct session *s,
                          const struct session_key *replaces) {
    insert(b, s);
    if (replaces) {
        store_logout_add(b, replaces, LOGOUT_OF_LIVE, s->created_at);
        BATCH_ADD(b, STMT_SESSION_REPLACE, v_session(replaces), v_int(s->created_at));
        BATCH_ADD(b, STMT_SESSION_REVOKE_GRANTS, v_session(replaces), v_int(s->created_at));
        BATCH_ADD(b, STMT_UPSTREAM_SESSION_DELETE, v_session(replaces));
    }
}

void store_session_renew(struct batch *b, const struct session_key *old_key,
                         const struct session *fresh) {
    BATCH_ADD(b, STMT_SESSION_REPLACE, v_session(old_key), v_int(fresh->created_at))->refusal =
        ERR_NOT_FOUND;
    insert(b, fresh);
    BATCH_ADD(b, STMT_SESSION_MOVE_ACTOR, v_session(old_key), v_session(&fresh->key));
    BATCH_ADD(b, STMT_SESSION_MOVE_GRANTS, v_session(old_key), v_session(&fresh->key));
    BATCH_ADD(b, STMT_UPSTREAM_SESSION_MOVE, v_session(old_key), v_session(&fresh->key),
              v_int(fresh->expires_at));
}

void store_session_end(struct batch *b, const struct session_key *key, const struct user_id *owner,
                       int64_t now) {
    struct op *op = owner
                        ? BATCH_ADD(b, STMT_SESSION_END, v_session(key), v_owner(owner), v_int(now))
                        : BATCH_ADD(b, STMT_SESSION_END_STAFF, v_session(key), v_int(now));
    op->refusal = ERR_NOT_FOUND;
    store_logout_add(b, key, LOGOUT_OF_ENDED, now);
    BATCH_ADD(b, STMT_SESSION_REVOKE_GRANTS, v_session(key), v_int(now));
    BATCH_ADD(b, STMT_UPSTREAM_SESSION_DELETE, v_session(key));
}

void store_session_end_others(struct batch *b, const struct user_id *owner,
                              const struct session_key *keep, int64_t now) {
    store_logout_add_user(b, owner, keep, now);
    BATCH_ADD(b, STMT_USER_END_SESSIONS, v_owner(owner), v_session(keep), v_int(now));
    BATCH_ADD(b, STMT_SESSION_REVOKE_OTHERS_GRANTS, v_owner(owner), v_session(keep), v_int(now));
    BATCH_ADD(b, STMT_UPSTREAM_SESSION_DELETE_USER, v_owner(owner));
}

void store_session_touch(struct batch *b, const struct session_key *key, int64_t last_seen) {
    BATCH_ADD(b, STMT_SESSION_TOUCH, v_session(key), v_int(last_seen));
}

static enum err session_list_row(struct arena *a, const struct db_row *row, void *ret) {
    struct session_list *list = ret;
    struct session *item = list_grow(a, list->item, list->count, sizeof *item);
    if (!item)
        return ERR_NOMEM;
    list->item = item;
    return session_from_row(a, row, &list->item[list->count++]);
}

void store_session_list(struct batch *b, const struct user_id *id, int64_t now,
                        struct session_list *ret) {
    struct op *op =
        BATCH_ADD(b, STMT_SESSION_LIST, v_owner(id), v_int(now), v_int(SESSIONS_LISTED));
    op->row = session_list_row;
    op->ret = ret;
}

static enum err count_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a;
    *(int64_t *)ret = col_int(row, 0);
    return ERR_OK;
}

void store_session_count(struct batch *b, int64_t now, int64_t *ret_count) {
    struct op *op = BATCH_ADD(b, STMT_SESSION_COUNT, v_int(now));
    op->row = count_row;
    op->ret = ret_count;
}
