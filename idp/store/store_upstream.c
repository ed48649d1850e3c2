/* SPDX-License-Identifier: Apache-2.0
 *
 * What a browser session hangs on at another provider, and its end when that one's ends. */
#include "idp/store/internal.h"

void store_upstream_session_insert(struct batch *b, const struct upstream_session *s) {
    BATCH_ADD(b, STMT_UPSTREAM_SESSION_INSERT, v_bytes(s->session_key.b, SESSION_KEY_BYTES),
              v_text(s->connector), v_text(s->issuer),
              v_bytes(s->subject_index, SUBJECT_INDEX_BYTES), v_blob(s->sid_hash),
              v_blob(s->sealed), v_int(s->expires_at));
}

static enum err upstream_session_row(struct arena *a, const struct db_row *row, void *ret) {
    struct upstream_session *s = ret;
    s->found = true;
    s->connector = col_span(a, row, 1);
    s->issuer = col_span(a, row, 2);
    s->sid_hash = col_span(a, row, 4);
    s->sealed = col_span(a, row, 5);
    s->expires_at = col_int(row, 6);
    enum err e = col_bytes(row, 0, s->session_key.b, SESSION_KEY_BYTES);
    return e ? e : col_bytes(row, 3, s->subject_index, SUBJECT_INDEX_BYTES);
}

void store_upstream_session_find(struct batch *b, const struct session_key *key,
                                 struct upstream_session *ret) {
    struct op *op =
        BATCH_ADD(b, STMT_UPSTREAM_SESSION_FIND, v_bytes(key->b, SESSION_KEY_BYTES));
    op->row = upstream_session_row;
    op->ret = ret;
}

static enum err count_row(struct arena *a, const struct db_row *row, void *ret) {
    (void)a, (void)row;
    ++*(int64_t *)ret;
    return ERR_OK;
}

/* The rows go last: the statements before find the sessions by them. */
void store_upstream_session_end(struct batch *b, struct span issuer,
                                const unsigned char subject_index[SUBJECT_INDEX_BYTES],
                                struct span sid_hash, int64_t now, int64_t *ret_count) {
    struct db_value theirs = v_text(issuer), sid = v_blob(sid_hash);
    struct db_value subject = sid_hash.ptr ? v_blob(SPAN_NONE)
                                           : v_bytes(subject_index, SUBJECT_INDEX_BYTES);
    *ret_count = 0;
    store_logout_added(b, BATCH_ADD(b, STMT_LOGOUT_ADD_UPSTREAM, theirs, sid, subject, v_int(now),
                                    v_int(now + LOGOUT_SHOWN_SECONDS)));
    BATCH_ADD(b, STMT_UPSTREAM_SESSION_REVOKE_GRANTS, theirs, sid, subject, v_int(now));
    struct op *op = BATCH_ADD(b, STMT_UPSTREAM_SESSION_END, theirs, sid, subject, v_int(now));
    op->row = count_row;
    op->ret = ret_count;
    BATCH_ADD(b, STMT_UPSTREAM_SESSION_DELETE_ENDED, theirs, sid, subject);
}
