/* SPDX-License-Identifier: Apache-2.0
 *
 * keys/jwk.c: a key that is accepted has a known kind and strength; its public form is accepted
 * again, is public, and has the same thumbprint. Sets hold no private key. */
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "keys/jwk.h"
#include "tests/fuzz/fuzz.h"

static void check_key(const struct jwk *k) {
    FUZZ_CHECK(!k->alg || k->alg->kty == k->kty);
    if (k->kty == KTY_OCT) {
        FUZZ_CHECK(!k->pkey && k->oct.len >= 32);
        return;
    }
    FUZZ_CHECK(k->pkey && EVP_PKEY_get_bits(k->pkey) >= (k->kty == KTY_RSA ? 2048 : 253));
    CLEANUP(buf_done) struct buf text = BUF_INIT(JWK_MAX_BYTES);
    AUTO_JWK struct jwk *public = NULL;
    char before[44], after[44];
    FUZZ_CHECK(jwk_public_add(k, &text) == ERR_OK);
    FUZZ_CHECK(jwk_parse(buf_span(&text), &public) == ERR_OK);
    FUZZ_CHECK(!public->is_private && public->alg == k->alg);
    FUZZ_CHECK(jwk_thumbprint(k, before) == ERR_OK && jwk_thumbprint(public, after) == ERR_OK);
    FUZZ_CHECK(strcmp(before, after) == 0 && strcmp(k->kid, public->kid) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_JWK struct jwk *k = NULL;
    CLEANUP(jwk_set_done) struct jwk_set set = {.count = 0};
    FUZZ_CHECK(secret_init() == ERR_OK);
    if (jwk_parse(span_bytes(data, size), &k) == ERR_OK)
        check_key(k);
    if (jwk_set_parse(span_bytes(data, size), &set) == ERR_OK) {
        FUZZ_CHECK(set.count <= JWKS_MAX_KEYS);
        for (size_t i = 0; i < set.count; i++) {
            FUZZ_CHECK(!set.key[i]->is_private || set.key[i]->kty == KTY_OCT);
            check_key(set.key[i]);
        }
    }
    return 0;
}
