/* SPDX-License-Identifier: Apache-2.0
 *
 * See mac.h; why not EVP: see sha256.c. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/mac.h"

#include <openssl/sha.h>

#include "base/sha256.h"

#define BLOCK_BYTES 64 /* B of RFC 2104, for SHA-256 */

struct started {
    SHA256_CTX inner, outer;
};

//= https://www.rfc-editor.org/rfc/rfc2104#section-2
//# (1) append zeros to the end of K to create a B byte string
//# (2) XOR (bitwise exclusive-OR) the B byte string computed in step (1) with ipad
static void start(SHA256_CTX *state, const unsigned char key[BLOCK_BYTES], unsigned char pad) {
    unsigned char block[BLOCK_BYTES];
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        block[i] = key[i] ^ pad;
    (void)SHA256_Init(state);
    (void)SHA256_Update(state, block, sizeof block);
    wipe(block, sizeof block);
}

enum err mac_key_new(struct span key, struct mac_key *ret_key) {
    unsigned char block[BLOCK_BYTES] = {0};
    struct secret state;
    enum err e = secret_new(sizeof(struct started), &state);
    if (e)
        return e;
    //= https://www.rfc-editor.org/rfc/rfc2104#section-2
    //# Applications that use keys longer than B bytes will first hash the key using H
    if (key.len > BLOCK_BYTES)
        sha256(key, block);
    else if (key.len)
        memcpy(block, key.ptr, key.len);
    struct started *s = (struct started *)(void *)state.ptr;
    start(&s->inner, block, 0x36);
    start(&s->outer, block, 0x5c);
    wipe(block, sizeof block);
    ret_key->start = state;
    return ERR_OK;
}

void mac_key_done(struct mac_key *key) {
    secret_done(&key->start);
}

void mac_compute(const struct mac_key *key, struct span a, struct span b,
                 unsigned char out[MAC_BYTES]) {
    static const unsigned char separator = 0;
    struct started s;
    memcpy(&s, key->start.ptr, sizeof s);
    (void)SHA256_Update(&s.inner, a.ptr, a.len);
    (void)SHA256_Update(&s.inner, &separator, sizeof separator);
    (void)SHA256_Update(&s.inner, b.ptr, b.len);
    (void)SHA256_Final(out, &s.inner);
    (void)SHA256_Update(&s.outer, out, MAC_BYTES);
    (void)SHA256_Final(out, &s.outer);
    wipe(&s, sizeof s);
}
