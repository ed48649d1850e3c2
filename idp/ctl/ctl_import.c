/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl import and export, the daemon's side. idpctl reads the file and sends its entries a few
 * hundred at a time, {entries: [{kind, entry}], dry_run}; here each is checked whole and written
 * whole, while their commits are shared. The answer says of each {error} or {keys}: texts that no
 * two entries may share, by which idpctl tells duplicates within its file. docs/IMPORT.md describes
 * the entries. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "idp/client.h"
#include "idp/client_metadata.h"
#include "idp/client_secret.h"
#include "idp/config.h"
#include "idp/ctl/ctl_call.h"
#include "idp/ctl/import_form.h"
#include "idp/user_import.h"

/* One entry under way. */
struct entry {
    struct ctl_call *c;
    struct arena a;
    json_t *given; /* owned */
    bool is_dry;
    const struct import_kind *kind;
    struct batch b;
    json_t *keys;    /* owned: of one that is good */
    const char *why; /* not, otherwise */
};

struct import_kind {
    const char *name;
    bool (*build)(struct entry *n); /* the batch */
    bool (*judge)(struct entry *n); /* what came of it */
};

static bool refuse(struct entry *n, const char *why) {
    n->why = why;
    return false;
}

/* ---- clients ---- */

static bool take_secret(struct entry *n, const json_t *value, bool is_newest,
                        struct client_secret *ret_secret) {
    struct client_secret s = {.created_at = n->c->now};
    int64_t created_at;
    size_t len;
    if (hex_decode(json_str(value, "sha256"), s.hash, sizeof s.hash, &len) || len != sizeof s.hash)
        return refuse(n, "secrets: sha256 must be 64 small hexadecimal digits");
    if (json_object_get(value, "expires_at") &&
        (json_int(value, "expires_at", &s.expires_at) || s.expires_at < 0))
        return refuse(n, "secrets: expires_at must be a time in seconds, or 0");
    if (!is_newest && s.expires_at == 0)
        return refuse(n, "secrets: the second must have an end");
    if (json_int(value, "created_at", &created_at) == ERR_OK && created_at > 0 &&
        created_at < s.created_at)
        s.created_at = created_at;
    *ret_secret = s;
    return true;
}

/* A client whose secret did not come along gets one that nobody knows, until staff rotate it. */
static bool take_secrets(struct entry *n, const json_t *list, bool has_secret,
                         struct client_row *row) {
    size_t count = json_array_size(list);
    if (list && !json_is_array(list))
        return refuse(n, "secrets must be an array");
    if (count > CLIENT_SECRETS_MAX)
        return refuse(n, "secrets: two at most");
    if (count && !has_secret)
        return refuse(n, "secrets: this client has none, by its token_endpoint_auth_method");
    for (size_t i = 0; i < count; i++)
        if (!take_secret(n, json_array_get(list, i), i == 0, &row->secret[i]))
            return false;
    row->n_secrets = count;
    if (has_secret && count == 0) {
        struct span unknown;
        if (client_secret_make(&n->a, n->c->now, 0, &row->secret[0], &unknown))
            return refuse(n, err_text(ERR_NOMEM));
        row->n_secrets = 1;
    }
    return true;
}

static bool judge_client(struct entry *n) {
    enum err e = store_dry_run_passed(&n->b) ? ERR_OK : n->b.result;
    return !e || refuse(n, e == ERR_EXISTS ? "client_id is taken" : err_text(e));
}

static bool build_client(struct entry *n) {
    AUTO_JSON json_t *enabled = json_incref(json_object_get(n->given, "enabled"));
    AUTO_JSON json_t *secrets = json_incref(json_object_get(n->given, "secrets"));
    AUTO_JSON json_t *normal = NULL;
    const char *code;
    if (enabled && !json_is_boolean(enabled))
        return refuse(n, "enabled must be true or false");
    if (!json_str(n->given, "client_id").len)
        return refuse(n, "client_id is missing");
    json_object_del(n->given, "enabled");
    json_object_del(n->given, "secrets");
    if (client_metadata_check(&n->a, REGISTRAR_STAFF, n->given, &normal, &code, &n->why))
        return false;
    AUTO_FREE char *text = json_dumps(normal, JSON_COMPACT);
    if (!text)
        return refuse(n, err_text(ERR_NOMEM));
    struct client_row row = {.client_id = json_str(normal, "client_id"),
                             .metadata = span_of(text),
                             .is_enabled = !json_is_false(enabled),
                             .created_at = n->c->now};
    bool has_secret = span_starts(json_str(normal, "token_endpoint_auth_method"), "client_secret_");
    if (!take_secrets(n, secrets, has_secret, &row))
        return false;
    store_client_insert(&n->b, &row);
    if (n->is_dry)
        store_dry_run(&n->b);
    else
        ctl_audit(n->c, &n->b, "client_added", row.client_id);
    n->keys = json_pack("[s+%]", "client_id:", row.client_id.ptr, row.client_id.len);
    return true;
}

