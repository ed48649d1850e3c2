/* SPDX-License-Identifier: Apache-2.0
 *
 * Every statement, once, for SQLite and PostgreSQL alike. Parameters are $1..$n with types i
 * (BIGINT), t (TEXT), b (BYTEA). Ids and times come from the application. A test prepares all of
 * them and refuses what only one engine reads. Included by sql.h and sql.c. */

/* ---- accounts ---- */

#define USER_COLUMNS                                                                             \
    "u.id, u.username, u.type, u.status, u.ial, u.password_hash, u.require_change, u.claims, "   \
    "u.identifiers, u.created_at, u.updated_at"

SQL(USER_BY_NAME, "t", "SELECT " USER_COLUMNS " FROM account u WHERE u.username = $1")
SQL(USER_BY_ID, "b", "SELECT " USER_COLUMNS " FROM account u WHERE u.id = $1")
SQL(USER_BY_IDENTIFIER, "tb",
    "SELECT " USER_COLUMNS " FROM identifier i JOIN account u ON u.id = i.user_id "
    "WHERE i.kind = $1 AND i.value_index = $2")
SQL(USER_LIST, "ti",
    "SELECT " USER_COLUMNS " FROM account u WHERE u.username > $1 ORDER BY u.username LIMIT $2")
SQL(USER_INSERT, "btiiititbii",
    "INSERT INTO account (id, username, type, status, ial, password_hash, require_change, claims, "
    "identifiers, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
    "ON CONFLICT DO NOTHING")
SQL(USER_UNCHANGED, "bt",
    "SELECT 1 FROM account WHERE id = $1 AND status = 1 AND password_hash IS NOT DISTINCT FROM $2")
SQL(USER_SET_PASSWORD, "btii",
    "UPDATE account SET password_hash = $2, require_change = $3, updated_at = $4 WHERE id = $1 "
    "AND status <> 4")
SQL(USER_UPGRADE_HASH, "btti",
    "UPDATE account SET password_hash = $3, updated_at = $4 WHERE id = $1 AND password_hash = $2")
SQL(USER_SET_STATUS, "bii",
    "UPDATE account SET status = $2, updated_at = $3 WHERE id = $1 AND status <> 4")
SQL(USER_ERASE, "bti",
    "UPDATE account SET status = 4, username = $2, password_hash = NULL, require_change = 0, "
    "claims = NULL, identifiers = NULL, updated_at = $3 WHERE id = $1 AND status <> 4")
SQL(USER_END_SESSIONS, "bbi",
    "UPDATE session SET ended_at = $3 WHERE (user_id = $1 OR actor_id = $1) AND key <> $2 "
    "AND ended_at = 0")
SQL(USER_REVOKE_GRANTS, "bi",
    "UPDATE oauth_grant SET revoked_at = $2 WHERE (user_id = $1 OR actor_id = $1) "
    "AND revoked_at = 0")
SQL(USER_IS_ACTIVE, "b", "SELECT 1 FROM account WHERE id = $1 AND status = 1")
/* Two refreshes within a second: the later one's updated_at is still another. */
SQL(USER_REFRESH, "btbiii",
    "UPDATE account SET claims = $2, identifiers = $3, "
    "ial = CASE WHEN ial < $4 THEN $4 ELSE ial END, "
    "updated_at = CASE WHEN updated_at < $6 THEN $6 ELSE updated_at + 1 END "
    "WHERE id = $1 AND status = 1 AND updated_at = $5")
SQL(USER_MERGE, "bbti",
    "UPDATE account SET status = 4, username = $3, password_hash = NULL, require_change = 0, "
    "claims = NULL, identifiers = NULL, merged_into = $2, updated_at = $4 "
    "WHERE id = $1 AND status <> 4 AND id <> $2 "
    "AND EXISTS (SELECT 1 FROM account i WHERE i.id = $2 AND i.status <> 4)")
SQL(USER_MERGE_EARLIER, "bb", "UPDATE account SET merged_into = $2 WHERE merged_into = $1")
/* No change when it is there already and the same account's: counts as a row nevertheless. */
SQL(IDENTIFIER_INSERT, "tbb",
    "INSERT INTO identifier (kind, value_index, user_id) VALUES ($1, $2, $3) "
    "ON CONFLICT (kind, value_index) DO UPDATE SET user_id = excluded.user_id "
    "WHERE identifier.user_id = excluded.user_id")
