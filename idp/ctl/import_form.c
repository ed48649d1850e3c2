/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading import files; see import_form.h. */
#include "idp/ctl/import_form.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"

__attribute__((format(printf, 1, 0)))
static json_t *text_of(const char *fmt, va_list args) {
    return json_vsprintf(fmt, args);
}

void import_note(struct import_item *item, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    if (!item->notes)
        item->notes = json_array();
    json_array_append_new(item->notes, text_of(fmt, args));
    va_end(args);
}

void import_refuse(struct import_item *item, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    if (!item->error)
        item->error = text_of(fmt, args);
    va_end(args);
    json_cleanup(&item->entry);
}

void import_list_done(struct import_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        struct import_item *item = &list->item[i];
        json_decref(item->name);
        json_decref(item->entry);
        json_decref(item->notes);
        json_decref(item->error);
    }
    free(list->item);
    json_decref(list->notes);
    *list = (struct import_list){.item = NULL};
}

static struct import_item *add_item(struct import_list *list) {
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct import_item *more = realloc(list->item, room * sizeof *more);
        if (!more)
            return NULL;
        list->item = more;
        list->room = room;
    }
    struct import_item *item = &list->item[list->count++];
    *item = (struct import_item){.kind = NULL};
    return item;
}

static void take_own(const json_t *given, struct import_item *item) {
    item->entry = json_incref((json_t *)given);
}

/* Which array of which form holds what. */
struct source {
    const char *array, *kind, *name;
    void (*take)(const json_t *given, struct import_item *item);
};
static const struct source own_sources[] = {
    {"clients", "client", "client_id", take_own},
    {"users", "user", "username", take_own},
};
static const struct source keycloak_sources[] = {
    {"clients", "client", "clientId", import_keycloak_client},
    {"users", "user", "username", import_keycloak_user},
};
_Static_assert(sizeof own_sources == sizeof keycloak_sources, "import_read walks either by one length");

static enum err read_source(const json_t *document, const struct source *s, struct import_list *list) {
    const json_t *array = json_object_get(document, s->array);
    if (array && !json_is_array(array))
        return ERR_SYNTAX;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *given = json_array_get(array, i);
        struct import_item *item = add_item(list);
        if (!item)
            return ERR_NOMEM;
        item->kind = s->kind;
        item->index = i;
        json_t *name = json_object_get(given, s->name);
        item->name = json_is_string(name) ? json_incref(name) : NULL;
        if (json_is_object(given))
            s->take(given, item);
        else
            import_refuse(item, "must be a JSON object");
    }
    return ERR_OK;
}

static const struct source *find_sources(const json_t *document) {
    if (span_is(json_str(document, "format"), IMPORT_FORMAT))
        return json_integer_value(json_object_get(document, "version")) == IMPORT_VERSION ? own_sources
                                                                                         : NULL;
    bool is_realm = json_is_string(json_object_get(document, "realm"));
    return is_realm && !json_object_get(document, "format") ? keycloak_sources : NULL;
}

enum err import_read(const json_t *document, struct import_list *ret_list, const char **reterr_text) {
    CLEANUP(import_list_done) struct import_list list = {.notes = json_array()};
    const struct source *sources = find_sources(document);
    if (!sources) {
        *reterr_text = "neither \"format\": \"" IMPORT_FORMAT "\", \"version\": 1 nor a Keycloak realm";
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < ARRAY_LEN(own_sources); i++) {
        enum err e = read_source(document, &sources[i], &list);
        if (e) {
            *reterr_text = e == ERR_SYNTAX ? "clients and users must be arrays" : err_text(e);
            return e;
        }
    }
    if (list.count == 0) {
        *reterr_text = "no clients and no users";
        return ERR_SYNTAX;
    }
    if (sources == keycloak_sources)
        import_keycloak_realm(document, &list);
    *ret_list = list;
    list = (struct import_list){.item = NULL};
    return ERR_OK;
}
