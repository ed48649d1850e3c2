/* SPDX-License-Identifier: Apache-2.0
 *
 * See sha256.h. OpenSSL's functions of before EVP: the same code for the processor's own instructions,
 * without EVP's allocations, which are what can fail. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"

#include <openssl/sha.h>

#include "base/secret.h"

void sha256(struct span text, unsigned char out[SHA256_BYTES]) {
    SHA256_CTX state; /* each of these returns 1 always */
    (void)SHA256_Init(&state);
    (void)SHA256_Update(&state, text.ptr ? text.ptr : "", text.len);
    (void)SHA256_Final(out, &state);
    wipe(&state, sizeof state); /* the text may be a secret */
}