/* ---- users ---- */

static bool build_user(struct entry *n) {
    const struct user_order order = {n->c->idp, n->c->channel, n->c->actor, n->is_dry};
    struct user_id id;
    if (json_object_get(n->given, "password"))
        return refuse(n, "password must not stand in an import: password_hash may");
    return !user_import_build(&order, n->given, &n->b, &id, &n->keys, &n->why);
}

static bool judge_user(struct entry *n) {
    return !user_import_result(&n->b, &n->why);
}

static const struct import_kind kinds[] = {{"client", build_client, judge_client},
                                           {"user", build_user, judge_user}};

/* ---- the command ---- */

static void entry_build(struct ctl_call *c, const json_t *item, bool is_dry, struct entry *n) {
    *n = (struct entry){.c = c,
                        .a = ARENA_INIT(ARENA_LIMIT_DEFAULT),
                        .is_dry = is_dry,
                        .given = json_incref(json_object_get(item, "entry")),
                        .why = "kind must be client or user"};
    n->b = BATCH_INIT(&n->a);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (span_is(json_str(item, "kind"), kinds[i].name))
            n->kind = &kinds[i];
    if (!n->kind)
        return;
    n->why = "must be a JSON object";
    if (json_is_object(n->given) && n->kind->build(n))
        n->why = NULL;
}

static json_t *entry_answer(const struct entry *n) {
    return n->why ? json_pack("{ss}", "error", n->why) : json_pack("{sO*}", "keys", n->keys);
}

static void entry_done(struct entry *n) {
    json_decref(n->given);
    json_decref(n->keys);
    arena_done(&n->a);
}

static void import_all(struct ctl_call *c, const json_t *entries, bool is_dry, struct entry *n) {
    struct batch *good[IMPORT_BATCH_ENTRIES];
    size_t count = json_array_size(entries), n_good = 0;
    for (size_t i = 0; i < count; i++) {
        entry_build(c, json_array_get(entries, i), is_dry, &n[i]);
        if (!n[i].why)
            good[n_good++] = &n[i].b;
    }
    store_write_wait_all(c->idp->store, good, n_good);
    c->out = json_array();
    for (size_t i = 0; i < count; i++) {
        if (!n[i].why)
            (void)n[i].kind->judge(&n[i]);
        json_array_append_new(c->out, entry_answer(&n[i]));
        entry_done(&n[i]);
    }
}

void ctl_import(struct ctl_call *c) {
    const json_t *entries = json_object_get(c->args, "entries");
    bool is_dry = json_is_true(json_object_get(c->args, "dry_run"));
    size_t count = json_array_size(entries);
    if (count == 0 || count > IMPORT_BATCH_ENTRIES) {
        ctl_refuse(c, "invalid_request", "entries: an array of 1 to %d is needed",
                   IMPORT_BATCH_ENTRIES);
        return;
    }
    AUTO_FREE struct entry *room = calloc(count, sizeof *room);
    if (!room) {
        ctl_refuse_err(c, ERR_NOMEM, "entries");
        return;
    }
    import_all(c, entries, is_dry, room);
    if (!is_dry)
        atomic_fetch_add(&c->idp->client_epoch, 1);
}

/* ---- export ---- */

static json_t *client_entry(const struct client_row *row) {
    json_t *entry = NULL;
    if (json_parse_object(row->metadata, CLIENT_METADATA_MAX, &entry))
        return NULL;
    if (!row->is_enabled)
        json_object_set_new(entry, "enabled", json_false());
    json_t *secrets = row->n_secrets ? json_array() : NULL;
    for (size_t i = 0; i < row->n_secrets; i++) {
        const struct client_secret *s = &row->secret[i];
        char hex[2 * CLIENT_SECRET_HASH_BYTES + 1];
        hex_encode(s->hash, sizeof s->hash, hex);
        json_array_append_new(secrets, json_pack("{ss sI sI}", "sha256", hex, "created_at",
                                                 (json_int_t)s->created_at, "expires_at",
                                                 (json_int_t)s->expires_at));
    }
    if (secrets)
        json_object_set_new(entry, "secrets", secrets);
    return entry;
}

void ctl_export(struct ctl_call *c) {
    struct client_list list = {0};
    struct batch b = BATCH_INIT(c->arena);
    store_client_list(&b, &list);
    ctl_audit(c, &b, "clients_exported", SPAN_NONE);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "clients");
        return;
    }
    json_t *clients = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(clients, client_entry(&list.item[i]));
    struct span issuer = idp_config(c->idp)->issuer;
    c->out = json_pack("{ss si ss% so}", "format", IMPORT_FORMAT, "version", IMPORT_VERSION,
                       "issuer", issuer.ptr, issuer.len, "clients", clients);
}
