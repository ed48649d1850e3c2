/* SPDX-License-Identifier: Apache-2.0
 *
 * The store in the domain's language. Functions that take a `struct batch` only describe what is
 * to be done; it happens when the batch is run: store_read() on the calling thread, or
 * store_submit() / store_write_wait() through the writer thread, which commits all that waits in
 * one transaction with a savepoint each. A batch given to the writer may hold reads too.
 *
 * Results are written into the `ret` struct when the batch runs; `found` tells whether there was a
 * row. Strings are copied into the batch's arena. Times are seconds since 1970. */
#ifndef IDP_STORE_STORE_H
#define IDP_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/client_secret.h"
#include "idp/grant.h"
#include "idp/session.h"
#include "idp/store/batch.h"
#include "idp/user.h"
#include "keys/signer_client.h"

struct store;
struct store_reader;

/* ---- life ------------------------------------------------------------------------------------ */

/* Opens or makes the database at `path`, migrates it, starts the writer thread. ERR_STORE with a
 * line on `reterr_text` (static or in `a`): newer schema than this program, failed quick_check. */
must_check enum err store_open(const char *path, struct arena *a, struct store **ret_store,
                               const char **reterr_text);
/* Commits what waits, joins the writer, checkpoints. Accepts NULL. */
void store_close(struct store *s);

/* One read connection, one thread. */
must_check enum err store_reader_open(struct store *s, struct store_reader **ret_reader);
void store_reader_close(struct store_reader *r);

/* Runs reads now, all of one moment's state, in which is whatever was acknowledged before the call.
 * The moment is kept for the next call, as long as nothing is committed: to take it costs more than
 * many a read. The return value equals b->result. */
must_check enum err store_read(struct store_reader *r, struct batch *b);
/* Gives the moment up: before a thread waits, since the file cannot shrink behind it. Accepts NULL. */
void store_reader_rest(struct store_reader *r);

struct write_job {
    struct batch *batch;
    /* On the writer thread, after COMMIT (or rollback to the savepoint) returned; batch->result
     * tells. Must not block: it hands the request back to its I/O thread. */
    void (*done)(struct write_job *job);
    struct write_job *next; /* the writer's own */
};
/* ERR_BUSY when too much waits (1024 jobs) and done will not be called. */
must_check enum err store_submit(struct store *s, struct write_job *job);
/* Several at once, for one wake-up of the writer, linked by `next`; returns those that there was no
 * room for, NULL when all were taken. */
must_check struct write_job *store_submit_all(struct store *s, struct write_job *jobs);
/* Called on the writer thread once after each group commit's done callbacks, so that the web
 * server can wake each I/O thread once. Set before the first submit. */
void store_on_group_done(struct store *s, void (*fn)(void *ctx), void *ctx);
/* Called likewise once after a commit that added deliveries of logout tokens. */
void store_on_delivery(struct store *s, void (*fn)(void *ctx), void *ctx);
/* For threads that may block (start-up, idpctl's requests, the purge). */
must_check enum err store_write_wait(struct store *s, struct batch *b);
/* The same for many that share commits; each has its own `result`, ERR_BUSY when it was not taken. */
void store_write_wait_all(struct store *s, struct batch *const *batches, size_t n);

struct store_stats {
    uint64_t commits, jobs, refused, failed;
    uint64_t batch_size_bucket[8]; /* jobs a commit: 1, 2, 4, 8, 16, 32, 50, more */
    unsigned queue_depth;
};
void store_stats_get(struct store *s, struct store_stats *ret_stats);
/* False after an I/O error: the store has stopped writing for good (X08). A full disk does not
 * stop it; what it could not take got ERR_STORE. */
bool store_is_healthy(const struct store *s);

/* Makes a dry run of the batch: a last gate that always refuses, so that nothing of it stays. For
 * batches without audit. */
void store_dry_run(struct batch *b);
/* Whether such a batch got as far as that gate: all before it was done, and undone. */
bool store_dry_run_passed(const struct batch *b);

/* Online copy to a new file with the backup API, then an integrity check of it. */
must_check enum err store_backup(struct store *s, const char *path, struct arena *a,
                                 const char **reterr_text);
#define STORE_PURGE_BATCHES 256 /* in one call, a table */

/* Deletes expired rows of every table that expires, in transactions of at most `most` (> 0) rows,
 * until none is left or a table had its STORE_PURGE_BATCHES; how many went. */
must_check enum err store_purge(struct store *s, int64_t now, unsigned most, uint64_t *ret_deleted);

