/* SPDX-License-Identifier: Apache-2.0
 *
 * Making client secrets, and noting when they were used; see client_secret.h. Each I/O thread notes
 * in a table of its own, so that its lock is free but for the moment of a flush. */
#include "idp/client_secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "idp/store/store.h"

#define SECRET_BYTES 32
#define SHARDS       16
#define SLOTS        1024 /* of a shard; a power of two */
#define SLOTS_FILLED (SLOTS * 3 / 4)

/* ---- making ---- */

enum err client_secret_make(struct arena *a, int64_t now, int64_t expires_at,
                            struct client_secret *ret_secret, struct span *ret_text) {
    unsigned char raw[SECRET_BYTES];
    char text[B64URL_LEN(SECRET_BYTES)];
    random_bytes(raw, sizeof raw);
    struct span copy = arena_dup(a, span_bytes(text, b64url_encode(raw, sizeof raw, text)));
    wipe(raw, sizeof raw);
    wipe(text, sizeof text);
    if (!copy.ptr)
        return ERR_NOMEM;
    struct client_secret made = {.created_at = now, .expires_at = expires_at};
    sha256(copy, made.hash);
    *ret_secret = made;
    *ret_text = copy;
    return ERR_OK;
}

/* ---- last use ---- */

struct note {
    unsigned char hash[CLIENT_SECRET_HASH_BYTES];
    int64_t last_used_at; /* 0: free slot */
};

struct shard {
    pthread_mutex_t lock;
    struct note *slots; /* made at the first note */
    size_t count;
};

struct client_secret_use {
    struct shard shard[SHARDS];
};

enum err client_secret_use_new(struct client_secret_use **ret_use) {
    struct client_secret_use *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_NOMEM;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&u->shard[i].lock, NULL);
    *ret_use = u;
    return ERR_OK;
}

void client_secret_use_free(struct client_secret_use *u) {
    if (!u)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&u->shard[i].lock);
        free(u->shard[i].slots);
    }
    free(u);
}

/* The hash's slot, or the free one where it belongs; there is always a free one. */
static struct note *slot_of(struct note *slots, const unsigned char *hash) {
    uint32_t at;
    memcpy(&at, hash, sizeof at);
    for (;; at++) {
        struct note *n = &slots[at & (SLOTS - 1)];
        if (n->last_used_at == 0 || memcmp(n->hash, hash, sizeof n->hash) == 0)
            return n;
    }
}

void client_secret_use_note(struct client_secret_use *u, unsigned thread_index,
                            const struct client_secret *secret, int64_t now) {
    struct shard *s = &u->shard[thread_index % SHARDS];
    pthread_mutex_lock(&s->lock);
    if (!s->slots)
        s->slots = calloc(SLOTS, sizeof *s->slots);
    struct note *n = s->slots ? slot_of(s->slots, secret->hash) : NULL;
    if (n && n->last_used_at == 0 && s->count < SLOTS_FILLED) {
        memcpy(n->hash, secret->hash, sizeof n->hash);
        s->count++;
        n->last_used_at = now;
    } else if (n && n->last_used_at) {
        n->last_used_at = now;
    }
    pthread_mutex_unlock(&s->lock);
}

static enum err write_notes(const struct note *slots, struct store *s) {
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < SLOTS;) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct batch b = BATCH_INIT(&a);
        for (; i < SLOTS && b.n < BATCH_OPS_MAX; i++)
            if (slots[i].last_used_at)
                store_client_secret_touch(&b, slots[i].hash, slots[i].last_used_at);
        if (b.n)
            e = store_write_wait(s, &b);
    }
    return e;
}

enum err client_secret_use_flush(struct client_secret_use *u, struct store *s) {
    enum err result = ERR_OK;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &u->shard[i];
        pthread_mutex_lock(&shard->lock);
        AUTO_FREE struct note *slots = TAKE(shard->slots);
        shard->count = 0;
        pthread_mutex_unlock(&shard->lock);
        enum err e = slots ? write_notes(slots, s) : ERR_OK;
        if (e)
            result = e;
    }
    return result;
}
