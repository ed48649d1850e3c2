/* SPDX-License-Identifier: Apache-2.0
 *
 * See client_services.h. */
#include "idp/client_services.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/client_all.h"

#define LIST_BYTES_MAX (1024 * 1024)

struct service_list {
    struct arena arena;
    struct client_service item[CLIENT_SERVICES_MAX];
    size_t count;
};

struct client_services {
    pthread_mutex_t lock;    /* of the list */
    pthread_mutex_t refresh; /* one thread at a time reads all clients */
    bool is_made;
    uint64_t epoch;
    struct service_list *list;
};

static void list_free(struct service_list *l) {
    if (!l)
        return;
    arena_done(&l->arena);
    free(l);
}

enum err client_services_new(struct client_services **ret_services) {
    struct client_services *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->refresh, NULL);
    *ret_services = s;
    return ERR_OK;
}

void client_services_free(struct client_services *s) {
    if (!s)
        return;
    list_free(s->list);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->refresh);
    free(s);
}

static enum err copy(struct arena *a, const struct client_service *from, struct client_service *to) {
    *to = (struct client_service){arena_dup(a, from->client_id), arena_dup(a, from->name),
                                  arena_dup(a, from->name_en), arena_dup(a, from->initiate_login_uri)};
    return to->client_id.ptr && to->name.ptr && to->initiate_login_uri.ptr &&
                   (to->name_en.ptr || !from->name_en.ptr)
               ? ERR_OK
               : ERR_NOMEM;
}

enum err client_services_list(struct client_services *s, uint64_t epoch, struct arena *a,
                              struct client_service **ret_list, size_t *ret_count) {
    enum err e = ERR_EXPIRED;
    struct client_service *items = NULL;
    size_t count = 0;
    pthread_mutex_lock(&s->lock);
    if (s->is_made && s->epoch >= epoch) {
        items = arena_alloc(a, sizeof s->list->item);
        e = items ? ERR_OK : ERR_NOMEM;
        for (; !e && count < s->list->count; count++)
            e = copy(a, &s->list->item[count], &items[count]);
    }
    pthread_mutex_unlock(&s->lock);
    if (e)
        return e;
    *ret_list = items;
    *ret_count = count;
    return ERR_OK;
}

/* Past the limit the rest is left out: by client_id, so that it is always the same. */
static enum err add(void *context, const struct client *c) {
    struct service_list *l = context;
    if (!c->initiate_login_uri.len || c->is_self_registered || l->count == CLIENT_SERVICES_MAX)
        return ERR_OK;
    struct span name = json_str(c->metadata, "client_name");
    const struct client_service service = {c->client_id, name.len ? name : c->client_id,
                                           json_str(c->metadata, "client_name#en"), c->initiate_login_uri};
    return copy(&l->arena, &service, &l->item[l->count++]);
}

static int by_name(const void *a, const void *b) {
    return span_order(((const struct client_service *)a)->name,
                      ((const struct client_service *)b)->name);
}

static bool is_of(struct client_services *s, uint64_t epoch) {
    pthread_mutex_lock(&s->lock);
    bool is = s->is_made && s->epoch >= epoch;
    pthread_mutex_unlock(&s->lock);
    return is;
}

static enum err replace(struct client_services *s, struct store *store, uint64_t epoch) {
    struct service_list *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return ERR_NOMEM;
    fresh->arena = ARENA_INIT(LIST_BYTES_MAX);
    enum err e = client_all_each(store, add, fresh);
    if (e) {
        list_free(fresh);
        return e;
    }
    qsort(fresh->item, fresh->count, sizeof fresh->item[0], by_name);
    pthread_mutex_lock(&s->lock);
    struct service_list *old = s->list;
    s->list = fresh;
    s->epoch = epoch;
    s->is_made = true;
    pthread_mutex_unlock(&s->lock);
    list_free(old);
    return ERR_OK;
}

enum err client_services_refresh(struct client_services *s, struct store *store, uint64_t epoch) {
    pthread_mutex_lock(&s->refresh);
    enum err e = is_of(s, epoch) ? ERR_OK : replace(s, store, epoch);
    pthread_mutex_unlock(&s->refresh);
    return e;
}