/* ---- users ----------------------------------------------------------------------------------- */

void store_user_by_name(struct batch *b, struct span username, struct user *ret);
void store_user_by_id(struct batch *b, const struct user_id *id, struct user *ret);
/* By the HMAC index of an identifier. */
void store_user_by_identifier(struct batch *b, const char *kind, struct span index,
                              struct user *ret);
/* Gate: ERR_EXISTS when the name is taken. */
void store_user_insert(struct batch *b, const struct user *u);
/* Gate: ERR_EXISTS when another user has it. No change when this one has it already. */
void store_identifier_insert(struct batch *b, const char *kind, struct span index,
                             const struct user_id *id);
/* The account's own; no gate: it may have had none. */
void store_identifier_delete(struct batch *b, const char *kind, struct span index,
                             const struct user_id *id);
/* Gate: ERR_REFUSED unless the user is active and still has the password hash that was loaded. */
void store_user_unchanged(struct batch *b, const struct user *u);
/* Gate: ERR_NOT_FOUND. Sets the hash and require_change, touches nothing else. */
void store_user_set_password(struct batch *b, const struct user_id *id, struct span hash,
                             bool require_change, int64_t now);
/* Replaces `old_hash` by `new_hash` only if it is still there (upgrade at sign-in); no gate. */
void store_user_upgrade_hash(struct batch *b, const struct user_id *id, struct span old_hash,
                             struct span new_hash, int64_t now);
/* Gate: ERR_NOT_FOUND. Erasing also clears name, claims, identifiers and hash, and deletes what the
 * account was linked to, whom it acted for, and its history. */
void store_user_set_status(struct batch *b, const struct user_id *id, enum user_status status,
                           int64_t now);
/* Ends every session and revokes every grant of the user, those in which they act for another too;
 * `except` (may be NULL) stays. */
void store_user_end_all(struct batch *b, const struct user_id *id, const struct session_key *except,
                        int64_t now);

struct user_list {
    struct user *item; /* in the batch's arena */
    size_t count;
};
#define USER_LIST_MAX 1000
void store_user_list(struct batch *b, struct span after_username, unsigned most,
                     struct user_list *ret);

/* ---- clients --------------------------------------------------------------------------------- */

struct client_row {
    bool found;
    struct span client_id;
    struct span metadata;    /* JSON */
    struct client_secret secret[CLIENT_SECRETS_MAX]; /* newest first */
    size_t n_secrets;
    bool is_enabled;
    int64_t created_at;
};
void store_client_find(struct batch *b, struct span client_id, struct client_row *ret);
/* With its secrets. Gate: ERR_EXISTS. */
void store_client_insert(struct batch *b, const struct client_row *row);
/* Gate: ERR_NOT_FOUND. Disabling also revokes the client's grants. */
void store_client_set_enabled(struct batch *b, struct span client_id, bool is_enabled, int64_t now);

/* `fresh` becomes the newest secret; the newest before it ends at `old_ends_at`, if not earlier; any
 * other goes. Gate: ERR_NOT_FOUND, no such client or none that has a secret. */
void store_client_secret_rotate(struct batch *b, struct span client_id,
                                const struct client_secret *fresh, int64_t old_ends_at);
/* The secret before the newest ends now. Gate: ERR_NOT_FOUND. */
void store_client_secret_drop(struct batch *b, struct span client_id);
/* last_used_at, if it is later than what is there. No gate. */
void store_client_secret_touch(struct batch *b, const unsigned char hash[CLIENT_SECRET_HASH_BYTES],
                               int64_t last_used_at);
/* The whole registration; `secret`: its first, or NULL. Gate: ERR_NOT_FOUND. */
void store_client_replace(struct batch *b, struct span client_id, struct span metadata,
                          const struct client_secret *secret);
/* Its grants are revoked, its secrets, consents and registration forgotten. Gate: ERR_NOT_FOUND. */
void store_client_delete(struct batch *b, struct span client_id, int64_t now);

struct client_list {
    struct client_row *item;
    size_t count;
};
void store_client_list(struct batch *b, struct client_list *ret);

/* ---- registration by clients (RFC 7591) ------------------------------------------------------ */

#define TOKEN_HASH_BYTES   32 /* SHA-256 of 256 random bits */
#define INITIAL_TOKENS_MAX 1000

/* An initial access token, as staff gave it out. */
struct initial_token {
    bool found;
    struct span id, label;
    int64_t uses_left, created_at, expires_at;
};
/* Gate: ERR_EXISTS. */
void store_initial_token_insert(struct batch *b, const struct initial_token *t,
                                const unsigned char hash[TOKEN_HASH_BYTES]);
