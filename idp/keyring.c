/* SPDX-License-Identifier: Apache-2.0
 *
 * See keyring.h. Wrapped keys live in the store so that nodes share them; the signer holds them
 * unwrapped; here are public keys, and copies of the four that the signer releases. What is sealed with
 * those is in keyring_seal.c. */
#include "idp/keyring.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/sha256.h"
#include "idp/keyring_internal.h"

#define JWKS_MAX (256 * 1024)

struct snapshot {
    struct key_snapshot public;
    struct arena arena;
    struct {
        const struct jose_alg *alg;
        struct span kid;
    } active[16];
    size_t n_active;
    struct snapshot *older;
};

/* ---- HMAC ---- */

void keyring_mac(const struct keyring *k, const char *purpose, struct span bytes, unsigned char out[32]) {
    mac_compute(&k->mac[KEY_USE_CODE], span_of(purpose), bytes, out);
}

void keyring_index(const struct keyring *k, const char *kind, struct span value, unsigned char out[32]) {
    mac_compute(&k->mac[KEY_USE_INDEX], span_of(kind), value, out);
}

void keyring_sub(const struct keyring *k, struct span sector, const struct user_id *person,
                 char out[SUB_CHARS + 1]) {
    unsigned char mac[32];
    mac_compute(&k->mac[KEY_USE_PAIRWISE], sector, span_bytes(person->b, USER_ID_BYTES), mac);
    out[b64url_encode(mac, sizeof mac, out)] = '\0';
}

/* ---- snapshots ---- */

const struct key_snapshot *keyring_snapshot(const struct keyring *k) {
    return &atomic_load_explicit(&k->current, memory_order_acquire)->public;
}

struct span keyring_active_kid(const struct keyring *k, const struct jose_alg *alg) {
    const struct snapshot *s = atomic_load_explicit(&k->current, memory_order_acquire);
    for (size_t i = 0; i < s->n_active; i++)
        if (s->active[i].alg == alg)
            return s->active[i].kid;
    return SPAN_NONE;
}

struct span keyring_pepper_kid(const struct keyring *k) {
    return span_of(k->pepper_kid);
}

static void snapshot_free(struct snapshot *s) {
    if (!s)
        return;
    jwk_set_done(&s->public.verify);
    arena_done(&s->arena);
    free(s);
}

static bool is_published(enum key_state state) {
    return state == KEY_NEXT || state == KEY_ACTIVE || state == KEY_RETIRING;
}

static enum err snapshot_add(struct snapshot *s, const struct key_row *row, struct json_out *o) {
    if (s->public.verify.count == JWKS_MAX_KEYS)
        return ERR_TOO_LONG;
    struct jwk *key;
    enum err e = jwk_parse(row->public_jwk, &key);
    if (e)
        return e;
    s->public.verify.key[s->public.verify.count++] = key;
    json_add_raw(o, NULL, row->public_jwk);
    if (row->state == KEY_ACTIVE && s->n_active < ARRAY_LEN(s->active)) {
        s->active[s->n_active].alg = jose_alg_find(row->alg);
        s->active[s->n_active++].kid = arena_dup(&s->arena, row->kid);
    }
    return ERR_OK;
}

static enum err snapshot_finish(struct snapshot *s, const struct buf *json) {
    unsigned char digest[32];
    char etag[2 + B64URL_LEN(16)] = "\"";
    if (buf_err(json))
        return buf_err(json);
    sha256(buf_span(json), digest);
    size_t n = 1 + b64url_encode(digest, 16, etag + 1);
    etag[n] = '"';
    s->public.jwks_json = arena_dup(&s->arena, buf_span(json));
    s->public.jwks_etag = arena_dup(&s->arena, span_bytes(etag, n + 1));
    return s->public.jwks_json.ptr && s->public.jwks_etag.ptr ? ERR_OK : ERR_NOMEM;
}

static enum err snapshot_new(const struct key_list *keys, struct snapshot **ret_snapshot) {
    struct snapshot *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(buf_done) struct buf json = BUF_INIT(JWKS_MAX);
    struct json_out o = JSON_OUT(&json);
    enum err e = ERR_OK;
    json_open_object(&o, NULL);
    json_open_array(&o, "keys");
    for (size_t i = 0; !e && i < keys->count; i++)
        if (keys->item[i].use == KEY_USE_SIG && is_published(keys->item[i].state))
            e = snapshot_add(s, &keys->item[i], &o);
    json_close_array(&o);
    json_close_object(&o);
    if (!e)
        e = snapshot_finish(s, &json);
    if (e) {
        snapshot_free(s);
        return e;
    }
    *ret_snapshot = s;
    return ERR_OK;
}

/* Readers may still look at older ones: they are kept until the end. */
static void snapshot_publish(struct keyring *k, struct snapshot *s) {
    s->older = atomic_load_explicit(&k->current, memory_order_relaxed);
    atomic_store_explicit(&k->current, s, memory_order_release);
}

