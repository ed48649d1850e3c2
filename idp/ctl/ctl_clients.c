/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl client ... */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/random.h"
#include "base/secret.h"
#include "idp/client.h"
#include "idp/client_metadata.h"
#include "idp/client_secret.h"
#include "idp/config.h"
#include "idp/ctl/ctl_call.h"

#define CLIENT_ID_BYTES 16
#define FILE_MAX (256 * 1024) /* bytes; more than may be stored, so that a check says why */
#define EXPIRES_MIN 1                         /* seconds, of a secret */
#define EXPIRES_MAX (10 * 366 * 24 * 3600)
#define OVERLAP_DEFAULT (7 * 24 * 3600)       /* seconds that a rotated secret stays valid */
#define OVERLAP_MAX (90 * 24 * 3600)

static struct span random_id(struct arena *a) {
    unsigned char raw[CLIENT_ID_BYTES];
    char text[B64URL_LEN(CLIENT_ID_BYTES)];
    random_bytes(raw, sizeof raw);
    return arena_dup(a, span_bytes(text, b64url_encode(raw, sizeof raw, text)));
}

static void changed(struct ctl_call *c) {
    atomic_fetch_add(&c->idp->client_epoch, 1);
}

static void print(struct ctl_call *c) {
    AUTO_FREE char *text = json_dumps(c->out, JSON_INDENT(2));
    buf_addf(&c->text, "%s\n", text ? text : "");
}

/* When a secret made now ends; 0: never. */
static bool take_expiry(struct ctl_call *c, int64_t *ret_expires_at) {
    int64_t seconds;
    if (!ctl_arg_int(c, "expires-in", EXPIRES_MIN, EXPIRES_MAX, 0, &seconds))
        return false;
    *ret_expires_at = seconds ? c->now + seconds : 0;
    return true;
}

/* What RFC 7591 3.2.1 says of a new secret. */
static void add_secret(json_t *out, struct span text, int64_t expires_at) {
    json_object_set_new(out, "client_secret", json_stringn(text.ptr, text.len));
    json_object_set_new(out, "client_secret_expires_at", json_integer(expires_at));
}

static bool has_secret(const json_t *metadata) {
    return span_starts(json_str(metadata, "token_endpoint_auth_method"), "client_secret_");
}

/* A supplied id is kept if it is free. */
static bool choose_id(struct ctl_call *c, const json_t *given, json_t *normal, struct span *ret_id) {
    struct span id = json_str(given, "client_id");
    if (!id.ptr)
        id = random_id(c->arena);
    if (id.len == 0 || id.len > CLIENT_ID_MAX || !ascii_printable(id)) {
        ctl_refuse(c, "invalid_client_metadata", "client_id: 1 to %d printable characters", CLIENT_ID_MAX);
        return false;
    }
    *ret_id = arena_dup(c->arena, id);
    return json_object_set_new(normal, "client_id", json_stringn(id.ptr, id.len)) == 0;
}

static enum err save(struct ctl_call *c, const json_t *normal, struct span id,
                     const struct client_secret *secret) {
    AUTO_FREE char *text = json_dumps(normal, JSON_COMPACT);
    if (!text)
        return ERR_NOMEM;
    struct client_row row = {.client_id = id, .metadata = span_of(text), .is_enabled = true, .created_at = c->now};
    if (secret)
        row.secret[row.n_secrets++] = *secret;
    struct batch b = BATCH_INIT(c->arena);
    store_client_insert(&b, &row);
    ctl_audit(c, &b, "client_added", id);
    return store_write_wait(c->idp->store, &b);
}

void ctl_client_add(struct ctl_call *c) {
    AUTO_JSON json_t *given = NULL;
    AUTO_JSON json_t *normal = NULL;
    const char *code = "invalid_client_metadata", *why = "the file is not one JSON object";
    struct client_secret secret;
    struct span id, secret_text = SPAN_NONE;
    int64_t expires_at;
    if (json_parse_object(ctl_arg(c, "file"), FILE_MAX, &given) ||
        client_metadata_check(c->arena, REGISTRAR_STAFF, given, &normal, &code, &why)) {
        ctl_refuse(c, code, "%s", why);
        return;
    }
    if (!take_expiry(c, &expires_at) || !choose_id(c, given, normal, &id))
        return;
    enum err e = has_secret(normal)
                     ? client_secret_make(c->arena, c->now, expires_at, &secret, &secret_text)
                     : ERR_OK;
    if (!e)
        e = save(c, normal, id, secret_text.ptr ? &secret : NULL);
    if (e) {
        ctl_refuse_err(c, e, "client_id");
        return;
    }
    changed(c);
    json_object_set_new(normal, "client_id_issued_at", json_integer(c->now));
    if (secret_text.ptr)
        add_secret(normal, secret_text, expires_at);
    c->out = TAKE(normal);
    print(c);
}

/* ---- list, show ---- */

static json_t *client_out(const struct client_row *row) {
    json_t *metadata = NULL;
    if (json_parse_object(row->metadata, CLIENT_METADATA_MAX, &metadata))
        return NULL;
    json_object_set_new(metadata, "enabled", json_boolean(row->is_enabled));
    return metadata;
}