/* Only one that may still be used at `now`. */
void store_initial_token_find(struct batch *b, const unsigned char hash[TOKEN_HASH_BYTES],
                              int64_t now, struct initial_token *ret);
/* One use of it. Gate: ERR_REFUSED when it may not be used any more. */
void store_initial_token_take(struct batch *b, const unsigned char hash[TOKEN_HASH_BYTES],
                              int64_t now);
struct initial_token_list {
    struct initial_token *item;
    size_t count;
};
void store_initial_token_list(struct batch *b, struct initial_token_list *ret);
/* Gate: ERR_NOT_FOUND. */
void store_initial_token_delete(struct batch *b, struct span id);

/* The registration access token of a client that registered itself. */
struct registration_row {
    bool found;
    unsigned char token_hash[TOKEN_HASH_BYTES];
};
/* Gate: ERR_EXISTS. */
void store_registration_insert(struct batch *b, struct span client_id,
                               const unsigned char token_hash[TOKEN_HASH_BYTES]);
void store_registration_find(struct batch *b, struct span client_id, struct registration_row *ret);

/* ---- resources ------------------------------------------------------------------------------- */

struct resource_row {
    struct span identifier;
    struct span metadata; /* JSON */
    bool is_enabled;
    int64_t created_at;
};
/* Gate: ERR_EXISTS. */
void store_resource_insert(struct batch *b, const struct resource_row *row);
/* Gate: ERR_NOT_FOUND. */
void store_resource_update(struct batch *b, struct span identifier, struct span metadata);
/* Gate: ERR_NOT_FOUND. */
void store_resource_set_enabled(struct batch *b, struct span identifier, bool is_enabled);

struct resource_rows {
    struct resource_row *item;
    size_t count;
};
/* By identifier, at most RESOURCES_MAX (idp/resource.h). */
void store_resource_list(struct batch *b, struct resource_rows *ret);

/* ---- sessions -------------------------------------------------------------------------------- */

/* With its user. */
void store_session_find(struct batch *b, const struct session_key *key, struct session *ret);
/* `replaces` (may be NULL): the session that the same browser had; it ends in the same commit and
 * its grants stay with it. */
void store_session_insert(struct batch *b, const struct session *s,
                          const struct session_key *replaces);
/* Re-authentication in the running session: new key, the old row becomes unusable, grants and
 * participants move to the new one (F09), as do who acts in it, unless `fresh` says who, and what it
 * hangs on upstream. Gate: ERR_NOT_FOUND when the old one ended meanwhile. */
void store_session_renew(struct batch *b, const struct session_key *old_key,
                         const struct session *fresh);
/* Ends it and revokes the grants that die with it; as with all that ends sessions, their clients are
 * told (store_logout_due). Gate: ERR_NOT_FOUND unless it was live and the
 * user's own (`owner` NULL: staff). */
void store_session_end(struct batch *b, const struct session_key *key, const struct user_id *owner,
                       int64_t now);
/* Ends all live sessions of the user but `keep`, and revokes the grants that die with them. */
void store_session_end_others(struct batch *b, const struct user_id *owner,
                              const struct session_key *keep, int64_t now);
void store_session_touch(struct batch *b, const struct session_key *key, int64_t last_seen);

struct session_list {
    struct session *item;
    size_t count;
};
/* Live ones of a user, newest first, at most 100. */
void store_session_list(struct batch *b, const struct user_id *id, int64_t now,
                        struct session_list *ret);
/* Live sessions, for the gauge and `status`. */
void store_session_count(struct batch *b, int64_t now, int64_t *ret_count);

/* ---- deliveries of logout tokens (Back-Channel Logout) ----------------------------------------- */

#define LOGOUT_ID_BYTES       20
#define LOGOUT_TRIED_SECONDS  (24 * 3600)     /* from the end of the session */
#define LOGOUT_SHOWN_SECONDS  (7 * 24 * 3600) /* likewise: until the row is purged */
enum logout_state { LOGOUT_WAITS = 1, LOGOUT_DONE, LOGOUT_REFUSED, LOGOUT_GIVEN_UP, LOGOUT_STATES };
const char *logout_state_name(enum logout_state st);

