/* SPDX-License-Identifier: Apache-2.0
 *
 * See upstream_account.h. */
#include "web/upstream_account.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/encode.h"
#include "idp/claims.h"
#include "idp/history.h"
#include "idp/identifiers.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/linking.h"

#define SEALED_MAX         8192
#define SESSION_SEALED_MAX 24576
#define USERNAME_RANDOM    10 /* bytes */

static const struct keyring *keyring_of(const struct request *req) {
    return request_idp(req)->keyring;
}

static enum err dump(struct request *req, const json_t *object, size_t max, struct span *ret_text) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(max);
    struct json_out o = JSON_OUT(&text);
    *ret_text = SPAN_NONE;
    if (!json_object_size(object))
        return ERR_OK;
    json_add_value(&o, NULL, object);
    enum err e = buf_err(&text);
    if (e)
        return e;
    *ret_text = arena_dup(req->arena, buf_span(&text));
    return ret_text->ptr ? ERR_OK : ERR_NOMEM;
}

/* Claims and identifiers into the account's own form. */
static enum err account_fill(struct request *req, struct user *account, const json_t *claims,
                             const json_t *identifiers) {
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(SEALED_MAX);
    enum err e = dump(req, claims, CLAIMS_JSON_MAX, &account->claims);
    account->identifiers = SPAN_NONE;
    if (e || !json_object_size(identifiers))
        return e;
    e = identifiers_seal(keyring_of(req), &account->id, identifiers, &sealed);
    if (e)
        return e;
    account->identifiers = arena_dup(req->arena, buf_span(&sealed));
    return account->identifiers.ptr ? ERR_OK : ERR_NOMEM;
}

static int ial_after(const struct upstream_person *p, const struct connector *c, int ial) {
    return c->proves_identity && p->level >= 2 && ial < 2 ? 2 : ial;
}

/* Nobody types it: it is there because accounts have one. */
static struct span username_new(struct request *req) {
    unsigned char bytes[USERNAME_RANDOM];
    char hex[2 * USERNAME_RANDOM + 1];
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, hex);
    return span_of(arena_printf(req->arena, "u-%s", hex));
}

enum err upstream_account_new(struct request *req, const struct upstream_person *p,
                              const struct connector *c, struct user *ret_account) {
    struct user account = {
        .found = true,
        .username = username_new(req),
        .type = p->type,
        .status = USER_ACTIVE,
        .ial = ial_after(p, c, 1),
        .created_at = req->now,
        .updated_at = req->now,
    };
    random_bytes(account.id.b, USER_ID_BYTES);
    enum err e = account.username.ptr ? account_fill(req, &account, p->claims, p->identifiers) : ERR_NOMEM;
    if (!e)
        *ret_account = account;
    return e;
}

/* The look-up index holds what accounts of the type are looked for by; `before` gives way. */
static void insert_identifiers(struct request *req, const struct user *account,
                               const struct linking_found *found, const json_t *before,
                               const json_t *after) {
    for (size_t i = 0; i < LINKING_KINDS; i++) {
        const char *kind = linking_kinds[i];
        struct span old = json_str(before, kind), fresh = json_str(after, kind);
        unsigned char index[32];
        /* One that another account has (an old card's number) is noted in the account alone. */
        bool is_taken = found && found->by_kind[i].found &&
                        memcmp(found->by_kind[i].id.b, account->id.b, USER_ID_BYTES) != 0;
        if (!fresh.len || span_eq(old, fresh) || is_taken || !linking_kind_is_for(i, account->type))
            continue;
        if (old.len) {
            keyring_index(keyring_of(req), kind, old, index);
            store_identifier_delete(&req->write, kind, span_bytes(index, sizeof index), &account->id);
        }
        keyring_index(keyring_of(req), kind, fresh, index);
        store_identifier_insert(&req->write, kind, span_bytes(index, sizeof index), &account->id);
    }
}

enum err upstream_account_insert(struct request *req, const struct user *account,
                                 const struct upstream_person *p) {
    store_user_insert(&req->write, account);
    insert_identifiers(req, account, NULL, NULL, p->identifiers);
    return ERR_OK;
}

/* ---- a later sign-in ---- */

