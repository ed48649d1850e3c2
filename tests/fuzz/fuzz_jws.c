/* SPDX-License-Identifier: Apache-2.0
 *
 * keys/jws.c: what verifies has one spelling, and an algorithm that the key has. The first byte
 * chooses: the rest is a whole token, a header that is put under a good HMAC, so that the fuzzer gets
 * behind the signature, or a payload that we sign and read back. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "keys/jws.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/keys/rfc_keys.h"

static struct jwk_set public_keys, secret_keys;

static void init_once(void) {
    if (public_keys.count)
        return;
    FUZZ_CHECK(secret_init() == ERR_OK);
    FUZZ_CHECK(
        jwk_set_parse(SPAN("{\"keys\":[" RFC7515_A2_KEY "," RFC7515_A3_KEY "," RFC8037_A_KEY "]}"),
                      &public_keys) == ERR_OK);
    FUZZ_CHECK(jwk_set_parse(SPAN("{\"keys\":[" RFC7515_A1_KEY "]}"), &secret_keys) == ERR_OK);
}

/* The accepted token, built again from what it was read as. */
static void check_spelling(struct span token, const struct jws *jws) {
    CLEANUP(buf_done) struct buf payload = BUF_INIT(JWS_MAX_BYTES);
    b64url_add(&payload, jws->payload.ptr, jws->payload.len);
    struct span rest = token;
    struct span header = span_cut(&rest, '.');
    FUZZ_CHECK(span_eq(span_cut(&rest, '.'), buf_span(&payload)));
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span text;
    AUTO_JSON json_t *j = NULL;
    FUZZ_CHECK(b64url_decode_arena(&a, header, &text) == ERR_OK);
    FUZZ_CHECK(json_parse_object(text, JWS_MAX_HEADER_BYTES, &j) == ERR_OK);
    FUZZ_CHECK(span_is(json_str(j, "alg"), jws->key->alg->name));
    FUZZ_CHECK(!json_object_get(j, "crit") && !json_object_get(j, "b64"));
}

static void verify(struct span token, const struct jwk_set *keys) {
    static const char *const types[] = {"JWT", "at+jwt", "", NULL};
    static const struct jws_expect expects[] = {{.typ = NULL}, {.typ = types}};
    for (size_t i = 0; i < ARRAY_LEN(expects); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct jws jws = {0};
        if (jws_verify(&a, token, &expects[i], keys, &jws) == ERR_OK)
            check_spelling(token, &jws);
        else
            FUZZ_CHECK(!jws.key && !jws.payload.ptr);
    }
}

static void verify_under_hmac(struct span header) {
    CLEANUP(buf_done) struct buf token = BUF_INIT(2 * JWS_MAX_BYTES);
    const struct secret *key = &secret_keys.key[0]->oct;
    unsigned char mac[32];
    unsigned len;
    b64url_add(&token, header.ptr, header.len);
    buf_add_str(&token, ".e30");
    FUZZ_CHECK(HMAC(EVP_sha256(), key->ptr, (int)key->len, (const unsigned char *)token.data,
                    token.len, mac, &len));
    buf_add_char(&token, '.');
    b64url_add(&token, mac, sizeof mac);
    verify(buf_span(&token), &secret_keys);
}

static struct jws_signer *signer_of(const char *alg, struct jwk_set *ret_keys) {
    struct jws_signer *s = NULL;
    struct jwk *k = NULL;
    FUZZ_CHECK(jwk_generate(jose_alg_find(span_of(alg)), &k) == ERR_OK);
    FUZZ_CHECK(jws_signer_new(k, &s) == ERR_OK);
    ret_keys->key[ret_keys->count++] = k;
    return s;
}

static void sign_and_verify(unsigned char choice, struct span payload) {
    static const char *const algs[] = {"ES256", "EdDSA", "RS256", "PS256"};
    static struct jws_signer *signer[ARRAY_LEN(algs)], *none;
    FUZZ_CHECK(jws_signer_new(public_keys.key[0], &none) == ERR_UNSUPPORTED && !none);
    static struct jwk_set keys;
    for (size_t i = 0; i < ARRAY_LEN(algs) && !signer[i]; i++)
        signer[i] = signer_of(algs[i], &keys);
    static const char *const types[] = {"at+jwt", "", NULL};
    static const char *const other_algs[] = {"none", "HS256", NULL};
    static const struct jws_expect expect = {.typ = types}, unexpected = {.algs = other_algs};
    size_t which = choice % ARRAY_LEN(algs);
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(buf_done) struct buf token = BUF_INIT(2 * JWS_MAX_BYTES);
    struct jws jws = {0};
    FUZZ_CHECK(jws_sign(signer[which], choice & 64 ? "at+jwt" : NULL, payload, &token) == ERR_OK);
    enum err e = jws_verify(&a, buf_span(&token), &expect, &keys, &jws);
    if (token.len > JWS_MAX_BYTES) {
        FUZZ_CHECK(e == ERR_TOO_LONG);
        return;
    }
    FUZZ_CHECK(jws_verify(&a, buf_span(&token), &unexpected, &keys, &jws) == ERR_UNSUPPORTED);
    FUZZ_CHECK(e == ERR_OK && jws.key == keys.key[which] && span_eq(jws.payload, payload));
    token.data[token.len / 2] ^= 1; /* a bit of payload or signature */
    FUZZ_CHECK(jws_verify(&a, buf_span(&token), &expect, &keys, &jws) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    init_once();
    if (size == 0 || size > JWS_MAX_BYTES)
        return 0;
    struct span rest = span_bytes(data + 1, size - 1);
    if (data[0] == 'H') {
        verify_under_hmac(rest);
    } else if (data[0] == 'S' && size > 1) {
        sign_and_verify(data[1], rest);
    } else {
        verify(rest, &public_keys);
        verify(rest, &secret_keys);
    }
    return 0;
}
