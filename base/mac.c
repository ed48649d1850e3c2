/* SPDX-License-Identifier: Apache-2.0
 *
 * See mac.h. */
#include "base/mac.h"

#include <sodium.h>

enum err mac_key_new(struct span key, struct mac_key *ret_key) {
    struct secret start;
    enum err e = secret_new(sizeof(crypto_auth_hmacsha256_state), &start);
    if (e)
        return e;
    crypto_auth_hmacsha256_init((crypto_auth_hmacsha256_state *)(void *)start.ptr,
                                (const unsigned char *)key.ptr, key.len);
    ret_key->start = start;
    return ERR_OK;
}

void mac_key_done(struct mac_key *key) {
    secret_done(&key->start);
}

void mac_compute(const struct mac_key *key, struct span a, struct span b, unsigned char out[MAC_BYTES]) {
    static const unsigned char separator = 0;
    crypto_auth_hmacsha256_state st;
    memcpy(&st, key->start.ptr, sizeof st);
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)a.ptr, a.len);
    crypto_auth_hmacsha256_update(&st, &separator, 1);
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)b.ptr, b.len);
    crypto_auth_hmacsha256_final(&st, out);
    wipe(&st, sizeof st);
}
