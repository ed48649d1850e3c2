/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl resource ... Each change is written, then the set that requests look at is replaced, so
 * that the next request sees it. */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/config.h"
#include "idp/ctl/ctl_call.h"
#include "idp/resource.h"

static json_t *resource_out(const struct resource_row *row) {
    json_t *out = NULL;
    if (json_parse_object(row->metadata, RESOURCE_METADATA_MAX, &out))
        return NULL;
    json_object_set_new(out, "enabled", json_boolean(row->is_enabled));
    return out;
}

static void print(struct ctl_call *c) {
    AUTO_FREE char *text = json_dumps(c->out, JSON_INDENT(2));
    buf_addf(&c->text, "%s\n", text ? text : "");
}

/* Writes the batch and publishes; false: refused. */
static bool commit(struct ctl_call *c, struct batch *b, const char *what) {
    enum err e = store_write_wait(c->idp->store, b);
    if (!e)
        e = resource_registry_load(c->idp->resources, c->idp->store);
    if (e)
        ctl_refuse_err(c, e, what);
    return !e;
}

/* What only the whole provider can tell: the issuer's own audience, and scopes of others. */
static const char *conflict(struct ctl_call *c, const struct resource *r) {
    const struct resource_set *set = resource_registry_current(c->idp->resources);
    if (span_eq(r->identifier, idp_config(c->idp)->issuer))
        return "resource is the issuer itself";
    for (size_t i = 0; i < r->n_scopes; i++) {
        const struct resource *owner = resource_of_scope_even_disabled(set, r->scope[i]);
        if (owner && !span_eq(owner->identifier, r->identifier))
            return arena_printf(c->arena, "scopes_supported has %.*s, which %.*s owns",
                                SPAN_FMT(r->scope[i]), SPAN_FMT(owner->identifier));
    }
    return NULL;
}

static void save(struct ctl_call *c, bool is_new) {
    CLEANUP(resource_done) struct resource r = {.metadata = NULL};
    AUTO_JSON json_t *given = NULL;
    const char *why = "the file is not one JSON object";
    if (json_parse_object(ctl_arg(c, "file"), RESOURCE_METADATA_MAX, &given) ||
        resource_parse(c->arena, given, true, &r, &why)) {
        ctl_refuse(c, "invalid_resource_metadata", "%s", why);
        return;
    }
    given = NULL; /* the resource has it */
    why = conflict(c, &r);
    if (is_new && resource_set_count(resource_registry_current(c->idp->resources)) >= RESOURCES_MAX)
        why = "there are too many resources already";
    if (why) {
        ctl_refuse(c, "invalid_resource_metadata", "%s", why);
        return;
    }
    AUTO_FREE char *text = json_dumps(r.metadata, JSON_COMPACT);
    struct batch b = BATCH_INIT(c->arena);
    const struct resource_row row = {r.identifier, span_of(text), true, c->now};
    if (is_new)
        store_resource_insert(&b, &row);
    else
        store_resource_update(&b, row.identifier, row.metadata);
    ctl_audit(c, &b, is_new ? "resource_added" : "resource_updated", r.identifier);
    if (!commit(c, &b, "resource"))
        return;
    c->out = json_incref(r.metadata);
    print(c);
}

void ctl_resource_add(struct ctl_call *c) {
    save(c, true);
}

void ctl_resource_update(struct ctl_call *c) {
    save(c, false);
}

/* ---- list, show ---- */

static bool load(struct ctl_call *c, struct resource_rows *ret_list) {
    struct batch b = BATCH_INIT(c->arena);
    *ret_list = (struct resource_rows){0};
    store_resource_list(&b, ret_list);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e)
        ctl_refuse_err(c, e, "resources");
    return !e;
}

void ctl_resource_list(struct ctl_call *c) {
    struct resource_rows list;
    if (!load(c, &list))
        return;
    c->out = json_array();
    for (size_t i = 0; i < list.count; i++) {
        json_t *resource = resource_out(&list.item[i]);
        struct span name = json_str(resource, "resource_name");
        buf_addf(&c->text, "%-48.*s %-9s %.*s\n", SPAN_FMT(list.item[i].identifier),
                 list.item[i].is_enabled ? "enabled" : "disabled", SPAN_FMT(name));
        json_array_append_new(c->out, resource);
    }
}

void ctl_resource_show(struct ctl_call *c) {
    struct resource_rows list;
    if (!load(c, &list))
        return;
    for (size_t i = 0; i < list.count && !c->out; i++)
        if (span_eq(list.item[i].identifier, ctl_arg(c, "resource")))
            c->out = resource_out(&list.item[i]);
    if (c->out)
        print(c);
    else
        ctl_refuse_err(c, ERR_NOT_FOUND, "resource");
}

/* ---- enable, disable ---- */

static void set_enabled(struct ctl_call *c, bool is_enabled) {
    struct span identifier = ctl_arg(c, "resource");
    struct batch b = BATCH_INIT(c->arena);
    store_resource_set_enabled(&b, identifier, is_enabled);
    ctl_audit(c, &b, is_enabled ? "resource_enabled" : "resource_disabled", identifier);
    if (!commit(c, &b, "resource"))
        return;
    c->out = json_pack("{ss% sb}", "resource", identifier.ptr, identifier.len, "enabled",
                       (int)is_enabled);
    buf_addf(&c->text, "%s %.*s\n", is_enabled ? "enabled" : "disabled", SPAN_FMT(identifier));
}

void ctl_resource_disable(struct ctl_call *c) {
    set_enabled(c, false);
}

void ctl_resource_enable(struct ctl_call *c) {
    set_enabled(c, true);
}
