/* SPDX-License-Identifier: Apache-2.0
 *
 * A grant: what one redemption of a code (or a client_credentials request with refresh) made. Its
 * key is derived from the code's id, so inserting the row consumes the code, a second insert is a
 * replay, and the consumed id lives as long as the grant: one row for life.
 *
 * Refresh token = base64url(version 1 || grant key 20 || generation 4 || MAC 16), the MAC being
 * HMAC-SHA-256 (code key; salt || key || generation), truncated: nothing secret is stored, and
 * rotation is one conditional update (RFC 9700 4.14.2). */
#ifndef IDP_GRANT_H
#define IDP_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/session.h"
#include "idp/user.h"

#define GRANT_KEY_BYTES 20 /* 4 bytes time of the code || 16 bytes SHA-256 of the code's id */
#define GRANT_SALT_BYTES 16

struct grant_key {
    unsigned char b[GRANT_KEY_BYTES];
};

struct grant {
    bool found;
    struct grant_key key;
    struct user_id user_id;
    bool has_session;
    struct session_key session_key; /* the session that it came from */
    /* Its key when the code was redeemed, which stays when the session is renewed: what sid is made
     * of, so that a client knows one sid for all ID tokens of a grant. */
    struct session_key sid_key;
    struct span client_id;
    struct span scope;              /* space-separated, as granted */
    struct span claims;             /* single claims asked for (claims_request.h), or absent */
    struct span resource;           /* asked for, space-separated identifiers, or absent */
    struct span acr;                /* as put into tokens */
    unsigned amr;
    int64_t auth_time;
    bool is_offline;                /* offline_access: survives the session */
    bool has_refresh;
    int64_t generation;             /* of the newest refresh token issued; 0 = the first */
    unsigned char salt[GRANT_SALT_BYTES];
    int64_t rotated_at;             /* when `generation` was reached */
    int64_t issued_at;
    int64_t idle_expires_at;        /* refresh extends it, never past expires_at */
    int64_t expires_at;             /* absolute; the row is purged after it */
    int64_t revoked_at;             /* 0 while good */
    bool has_actor;
    struct user_id actor;           /* the session's */
    /* Loaded with it, for the one check that all token paths share: */
    enum user_status user_status;
    bool session_live;              /* the session row exists and has not ended */
};

/* Whether its refresh token may still be used at `now`. */
static inline bool grant_can_refresh(const struct grant *g, int64_t now) {
    return g->has_refresh && !g->revoked_at && now < g->expires_at && now < g->idle_expires_at &&
           g->user_status == USER_ACTIVE && (g->is_offline || g->session_live);
}

#endif
