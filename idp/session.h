/* SPDX-License-Identifier: Apache-2.0
 *
 * The browser session: a cookie, of which only a hash is stored.
 * Cookie value: base64url(4 bytes creation time, big-endian || 20 random bytes). Row key: those
 * 4 bytes || the first 16 bytes of SHA-256 over the 24: hot tables' keys begin with time. */
#ifndef IDP_SESSION_H
#define IDP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/user.h"

#define SESSION_COOKIE_BYTES 24
#define SESSION_COOKIE_CHARS 32
#define SESSION_KEY_BYTES 20

struct session_key {
    unsigned char b[SESSION_KEY_BYTES];
};

enum { AMR_PWD = 1, AMR_OTP = 2, AMR_HWK = 4, AMR_SWK = 8, AMR_USER = 16, AMR_FED = 32 };

struct session {
    bool found;
    struct session_key key;
    struct user user;        /* loaded with it */
    int64_t created_at;
    int64_t auth_time;
    int64_t last_seen;       /* flushed in batches; see session_activity */
    int64_t expires_at;      /* absolute */
    int64_t ended_at;        /* 0 while live */
    int aal;                 /* 1..3 */
    unsigned amr;            /* AMR_* bits */
    struct span network;     /* client network prefix, for the account page: "203.0.113.0/24" */
    struct span user_agent;  /* at most 200 bytes, sanitised */
    bool has_actor;
    struct user_id actor;    /* the person who acts for `user` (an enterprise) in this session */
};

/* A fresh cookie and its key. `cookie` gets SESSION_COOKIE_CHARS characters and a NUL. */
void session_cookie_new(int64_t now, char cookie[SESSION_COOKIE_CHARS + 1],
                        struct session_key *ret_key);
/* ERR_SYNTAX for anything that is not a cookie of ours. */
enum err session_cookie_parse(struct span cookie, struct session_key *ret_key)
    __attribute__((warn_unused_result));

/* Live: found, not ended, before its absolute and idle end, and its user is active. */
bool session_is_live(const struct session *s, int64_t now, int64_t idle_seconds);

/* Level of the session as an acr number 1..3: never more than ial and aal support. */
int session_loa(const struct session *s);

/* Last-seen times in memory, written in one batch every few seconds: the silent path writes
 * nothing. Thread-safe. */
struct session_activity;
enum err session_activity_new(struct session_activity **ret_activity)
    __attribute__((warn_unused_result));
void session_activity_touch(struct session_activity *act, const struct session_key *key, int64_t now);
/* The newer of the row's and the remembered time. */
int64_t session_activity_last(struct session_activity *act, const struct session_key *key,
                              int64_t row_last_seen);
/* Hands every time touched since the last drain to `fn` and forgets those older than `forget_before`
 * (their rows are up to date). */
void session_activity_drain(struct session_activity *act, int64_t forget_before,
                            void (*fn)(void *ctx, const struct session_key *key, int64_t last_seen),
                            void *ctx);
void session_activity_free(struct session_activity *act);

#endif