/* One client that is to be told of one session's end. Nothing in it is secret. */
struct logout_delivery {
    unsigned char id[LOGOUT_ID_BYTES];
    struct span client_id;
    struct user_id user_id;
    struct session_key session_key; /* what the client's sid is made of (struct grant's sid_key) */
    int64_t created_at, attempts;
    int64_t next_at; /* of the next attempt, or when it came to its end */
    enum logout_state state;
    unsigned status; /* HTTP status of the last answer; 0: none */
};
struct logout_list {
    struct logout_delivery *item;
    size_t count;
};
struct logout_clients {
    struct span *item;
    size_t count;
};
#define LOGOUT_CLIENTS_MAX 1000
/* Clients of which something is due, longest waiting first. */
void store_logout_clients_due(struct batch *b, int64_t now, struct logout_clients *ret);
void store_logout_due(struct batch *b, struct span client_id, int64_t now, unsigned most,
                      struct logout_list *ret);
/* When something will be due after `now`; untouched when nothing waits. */
void store_logout_next(struct batch *b, int64_t now, int64_t *ret_next_at);
/* An attempt ended: `state`, `status` and `next_at` of it. No gate. */
void store_logout_mark(struct batch *b, const struct logout_delivery *d);
/* Nothing waits for this client any more: it is gone, or does not want to be told. */
void store_logout_drop_client(struct batch *b, struct span client_id);
/* Those in a state, newest first. */
#define LOGOUT_LISTED_MAX 1000
void store_logout_list(struct batch *b, enum logout_state state, unsigned most, struct logout_list *ret);

/* ---- grants ---------------------------------------------------------------------------------- */

/* Consumes a code by inserting the grant that it makes. Gates, in this order: ERR_REPLAYED when
 * the code was consumed before; ERR_REFUSED when the session has ended or the user is not active
 * (checked in the same statement). */
void store_grant_consume_code(struct batch *b, const struct grant *g);
void store_grant_find(struct batch *b, const struct grant_key *key, struct grant *ret);
/* generation n -> n+1, rotated_at = now, idle expiry moved. Gate:
 * ERR_REPLAYED unless generation = n, not revoked, not expired, and the user (and, unless offline,
 * the session; if offline, the right of whoever acts) is good. */
void store_grant_rotate(struct batch *b, const struct grant_key *key, int64_t generation,
                        int64_t now, int64_t idle_expires_at);
void store_grant_revoke(struct batch *b, const struct grant_key *key, int64_t now);
struct grant_list {
    struct grant *item;
    size_t count;
};
/* Those of a session, one per client, for "services of this session". */
void store_grant_list_session(struct batch *b, const struct session_key *key,
                              struct grant_list *ret);

/* ---- consent --------------------------------------------------------------------------------- */

struct consent {
    bool found;
    struct span scope; /* space-separated: all that was ever agreed to for this client */
    int64_t granted_at;
};
void store_consent_find(struct batch *b, const struct user_id *id, struct span client_id,
                        struct consent *ret);
void store_consent_save(struct batch *b, const struct user_id *id, struct span client_id,
                        struct span scope, int64_t now);

/* ---- what did not fit into a sealed code or flow ----------------------------------------------
 */

#define PENDING_KEY_BYTES 20 /* 4 bytes time || 16 random */
struct pending {
    bool found;
    struct span sealed;
};
void store_pending_insert(struct batch *b, const unsigned char key[PENDING_KEY_BYTES],
                          struct span sealed, int64_t expires_at);
void store_pending_find(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t now,
                        struct pending *ret);
/* Reads it and deletes it, for whoever comes first. Gate: ERR_REPLAYED, it is not there (any more). */
void store_pending_take(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t now,
                        struct pending *ret);
/* Single use of a one-time thing named by its hash (consent form, jti...). Gate: ERR_REPLAYED. */
void store_once(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t expires_at);

/* An access token that was revoked before its time; its key names it until it expires. Gate:
 * ERR_REPLAYED when it is already. */
void store_token_revoke(struct batch *b, const unsigned char key[PENDING_KEY_BYTES],
                        int64_t expires_at);
void store_token_is_revoked(struct batch *b, const unsigned char key[PENDING_KEY_BYTES],
                            bool *ret_is_revoked);

/* ---- other providers (docs/decisions/0008-federation.md) --------------------------------------- */

#define SUBJECT_INDEX_BYTES 32
enum upstream_link_how { LINK_CREATED = 1, LINK_PROVEN, LINK_STAFF, LINK_TECH_ID };
const char *upstream_link_how_name(enum upstream_link_how how);

