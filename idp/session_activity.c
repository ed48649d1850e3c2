/* SPDX-License-Identifier: Apache-2.0
 *
 * Last-seen times in memory, so that the silent path writes nothing. Shards, each a mutex and an
 * open-addressed table that grows; a drain rebuilds each shard without what is old. When memory is
 * short a touch is lost, which at worst ends a session early: never late. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "idp/session.h"

#define SHARDS         64
#define FIRST_CAPACITY 16
#define SHARD_MAX      65536 /* entries: some 4 million sessions seen since the last drain */

struct entry {
    struct session_key key;
    int64_t last_seen; /* 0: free slot */
    bool is_new;       /* touched since the last drain */
};

struct shard {
    pthread_mutex_t lock;
    struct entry *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

struct session_activity {
    struct shard shard[SHARDS];
};

/* The tail of a key is a hash already. */
static uint32_t hash_of(const struct session_key *key) {
    uint32_t h;
    memcpy(&h, key->b + SESSION_KEY_BYTES - sizeof h, sizeof h);
    return h;
}

static struct shard *shard_of(struct session_activity *act, const struct session_key *key) {
    return &act->shard[hash_of(key) % SHARDS];
}

/* The key's slot, or the free one where it belongs. There is always a free one. */
static struct entry *slot_of(struct entry *slots, size_t capacity, const struct session_key *key) {
    for (size_t i = hash_of(key) / SHARDS;; i++) {
        struct entry *e = &slots[i & (capacity - 1)];
        if (e->last_seen == 0 || memcmp(&e->key, key, sizeof *key) == 0)
            return e;
    }
}

static void shard_rebuild(struct shard *s, size_t capacity, int64_t forget_before) {
    struct entry *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return;
    size_t count = 0;
    for (size_t i = 0; i < s->capacity; i++) {
        const struct entry *old = &s->slots[i];
        if (old->last_seen == 0 || (!old->is_new && old->last_seen < forget_before))
            continue;
        *slot_of(slots, capacity, &old->key) = *old;
        count++;
    }
    free(s->slots);
    s->slots = slots;
    s->capacity = capacity;
    s->count = count;
}

enum err session_activity_new(struct session_activity **ret_activity) {
    struct session_activity *act = calloc(1, sizeof *act);
    if (!act)
        return ERR_NOMEM;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&act->shard[i].lock, NULL);
    *ret_activity = act;
    return ERR_OK;
}

void session_activity_free(struct session_activity *act) {
    if (!act)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&act->shard[i].lock);
        free(act->shard[i].slots);
    }
    free(act);
}

void session_activity_touch(struct session_activity *act, const struct session_key *key,
                            int64_t now) {
    struct shard *s = shard_of(act, key);
    pthread_mutex_lock(&s->lock);
    if ((s->count + 1) * 4 > s->capacity * 3 && s->capacity < SHARD_MAX)
        shard_rebuild(s, s->capacity ? 2 * s->capacity : FIRST_CAPACITY, INT64_MIN);
    if ((s->count + 1) * 4 <= s->capacity * 3) {
        struct entry *e = slot_of(s->slots, s->capacity, key);
        if (e->last_seen == 0)
            s->count++;
        if (e->last_seen < now)
            *e = (struct entry){*key, now, true};
    }
    pthread_mutex_unlock(&s->lock);
}

int64_t session_activity_last(struct session_activity *act, const struct session_key *key,
                              int64_t row_last_seen) {
    struct shard *s = shard_of(act, key);
    int64_t last = row_last_seen;
    pthread_mutex_lock(&s->lock);
    if (s->capacity) {
        const struct entry *e = slot_of(s->slots, s->capacity, key);
        if (e->last_seen > last)
            last = e->last_seen;
    }
    pthread_mutex_unlock(&s->lock);
    return last;
}

/* `fn` writes to the store and may wait: it runs on a copy, outside the lock. */
static void shard_drain(struct shard *s, int64_t forget_before,
                        void (*fn)(void *ctx, const struct session_key *key, int64_t last_seen),
                        void *ctx) {
    AUTO_FREE struct entry *fresh = NULL;
    size_t n = 0;
    pthread_mutex_lock(&s->lock);
    if (s->count)
        fresh = malloc(s->count * sizeof *fresh);
    for (size_t i = 0; fresh && i < s->capacity; i++) {
        if (!s->slots[i].is_new)
            continue;
        s->slots[i].is_new = false;
        fresh[n++] = s->slots[i];
    }
    if (s->capacity) {
        size_t capacity = s->capacity;
        shard_rebuild(s, capacity, forget_before);
        while (capacity > FIRST_CAPACITY && s->count * 8 < capacity)
            capacity /= 2;
        if (capacity < s->capacity)
            shard_rebuild(s, capacity, INT64_MIN);
    }
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < n; i++)
        fn(ctx, &fresh[i].key, fresh[i].last_seen);
}

void session_activity_drain(struct session_activity *act, int64_t forget_before,
                            void (*fn)(void *ctx, const struct session_key *key, int64_t last_seen),
                            void *ctx) {
    for (size_t i = 0; i < SHARDS; i++)
        shard_drain(&act->shard[i], forget_before, fn, ctx);
}
