/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealing with the code key of the day, and with the data key; see keyring.h. */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/random.h"
#include "idp/keyring_internal.h"

#define SEAL_VERSION 1
#define DAY_SECONDS 86400
#define DAY_KEYS 8      /* purposes in use, times days */
#define PURPOSE_MAX 16  /* bytes of a purpose, and a NUL */
#define DAYS_READABLE 2 /* today's and yesterday's seals open */
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES

static enum err aead_seal(const unsigned char key[KEY_BYTES], struct span aad, struct span plain,
                          struct buf *out) {
    unsigned char *nonce = (unsigned char *)buf_reserve(out, NONCE_BYTES + plain.len + TAG_BYTES);
    if (!nonce)
        return buf_err(out);
    random_bytes(nonce, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_BYTES, NULL, (const unsigned char *)plain.ptr,
                                               plain.len, (const unsigned char *)aad.ptr, aad.len, NULL,
                                               nonce, key);
    return ERR_OK;
}

static enum err aead_open(const unsigned char key[KEY_BYTES], struct span aad, struct span sealed,
                          struct arena *a, struct span *ret_plain) {
    const unsigned char *p = (const unsigned char *)sealed.ptr;
    if (sealed.len < NONCE_BYTES + TAG_BYTES)
        return ERR_SYNTAX;
    size_t len = sealed.len - NONCE_BYTES - TAG_BYTES;
    unsigned char *plain = arena_alloc(a, len + 1);
    if (!plain)
        return ERR_NOMEM;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, p + NONCE_BYTES, len + TAG_BYTES,
                                                   (const unsigned char *)aad.ptr, aad.len, p, key) != 0)
        return ERR_BAD_SIGNATURE;
    *ret_plain = span_bytes(plain, len);
    return ERR_OK;
}

/* Derived keys that were used last, in guarded memory: to derive one is eight blocks of SHA-256. */
struct day_key {
    char purpose[PURPOSE_MAX];
    uint32_t day;
    unsigned char key[KEY_BYTES];
};

struct day_keys {
    pthread_mutex_t lock;
    struct secret entries; /* DAY_KEYS of struct day_key; purpose "": empty */
    size_t oldest;
};

enum err keyring_days_new(struct day_keys **ret_days) {
    struct day_keys *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    pthread_mutex_init(&d->lock, NULL);
    *ret_days = d;
    return secret_new(DAY_KEYS * sizeof(struct day_key), &d->entries);
}

void keyring_days_free(struct day_keys *d) {
    if (!d)
        return;
    secret_done(&d->entries);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static enum err day_key_derive(const struct keyring *k, const char *purpose, uint32_t day,
                               unsigned char out[KEY_BYTES]) {
    unsigned char number[4] = {(unsigned char)(day >> 24), (unsigned char)(day >> 16),
                               (unsigned char)(day >> 8), (unsigned char)day};
    unsigned char of_day[MAC_BYTES];
    mac_compute(&k->mac[KEY_USE_CODE], SPAN("seal"), span_bytes(number, sizeof number), of_day);
    struct mac_key day_mac;
    enum err e = mac_key_new(span_bytes(of_day, sizeof of_day), &day_mac);
    wipe(of_day, sizeof of_day);
    if (e)
        return e;
    mac_compute(&day_mac, SPAN("purpose"), span_of(purpose), out);
    mac_key_done(&day_mac);
    return ERR_OK;
}

/* One key a day and purpose, so that a value sealed for one purpose is noise for another. */
static enum err day_key(const struct keyring *k, const char *purpose, uint32_t day,
                        unsigned char out[KEY_BYTES]) {
    struct day_keys *d = k->days;
    struct day_key *entry = (struct day_key *)(void *)d->entries.ptr;
    enum err e = ERR_OK;
    assert(strlen(purpose) < PURPOSE_MAX);
    pthread_mutex_lock(&d->lock);
    size_t i = 0;
    while (i < DAY_KEYS && (entry[i].day != day || strcmp(entry[i].purpose, purpose) != 0))
        i++;
    if (i == DAY_KEYS) {
        i = d->oldest;
        e = day_key_derive(k, purpose, day, entry[i].key);
        entry[i].day = day;
        memcpy(entry[i].purpose, e ? "" : purpose, e ? 1 : strlen(purpose) + 1);
        d->oldest = (i + 1) % DAY_KEYS;
    }
    memcpy(out, entry[i].key, KEY_BYTES);
    pthread_mutex_unlock(&d->lock);
    return e;
}

enum err keyring_seal(const struct keyring *k, const char *purpose, struct span context, struct span plain,
                      int64_t now, struct buf *out) {
    uint32_t day = (uint32_t)(now / DAY_SECONDS);
    unsigned char key[KEY_BYTES];
    buf_add_u8(out, SEAL_VERSION);
    buf_add_u32(out, day);
    enum err e = day_key(k, purpose, day, key);
    if (!e)
        e = aead_seal(key, context, plain, out);
    sodium_memzero(key, sizeof key);
    return e;
}

enum err keyring_unseal(const struct keyring *k, struct arena *a, const char *purpose, struct span context,
                        struct span sealed, int64_t now, struct span *ret_plain) {
    struct reader r = READER_INIT(sealed);
    uint8_t version = reader_u8(&r);
    uint32_t day = reader_u32(&r), today = (uint32_t)(now / DAY_SECONDS);
    if (r.failed || version != SEAL_VERSION)
        return ERR_SYNTAX;
    if (day > today || today - day >= DAYS_READABLE)
        return ERR_EXPIRED;
    unsigned char key[KEY_BYTES];
    enum err e = day_key(k, purpose, day, key);
    if (!e)
        e = aead_open(key, context, (struct span){(const char *)r.ptr, r.left}, a, ret_plain);
    sodium_memzero(key, sizeof key);
    return e;
}

enum err keyring_data_seal(const struct keyring *k, struct span context, struct span plain, struct buf *out) {
    buf_add_u8(out, SEAL_VERSION);
    return aead_seal(k->released[KEY_USE_DATA].ptr, context, plain, out);
}

enum err keyring_data_open(const struct keyring *k, struct arena *a, struct span context,
                           struct span sealed, struct span *ret_plain) {
    if (sealed.len < 1 || sealed.ptr[0] != SEAL_VERSION)
        return ERR_SYNTAX;
    return aead_open(k->released[KEY_USE_DATA].ptr, context,
                     (struct span){sealed.ptr + 1, sealed.len - 1}, a, ret_plain);
}
