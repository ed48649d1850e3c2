/* SPDX-License-Identifier: Apache-2.0
 *
 * See signer_keys.h. Slots are reused; a slot's generation tells a thread that its prepared context
 * belongs to a key that is gone. */
#include "keys/signer_keys.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "keys/rsa15.h"

struct slot {
    bool used;
    char kid[129];
    enum key_use use;
    struct jwk *jwk;
    struct secret bytes;
    uint64_t generation;
    uint64_t used_times; /* signatures; what an envelope key unwrapped */
    unsigned char chain[CHAIN_BYTES];
};

struct signer_keys {
    pthread_rwlock_t lock;  /* slots come and go */
    pthread_mutex_t counts; /* used_times, chain */
    uint64_t generation;
    EVP_MD *sha256;
    struct slot slot[SIGNER_KEYS_MAX];
};

struct signer_contexts {
    EVP_MD_CTX *hash;
    struct {
        uint64_t generation;
        struct jws_signer *signer;
    } at[SIGNER_KEYS_MAX];
};

enum err signer_keys_new(struct signer_keys **ret_keys) {
    struct signer_keys *k = calloc(1, sizeof *k);
    if (!k)
        return ERR_NOMEM;
    pthread_rwlock_init(&k->lock, NULL);
    pthread_mutex_init(&k->counts, NULL);
    k->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    *ret_keys = k;
    return k->sha256 ? ERR_OK : ERR_CRYPTO;
}

enum err signer_contexts_new(struct signer_contexts **ret_contexts) {
    struct signer_contexts *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->hash = EVP_MD_CTX_new();
    *ret_contexts = c;
    return c->hash ? ERR_OK : ERR_NOMEM;
}

static struct slot *find(struct signer_keys *k, struct span kid) {
    for (size_t i = 0; i < SIGNER_KEYS_MAX; i++)
        if (k->slot[i].used && span_is(kid, k->slot[i].kid))
            return &k->slot[i];
    return NULL;
}

static struct slot *find_free(struct signer_keys *k) {
    for (size_t i = 0; i < SIGNER_KEYS_MAX; i++)
        if (!k->slot[i].used)
            return &k->slot[i];
    return NULL;
}

bool signer_use_is_pair(enum key_use use) {
    return use == KEY_USE_SIG || use == KEY_USE_ENVELOPE;
}

static enum err fill(struct signer_keys *k, struct span kid, enum key_use use, struct jwk *jwk,
                     struct span bytes) {
    if (find(k, kid))
        return ERR_EXISTS;
    struct slot *s = find_free(k);
    if (!s)
        return ERR_TOO_LONG;
    if (use != KEY_USE_SIG) {
        enum err e = secret_copy(bytes, &s->bytes);
        if (e)
            return e;
    }
    memcpy(s->kid, kid.ptr, kid.len);
    s->kid[kid.len] = '\0';
    s->use = use;
    s->jwk = signer_use_is_pair(use) ? jwk_ref(jwk) : NULL;
    s->generation = ++k->generation;
    s->used_times = 0;
    memset(s->chain, 0, sizeof s->chain);
    s->used = true;
    return ERR_OK;
}

enum err signer_keys_add(struct signer_keys *k, struct span kid, enum key_use use, struct jwk *jwk,
                         struct span bytes) {
    if (kid.len == 0 || kid.len >= sizeof k->slot[0].kid)
        return ERR_SYNTAX;
    if (use != KEY_USE_SIG && bytes.len != SYMMETRIC_BYTES)
        return ERR_SYNTAX;
    pthread_rwlock_wrlock(&k->lock);
    enum err e = fill(k, kid, use, jwk, bytes);
    pthread_rwlock_unlock(&k->lock);
    return e;
}

enum err signer_keys_remove(struct signer_keys *k, struct span kid) {
    pthread_rwlock_wrlock(&k->lock);
    struct slot *s = find(k, kid);
    if (s) {
        jwk_unref(s->jwk);
        secret_done(&s->bytes);
        *s = (struct slot){.used = false};
    }
    pthread_rwlock_unlock(&k->lock);
    return s ? ERR_OK : ERR_NOT_FOUND;
}

enum err signer_keys_find_jwk(struct signer_keys *k, struct span kid, struct jwk **ret_jwk) {
    enum err e = ERR_NOT_FOUND;
    pthread_rwlock_rdlock(&k->lock);
    const struct slot *s = find(k, kid);
    if (s && s->use == KEY_USE_SIG) {
        *ret_jwk = jwk_ref(s->jwk);
        e = ERR_OK;
    } else if (s) {
        e = ERR_REFUSED;
    }
    pthread_rwlock_unlock(&k->lock);
    return e;
}

static bool use_fits(enum key_use is, enum key_use wanted) {
    if (wanted != KEY_USE_NONE)
        return is == wanted;
    return is == KEY_USE_DATA || is == KEY_USE_INDEX || is == KEY_USE_CODE || is == KEY_USE_PAIRWISE;
}

