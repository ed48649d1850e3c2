/* SPDX-License-Identifier: Apache-2.0
 *
 * See jws_memory.h. A token stands at the place that the beginning of its hash says; the whole hash
 * is compared, and nobody finds two tokens with one BLAKE2b-256. */
#include "keys/jws_memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#define DIGEST_BYTES 32

struct slot {
    unsigned char digest[DIGEST_BYTES];
    const struct jwk_set *keys; /* NULL: free */
};

struct jws_memory {
    struct slot slot[JWS_MEMORY_SLOTS];
};

_Static_assert((JWS_MEMORY_SLOTS & (JWS_MEMORY_SLOTS - 1)) == 0, "a place is a mask of the hash");

enum err jws_memory_new(struct jws_memory **ret_memory) {
    struct jws_memory *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    *ret_memory = m;
    return ERR_OK;
}

void jws_memory_free(struct jws_memory *m) {
    free(m);
}

static struct slot *slot_of(struct jws_memory *m, const unsigned char digest[DIGEST_BYTES]) {
    uint32_t place;
    memcpy(&place, digest, sizeof place);
    return &m->slot[place & (JWS_MEMORY_SLOTS - 1)];
}

/* Of a token whose form was checked when it was verified. */
static enum err payload_read(struct arena *a, struct span token, struct span *ret_payload) {
    (void)span_cut(&token, '.');
    return b64url_decode_arena(a, span_cut(&token, '.'), ret_payload);
}

enum err jws_memory_verify(struct jws_memory *m, struct arena *a, struct span token,
                           const struct jws_expect *expect, const struct jwk_set *keys,
                           struct span *ret_payload) {
    unsigned char digest[DIGEST_BYTES];
    struct slot *slot = NULL;
    struct jws jws;
    if (m && token.len && token.len <= JWS_MAX_BYTES &&
        !crypto_generichash(digest, sizeof digest, (const unsigned char *)token.ptr, token.len, NULL, 0))
        slot = slot_of(m, digest);
    if (slot && slot->keys == keys && memcmp(slot->digest, digest, sizeof digest) == 0)
        return payload_read(a, token, ret_payload);
    enum err e = jws_verify(a, token, expect, keys, &jws);
    if (e)
        return e;
    if (slot) {
        memcpy(slot->digest, digest, sizeof digest);
        slot->keys = keys;
    }
    *ret_payload = jws.payload;
    return ERR_OK;
}