void ctl_client_list(struct ctl_call *c) {
    struct client_list list = {0};
    struct batch b = BATCH_INIT(c->arena);
    store_client_list(&b, &list);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "clients");
        return;
    }
    c->out = json_array();
    for (size_t i = 0; i < list.count; i++) {
        json_t *client = client_out(&list.item[i]);
        struct span name = json_str(client, "client_name");
        buf_addf(&c->text, "%-32.*s %-9s %.*s\n", SPAN_FMT(list.item[i].client_id),
                 list.item[i].is_enabled ? "enabled" : "disabled", SPAN_FMT(name));
        json_array_append_new(c->out, client);
    }
}

/* Ages and times; never a secret, which nobody here knows any more. */
static json_t *secrets_out(const struct client_row *row, int64_t now) {
    json_t *list = json_array();
    for (size_t i = 0; i < row->n_secrets; i++) {
        const struct client_secret *s = &row->secret[i];
        json_array_append_new(
            list, json_pack("{ss sI sI sI sI sb}", "secret", i == 0 ? "newest" : "previous", "created_at",
                            (json_int_t)s->created_at, "age_seconds", (json_int_t)(now - s->created_at),
                            "expires_at", (json_int_t)s->expires_at, "last_used_at",
                            (json_int_t)s->last_used_at, "expired",
                            (int)(s->expires_at != 0 && s->expires_at <= now)));
    }
    return list;
}

static bool load(struct ctl_call *c, struct client_row *ret_row) {
    *ret_row = (struct client_row){.found = false};
    struct batch b = BATCH_INIT(c->arena);
    store_client_find(&b, ctl_arg(c, "client_id"), ret_row);
    enum err e = store_write_wait(c->idp->store, &b);
    if (!e && !ret_row->found)
        e = ERR_NOT_FOUND;
    if (e)
        ctl_refuse_err(c, e, "client");
    return !e;
}

void ctl_client_show(struct ctl_call *c) {
    struct client_row row;
    enum err e = client_secret_use_flush(c->idp->secret_use, c->idp->store);
    if (e)
        ctl_refuse_err(c, e, "client");
    if (e || !load(c, &row))
        return;
    c->out = client_out(&row);
    json_object_set_new(c->out, "client_secrets", secrets_out(&row, c->now));
    print(c);
}

/* ---- secrets ---- */

void ctl_client_rotate_secret(struct ctl_call *c) {
    struct client_row row;
    struct client_secret fresh;
    struct span text;
    int64_t overlap, expires_at;
    if (!ctl_arg_int(c, "overlap", 0, OVERLAP_MAX, OVERLAP_DEFAULT, &overlap) || !take_expiry(c, &expires_at) ||
        !load(c, &row))
        return;
    AUTO_JSON json_t *metadata = client_out(&row);
    if (!has_secret(metadata) || row.n_secrets == 0) {
        ctl_refuse(c, "invalid_request", "client: has no secret, by its token_endpoint_auth_method");
        return;
    }
    enum err e = client_secret_make(c->arena, c->now, expires_at, &fresh, &text);
    if (!e) {
        struct batch b = BATCH_INIT(c->arena);
        store_client_secret_rotate(&b, row.client_id, &fresh, c->now + overlap);
        ctl_audit(c, &b, "client_secret_rotated", row.client_id);
        e = store_write_wait(c->idp->store, &b);
    }
    if (e) {
        ctl_refuse_err(c, e, "client");
        return;
    }
    changed(c);
    const struct client_secret *old = &row.secret[0];
    int64_t old_ends_at = c->now + overlap;
    if (old->expires_at && old->expires_at < old_ends_at)
        old_ends_at = old->expires_at;
    c->out = json_pack("{ss% sI}", "client_id", row.client_id.ptr, row.client_id.len,
                       "previous_secret_expires_at", (json_int_t)old_ends_at);
    add_secret(c->out, text, expires_at);
    print(c);
}

void ctl_client_drop_secret(struct ctl_call *c) {
    struct client_row row;
    if (!load(c, &row))
        return;
    struct batch b = BATCH_INIT(c->arena);
    store_client_secret_drop(&b, row.client_id);
    ctl_audit(c, &b, "client_secret_dropped", row.client_id);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "previous secret");
        return;
    }
    changed(c);
    c->out = json_pack("{ss%}", "client_id", row.client_id.ptr, row.client_id.len);
    buf_addf(&c->text, "dropped the previous secret of %.*s\n", SPAN_FMT(row.client_id));
}

/* ---- enable, disable ---- */

static void set_enabled(struct ctl_call *c, bool is_enabled) {
    struct span id = ctl_arg(c, "client_id");
    struct batch b = BATCH_INIT(c->arena);
    store_client_set_enabled(&b, id, is_enabled, c->now);
    ctl_audit(c, &b, is_enabled ? "client_enabled" : "client_disabled", id);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "client");
        return;
    }
    changed(c);
    c->out = json_pack("{ss% sb}", "client_id", id.ptr, id.len, "enabled", (int)is_enabled);
    buf_addf(&c->text, "%s %.*s\n", is_enabled ? "enabled" : "disabled", SPAN_FMT(id));
}

void ctl_client_disable(struct ctl_call *c) {
    set_enabled(c, false);
}

void ctl_client_enable(struct ctl_call *c) {
    set_enabled(c, true);
}