static enum err history_write(struct request *req, const struct user *account,
                              const struct upstream_person *p, const json_t *changes) {
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(HISTORY_JSON_MAX + 128);
    enum err e = history_seal(keyring_of(req), &account->id, changes, &sealed);
    const char *source = arena_printf(req->arena, "connector:%.*s", SPAN_FMT(p->connector_id));
    if (!e && !source)
        e = ERR_NOMEM;
    if (!e)
        store_history_insert(&req->write, &account->id,
                             &(struct history_item){.at = req->now,
                                                    .source = span_of(source),
                                                    .sealed = buf_span(&sealed)});
    return e;
}

static enum err account_open(struct request *req, const struct user *account, json_t **ret_claims,
                             json_t **ret_identifiers) {
    enum err e = identifiers_open(keyring_of(req), req->arena, account, ret_identifiers);
    if (!e && account->claims.len)
        e = json_parse_object(account->claims, CLAIMS_JSON_MAX, ret_claims);
    return e;
}

/* The numbers that accounts are found by are changed by nobody but a provider that proves identities: whoever
 * runs another could claim somebody's number, or technical id, for an account of their own. */
static enum err part_numbers(const struct upstream_person *p, const struct connector *c,
                             struct upstream_person *ret_part, json_t **ret_identifiers) {
    json_t *kept = json_copy(p->identifiers);
    if (!kept)
        return ERR_NOMEM;
    for (size_t i = 0; i < LINKING_KINDS && !c->proves_identity; i++)
        (void)json_object_del(kept, linking_kinds[i]);
    *ret_part = *p;
    ret_part->identifiers = *ret_identifiers = kept;
    return ERR_OK;
}

enum err upstream_account_refresh(struct request *req, struct user *account,
                                  const struct upstream_person *p, const struct connector *c,
                                  const struct linking_found *found) {
    AUTO_JSON json_t *claims = NULL;
    AUTO_JSON json_t *identifiers = NULL;
    AUTO_JSON json_t *new_claims = NULL;
    AUTO_JSON json_t *new_identifiers = NULL;
    AUTO_JSON json_t *changes = NULL;
    AUTO_JSON json_t *kept = NULL;
    struct upstream_person part;
    int ial = ial_after(p, c, account->ial);
    enum err e = account_open(req, account, &claims, &identifiers);
    if (!e)
        e = part_numbers(p, c, &part, &kept);
    if (!e)
        e = upstream_person_merge(&part, claims, identifiers, &new_claims, &new_identifiers, &changes);
    if (e || (!changes && ial == account->ial))
        return e;
    e = account_fill(req, account, new_claims, new_identifiers);
    if (e)
        return e;
    store_user_refresh(&req->write, &account->id, account->claims, account->identifiers, ial,
                       account->updated_at, req->now);
    account->ial = ial;
    insert_identifiers(req, account, found, identifiers, new_identifiers);
    return changes ? history_write(req, account, p, changes) : ERR_OK;
}

/* ---- what hangs on the session ---- */

enum err upstream_session_fill(struct request *req, const struct upstream_person *p,
                               struct upstream_session *s) {
    CLEANUP(buf_done) struct buf plain = BUF_INIT(SESSION_SEALED_MAX),
                                 sealed = BUF_INIT(SESSION_SEALED_MAX + 128);
    unsigned char digest[32];
    if (p->sid.len) {
        sha256(p->sid, digest);
        s->sid_hash = arena_dup(req->arena, span_bytes(digest, sizeof digest));
    }
    struct json_out o = JSON_OUT(&plain);
    json_open_object(&o, NULL);
    json_add_opt(&o, "id_token", p->id_token);
    json_add_opt(&o, "logout_uri", p->logout_uri);
    json_close_object(&o);
    enum err e = buf_err(&plain);
    /* The row moves with its session, whose key changes: what it belongs to is its subject. */
    if (!e)
        e = keyring_data_seal(keyring_of(req), span_bytes(s->subject_index, SUBJECT_INDEX_BYTES),
                              buf_span(&plain), &sealed);
    if (e)
        return e;
    s->sealed = arena_dup(req->arena, buf_span(&sealed));
    return s->sealed.ptr && (!p->sid.len || s->sid_hash.ptr) ? ERR_OK : ERR_NOMEM;
}
