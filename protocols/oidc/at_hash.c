/* SPDX-License-Identifier: Apache-2.0
 *
 * at_hash; see at_hash.h. */
#include "protocols/oidc/at_hash.h"

#include <openssl/evp.h>

#include "base/encode.h"

enum err at_hash_build(const struct jose_alg *alg, struct span access_token,
                       char out[AT_HASH_MAX]) {
    /* Ed25519 hashes with SHA-512 inside, which is what its at_hash takes as well. */
    const EVP_MD *md = alg->digest ? EVP_get_digestbyname(alg->digest) : EVP_sha512();
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int len;
    if (!md || EVP_Digest(access_token.ptr, access_token.len, hash, &len, md, NULL) != 1)
        return ERR_CRYPTO;
    out[b64url_encode(hash, len / 2, out)] = '\0';
    return ERR_OK;
}
