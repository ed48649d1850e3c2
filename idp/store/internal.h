/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of idp/store only: building ops, reading rows, the store's insides. */
#ifndef IDP_STORE_INTERNAL_H
#define IDP_STORE_INTERNAL_H

#include "idp/store/driver.h"
#include "idp/store/sql.h"
#include "idp/store/store.h"

struct writer;

struct store {
    const struct db_driver *driver;
    char *target;
    struct writer *writer;
};

struct store_reader {
    struct store *store;
    struct db_conn *conn;
    uint64_t commits_seen; /* writer_commits() when the moment being read began */
};

/* ---- building ---- */

static inline struct db_value v_int(int64_t n) {
    return (struct db_value){.kind = DB_INT, .num = n};
}
/* An absent span is NULL in the database. */
static inline struct db_value v_text(struct span s) {
    return (struct db_value){.kind = s.ptr ? DB_TEXT : DB_NULL, .bytes = s};
}
static inline struct db_value v_bytes(const void *p, size_t len) {
    return (struct db_value){.kind = DB_BYTES, .bytes = span_bytes(p, len)};
}
static inline struct db_value v_blob(struct span s) {
    return (struct db_value){.kind = s.ptr ? DB_BYTES : DB_NULL, .bytes = s};
}

/* Appends an op whose parameters are copied; byte and text values are copied into the arena, so
 * that callers may pass locals. Returns it for row/ret/refusal to be set; never NULL (past the
 * limit it is a scratch op and build_err is set). */
struct op *batch_add(struct batch *b, enum stmt stmt, const struct db_value *params, size_t n);
#define BATCH_ADD(b, stmt, ...)                                                                    \
    batch_add((b), (stmt), (const struct db_value[]){__VA_ARGS__},                                 \
              sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value))
#define BATCH_ADD0(b, stmt) batch_add((b), (stmt), NULL, 0)

/* Runs the ops in order on a connection; sets result and failed_op. `before` (may be NULL) sees
 * each op first (audit). */
enum err batch_run(const struct db_driver *driver, struct db_conn *conn, struct batch *b,
                   enum err (*before)(void *ctx, struct op *op, struct arena *a), void *ctx);

/* ---- rows ---- */

static inline int64_t col_int(const struct db_row *row, size_t i) {
    return i < row->n_cols && row->col[i].kind == DB_INT ? row->col[i].num : 0;
}
/* Copied into the arena; absent for NULL. */
struct span col_span(struct arena *a, const struct db_row *row, size_t i);
/* Exactly `len` bytes; ERR_STORE otherwise: the database does not hold what we wrote. */
must_check enum err col_bytes(const struct db_row *row, size_t i, void *out, size_t len);
/* Who acts for whom the row is about, if anybody does. */
must_check enum err col_actor(const struct db_row *row, size_t i, bool *ret_has_actor,
                              struct user_id *ret_actor);
/* Grows an array in the arena by one zeroed element; NULL without memory. */
void *list_grow(struct arena *a, void *items, size_t count, size_t size);

enum err user_from_row(struct arena *a, const struct db_row *row, size_t first, struct user *u);

/* ---- deliveries of logout tokens ---- */

/* What the clients of a session are to be told, in the commit that ends it: for one that the same
 * batch has just ended behind a gate; or before it is ended, if it is live. */
enum logout_of { LOGOUT_OF_ENDED, LOGOUT_OF_LIVE };
void store_logout_add(struct batch *b, const struct session_key *key, enum logout_of which, int64_t now);
/* Of all live sessions of the person but `keep`, before they are ended. */
void store_logout_add_user(struct batch *b, const struct user_id *owner,
                           const struct session_key *keep, int64_t now);

/* ---- schema ---- */

/* ERR_REFUSED for a database that a newer program made. */
must_check enum err store_migrate(const struct db_driver *driver, struct db_conn *c,
                                  struct arena *a, const char **reterr_text);

/* ---- writer ---- */

must_check enum err writer_start(const struct db_driver *driver, struct db_conn *conn,
                                 struct writer **ret_writer);
/* Commits what waits, joins the thread, closes the connection. Accepts NULL. */
void writer_stop(struct writer *w);
must_check enum err writer_submit(struct writer *w, struct write_job *job);
must_check struct write_job *writer_submit_all(struct writer *w, struct write_job *jobs);
void writer_on_group_done(struct writer *w, void (*fn)(void *ctx), void *ctx);
void writer_on_delivery(struct writer *w, void (*fn)(void *ctx), void *ctx);
void writer_stats(struct writer *w, struct store_stats *ret);
/* Grows before anybody is told that a group was committed. */
uint64_t writer_commits(const struct writer *w);
bool writer_is_healthy(const struct writer *w);

/* An op that adds rows of those who are to be told: the batch then wakes whoever tells them. */
void store_logout_added(struct batch *b, struct op *op);

#endif
