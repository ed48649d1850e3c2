/* SPDX-License-Identifier: Apache-2.0
 *
 * at_hash; see at_hash.h. */
#include "keys/at_hash.h"

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

enum err at_hash_add(struct arena *a, const struct jose_alg *alg, struct span access_token,
                     struct span *claims) {
    char hash[AT_HASH_MAX];
    if (claims->len < 2 || claims->ptr[0] != '{' || claims->ptr[1] != '"' ||
        claims->ptr[claims->len - 1] != '}')
        return ERR_SYNTAX;
    enum err e = at_hash_build(alg, access_token, hash);
    if (e)
        return e;
    char *text = arena_printf(a, "%.*s,\"at_hash\":\"%s\"}", (int)claims->len - 1, claims->ptr, hash);
    if (!text)
        return ERR_NOMEM;
    *claims = span_of(text);
    return ERR_OK;
}