struct upstream_link {
    struct span issuer;
    unsigned char subject_index[SUBJECT_INDEX_BYTES]; /* keyring_index("upstream", issuer 0 subject) */
    struct span connector;
    enum upstream_link_how how;
    int64_t linked_at, last_used_at;
    struct user user; /* the account; its id alone counts when inserting */
};
struct upstream_link_list {
    struct upstream_link *item;
    size_t count;
};
#define UPSTREAM_LINKS_MAX 32 /* of one subject, or one account */
void store_upstream_link_find(struct batch *b, struct span issuer,
                              const unsigned char subject_index[SUBJECT_INDEX_BYTES],
                              struct upstream_link_list *ret);
void store_upstream_link_list(struct batch *b, const struct user_id *id,
                              struct upstream_link_list *ret);
/* Whether the account that has an identifier is linked to some subject of this issuer (linking.h:
 * tech_id_is_issuers). */
void store_upstream_link_of_identifier(struct batch *b, struct span issuer, const char *kind,
                                       struct span index, bool *ret_is_linked);
/* Gates: ERR_REFUSED unless the account is active; ERR_EXISTS, also when the subject has another link
 * and this is one that an account was made for (LINK_CREATED). */
void store_upstream_link_insert(struct batch *b, const struct upstream_link *l);
/* last_used_at, if it is later than what is there. Gate: ERR_NOT_FOUND, the link was taken away. */
void store_upstream_link_touch(struct batch *b, const struct upstream_link *l, int64_t now);
/* Gate: ERR_NOT_FOUND. */
void store_upstream_link_delete(struct batch *b, const struct upstream_link *l);

/* Claims and identifiers as they are now, ial raised to `ial` if it is lower. Gate: ERR_REFUSED unless
 * the account is active and was last changed at `as_of`; so before other changes of it in the batch. */
void store_user_refresh(struct batch *b, const struct user_id *id, struct span claims,
                        struct span identifiers, int ial, int64_t as_of, int64_t now);
/* All that hangs on `from` (links, identifiers, representations, consents where `into` has none) goes
 * to `into`; sessions and grants of `from` end; `from` is ERASED with merged_into. Gate:
 * ERR_NOT_FOUND unless both are there and neither is erased. */
void store_user_merge(struct batch *b, const struct user_id *from, const struct user_id *into,
                      int64_t now);

struct history_item {
    struct user_id user; /* listed: whose; one that was merged into the account keeps its own */
    int64_t at;
    struct span source; /* "connector:ID", "staff:UID" */
    struct span sealed; /* JSON {name: [old, new]}, sealed with the data key for the account */
};
struct history_list {
    struct history_item *item;
    size_t count;
};
void store_history_insert(struct batch *b, const struct user_id *id, const struct history_item *h);
/* The newest first, at most HISTORY_LISTED; of the accounts that were merged into it as well. */
#define HISTORY_LISTED 200
void store_history_list(struct batch *b, const struct user_id *id, struct history_list *ret);

#define REPRESENTATION_ID_BYTES 16
struct representation {
    unsigned char id[REPRESENTATION_ID_BYTES];
    struct user_id person;
    struct user represented; /* loaded with it; its id alone counts when inserting */
    struct span scope;       /* what it is for, free text; absent: everything */
    struct span source;      /* "upstream:CONNECTOR", "staff:UID" */
    int64_t valid_from, valid_until; /* 0: open end */
    int64_t ended_at;
};
struct representation_list {
    struct representation *item;
    size_t count;
};
/* In force at `now`, between accounts that are active; at most REPRESENTATIONS_MAX. */
#define REPRESENTATIONS_MAX 100
void store_representation_list(struct batch *b, const struct user_id *person, int64_t now,
                               struct representation_list *ret);
/* Gate: ERR_NOT_FOUND, it is not in force any more. */
void store_representation_stands(struct batch *b, const unsigned char id[REPRESENTATION_ID_BYTES],
                                 int64_t now);
void store_representation_insert(struct batch *b, const struct representation *r);
/* What the person has under way as the other ends with it. Gate: ERR_NOT_FOUND when it has ended; one
 * that is yet to begin may be ended. */
void store_representation_end(struct batch *b, const unsigned char id[REPRESENTATION_ID_BYTES],
                              int64_t now);

/* What a session of ours hangs on upstream. */
struct upstream_session {
    bool found;
    struct session_key session_key;
    struct span connector, issuer;
    unsigned char subject_index[SUBJECT_INDEX_BYTES];
    struct span sid_hash; /* SHA-256, or absent */
    struct span sealed;   /* data key: JSON {id_token, logout_uri} */
    int64_t expires_at;   /* the session's: when the row may go */
};
/* In place of what the session hung on before. It goes with the session: who needs it for signing out
 * loads it before the session ends. */