enum err signer_keys_copy(struct signer_keys *k, struct span kid, enum key_use use,
                          struct secret *ret_bytes) {
    enum err e = ERR_NOT_FOUND;
    pthread_rwlock_rdlock(&k->lock);
    const struct slot *s = find(k, kid);
    if (s)
        e = use_fits(s->use, use) ? secret_copy(secret_span(&s->bytes), ret_bytes) : ERR_REFUSED;
    pthread_rwlock_unlock(&k->lock);
    return e;
}

/* ---- signing ---- */

static enum err context_for(struct signer_keys *k, struct signer_contexts *c, struct span kid,
                            size_t *ret_index) {
    const struct slot *s = find(k, kid);
    if (!s)
        return ERR_NOT_FOUND;
    if (s->use != KEY_USE_SIG)
        return ERR_REFUSED;
    size_t i = (size_t)(s - k->slot);
    if (c->at[i].generation != s->generation) {
        jws_signer_free(c->at[i].signer);
        c->at[i].signer = NULL;
        c->at[i].generation = 0;
        enum err e = jws_signer_new(s->jwk, &c->at[i].signer);
        if (e)
            return e;
        c->at[i].generation = s->generation;
    }
    *ret_index = i;
    return ERR_OK;
}

static bool sha256(struct signer_keys *k, EVP_MD_CTX *ctx, struct span a, struct span b,
                   unsigned char out[CHAIN_BYTES]) {
    return EVP_DigestInit_ex2(ctx, k->sha256, NULL) == 1 && EVP_DigestUpdate(ctx, a.ptr, a.len) == 1 &&
           EVP_DigestUpdate(ctx, b.ptr, b.len) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

static enum err chain_extend(struct signer_keys *k, struct signer_contexts *c, struct slot *s,
                             struct span what) {
    unsigned char input[CHAIN_BYTES];
    if (!sha256(k, c->hash, what, SPAN_NONE, input))
        return ERR_CRYPTO;
    pthread_mutex_lock(&k->counts);
    bool good = sha256(k, c->hash, span_bytes(s->chain, CHAIN_BYTES), span_bytes(input, CHAIN_BYTES), s->chain);
    s->used_times++;
    pthread_mutex_unlock(&k->counts);
    return good ? ERR_OK : ERR_CRYPTO;
}

static struct span without_signature(struct span compact) {
    size_t len = compact.len;
    while (len && compact.ptr[len - 1] != '.')
        len--;
    return (struct span){compact.ptr, len ? len - 1 : 0};
}

enum err signer_keys_sign(struct signer_keys *k, struct signer_contexts *c, struct span kid,
                          const char *typ, struct span payload, struct buf *out) {
    size_t i, start = out->len;
    pthread_rwlock_rdlock(&k->lock);
    enum err e = context_for(k, c, kid, &i);
    if (!e)
        e = jws_sign(c->at[i].signer, typ, payload, out);
    if (!e)
        e = chain_extend(k, c, &k->slot[i],
                         without_signature((struct span){out->data + start, out->len - start}));
    pthread_rwlock_unlock(&k->lock);
    return e;
}

/* ---- envelopes ---- */

enum err signer_keys_unwrap(struct signer_keys *k, struct signer_contexts *c, struct span kid,
                            struct span wrapped, unsigned char out[UNWRAPPED_BYTES]) {
    enum err e = ERR_NOT_FOUND;
    pthread_rwlock_rdlock(&k->lock);
    struct slot *s = find(k, kid);
    if (s)
        e = s->use == KEY_USE_ENVELOPE ? rsa15_unwrap(s->jwk->pkey, secret_span(&s->bytes), wrapped, out)
                                       : ERR_REFUSED;
    if (!e)
        e = chain_extend(k, c, s, wrapped);
    pthread_rwlock_unlock(&k->lock);
    return e;
}

void signer_keys_report(struct signer_keys *k, struct buf *out) {
    struct json_out o = JSON_OUT(out);
    json_open_array(&o, NULL);
    pthread_rwlock_rdlock(&k->lock);
    for (size_t i = 0; i < SIGNER_KEYS_MAX; i++) {
        const struct slot *s = &k->slot[i];
        if (!s->used)
            continue;
        char chain[2 * CHAIN_BYTES + 1];
        pthread_mutex_lock(&k->counts);
        uint64_t times = s->used_times;
        hex_encode(s->chain, CHAIN_BYTES, chain);
        pthread_mutex_unlock(&k->counts);
        json_open_object(&o, NULL);
        json_add_str(&o, "kid", span_of(s->kid));
        json_add_str(&o, "use", span_of(key_use_name(s->use)));
        if (signer_use_is_pair(s->use)) {
            json_add_str(&o, "alg", span_of(s->jwk->alg->name));
            json_add_i64(&o, s->use == KEY_USE_SIG ? "signatures" : "unwrapped", (int64_t)times);
            json_add_str(&o, "chain", span_of(chain));
        }
        json_close_object(&o);
    }
    pthread_rwlock_unlock(&k->lock);
    json_close_array(&o);
}
