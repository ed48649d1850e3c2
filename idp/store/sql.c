/* SPDX-License-Identifier: Apache-2.0
 *
 * The statement table and the migrations. A migration, once released, never changes. */
#include "idp/store/sql.h"

#include <stddef.h>

#include "base/cleanup.h"

const struct sql_row sql_table[STMT_COUNT] = {
#define SQL(name, types, text) [STMT_##name] = {#name, types, text},
#include "idp/store/sql.tbl.h"
#undef SQL
};

/* Hot tables' keys begin with 4 bytes of time; what expires has an index on when. */
static const char *const migration_1[] = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "CREATE TABLE account (id BYTEA PRIMARY KEY, username TEXT NOT NULL UNIQUE, "
    "type BIGINT NOT NULL, "
    "status BIGINT NOT NULL, ial BIGINT NOT NULL, password_hash TEXT, "
    "require_change BIGINT NOT NULL, "
    "claims TEXT, identifiers BYTEA, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)",
    "CREATE TABLE identifier (kind TEXT NOT NULL, value_index BYTEA NOT NULL, "
    "user_id BYTEA NOT NULL REFERENCES account (id), PRIMARY KEY (kind, value_index))",
    "CREATE INDEX identifier_user ON identifier (user_id)",
    "CREATE TABLE client (client_id TEXT PRIMARY KEY, metadata TEXT NOT NULL, secret_hash BYTEA, "
    "is_enabled BIGINT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE TABLE session (key BYTEA PRIMARY KEY, user_id BYTEA NOT NULL REFERENCES account (id), "
    "created_at BIGINT NOT NULL, auth_time BIGINT NOT NULL, last_seen BIGINT NOT NULL, "
    "expires_at BIGINT NOT NULL, ended_at BIGINT NOT NULL, aal BIGINT NOT NULL, "
    "amr BIGINT NOT NULL, "
    "network TEXT, user_agent TEXT)",
    "CREATE INDEX session_by_user ON session (user_id)",
    "CREATE INDEX session_expiry ON session (expires_at)",
    "CREATE TABLE oauth_grant (key BYTEA PRIMARY KEY, "
    "user_id BYTEA NOT NULL REFERENCES account (id), "
    "session_key BYTEA, client_id TEXT NOT NULL, scope TEXT NOT NULL, claims TEXT, acr TEXT, "
    "amr BIGINT NOT NULL, auth_time BIGINT NOT NULL, is_offline BIGINT NOT NULL, "
    "has_refresh BIGINT NOT NULL, generation BIGINT NOT NULL, salt BYTEA NOT NULL, "
    "rotated_at BIGINT NOT NULL, issued_at BIGINT NOT NULL, idle_expires_at BIGINT NOT NULL, "
    "expires_at BIGINT NOT NULL, revoked_at BIGINT NOT NULL)",
    "CREATE INDEX grant_user ON oauth_grant (user_id)",
    "CREATE INDEX grant_session ON oauth_grant (session_key)",
    "CREATE INDEX grant_expiry ON oauth_grant (expires_at)",
    "CREATE TABLE consent (user_id BYTEA NOT NULL REFERENCES account (id), "
    "client_id TEXT NOT NULL, "
    "scope TEXT NOT NULL, granted_at BIGINT NOT NULL, PRIMARY KEY (user_id, client_id))",
    "CREATE TABLE pending (key BYTEA PRIMARY KEY, sealed BYTEA NOT NULL, "
    "expires_at BIGINT NOT NULL)",
    "CREATE INDEX pending_expiry ON pending (expires_at)",
    "CREATE TABLE once (key BYTEA PRIMARY KEY, expires_at BIGINT NOT NULL)",
    "CREATE INDEX once_expiry ON once (expires_at)",
    "CREATE TABLE throttle (key BYTEA PRIMARY KEY, failures BIGINT NOT NULL, "
    "last_failure_at BIGINT NOT NULL, blocked_until BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
    "CREATE INDEX throttle_expiry ON throttle (expires_at)",
    "CREATE TABLE signing_key (kid TEXT PRIMARY KEY, key_use TEXT NOT NULL, alg TEXT NOT NULL, "
    "state BIGINT NOT NULL, wrapped BYTEA NOT NULL, public_jwk TEXT, created_at BIGINT NOT NULL, "
    "activated_at BIGINT NOT NULL, retiring_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
    "CREATE TABLE audit (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, event TEXT NOT NULL, "
    "actor TEXT, "
    "target TEXT, client_id TEXT, address TEXT, request_id TEXT, detail TEXT, hash BYTEA NOT NULL)",
    NULL,
};

static const char *const migration_2[] = {
    "CREATE TABLE resource (identifier TEXT PRIMARY KEY, metadata TEXT NOT NULL, "
    "is_enabled BIGINT NOT NULL, created_at BIGINT NOT NULL)",
    NULL,
};

static const char *const migration_3[] = {
    "ALTER TABLE oauth_grant ADD COLUMN resource TEXT",
    NULL,
};

