/* SPDX-License-Identifier: Apache-2.0
 *
 * A portal's own browser sessions: in memory, bounded, by a random cookie of which only a hash is
 * kept. Thread-safe: values go in and come out as copies. */
#ifndef IDP_DEMO_PORTAL_SESSION_H
#define IDP_DEMO_PORTAL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "protocols/rp/rp.h"

#define PORTAL_COOKIE_CHARS    43
#define PORTAL_LOGIN_SECONDS   1800
#define PORTAL_SESSION_SECONDS 3600

struct portal_sessions;

struct portal_session {
    bool signed_in;
    struct rp_login login; /* while signing in */
    struct span target;    /* where to afterwards, checked; absent: home */
    struct span name;      /* once signed in; in the arena given to portal_session_find */
    struct span claims;    /* JSON object of all that was received */
    struct span id_token;  /* for logout */
};

must_check enum err portal_sessions_new(struct portal_sessions **ret_sessions);
void portal_sessions_free(struct portal_sessions *s);

/* A new session under a fresh cookie; the oldest one gives way when the table is full. `cookie`
 * gets PORTAL_COOKIE_CHARS characters and a NUL. */
must_check enum err portal_session_add(struct portal_sessions *s,
                                       const struct portal_session *value, int64_t now,
                                       char cookie[PORTAL_COOKIE_CHARS + 1]);
/* ERR_NOT_FOUND: no such session, or over. */
must_check enum err portal_session_find(struct portal_sessions *s, struct span cookie, int64_t now,
                                        struct arena *a, struct portal_session *ret_value);
void portal_session_remove(struct portal_sessions *s, struct span cookie);

#endif
