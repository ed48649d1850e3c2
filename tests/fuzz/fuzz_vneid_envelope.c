/* SPDX-License-Identifier: Apache-2.0
 *
 * protocols/rp/vneid_envelope.c: whatever a partner, or who passes for it, sends: an envelope has one
 * spelling, nothing that is no padded object opens, and there is one refusal. Input: as an answer's body;
 * as what is sealed; as blocks that are sealed with whatever padding they have. */
#include <openssl/evp.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "keys/signer_client.h"
#include "protocols/rp/vneid_envelope.h"
#include "tests/fuzz/fuzz.h"

#define BLOCK      16
#define SEALED_MAX (VNEID_ENVELOPE_MAX / 2)

static const unsigned char keys[][UNWRAPPED_BYTES] = {{16, 7}, {24, 7}, {32, 7}};

/* ECB without padding, with our own key: what open has to undo. */
static void cipher(size_t which, const unsigned char *from, size_t len, unsigned char *to) {
    const EVP_CIPHER *const of[] = {EVP_aes_128_ecb(), EVP_aes_192_ecb(), EVP_aes_256_ecb()};
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n;
    FUZZ_CHECK(c && EVP_EncryptInit_ex2(c, of[which], keys[which] + 1, NULL, NULL) == 1);
    FUZZ_CHECK(EVP_CIPHER_CTX_set_padding(c, 0) == 1 && EVP_EncryptUpdate(c, to, &n, from, (int)len) == 1);
    EVP_CIPHER_CTX_free(c);
}

static bool is_object(struct span text) {
    AUTO_JSON json_t *j = NULL;
    return json_parse_object(text, VNEID_ENVELOPE_MAX, &j) == ERR_OK;
}

/* Opens with one key at most, and only what sealing the same text again gives. */
static void opened(struct arena *a, const struct vneid_envelope *v) {
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct span json;
        enum err e = vneid_envelope_open(a, v, span_bytes(keys[i], UNWRAPPED_BYTES), &json);
        FUZZ_CHECK(e == ERR_OK || e == ERR_REFUSED);
        if (e)
            continue;
        FUZZ_CHECK(is_object(json) && json.len < v->data.len && v->data.len - json.len <= BLOCK);
        size_t pad = v->data.len - json.len;
        unsigned char *again = arena_alloc(a, v->data.len), *sealed = arena_alloc(a, v->data.len);
        FUZZ_CHECK(again && sealed);
        memcpy(again, json.ptr, json.len);
        memset(again + json.len, (int)pad, pad);
        cipher(i, again, v->data.len, sealed);
        FUZZ_CHECK(memcmp(sealed, v->data.ptr, v->data.len) == 0);
    }
}

static struct span body_of(struct arena *a, const unsigned char *data, size_t len) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(4 * VNEID_ENVELOPE_MAX);
    buf_add_str(&b, "{\"data\":\"");
    b64_add(&b, data, len);
    buf_add_str(&b, "\",\"key\":\"AAAA\"}");
    return arena_dup(a, buf_span(&b));
}

/* `len` bytes of `blocks` are sealed as they stand, then taken through both halves. */
static enum err through(struct arena *a, size_t which, const unsigned char *blocks, size_t len, struct span *ret_json) {
    unsigned char *sealed = arena_alloc(a, len);
    struct vneid_envelope v;
    FUZZ_CHECK(sealed);
    cipher(which, blocks, len, sealed);
    FUZZ_CHECK(vneid_envelope_parse(a, body_of(a, sealed, len), &v) == ERR_OK);
    FUZZ_CHECK(v.data.len == len && memcmp(v.data.ptr, sealed, len) == 0 && v.wrapped.len == 3);
    opened(a, &v);
    return vneid_envelope_open(a, &v, span_bytes(keys[which], UNWRAPPED_BYTES), ret_json);
}

static void as_text(struct arena *a, struct span text) {
    size_t pad = BLOCK - text.len % BLOCK;
    unsigned char *blocks = arena_alloc(a, text.len + pad);
    struct span json;
    FUZZ_CHECK(blocks);
    if (text.len)
        memcpy(blocks, text.ptr, text.len);
    memset(blocks + text.len, (int)pad, pad);
    enum err e = through(a, text.len % 3, blocks, text.len + pad, &json);
    FUZZ_CHECK((e == ERR_OK) == is_object(text));
    FUZZ_CHECK(e == ERR_OK ? span_eq(json, text) : e == ERR_REFUSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(4 * ARENA_LIMIT_DEFAULT);
    struct vneid_envelope v;
    struct span json;
    enum err e = vneid_envelope_parse(&a, span_bytes(data, size), &v);
    FUZZ_CHECK(e == ERR_OK || e == ERR_REFUSED);
    if (!e) {
        FUZZ_CHECK(v.wrapped.len && v.wrapped.len <= VNEID_WRAPPED_MAX && v.data.len && v.data.len % BLOCK == 0);
        opened(&a, &v);
    }
    if (size > SEALED_MAX)
        return 0;
    as_text(&a, span_bytes(data, size));
    if (size >= BLOCK)
        (void)through(&a, size % 3, data, size / BLOCK * BLOCK, &json);
    return 0;
}
