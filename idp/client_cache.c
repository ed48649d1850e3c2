/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsed clients of one thread; see client_cache.h. A chained hash table, emptied as a whole into
 * a list of retired clients, which are freed when no request can hold them any more. */
#include "idp/client_cache.h"

#include <stdlib.h>

#include "base/clock.h"

#define BUCKETS 1024

struct entry {
    struct client client;
    struct entry *next;
    int64_t retired_at; /* monotonic seconds; once it left the table */
};

struct client_cache {
    uint64_t epoch;
    size_t count;
    struct entry *bucket[BUCKETS];
    struct entry *retired, **retired_end; /* oldest first */
};

/* FNV-1a. Ids are chosen by staff, or at random for who registers itself: nobody can aim at one
 * bucket. */
static struct entry **bucket_of(struct client_cache *c, struct span id) {
    uint64_t h = 14695981039346656037ull;
    for (size_t i = 0; i < id.len; i++)
        h = (h ^ (unsigned char)id.ptr[i]) * 1099511628211ull;
    return &c->bucket[h % BUCKETS];
}

static int64_t now_seconds(void) {
    return clock_mono_us() / 1000000;
}

static void entry_free(struct entry *e) {
    client_done(&e->client);
    free(e);
}

enum err client_cache_new(struct client_cache **ret_cache) {
    struct client_cache *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->retired_end = &c->retired;
    *ret_cache = c;
    return ERR_OK;
}

static void retire(struct client_cache *c, struct entry *e) {
    e->retired_at = now_seconds();
    e->next = NULL;
    *c->retired_end = e;
    c->retired_end = &e->next;
}

static void free_retired_before(struct client_cache *c, int64_t before) {
    while (c->retired && c->retired->retired_at < before) {
        struct entry *e = c->retired;
        c->retired = e->next;
        entry_free(e);
    }
    if (!c->retired)
        c->retired_end = &c->retired;
}

static void empty(struct client_cache *c) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *e = c->bucket[i], *next; e; e = next) {
            next = e->next;
            retire(c, e);
        }
    memset(c->bucket, 0, sizeof c->bucket);
    c->count = 0;
}

void client_cache_free(struct client_cache *c) {
    if (!c)
        return;
    empty(c);
    free_retired_before(c, INT64_MAX);
    free(c);
}

/* What was read at an older epoch may have changed since. */
static void move_to(struct client_cache *c, uint64_t epoch) {
    if (epoch <= c->epoch)
        return;
    empty(c);
    c->epoch = epoch;
    free_retired_before(c, now_seconds() - CLIENT_CACHE_GRACE_SECONDS);
}

static const struct client *find(struct client_cache *c, struct span client_id) {
    for (const struct entry *e = *bucket_of(c, client_id); e; e = e->next)
        if (span_eq(e->client.client_id, client_id))
            return &e->client;
    return NULL;
}

const struct client *client_cache_find(struct client_cache *c, uint64_t epoch,
                                       struct span client_id) {
    move_to(c, epoch);
    return find(c, client_id);
}

const struct client *client_cache_put(struct client_cache *c, uint64_t epoch,
                                      struct client *client) {
    struct entry *e = calloc(1, sizeof *e);
    if (!e) {
        client_done(client);
        return NULL;
    }
    e->client = *client; /* its strings stand in the metadata object, which does not move */
    *client = (struct client){0};
    move_to(c, epoch);
    free_retired_before(c, now_seconds() - CLIENT_CACHE_GRACE_SECONDS);
    if (epoch < c->epoch ||
        find(c, e->client.client_id)) { /* out of date, or another request was faster */
        retire(c, e);
        return &e->client;
    }
    if (c->count >= CLIENT_CACHE_MAX)
        empty(c);
    struct entry **bucket = bucket_of(c, e->client.client_id);
    e->next = *bucket;
    *bucket = e;
    c->count++;
    return &e->client;
}