/* ---- the signer ---- */

static enum err ask_one(struct signer_channel *c, const struct signer_request *q, struct arena *a,
                        struct signer_answer *ret) {
    enum err e = signer_call(c, q, 1, a, ret);
    return e ? e : ret->err;
}

static enum err release(struct keyring *k, struct signer_channel *c, const struct key_row *row,
                        struct arena *a) {
    const struct signer_request q = {.op = SIGNER_OP_RELEASE, .kid = row->kid};
    struct signer_answer answer;
    struct secret *slot = &k->released[row->use];
    enum err e = ask_one(c, &q, a, &answer);
    if (e)
        return e;
    if (answer.bytes.len != KEY_BYTES)
        return ERR_UNAVAILABLE;
    if (slot->ptr) /* the signer was restarted: the key is the same */
        return ct_equal(secret_span(slot), answer.bytes) ? ERR_OK : ERR_INTERNAL;
    e = mac_key_new(answer.bytes, &k->mac[row->use]);
    return e ? e : secret_copy(answer.bytes, slot);
}

/* The public half is in the store; the private one stays in the signer. */
static bool is_pair(enum key_use use) {
    return use == KEY_USE_SIG || use == KEY_USE_ENVELOPE;
}

static enum err load_key(struct keyring *k, struct signer_channel *c, const struct key_row *row,
                         struct arena *a) {
    const struct signer_request q = {.op = SIGNER_OP_LOAD, .kid = row->kid, .use = row->use,
                                     .alg = row->alg, .bytes = row->wrapped};
    struct signer_answer answer;
    enum err e = ask_one(c, &q, a, &answer);
    if (e && e != ERR_EXISTS)
        return e;
    if (row->use == KEY_USE_PEPPER) {
        if (row->kid.len > KID_MAX)
            return ERR_TOO_LONG;
        if (row->state == KEY_ACTIVE)
            memcpy(k->pepper_kid, row->kid.ptr, row->kid.len);
        return ERR_OK;
    }
    return is_pair(row->use) ? ERR_OK : release(k, c, row, a);
}

static bool is_usable(const struct key_row *row) {
    return row->state != KEY_RETIRED && row->state != KEY_REVOKED;
}

static enum err list_keys(struct store *store, struct arena *a, struct key_list *ret) {
    struct batch b = BATCH_INIT(a);
    *ret = (struct key_list){0};
    store_key_list(&b, ret);
    return store_write_wait(store, &b);
}

static enum err load_all(struct keyring *k, struct store *store, struct signer_channel *c) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(4 * ARENA_LIMIT_DEFAULT);
    struct key_list keys;
    struct snapshot *s;
    enum err e = list_keys(store, &a, &keys);
    for (size_t i = 0; !e && i < keys.count; i++)
        if (is_usable(&keys.item[i]))
            e = load_key(k, c, &keys.item[i], &a);
    if (!e)
        e = snapshot_new(&keys, &s);
    if (e)
        return e;
    snapshot_publish(k, s);
    return ERR_OK;
}

/* ---- first start, generation ---- */

static const struct {
    enum key_use use;
    const char *alg;
} needed[] = {
    {KEY_USE_PEPPER, "HS256"}, {KEY_USE_DATA, "XC20P"},  {KEY_USE_INDEX, "HS256"},
    {KEY_USE_CODE, "XC20P"},   {KEY_USE_PAIRWISE, "HS256"}, {KEY_USE_SIG, "ES256"},
    {KEY_USE_SIG, "RS256"},    {KEY_USE_SIG, "PS256"},   {KEY_USE_SIG, "EdDSA"},
};

static enum err make_key(struct signer_channel *c, struct arena *a, enum key_use use, struct span alg,
                         enum key_state state, struct key_row *ret_row) {
    const struct signer_request q = {.op = SIGNER_OP_GENERATE, .use = use, .alg = alg};
    struct signer_answer answer;
    enum err e = ask_one(c, &q, a, &answer);
    if (e)
        return e;
    int64_t now = clock_now();
    *ret_row = (struct key_row){.kid = answer.kid, .use = use, .alg = alg, .state = state,
                                .wrapped = answer.bytes, .created_at = now,
                                .activated_at = state == KEY_ACTIVE ? now : 0};
    if (is_pair(use))
        ret_row->public_jwk = answer.text;
    return ERR_OK;
}

static bool has_active(const struct key_list *keys, enum key_use use, struct span alg) {
    for (size_t i = 0; i < keys->count; i++)
        if (keys->item[i].use == use && keys->item[i].state == KEY_ACTIVE && span_eq(keys->item[i].alg, alg))
            return true;
    return false;
}