/* A client has its newest secret and at most one before it, which always ends. */
static const char *const migration_4[] = {
    "CREATE TABLE client_secret (client_id TEXT NOT NULL, is_newest BIGINT NOT NULL, "
    "hash BYTEA NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, "
    "last_used_at BIGINT NOT NULL, PRIMARY KEY (client_id, is_newest))",
    "CREATE INDEX client_secret_hash ON client_secret (hash)",
    "INSERT INTO client_secret (client_id, is_newest, hash, created_at, expires_at, last_used_at) "
    "SELECT client_id, 1, secret_hash, created_at, 0, 0 FROM client WHERE secret_hash IS NOT NULL",
    "ALTER TABLE client DROP COLUMN secret_hash",
    NULL,
};

static const char *const migration_5[] = {
    "CREATE TABLE registration (client_id TEXT PRIMARY KEY, token_hash BYTEA NOT NULL)",
    "CREATE TABLE initial_token (id TEXT PRIMARY KEY, label TEXT NOT NULL, "
    "hash BYTEA NOT NULL UNIQUE, uses_left BIGINT NOT NULL, created_at BIGINT NOT NULL, "
    "expires_at BIGINT NOT NULL)",
    NULL,
};

/* People who come in through another provider (docs/decisions/0008-federation.md). Subjects, sids and
 * history are not readable from the file: HMAC index, digest, sealed. */
static const char *const migration_6[] = {
    "CREATE TABLE upstream_link (issuer TEXT NOT NULL, subject_index BYTEA NOT NULL, "
    "user_id BYTEA NOT NULL REFERENCES account (id), connector TEXT NOT NULL, how BIGINT NOT NULL, "
    "linked_at BIGINT NOT NULL, last_used_at BIGINT NOT NULL, "
    "PRIMARY KEY (issuer, subject_index, user_id))",
    "CREATE INDEX upstream_link_user ON upstream_link (user_id)",
    "CREATE TABLE account_history (user_id BYTEA NOT NULL REFERENCES account (id), "
    "at BIGINT NOT NULL, id BYTEA NOT NULL, source TEXT NOT NULL, sealed BYTEA NOT NULL, "
    "PRIMARY KEY (user_id, at, id))",
    "CREATE TABLE representation (id BYTEA PRIMARY KEY, "
    "person_id BYTEA NOT NULL REFERENCES account (id), "
    "represented_id BYTEA NOT NULL REFERENCES account (id), scope TEXT, source TEXT NOT NULL, "
    "valid_from BIGINT NOT NULL, valid_until BIGINT NOT NULL, ended_at BIGINT NOT NULL)",
    "CREATE INDEX representation_person ON representation (person_id)",
    "CREATE INDEX representation_represented ON representation (represented_id)",
    "CREATE TABLE upstream_session (session_key BYTEA PRIMARY KEY, connector TEXT NOT NULL, "
    "issuer TEXT NOT NULL, subject_index BYTEA NOT NULL, sid_hash BYTEA, sealed BYTEA, "
    "expires_at BIGINT NOT NULL)",
    "CREATE INDEX upstream_session_sid ON upstream_session (issuer, sid_hash)",
    "CREATE INDEX upstream_session_subject ON upstream_session (issuer, subject_index)",
    "CREATE INDEX upstream_session_expiry ON upstream_session (expires_at)",
    "ALTER TABLE session ADD COLUMN actor_id BYTEA",
    "ALTER TABLE oauth_grant ADD COLUMN actor_id BYTEA",
    "CREATE INDEX session_actor ON session (actor_id) WHERE actor_id IS NOT NULL",
    "CREATE INDEX grant_actor ON oauth_grant (actor_id) WHERE actor_id IS NOT NULL",
    "ALTER TABLE account ADD COLUMN merged_into BYTEA",
    "CREATE INDEX account_merged ON account (merged_into) WHERE merged_into IS NOT NULL",
    /* of a session that was renewed: its key when the code was redeemed (sid) */
    "ALTER TABLE oauth_grant ADD COLUMN sid_key BYTEA",
    /* 1: may have a backchannel_logout_uri */
    "ALTER TABLE client ADD COLUMN hears_logout BIGINT NOT NULL DEFAULT 1",
    "CREATE TABLE logout_delivery (id BYTEA PRIMARY KEY, client_id TEXT NOT NULL, "
    "user_id BYTEA NOT NULL, session_key BYTEA NOT NULL, created_at BIGINT NOT NULL, "
    "attempts BIGINT NOT NULL, next_at BIGINT NOT NULL, state BIGINT NOT NULL, status BIGINT NOT NULL, "
    "expires_at BIGINT NOT NULL)",
    "CREATE INDEX logout_delivery_due ON logout_delivery (state, next_at)",
    "CREATE INDEX logout_delivery_client ON logout_delivery (state, client_id, next_at)",
    "CREATE INDEX logout_delivery_expiry ON logout_delivery (expires_at)",
    NULL,
};

const struct sql_migration sql_migrations[] = {
    {1, migration_1},
    {2, migration_2},
    {3, migration_3},
    {4, migration_4},
    {5, migration_5},
    {6, migration_6},
    {0, NULL},
};
const int sql_schema_version = 6;
