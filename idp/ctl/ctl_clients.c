/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl client ... */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/random.h"
#include "base/secret.h"
#include "idp/client.h"
#include "idp/config.h"
#include "idp/ctl/ctl_call.h"

#define CLIENT_ID_BYTES 16
#define SECRET_BYTES 32
#define METADATA_MAX (256 * 1024)

static struct span random_text(struct arena *a, size_t bytes) {
    unsigned char raw[SECRET_BYTES];
    char text[B64URL_LEN(SECRET_BYTES)];
    random_bytes(raw, bytes);
    struct span copy = arena_dup(a, span_bytes(text, b64url_encode(raw, bytes, text)));
    wipe(raw, sizeof raw);
    wipe(text, sizeof text);
    return copy;
}

static void changed(struct ctl_call *c) {
    atomic_fetch_add(&c->idp->client_epoch, 1);
}

/* A supplied id is kept if it is free. */
static bool choose_id(struct ctl_call *c, const json_t *given, json_t *normal, struct span *ret_id) {
    struct span id = json_str(given, "client_id");
    if (!id.ptr)
        id = random_text(c->arena, CLIENT_ID_BYTES);
    if (id.len == 0 || id.len > CLIENT_ID_MAX || !ascii_printable(id)) {
        ctl_refuse(c, "invalid_client_metadata", "client_id: 1 to %d printable characters", CLIENT_ID_MAX);
        return false;
    }
    *ret_id = arena_dup(c->arena, id);
    return json_object_set_new(normal, "client_id", json_stringn(id.ptr, id.len)) == 0;
}

static enum err save(struct ctl_call *c, const json_t *normal, struct span id, struct span secret) {
    unsigned char hash[32];
    char *text = json_dumps(normal, JSON_COMPACT);
    if (!text || EVP_Q_digest(NULL, "SHA256", NULL, secret.ptr, secret.len, hash, NULL) != 1) {
        free(text);
        return ERR_NOMEM;
    }
    struct batch b = BATCH_INIT(c->arena);
    store_client_insert(&b, &(struct client_row){
                                .client_id = id,
                                .metadata = span_of(text),
                                .secret_hash = secret.ptr ? span_bytes(hash, sizeof hash) : SPAN_NONE,
                                .is_enabled = true,
                                .created_at = c->now,
                            });
    ctl_audit(c, &b, "client_added", id);
    free(text);
    return store_write_wait(c->idp->store, &b);
}

void ctl_client_add(struct ctl_call *c) {
    AUTO_JSON json_t *given = NULL;
    AUTO_JSON json_t *normal = NULL;
    const char *code = "invalid_client_metadata", *why = "the file is not one JSON object";
    struct span id, secret = SPAN_NONE;
    if (json_parse_object(ctl_arg(c, "file"), METADATA_MAX, &given) ||
        client_metadata_check(c->arena, REGISTRAR_STAFF, given, &normal, &code, &why)) {
        ctl_refuse(c, code, "%s", why);
        return;
    }
    if (!choose_id(c, given, normal, &id))
        return;
    if (span_starts(json_str(normal, "token_endpoint_auth_method"), "client_secret_"))
        secret = random_text(c->arena, SECRET_BYTES);
    enum err e = save(c, normal, id, secret);
    if (e) {
        ctl_refuse_err(c, e, "client_id");
        return;
    }
    changed(c);
    json_object_set_new(normal, "client_id_issued_at", json_integer(c->now));
    if (secret.ptr) {
        json_object_set_new(normal, "client_secret", json_stringn(secret.ptr, secret.len));
        json_object_set_new(normal, "client_secret_expires_at", json_integer(0));
    }
    c->out = TAKE(normal);
    char *text = json_dumps(c->out, JSON_INDENT(2));
    buf_addf(&c->text, "%s\n", text ? text : "");
    free(text);
}

static json_t *client_out(const struct client_row *row) {
    json_t *metadata = NULL;
    if (json_parse_object(row->metadata, METADATA_MAX, &metadata))
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

void ctl_client_show(struct ctl_call *c) {
    struct client_row row = {.found = false};
    struct batch b = BATCH_INIT(c->arena);
    store_client_find(&b, ctl_arg(c, "client_id"), &row);
    enum err e = store_write_wait(c->idp->store, &b);
    if (!e && !row.found)
        e = ERR_NOT_FOUND;
    if (e) {
        ctl_refuse_err(c, e, "client");
        return;
    }
    c->out = client_out(&row);
    char *text = json_dumps(c->out, JSON_INDENT(2));
    buf_addf(&c->text, "%s\n", text ? text : "");
    free(text);
}

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