SQL(IDENTIFIER_MOVE, "bb", "UPDATE identifier SET user_id = $2 WHERE user_id = $1")
SQL(IDENTIFIER_DELETE, "tbb",
    "DELETE FROM identifier WHERE kind = $1 AND value_index = $2 AND user_id = $3")
SQL(IDENTIFIER_DELETE_USER, "b", "DELETE FROM identifier WHERE user_id = $1")

/* ---- clients ---- */

#define CLIENT_COLUMNS                                                                           \
    "c.client_id, c.metadata, c.is_enabled, c.created_at, s.hash, s.created_at, s.expires_at, "  \
    "s.last_used_at FROM client c LEFT JOIN client_secret s ON s.client_id = c.client_id "

/* A row for each secret, the newest first; one without for a client that has none. */
SQL(CLIENT_FIND, "t",
    "SELECT " CLIENT_COLUMNS "WHERE c.client_id = $1 ORDER BY s.is_newest DESC")
SQL(CLIENT_LIST, "i",
    "SELECT " CLIENT_COLUMNS "ORDER BY c.client_id, s.is_newest DESC LIMIT $1")
SQL(CLIENT_INSERT, "ttiii",
    "INSERT INTO client (client_id, metadata, is_enabled, created_at, hears_logout) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
SQL(CLIENT_SECRET_INSERT, "tibiii",
    "INSERT INTO client_secret (client_id, is_newest, hash, created_at, expires_at, last_used_at) "
    "VALUES ($1, $2, $3, $4, $5, $6)")
SQL(CLIENT_SECRET_DELETE_OLD, "t",
    "DELETE FROM client_secret WHERE client_id = $1 AND is_newest = 0")
SQL(CLIENT_SECRET_MAKE_OLD, "ti",
    "UPDATE client_secret SET is_newest = 0, expires_at = "
    "CASE WHEN expires_at > 0 AND expires_at < $2 THEN expires_at ELSE $2 END "
    "WHERE client_id = $1 AND is_newest = 1")
SQL(CLIENT_SECRET_TOUCH, "bi",
    "UPDATE client_secret SET last_used_at = $2 WHERE hash = $1 AND last_used_at < $2")
SQL(CLIENT_SET_ENABLED, "ti", "UPDATE client SET is_enabled = $2 WHERE client_id = $1")
SQL(CLIENT_REVOKE_GRANTS, "ti",
    "UPDATE oauth_grant SET revoked_at = $2 WHERE client_id = $1 AND revoked_at = 0")

SQL(CLIENT_REPLACE, "tti",
    "UPDATE client SET metadata = $2, hears_logout = $3 WHERE client_id = $1")
SQL(CLIENT_SECRET_DELETE_ALL, "t", "DELETE FROM client_secret WHERE client_id = $1")
SQL(CLIENT_DELETE, "t", "DELETE FROM client WHERE client_id = $1")
SQL(REGISTRATION_INSERT, "tb",
    "INSERT INTO registration (client_id, token_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING")
SQL(REGISTRATION_FIND, "t", "SELECT token_hash FROM registration WHERE client_id = $1")
SQL(REGISTRATION_DELETE, "t", "DELETE FROM registration WHERE client_id = $1")
SQL(INITIAL_TOKEN_INSERT, "ttbiii",
    "INSERT INTO initial_token (id, label, hash, uses_left, created_at, expires_at) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING")
SQL(INITIAL_TOKEN_FIND, "bi",
    "SELECT id, label, uses_left, created_at, expires_at FROM initial_token "
    "WHERE hash = $1 AND uses_left > 0 AND expires_at > $2")
SQL(INITIAL_TOKEN_TAKE, "bi",
    "UPDATE initial_token SET uses_left = uses_left - 1 "
    "WHERE hash = $1 AND uses_left > 0 AND expires_at > $2")
SQL(INITIAL_TOKEN_LIST, "i",
    "SELECT id, label, uses_left, created_at, expires_at FROM initial_token "
    "ORDER BY created_at, id LIMIT $1")
SQL(INITIAL_TOKEN_DELETE, "t", "DELETE FROM initial_token WHERE id = $1")

/* ---- resources ---- */

SQL(RESOURCE_LIST, "i",
    "SELECT identifier, metadata, is_enabled, created_at FROM resource ORDER BY identifier LIMIT $1")
SQL(RESOURCE_INSERT, "ttii",
    "INSERT INTO resource (identifier, metadata, is_enabled, created_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT DO NOTHING")
SQL(RESOURCE_UPDATE, "tt", "UPDATE resource SET metadata = $2 WHERE identifier = $1")
SQL(RESOURCE_SET_ENABLED, "ti", "UPDATE resource SET is_enabled = $2 WHERE identifier = $1")

/* ---- sessions ---- */

#define SESSION_COLUMNS                                                                          \
    "s.key, s.created_at, s.auth_time, s.last_seen, s.expires_at, s.ended_at, s.aal, s.amr, "    \
    "s.network, s.user_agent, s.actor_id"

SQL(SESSION_FIND, "b",
    "SELECT " SESSION_COLUMNS ", " USER_COLUMNS
    " FROM session s JOIN account u ON u.id = s.user_id WHERE s.key = $1")
SQL(SESSION_INSERT, "bbiiiiiittb",
    "INSERT INTO session (key, user_id, created_at, auth_time, last_seen, expires_at, ended_at, "
    "aal, "
    "amr, network, user_agent, actor_id) "
    "VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11)")
SQL(SESSION_REPLACE, "bi", "UPDATE session SET ended_at = $2 WHERE key = $1 AND ended_at = 0")
SQL(SESSION_MOVE_GRANTS, "bb",
    "UPDATE oauth_grant SET session_key = $2, sid_key = COALESCE(sid_key, session_key) "
    "WHERE session_key = $1")
/* Whoever signs in again in a session in which somebody acts goes on acting, and no longer than they
 * might before. */
SQL(SESSION_MOVE_ACTOR, "bb",
    "UPDATE session SET actor_id = (SELECT o.actor_id FROM session o WHERE o.key = $1), "
    "expires_at = (SELECT CASE WHEN o.expires_at < session.expires_at THEN o.expires_at "
    "ELSE session.expires_at END FROM session o WHERE o.key = $1) "
    "WHERE key = $2 AND actor_id IS NULL "
    "AND EXISTS (SELECT 1 FROM session o WHERE o.key = $1 AND o.actor_id IS NOT NULL)")
SQL(SESSION_END, "bbi",
    "UPDATE session SET ended_at = $3 WHERE key = $1 AND ended_at = 0 AND user_id = $2")
SQL(SESSION_END_STAFF, "bi", "UPDATE session SET ended_at = $2 WHERE key = $1 AND ended_at = 0")
SQL(SESSION_REVOKE_GRANTS, "bi",
    "UPDATE oauth_grant SET revoked_at = $2 WHERE session_key = $1 AND is_offline = 0 "
    "AND revoked_at = 0")
SQL(SESSION_REVOKE_OTHERS_GRANTS, "bbi",
    "UPDATE oauth_grant SET revoked_at = $3 WHERE (user_id = $1 OR actor_id = $1) "
    "AND session_key <> $2 AND is_offline = 0 AND revoked_at = 0")
SQL(SESSION_TOUCH, "bi", "UPDATE session SET last_seen = $2 WHERE key = $1 AND last_seen < $2")
SQL(SESSION_LIST, "bii",
    "SELECT " SESSION_COLUMNS ", " USER_COLUMNS
    " FROM session s JOIN account u ON u.id = s.user_id "
    "WHERE s.user_id = $1 AND s.ended_at = 0 AND s.expires_at > $2 "
    "ORDER BY s.auth_time DESC LIMIT $3")
SQL(SESSION_COUNT, "i", "SELECT COUNT(*) FROM session WHERE ended_at = 0 AND expires_at > $1")

/* ---- deliveries of logout tokens: state 1 is to be delivered ---- */

/* One for each sid that a client was given in a session. Its id is that of the first grant with the
 * sid, which no other session has. */
#define LOGOUT_ADD(now, keep_until)                                                              \
    "INSERT INTO logout_delivery (id, client_id, user_id, session_key, created_at, attempts, "   \
    "next_at, state, status, expires_at) "                                                       \
    "SELECT g.key, g.client_id, g.user_id, COALESCE(g.sid_key, g.session_key), " now ", 0, " now \
    ", 1, 0, " keep_until " FROM oauth_grant g JOIN client c ON c.client_id = g.client_id "      \
    "WHERE c.hears_logout = 1 AND NOT EXISTS (SELECT 1 FROM oauth_grant o "                      \
    "WHERE o.session_key = g.session_key AND o.client_id = g.client_id AND o.key < g.key "       \
    "AND COALESCE(o.sid_key, o.session_key) = COALESCE(g.sid_key, g.session_key)) "
#define LOGOUT_ADDED " ON CONFLICT DO NOTHING RETURNING 1"
#define LOGOUT_COLUMNS                                                                           \
    "SELECT id, client_id, user_id, session_key, created_at, attempts, next_at, state, status "  \
    "FROM logout_delivery "

SQL(LOGOUT_ADD_SESSION, "bii", LOGOUT_ADD("$2", "$3") "AND g.session_key = $1" LOGOUT_ADDED)
/* Before the session is ended. */
SQL(LOGOUT_ADD_LIVE_SESSION, "bii",
    LOGOUT_ADD("$2", "$3") "AND g.session_key = $1 AND EXISTS (SELECT 1 FROM session s "
    "WHERE s.key = $1 AND s.ended_at = 0 AND s.expires_at > $2)" LOGOUT_ADDED)
/* Likewise, all of a person's but one. */
SQL(LOGOUT_ADD_USER, "bbii",
    LOGOUT_ADD("$3", "$4") "AND g.session_key IN (SELECT s.key FROM session s "
    "WHERE (s.user_id = $1 OR s.actor_id = $1) AND s.key <> $2 AND s.ended_at = 0 "
    "AND s.expires_at > $3)" LOGOUT_ADDED)
SQL(LOGOUT_CLIENTS_DUE, "ii",
    "SELECT client_id, MIN(next_at) FROM logout_delivery WHERE state = 1 AND next_at <= $1 "
    "GROUP BY client_id ORDER BY 2 LIMIT $2")
SQL(LOGOUT_DUE, "tii",
    LOGOUT_COLUMNS "WHERE state = 1 AND client_id = $1 AND next_at <= $2 ORDER BY next_at LIMIT $3")
SQL(LOGOUT_NEXT, "i",
    "SELECT next_at FROM logout_delivery WHERE state = 1 AND next_at > $1 ORDER BY next_at LIMIT 1")
SQL(LOGOUT_LIST, "ii",
    LOGOUT_COLUMNS "WHERE state = $1 ORDER BY next_at DESC LIMIT $2")
SQL(LOGOUT_MARK, "biiii",
    "UPDATE logout_delivery SET attempts = attempts + 1, state = $2, status = $3, next_at = $4, "
    "expires_at = $5 WHERE id = $1 AND state = 1")
SQL(LOGOUT_DROP_CLIENT, "t", "DELETE FROM logout_delivery WHERE state = 1 AND client_id = $1")

/* ---- grants ---- */

SQL(GRANT_NOT_THERE, "b",
    "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM oauth_grant g WHERE g.key = $1)")
SQL(GRANT_INSERT, "bbbttttiiiiibiiiit",
    "INSERT INTO oauth_grant (key, user_id, session_key, client_id, scope, claims, acr, amr, "
    "auth_time, is_offline, has_refresh, generation, salt, rotated_at, issued_at, idle_expires_at, "
    "expires_at, resource, revoked_at, actor_id) "
    "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, "
    "(SELECT s.actor_id FROM session s WHERE s.key = $3) "
    "WHERE EXISTS (SELECT 1 FROM session s JOIN account u ON u.id = s.user_id WHERE s.key = $3 "
    "AND s.ended_at = 0 AND s.expires_at > $15 AND u.id = $2 AND u.status = 1) "
    "AND NOT EXISTS (SELECT 1 FROM session s JOIN account p ON p.id = s.actor_id "
    "WHERE s.key = $3 AND p.status <> 1) "
    "ON CONFLICT DO NOTHING")
SQL(GRANT_FIND, "b",
    "SELECT g.key, g.user_id, g.session_key, g.client_id, g.scope, g.claims, g.acr, g.amr, "
    "g.auth_time, g.is_offline, g.has_refresh, g.generation, g.salt, g.rotated_at, g.issued_at, "
    "g.idle_expires_at, g.expires_at, g.revoked_at, u.status, s.ended_at, g.resource, "
    "COALESCE(g.sid_key, g.session_key), g.actor_id "
    "FROM oauth_grant g JOIN account u ON u.id = g.user_id "
    "LEFT JOIN session s ON s.key = g.session_key WHERE g.key = $1")
SQL(GRANT_ROTATE, "biii",
    "UPDATE oauth_grant SET generation = generation + 1, rotated_at = $3, idle_expires_at = $4 "
    "WHERE key = $1 AND generation = $2 AND has_refresh = 1 AND revoked_at = 0 AND expires_at > $3 "
    "AND idle_expires_at > $3 "
    "AND EXISTS (SELECT 1 FROM account u WHERE u.id = oauth_grant.user_id AND u.status = 1) "
    "AND NOT EXISTS (SELECT 1 FROM account p WHERE p.id = oauth_grant.actor_id AND p.status <> 1) "
    "AND (is_offline = 1 OR EXISTS (SELECT 1 FROM session s WHERE s.key = oauth_grant.session_key "
    "AND s.ended_at = 0 AND s.expires_at > $3)) "
    /* A session in which somebody acts ends by itself; what outlives it goes by the right to act. */
    "AND (is_offline = 0 OR actor_id IS NULL OR EXISTS (SELECT 1 FROM representation r "
    "WHERE r.person_id = oauth_grant.actor_id AND r.represented_id = oauth_grant.user_id "
    "AND r.ended_at = 0 AND (r.valid_until = 0 OR r.valid_until > $3)))")
SQL(GRANT_REVOKE, "bi", "UPDATE oauth_grant SET revoked_at = $2 WHERE key = $1 AND revoked_at = 0")
SQL(GRANT_LIST_SESSION, "b",
    "SELECT client_id, MIN(issued_at) FROM oauth_grant WHERE session_key = $1 GROUP BY client_id "
    "ORDER BY 2")

/* ---- consent ---- */

SQL(CONSENT_DELETE_CLIENT, "t", "DELETE FROM consent WHERE client_id = $1")
SQL(CONSENT_FIND, "bt",
    "SELECT scope, granted_at FROM consent WHERE user_id = $1 AND client_id = $2")
SQL(CONSENT_SAVE, "btti",
    "INSERT INTO consent (user_id, client_id, scope, granted_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, "
    "granted_at = excluded.granted_at")
SQL(CONSENT_DELETE_USER, "b", "DELETE FROM consent WHERE user_id = $1")
SQL(CONSENT_MOVE, "bb",
    "UPDATE consent SET user_id = $2 WHERE user_id = $1 AND NOT EXISTS "
    "(SELECT 1 FROM consent o WHERE o.user_id = $2 AND o.client_id = consent.client_id)")

/* ---- pending, once ---- */

SQL(PENDING_INSERT, "bbi", "INSERT INTO pending (key, sealed, expires_at) VALUES ($1, $2, $3)")
SQL(PENDING_FIND, "bi", "SELECT sealed FROM pending WHERE key = $1 AND expires_at > $2")
SQL(PENDING_TAKE, "bi", "DELETE FROM pending WHERE key = $1 AND expires_at > $2 RETURNING sealed")
SQL(ONCE_FIND, "b", "SELECT 1 FROM once WHERE key = $1")
SQL(ONCE_INSERT, "bi", "INSERT INTO once (key, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")

/* ---- links to other providers' identities ---- */

#define LINK_COLUMNS                                                                             \
    "l.issuer, l.subject_index, l.connector, l.how, l.linked_at, l.last_used_at, " USER_COLUMNS  \
    " FROM upstream_link l JOIN account u ON u.id = l.user_id "

SQL(LINK_FIND, "tbi",
    "SELECT " LINK_COLUMNS "WHERE l.issuer = $1 AND l.subject_index = $2 "
    "ORDER BY l.last_used_at DESC, l.user_id LIMIT $3")
SQL(LINK_LIST, "bi",
    "SELECT " LINK_COLUMNS "WHERE l.user_id = $1 "
    "ORDER BY l.linked_at, l.issuer, l.subject_index LIMIT $2")
/* Two sign-ins of one new person at once must not make two accounts. */
SQL(LINK_IS_FIRST, "tb",
    "SELECT 1 WHERE NOT EXISTS "
    "(SELECT 1 FROM upstream_link l WHERE l.issuer = $1 AND l.subject_index = $2)")
SQL(LINK_INSERT, "tbbtiii",
    "INSERT INTO upstream_link (issuer, subject_index, user_id, connector, how, linked_at, "
    "last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING")
SQL(LINK_TOUCH, "tbbi",
    "UPDATE upstream_link SET last_used_at = CASE WHEN last_used_at < $4 THEN $4 ELSE last_used_at END "
    "WHERE issuer = $1 AND subject_index = $2 AND user_id = $3")
SQL(LINK_DELETE, "tbb",
    "DELETE FROM upstream_link WHERE issuer = $1 AND subject_index = $2 AND user_id = $3")
SQL(LINK_DELETE_USER, "b", "DELETE FROM upstream_link WHERE user_id = $1")
SQL(LINK_MOVE, "bb",
    "UPDATE upstream_link SET user_id = $2 WHERE user_id = $1 AND NOT EXISTS "
    "(SELECT 1 FROM upstream_link o WHERE o.issuer = upstream_link.issuer "
    "AND o.subject_index = upstream_link.subject_index AND o.user_id = $2)")
SQL(LINK_OF_IDENTIFIER, "ttb",
    "SELECT 1 FROM identifier i JOIN upstream_link l ON l.user_id = i.user_id "
    "WHERE l.issuer = $1 AND i.kind = $2 AND i.value_index = $3 LIMIT 1")

/* ---- history: of the account, and of those that were merged into it ---- */

#define HISTORY_OWNERS "(SELECT a.id FROM account a WHERE a.id = $1 OR a.merged_into = $1)"

SQL(HISTORY_INSERT, "bibtb",
    "INSERT INTO account_history (user_id, at, id, source, sealed) VALUES ($1, $2, $3, $4, $5)")
SQL(HISTORY_LIST, "bi",
    "SELECT user_id, at, source, sealed FROM account_history WHERE user_id IN " HISTORY_OWNERS
    " ORDER BY at DESC, id LIMIT $2")
SQL(HISTORY_DELETE_USER, "b", "DELETE FROM account_history WHERE user_id IN " HISTORY_OWNERS)

/* ---- who may act for whom ---- */

SQL(REPRESENTATION_LIST, "bii",
    "SELECT r.id, r.person_id, r.scope, r.source, r.valid_from, r.valid_until, r.ended_at, "
    USER_COLUMNS " FROM representation r JOIN account u ON u.id = r.represented_id "
    "JOIN account p ON p.id = r.person_id "
    "WHERE r.person_id = $1 AND r.ended_at = 0 AND r.valid_from <= $2 "
    "AND (r.valid_until = 0 OR r.valid_until > $2) AND u.status = 1 AND p.status = 1 "
    "ORDER BY r.valid_from, r.id LIMIT $3")
SQL(REPRESENTATION_STANDS, "bi",
    "SELECT 1 FROM representation WHERE id = $1 AND ended_at = 0 AND valid_from <= $2 "
    "AND (valid_until = 0 OR valid_until > $2)")
SQL(REPRESENTATION_INSERT, "bbbttii",
    "INSERT INTO representation (id, person_id, represented_id, scope, source, valid_from, "
    "valid_until, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)")
SQL(REPRESENTATION_END, "bi",
    "UPDATE representation SET ended_at = $2 "
    "WHERE id = $1 AND ended_at = 0 AND (valid_until = 0 OR valid_until > $2)")
#define REPRESENTED_BY_IT                                                                        \
    "user_id IN (SELECT r.represented_id FROM representation r WHERE r.id = $1) "                \
    "AND actor_id IN (SELECT r.person_id FROM representation r WHERE r.id = $1) "
/* Before they are ended. */
SQL(LOGOUT_ADD_REPRESENTED, "bii",
    LOGOUT_ADD("$2", "$3") "AND g.session_key IN (SELECT s.key FROM session s "
    "WHERE " REPRESENTED_BY_IT "AND s.ended_at = 0 AND s.expires_at > $2)" LOGOUT_ADDED)
SQL(REPRESENTATION_END_SESSIONS, "bi",
    "UPDATE session SET ended_at = $2 WHERE " REPRESENTED_BY_IT "AND ended_at = 0")
SQL(REPRESENTATION_REVOKE_GRANTS, "bi",
    "UPDATE oauth_grant SET revoked_at = $2 WHERE " REPRESENTED_BY_IT "AND revoked_at = 0")
SQL(REPRESENTATION_DELETE_UPSTREAM_SESSIONS, "b",
    "DELETE FROM upstream_session WHERE session_key IN "
    "(SELECT s.key FROM session s WHERE " REPRESENTED_BY_IT "AND s.ended_at > 0)")
SQL(REPRESENTATION_DELETE_USER, "b",
    "DELETE FROM representation WHERE person_id = $1 OR represented_id = $1")
SQL(REPRESENTATION_MOVE_PERSON, "bb",
    "UPDATE representation SET person_id = $2 WHERE person_id = $1")
SQL(REPRESENTATION_MOVE_REPRESENTED, "bb",
    "UPDATE representation SET represented_id = $2 WHERE represented_id = $1")

/* ---- what sessions hang on at other providers ---- */

SQL(UPSTREAM_SESSION_INSERT, "bttbbbi",
    "INSERT INTO upstream_session (session_key, connector, issuer, subject_index, sid_hash, "
    "sealed, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
    "ON CONFLICT (session_key) DO UPDATE SET connector = excluded.connector, "
    "issuer = excluded.issuer, subject_index = excluded.subject_index, "
    "sid_hash = excluded.sid_hash, sealed = excluded.sealed, expires_at = excluded.expires_at")
SQL(UPSTREAM_SESSION_FIND, "b",
    "SELECT session_key, connector, issuer, subject_index, sid_hash, sealed, expires_at "
    "FROM upstream_session WHERE session_key = $1")
SQL(UPSTREAM_SESSION_MOVE, "bbi",
    "UPDATE upstream_session SET session_key = $2, expires_at = $3 WHERE session_key = $1")
SQL(UPSTREAM_SESSION_DELETE, "b", "DELETE FROM upstream_session WHERE session_key = $1")
/* Of all sessions of the account that have ended. */
SQL(UPSTREAM_SESSION_DELETE_USER, "b",
    "DELETE FROM upstream_session WHERE session_key IN (SELECT s.key FROM session s "
    "WHERE (s.user_id = $1 OR s.actor_id = $1) AND s.ended_at > 0)")
/* By sid, or by subject: the other one is NULL, which equals nothing. */
#define UPSTREAM_SESSIONS                                                                        \
    "(SELECT x.session_key FROM upstream_session x WHERE (x.issuer = $1 AND x.sid_hash = $2) "   \
    "OR (x.issuer = $1 AND x.subject_index = $3))"
/* Before they are ended. */
SQL(LOGOUT_ADD_UPSTREAM, "tbbii",
    LOGOUT_ADD("$4", "$5") "AND g.session_key IN (SELECT s.key FROM session s WHERE s.key IN "
    UPSTREAM_SESSIONS " AND s.ended_at = 0 AND s.expires_at > $4)" LOGOUT_ADDED)
SQL(UPSTREAM_SESSION_END, "tbbi",
    "UPDATE session SET ended_at = $4 WHERE key IN " UPSTREAM_SESSIONS
    " AND ended_at = 0 RETURNING 1")
SQL(UPSTREAM_SESSION_REVOKE_GRANTS, "tbbi",
    "UPDATE oauth_grant SET revoked_at = $4 WHERE session_key IN " UPSTREAM_SESSIONS
    " AND is_offline = 0 AND revoked_at = 0")
SQL(UPSTREAM_SESSION_DELETE_ENDED, "tbb",
    "DELETE FROM upstream_session WHERE session_key IN " UPSTREAM_SESSIONS)

/* ---- throttle: $1 key, $2 now, $3 free, $4 base, $5 most, $6 hard, $7 memory; the delay for the
 * k-th failure beyond the free ones is base * 2^(k-1), at most `most`. Without delay there is no time
 * to wait for at all: a request that began a second earlier may be counted later ---- */

#define THROTTLE_UNTIL(failures)                                                                 \
    "CASE WHEN " failures " <= $3 THEN 0 WHEN " failures " - $3 > 20 THEN $2 + $5 "              \
    "WHEN $4 << CAST(" failures " - $3 - 1 AS INTEGER) > $5 THEN $2 + $5 "                       \
    "ELSE $2 + ($4 << CAST(" failures " - $3 - 1 AS INTEGER)) END"
#define THROTTLE_NEXT                                                                            \
    "(CASE WHEN throttle.last_failure_at < $2 - $7 THEN 1 ELSE throttle.failures + 1 END)"

SQL(THROTTLE_TAKE, "biiiiii",
    "INSERT INTO throttle (key, failures, last_failure_at, blocked_until, expires_at) "
    "VALUES ($1, 1, $2, " THROTTLE_UNTIL("1") ", $2 + $7) "
    "ON CONFLICT (key) DO UPDATE SET failures = " THROTTLE_NEXT ", last_failure_at = $2, "
    "blocked_until = " THROTTLE_UNTIL(THROTTLE_NEXT) ", expires_at = $2 + $7 "
    "WHERE throttle.blocked_until <= $2 AND ($6 = 0 OR throttle.failures < $6 "
    "OR throttle.last_failure_at < $2 - $7) RETURNING failures, blocked_until")
SQL(THROTTLE_FIND, "b", "SELECT failures, blocked_until FROM throttle WHERE key = $1")
SQL(THROTTLE_CLEAR, "b", "DELETE FROM throttle WHERE key = $1")
SQL(THROTTLE_GIVE_BACK, "bi",
    "UPDATE throttle SET failures = failures - 1, "
    "blocked_until = CASE WHEN failures - 1 <= $2 THEN 0 ELSE blocked_until END "
    "WHERE key = $1 AND failures > 0")

/* ---- keys ---- */

SQL(KEY_LIST, "",
    "SELECT kid, key_use, alg, state, wrapped, public_jwk, created_at, activated_at, retiring_at, "
    "expires_at FROM signing_key ORDER BY created_at, kid")
SQL(KEY_INSERT, "tttibtiiii",
    "INSERT INTO signing_key (kid, key_use, alg, state, wrapped, public_jwk, created_at, "
    "activated_at, retiring_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
    "ON CONFLICT DO NOTHING")
SQL(KEY_ACTIVATE, "tiii",
    "UPDATE signing_key SET state = $3, activated_at = $4 WHERE kid = $1 AND state = $2")
SQL(KEY_MOVE, "tiiii",
    "UPDATE signing_key SET state = $3, retiring_at = $4, expires_at = $5 "
    "WHERE kid = $1 AND state = $2")

/* ---- audit: the writer fills $1 and $10 ---- */

SQL(AUDIT_INSERT, "iitttttttb",
    "INSERT INTO audit (seq, at, event, actor, target, client_id, address, request_id, detail, "
    "hash) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
SQL(AUDIT_LAST, "", "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
SQL(AUDIT_TAIL, "ii",
    "SELECT seq, at, event, actor, target, client_id, address, request_id, detail, hash FROM audit "
    "WHERE seq > $1 ORDER BY seq LIMIT $2")

SQL(AUDIT_NEWEST, "i",
    "SELECT seq, at, event, actor, target, client_id, address, request_id, detail, hash FROM "
    "(SELECT * FROM audit ORDER BY seq DESC LIMIT $1) newest ORDER BY seq")

/* ---- purge: $1 now, $2 most rows ---- */

SQL(PURGE_SESSION, "ii",
    "DELETE FROM session WHERE key IN (SELECT key FROM session WHERE expires_at < $1 "
    "ORDER BY expires_at LIMIT $2) RETURNING 1")
SQL(PURGE_GRANT, "ii",
    "DELETE FROM oauth_grant WHERE key IN (SELECT key FROM oauth_grant WHERE expires_at < $1 "
    "ORDER BY expires_at LIMIT $2) RETURNING 1")
SQL(PURGE_PENDING, "ii",
    "DELETE FROM pending WHERE key IN (SELECT key FROM pending WHERE expires_at < $1 "
    "ORDER BY expires_at LIMIT $2) RETURNING 1")
SQL(PURGE_ONCE, "ii",
    "DELETE FROM once WHERE key IN (SELECT key FROM once WHERE expires_at < $1 "
    "ORDER BY expires_at LIMIT $2) RETURNING 1")
SQL(PURGE_UPSTREAM_SESSION, "ii",
    "DELETE FROM upstream_session WHERE session_key IN (SELECT session_key FROM upstream_session "
    "WHERE expires_at < $1 ORDER BY expires_at LIMIT $2) RETURNING 1")
SQL(PURGE_THROTTLE, "ii",
    "DELETE FROM throttle WHERE key IN (SELECT key FROM throttle WHERE expires_at < $1 "
    "ORDER BY expires_at LIMIT $2) RETURNING 1")

SQL(PURGE_LOGOUT, "ii",
    "DELETE FROM logout_delivery WHERE id IN (SELECT id FROM logout_delivery WHERE expires_at < $1 "
    "ORDER BY expires_at LIMIT $2) RETURNING 1")

/* ---- schema ---- */

/* Never a row: the gate of a dry run. */
SQL(NOTHING, "", "SELECT value FROM meta WHERE 1 = 0")
SQL(SCHEMA_VERSION, "", "SELECT value FROM meta WHERE name = 'schema_version'")
SQL(SCHEMA_SET_VERSION, "i",
    "INSERT INTO meta (name, value) VALUES ('schema_version', $1) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value")

#undef USER_COLUMNS
#undef CLIENT_COLUMNS
#undef SESSION_COLUMNS
#undef LINK_COLUMNS
#undef HISTORY_OWNERS
#undef REPRESENTED_BY_IT
#undef UPSTREAM_SESSIONS
#undef LOGOUT_ADD
#undef LOGOUT_ADDED
#undef LOGOUT_COLUMNS
#undef THROTTLE_UNTIL
#undef THROTTLE_NEXT
