/* SPDX-License-Identifier: Apache-2.0
 *
 * See portal_session.h. */
#include "demo/portal_session.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"

#define SESSIONS_MAX 512
#define KEY_BYTES    32

struct entry {
    unsigned char key[KEY_BYTES];
    int64_t expires_at; /* 0: free */
    struct arena arena;
    struct portal_session value;
};

struct portal_sessions {
    pthread_mutex_t lock;
    struct entry entry[SESSIONS_MAX];
};

enum err portal_sessions_new(struct portal_sessions **ret_sessions) {
    struct portal_sessions *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    pthread_mutex_init(&s->lock, NULL);
    *ret_sessions = s;
    return ERR_OK;
}

void portal_sessions_free(struct portal_sessions *s) {
    if (!s)
        return;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        arena_done(&s->entry[i].arena);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void key_of(struct span cookie, unsigned char key[KEY_BYTES]) {
    crypto_hash_sha256(key, (const unsigned char *)cookie.ptr, cookie.len);
}

static struct entry *oldest(struct portal_sessions *s) {
    struct entry *e = &s->entry[0];
    for (size_t i = 1; i < SESSIONS_MAX; i++)
        if (s->entry[i].expires_at < e->expires_at)
            e = &s->entry[i];
    return e;
}

static struct entry *find(struct portal_sessions *s, struct span cookie) {
    unsigned char key[KEY_BYTES];
    key_of(cookie, key);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (s->entry[i].expires_at && memcmp(s->entry[i].key, key, KEY_BYTES) == 0)
            return &s->entry[i];
    return NULL;
}

static enum err copy(struct arena *a, const struct portal_session *from,
                     struct portal_session *to) {
    *to = *from;
    to->target = arena_dup(a, from->target);
    to->name = arena_dup(a, from->name);
    to->claims = arena_dup(a, from->claims);
    to->id_token = arena_dup(a, from->id_token);
    bool whole = (!from->target.ptr || to->target.ptr) && (!from->name.ptr || to->name.ptr) && (!from->claims.ptr || to->claims.ptr) &&
                 (!from->id_token.ptr || to->id_token.ptr);
    return whole ? ERR_OK : ERR_NOMEM;
}

static void entry_clear(struct entry *e) {
    arena_done(&e->arena);
    wipe(e, sizeof *e);
}

enum err portal_session_add(struct portal_sessions *s, const struct portal_session *value,
                            int64_t now, char cookie[PORTAL_COOKIE_CHARS + 1]) {
    unsigned char bytes[32];
    random_bytes(bytes, sizeof bytes);
    cookie[b64url_encode(bytes, sizeof bytes, cookie)] = '\0';
    pthread_mutex_lock(&s->lock);
    struct entry *e = oldest(s);
    entry_clear(e);
    e->arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    enum err err = copy(&e->arena, value, &e->value);
    if (!err) {
        key_of(span_of(cookie), e->key);
        e->expires_at = now + (value->signed_in ? PORTAL_SESSION_SECONDS : PORTAL_LOGIN_SECONDS);
    }
    pthread_mutex_unlock(&s->lock);
    return err;
}

enum err portal_session_find(struct portal_sessions *s, struct span cookie, int64_t now,
                             struct arena *a, struct portal_session *ret_value) {
    if (cookie.len != PORTAL_COOKIE_CHARS)
        return ERR_NOT_FOUND;
    enum err e = ERR_NOT_FOUND;
    pthread_mutex_lock(&s->lock);
    const struct entry *hit = find(s, cookie);
    if (hit && hit->expires_at > now)
        e = copy(a, &hit->value, ret_value);
    pthread_mutex_unlock(&s->lock);
    return e;
}

void portal_session_remove(struct portal_sessions *s, struct span cookie) {
    pthread_mutex_lock(&s->lock);
    struct entry *hit = cookie.len == PORTAL_COOKIE_CHARS ? find(s, cookie) : NULL;
    if (hit)
        entry_clear(hit);
    pthread_mutex_unlock(&s->lock);
}
