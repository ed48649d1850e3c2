/* SPDX-License-Identifier: Apache-2.0
 *
 * Origins of public clients; see client_origins.h. A sorted array, replaced as a whole; the strings
 * stand in an arena of the set's own. */
#include "idp/client_origins.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "idp/client_all.h"

#define SET_BYTES_MAX (16 * 1024 * 1024)  /* 10 000 clients with a page each take less than one */

struct origin_set {
    struct arena arena;
    struct span *origin;
    size_t count, room;
};

struct client_origins {
    pthread_mutex_t lock;    /* of the set */
    pthread_mutex_t refresh; /* one thread at a time reads all clients */
    bool is_made;
    uint64_t epoch;
    struct origin_set set;
};

static void set_done(struct origin_set *s) {
    free(s->origin);
    arena_done(&s->arena);
    *s = (struct origin_set){0};
}

enum err client_origins_new(struct client_origins **ret_origins) {
    struct client_origins *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    pthread_mutex_init(&o->lock, NULL);
    pthread_mutex_init(&o->refresh, NULL);
    *ret_origins = o;
    return ERR_OK;
}

void client_origins_free(struct client_origins *o) {
    if (!o)
        return;
    set_done(&o->set);
    pthread_mutex_destroy(&o->lock);
    pthread_mutex_destroy(&o->refresh);
    free(o);
}

static int compare(const void *a, const void *b) {
    return span_order(*(const struct span *)a, *(const struct span *)b);
}

enum err client_origins_find(struct client_origins *o, uint64_t epoch, struct span origin) {
    pthread_mutex_lock(&o->lock);
    enum err e = ERR_EXPIRED;
    if (o->is_made && o->epoch >= epoch)
        e = o->set.count && bsearch(&origin, o->set.origin, o->set.count, sizeof origin, compare)
                ? ERR_OK
                : ERR_NOT_FOUND;
    pthread_mutex_unlock(&o->lock);
    return e;
}

static enum err set_add(struct origin_set *s, struct span origin) {
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct span *more = realloc(s->origin, room * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        s->origin = more;
        s->room = room;
    }
    s->origin[s->count] = arena_dup(&s->arena, origin);
    return s->origin[s->count++].ptr ? ERR_OK : ERR_NOMEM;
}

static enum err add_client(void *context, const struct client *c) {
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->n_cors_origins && !e; i++)
        e = set_add(context, c->cors_origin[i]);
    return e;
}

static enum err set_make(struct store *store, struct origin_set *s) {
    enum err e = client_all_each(store, add_client, s);
    if (s->count)
        qsort(s->origin, s->count, sizeof *s->origin, compare);
    return e;
}

static bool is_of(struct client_origins *o, uint64_t epoch) {
    return client_origins_find(o, epoch, SPAN("-")) != ERR_EXPIRED;
}

enum err client_origins_refresh(struct client_origins *o, struct store *store, uint64_t epoch) {
    CLEANUP(set_done) struct origin_set fresh = {.arena = ARENA_INIT(SET_BYTES_MAX)};
    enum err e = ERR_OK;
    pthread_mutex_lock(&o->refresh);
    bool is_wanted = !is_of(o, epoch);
    if (is_wanted)
        e = set_make(store, &fresh);
    if (is_wanted && !e) {
        pthread_mutex_lock(&o->lock);
        struct origin_set old = o->set;
        o->set = fresh;
        fresh = old;
        o->epoch = epoch;
        o->is_made = true;
        pthread_mutex_unlock(&o->lock);
    }
    pthread_mutex_unlock(&o->refresh);
    return e;
}