static void audit_key(struct batch *b, const char *event, struct span kid) {
    store_audit(b, &(struct audit_event){.at = clock_now(), .event = event, .actor = SPAN("system"),
                                         .target = kid});
}

static enum err make_missing(struct store *store, struct signer_channel *c) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(4 * ARENA_LIMIT_DEFAULT);
    struct key_list keys;
    enum err e = list_keys(store, &a, &keys);
    for (size_t i = 0; !e && i < ARRAY_LEN(needed); i++) {
        struct span alg = span_of(needed[i].alg);
        struct key_row row;
        struct batch b = BATCH_INIT(&a);
        if (has_active(&keys, needed[i].use, alg))
            continue;
        e = make_key(c, &a, needed[i].use, alg, KEY_ACTIVE, &row);
        if (e)
            break;
        store_key_insert(&b, &row);
        audit_key(&b, "key_generated", row.kid);
        e = store_write_wait(store, &b);
    }
    return e;
}

enum err keyring_new(struct store *store, struct signer_channel *c, struct keyring **ret_keyring) {
    struct keyring *k = calloc(1, sizeof *k);
    if (!k)
        return ERR_NOMEM;
    pthread_mutex_init(&k->changing, NULL);
    enum err e = keyring_days_new(&k->days);
    if (!e)
        e = make_missing(store, c);
    if (!e)
        e = load_all(k, store, c);
    if (e) {
        keyring_free(k);
        return e;
    }
    *ret_keyring = k;
    return ERR_OK;
}

enum err keyring_reload(struct keyring *k, struct store *store, struct signer_channel *c) {
    pthread_mutex_lock(&k->changing);
    enum err e = load_all(k, store, c);
    pthread_mutex_unlock(&k->changing);
    return e;
}

void keyring_free(struct keyring *k) {
    if (!k)
        return;
    struct snapshot *s = atomic_load(&k->current);
    while (s) {
        struct snapshot *older = s->older;
        snapshot_free(s);
        s = older;
    }
    for (size_t i = 0; i < KEY_USE_COUNT; i++)
        secret_done(&k->released[i]);
    for (size_t i = 0; i < KEY_USE_COUNT; i++)
        mac_key_done(&k->mac[i]);
    keyring_days_free(k->days);
    pthread_mutex_destroy(&k->changing);
    free(k);
}

enum err keyring_generate(struct keyring *k, struct store *store, struct signer_channel *c,
                          const struct jose_alg *alg, struct arena *a, struct span *ret_kid) {
    bool is_envelope = alg == &jose_rsa1_5;
    struct key_row row;
    struct batch b = BATCH_INIT(a);
    enum err e = make_key(c, a, is_envelope ? KEY_USE_ENVELOPE : KEY_USE_SIG, span_of(alg->name),
                          is_envelope ? KEY_ACTIVE : KEY_NEXT, &row);
    if (e)
        return e;
    store_key_insert(&b, &row);
    audit_key(&b, "key_generated", row.kid);
    e = store_write_wait(store, &b);
    if (!e)
        e = keyring_reload(k, store, c);
    if (!e)
        *ret_kid = row.kid;
    return e;
}

/* The oldest published successor, or a new key. */
static enum err find_next(const struct key_list *keys, struct signer_channel *c, struct arena *a,
                          const struct jose_alg *alg, struct batch *b, struct span *ret_kid) {
    for (size_t i = 0; i < keys->count; i++)
        if (keys->item[i].use == KEY_USE_SIG && keys->item[i].state == KEY_NEXT &&
            span_is(keys->item[i].alg, alg->name)) {
            *ret_kid = keys->item[i].kid;
            store_key_move(b, *ret_kid, KEY_NEXT, KEY_ACTIVE, clock_now(), 0);
            return ERR_OK;
        }
    struct key_row row;
    enum err e = make_key(c, a, KEY_USE_SIG, span_of(alg->name), KEY_ACTIVE, &row);
    if (e)
        return e;
    store_key_insert(b, &row);
    *ret_kid = row.kid;
    return ERR_OK;
}

enum err keyring_rotate(struct keyring *k, struct store *store, struct signer_channel *c,
                        const struct jose_alg *alg, int64_t retire_seconds, struct arena *a,
                        struct span *ret_kid) {
    struct batch b = BATCH_INIT(a);
    struct key_list keys;
    struct span old = keyring_active_kid(k, alg), fresh;
    int64_t now = clock_now();
    enum err e = list_keys(store, a, &keys);
    if (!e)
        e = find_next(&keys, c, a, alg, &b, &fresh);
    if (e)
        return e;
    if (old.len)
        store_key_move(&b, old, KEY_ACTIVE, KEY_RETIRING, now, now + retire_seconds);
    audit_key(&b, "key_rotated", fresh);
    e = store_write_wait(store, &b);
    if (!e)
        e = keyring_reload(k, store, c);
    if (!e)
        *ret_kid = fresh;
    return e;
}
