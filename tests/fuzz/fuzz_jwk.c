/* SPDX-License-Identifier: Apache-2.0
 *
 * keys/jwk.c: a key that is accepted has a known kind and strength; its public form is accepted
 * again, is public, and has the same thumbprint. Sets hold no private key. A private key comes out of
 * its wrapping as it went in, and what is unwrapped has the algorithm that was asked for. */
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

static void unwrap(struct span der, const struct jose_alg *alg, const char *thumbprint) {
    AUTO_JWK struct jwk *k = NULL;
    char found[44];
    if (jwk_from_private_der(der, alg, "kid", &k)) {
        FUZZ_CHECK(!thumbprint);
        return;
    }
    FUZZ_CHECK(k->alg == alg && k->is_private && jwk_thumbprint(k, found) == ERR_OK);
    FUZZ_CHECK(!thumbprint || strcmp(found, thumbprint) == 0);
    check_key(k);
}

static const char *const algs[] = {"ES256", "EdDSA", "RS256", "PS256", "HS256"};

static void generate_once(void) {
    static bool is_done;
    if (is_done)
        return;
    is_done = true;
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        const struct jose_alg *alg = jose_alg_find(span_of(algs[i]));
        AUTO_JWK struct jwk *k = NULL;
        CLEANUP(secret_done) struct secret der = {0};
        if (jwk_generate(alg, &k)) {
            FUZZ_CHECK(alg->kty == KTY_OCT);
            continue;
        }
        check_key(k);
        FUZZ_CHECK(jwk_private_der(k, &der) == ERR_OK);
        unwrap(span_bytes(der.ptr, der.len), alg, k->kid);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_JWK struct jwk *k = NULL;
    CLEANUP(jwk_set_done) struct jwk_set set = {.count = 0};
    FUZZ_CHECK(secret_init() == ERR_OK);
    generate_once();
    for (size_t i = 0; i < ARRAY_LEN(algs); i++)
        unwrap(span_bytes(data, size), jose_alg_find(span_of(algs[i])), NULL);
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