void store_upstream_session_insert(struct batch *b, const struct upstream_session *s);
void store_upstream_session_find(struct batch *b, const struct session_key *key,
                                 struct upstream_session *ret);
/* Upstream says that its session has ended: ours end with it, grants too. By sid, else (sid absent)
 * every one of the subject (`subject_index` may be NULL with a sid); `ret_count` of them. */
void store_upstream_session_end(struct batch *b, struct span issuer,
                                const unsigned char subject_index[SUBJECT_INDEX_BYTES],
                                struct span sid_hash, int64_t now, int64_t *ret_count);

/* ---- throttle -------------------------------------------------------------------------------- */

#define THROTTLE_KEY_BYTES 17 /* kind || first 16 bytes of SHA-256 */
struct throttle_key {
    unsigned char b[THROTTLE_KEY_BYTES];
};
struct throttle_limit {
    struct throttle_key key;
    int64_t free_failures;  /* this many before delays start */
    int64_t base_seconds;   /* delay after the first failure beyond them; doubles each time */
    int64_t max_seconds;    /* ceiling of the delay */
    int64_t hard_failures;  /* refuse altogether from this count on; 0: never */
    int64_t memory_seconds; /* the count is forgotten this long after the last failure */
};
struct throttle_state {
    bool found;
    int64_t failures;
    int64_t blocked_until;
};
/* Counts an attempt before it is judged, so that parallel guesses cannot slip through. Gate:
 * ERR_BUSY when the key is blocked at `now`; ret (may be NULL) gets the state after counting. */
void store_throttle_take(struct batch *b, const struct throttle_limit *limit, int64_t now,
                         struct throttle_state *ret);
void store_throttle_find(struct batch *b, const struct throttle_key *key,
                         struct throttle_state *ret);
/* The attempt was good: forget the key. */
void store_throttle_clear(struct batch *b, const struct throttle_key *key);
/* The attempt was good, but the key is shared with others (a network): take back one count. */
void store_throttle_give_back(struct batch *b, const struct throttle_limit *limit);

/* ---- keys ------------------------------------------------------------------------------------ */

enum key_state { KEY_NEXT = 1, KEY_ACTIVE, KEY_RETIRING, KEY_RETIRED, KEY_REVOKED };
const char *key_state_name(enum key_state st);

struct key_row {
    struct span kid;
    enum key_use use;
    struct span alg;
    enum key_state state;
    struct span wrapped;
    struct span public_jwk; /* sig and envelope only */
    int64_t created_at, activated_at, retiring_at, expires_at;
};
struct key_list {
    struct key_row *item;
    size_t count;
};
void store_key_list(struct batch *b, struct key_list *ret);
/* Gate: ERR_EXISTS. */
void store_key_insert(struct batch *b, const struct key_row *row);
/* Gate: ERR_REFUSED unless the key is in state `from`. */
void store_key_move(struct batch *b, struct span kid, enum key_state from, enum key_state to,
                    int64_t now, int64_t expires_at);

/* ---- audit ----------------------------------------------------------------------------------- */

struct audit_event {
    int64_t at;
    const char *event; /* "login", "login_failed", "logout", "user_locked", ... */
    struct span actor; /* user id (hex) or "staff:UID", never a name or number */
    struct span target;
    struct span client_id;
    struct span address; /* client address */
    struct span request_id;
    struct span detail; /* small JSON object, or absent */
};
/* Each row's hash covers the row and the hash before it. */
void store_audit(struct batch *b, const struct audit_event *e);

struct audit_row {
    int64_t seq;
    struct audit_event e;
    struct span hash;
};
struct audit_list {
    struct audit_row *item;
    size_t count;
};
/* What `row`'s hash must be, given that of the row before it (zeros before the first): for who
 * verifies the chain. */
#define AUDIT_HASH_BYTES 32
must_check enum err store_audit_hash(const unsigned char previous[AUDIT_HASH_BYTES],
                                     const struct audit_row *row,
                                     unsigned char ret_hash[AUDIT_HASH_BYTES]);
/* The newest ones, oldest of them first. */
void store_audit_newest(struct batch *b, unsigned most, struct audit_list *ret);
void store_audit_tail(struct batch *b, int64_t after_seq, unsigned most, struct audit_list *ret);

#endif
