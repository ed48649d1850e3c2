/* SPDX-License-Identifier: Apache-2.0
 *
 * All resources as one immutable set with two sorted indexes, and the registry that publishes the
 * newest set. A set that was replaced stays until no request can still look at it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "idp/idp.h"
#include "idp/resource.h"
#include "idp/store/store.h"

#define GRACE_SECONDS 300 /* longer than any request lives */

struct scope_owner {
    struct span scope;
    const struct resource *resource;
};

struct resource_set {
    struct resource *item; /* sorted by identifier */
    size_t count;
    struct scope_owner *owner; /* sorted by scope */
    size_t n_owners;
    /* the registry's own: sets that were replaced, newest first */
    struct resource_set *older;
    int64_t replaced_at; /* monotonic seconds */
};

struct resource_registry {
    _Atomic(struct resource_set *) current;
};

/* ---- a set ---- */

static int by_identifier(const void *a, const void *b) {
    return span_order(((const struct resource *)a)->identifier,
                      ((const struct resource *)b)->identifier);
}

static int by_scope(const void *a, const void *b) {
    return span_order(((const struct scope_owner *)a)->scope,
                      ((const struct scope_owner *)b)->scope);
}

static bool has_duplicate(const void *items, size_t count, size_t size,
                          int (*order)(const void *a, const void *b)) {
    const char *at = items;
    for (size_t i = 1; i < count; i++)
        if (order(at + (i - 1) * size, at + i * size) == 0)
            return true;
    return false;
}

void resource_set_free(struct resource_set *set) {
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        resource_done(&set->item[i]);
    free(set->item);
    free(set->owner);
    free(set);
}

static enum err index_scopes(struct resource_set *set) {
    size_t n = 0;
    for (size_t i = 0; i < set->count; i++)
        n += set->item[i].n_scopes;
    set->owner = calloc(n + 1, sizeof *set->owner);
    if (!set->owner)
        return ERR_NOMEM;
    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; k < set->item[i].n_scopes; k++)
            set->owner[set->n_owners++] =
                (struct scope_owner){set->item[i].scope[k], &set->item[i]};
    qsort(set->owner, n, sizeof *set->owner, by_scope);
    return has_duplicate(set->owner, n, sizeof *set->owner, by_scope) ? ERR_EXISTS : ERR_OK;
}

static void set_cleanup(struct resource_set **set) {
    resource_set_free(*set);
    *set = NULL;
}

enum err resource_set_new(const struct resource *item, size_t count,
                          struct resource_set **ret_set) {
    CLEANUP(set_cleanup) struct resource_set *set = calloc(1, sizeof *set);
    if (set)
        set->item = calloc(count + 1, sizeof *set->item);
    if (!set || !set->item) {
        for (size_t i = 0; i < count; i++)
            json_decref(item[i].metadata);
        return ERR_NOMEM;
    }
    if (count)
        memcpy(set->item, item, count * sizeof *item);
    set->count = count;
    qsort(set->item, count, sizeof *set->item, by_identifier);
    if (has_duplicate(set->item, count, sizeof *set->item, by_identifier))
        return ERR_EXISTS;
    enum err e = index_scopes(set);
    if (!e)
        *ret_set = TAKE(set);
    return e;
}

size_t resource_set_count(const struct resource_set *set) {
    return set ? set->count : 0;
}

const struct resource *resource_find(const struct resource_set *set, struct span identifier) {
    const struct resource key = {.identifier = identifier};
    const struct resource *found =
        set ? bsearch(&key, set->item, set->count, sizeof key, by_identifier) : NULL;
    return found && found->is_enabled ? found : NULL;
}

const struct resource *resource_of_scope_even_disabled(const struct resource_set *set, struct span scope) {
    const struct scope_owner key = {.scope = scope};
    const struct scope_owner *found =
        set ? bsearch(&key, set->owner, set->n_owners, sizeof key, by_scope) : NULL;
    return found ? found->resource : NULL;
}

const struct resource *resource_of_scope(const struct resource_set *set, struct span scope) {
    const struct resource *owner = resource_of_scope_even_disabled(set, scope);
    return owner && owner->is_enabled ? owner : NULL;
}

/* ---- the registry ---- */

enum err resource_registry_new(struct resource_registry **ret_registry) {
    struct resource_registry *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_NOMEM;
    *ret_registry = g;
    return ERR_OK;
}

static void free_older(struct resource_set *set, int64_t before) {
    struct resource_set **at = &set->older;
    while (*at && (*at)->replaced_at >= before)
        at = &(*at)->older;
    struct resource_set *gone = *at;
    *at = NULL;
    while (gone) {
        struct resource_set *next = gone->older;
        resource_set_free(gone);
        gone = next;
    }
}

void resource_registry_free(struct resource_registry *g) {
    if (!g)
        return;
    struct resource_set *set = atomic_load(&g->current);
    if (set)
        free_older(set, INT64_MAX);
    resource_set_free(set);
    free(g);
}

static void publish(struct resource_registry *g, struct resource_set *set) {
    int64_t now = clock_mono_us() / 1000000;
    struct resource_set *old = atomic_load(&g->current);
    if (old)
        old->replaced_at = now;
    set->older = old;
    atomic_store_explicit(&g->current, set, memory_order_release);
    free_older(set, now - GRACE_SECONDS);
}

/* What stands in the store was checked when it was written. */
static enum err parse_row(struct arena *a, const struct resource_row *row, struct resource *ret) {
    AUTO_JSON json_t *metadata = NULL;
    const char *why;
    enum err e = json_parse_object(row->metadata, RESOURCE_METADATA_MAX, &metadata);
    if (!e)
        e = resource_parse(a, metadata, row->is_enabled, ret, &why);
    if (!e)
        metadata = NULL; /* the resource has it */
    return e;
}

enum err resource_registry_load(struct resource_registry *g, struct store *s) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(256 * ARENA_LIMIT_DEFAULT);
    struct batch b = BATCH_INIT(&a);
    struct resource_rows list = {0};
    struct resource_set *set;
    store_resource_list(&b, &list);
    enum err e = store_write_wait(s, &b);
    AUTO_FREE struct resource *item = calloc(list.count + 1, sizeof *item);
    if (e || !item)
        return e ? e : ERR_NOMEM;
    size_t n = 0;
    while (!e && n < list.count) {
        e = parse_row(&a, &list.item[n], &item[n]);
        n += !e;
    }
    if (e) {
        while (n--)
            resource_done(&item[n]);
        return e;
    }
    e = resource_set_new(item, n, &set);
    if (!e)
        publish(g, set);
    return e;
}

const struct resource_set *resource_registry_current(const struct resource_registry *g) {
    return g ? atomic_load_explicit(&g->current, memory_order_acquire) : NULL;
}

const struct resource_set *request_resources(const struct request *req) {
    return resource_registry_current(request_idp(req)->resources);
}
