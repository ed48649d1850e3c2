/* SPDX-License-Identifier: Apache-2.0
 *
 * See vneid_envelope.h. */
#include "protocols/rp/vneid_envelope.h"

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/mask.h"
#include "keys/signer_client.h"

#define BLOCK 16

/* ---- from outside: nothing here depends on a secret ---- */

static enum err member(struct arena *a, const json_t *j, const char *name, struct span *ret_bytes) {
    struct span text = json_str(j, name);
    if (!text.len)
        return ERR_REFUSED;
    enum err e = b64_decode_arena(a, text, ret_bytes);
    return e && e != ERR_NOMEM ? ERR_REFUSED : e;
}

enum err vneid_envelope_parse(struct arena *a, struct span body, struct vneid_envelope *ret_envelope) {
    AUTO_JSON json_t *j = NULL;
    struct vneid_envelope v;
    enum err e = json_parse_object(body, VNEID_ENVELOPE_MAX, &j);
    if (e)
        return e == ERR_NOMEM ? e : ERR_REFUSED;
    if (json_object_size(j) != 2)
        return ERR_REFUSED;
    e = member(a, j, "key", &v.wrapped);
    if (!e)
        e = member(a, j, "data", &v.data);
    if (e)
        return e;
    if (v.wrapped.len > VNEID_WRAPPED_MAX || v.data.len % BLOCK != 0)
        return ERR_REFUSED;
    *ret_envelope = v;
    return ERR_OK;
}

/* ---- inside: the same work whatever there is ---- */

/* How long the text is without its padding; a mask whether that is padding at all (RFC 5652 6.3). Of what
 * is none as many bytes are left as after one byte of padding. */
static uint32_t unpad(const unsigned char *text, size_t len, size_t *ret_len) {
    uint32_t n = text[len - 1], good = mask_less(0, n) & mask_less(n, BLOCK + 1);
    for (uint32_t i = 0; i < BLOCK; i++)
        good &= ~mask_less(i, n) | mask_zero(text[len - 1 - i] ^ n);
    *ret_len = len - ((good & n) | (~good & 1U));
    return good;
}

static void context_cleanup(EVP_CIPHER_CTX **c) {
    EVP_CIPHER_CTX_free(*c);
}

static bool decrypt(struct span unwrapped, struct span data, unsigned char *text) {
    const EVP_CIPHER *const of_bytes[] = {EVP_aes_128_ecb(), EVP_aes_192_ecb(), EVP_aes_256_ecb()};
    CLEANUP(context_cleanup) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n;
    if (!c || unwrapped.len != UNWRAPPED_BYTES)
        return false;
    size_t which = ((size_t)(unsigned char)unwrapped.ptr[0] - 16) / 8;
    const unsigned char *key = (const unsigned char *)unwrapped.ptr + 1;
    return which < ARRAY_LEN(of_bytes) && EVP_DecryptInit_ex2(c, of_bytes[which], key, NULL, NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
           EVP_DecryptUpdate(c, text, &n, (const unsigned char *)data.ptr, (int)data.len) == 1 &&
           (size_t)n == data.len;
}

enum err vneid_envelope_open(struct arena *a, const struct vneid_envelope *envelope, struct span unwrapped,
                             struct span *ret_json) {
    AUTO_JSON json_t *j = NULL;
    size_t len;
    unsigned char *text = arena_alloc(a, envelope->data.len);
    if (!text)
        return ERR_NOMEM;
    if (!decrypt(unwrapped, envelope->data, text))
        return ERR_REFUSED;
    uint32_t padded = unpad(text, envelope->data.len, &len);
    /* What is badly padded is read as well: that it is no JSON has then the same cause and time. */
    enum err e = json_parse_object(span_bytes(text, len), VNEID_ENVELOPE_MAX, &j);
    if (e || !padded)
        return ERR_REFUSED;
    *ret_json = span_bytes(text, len);
    return ERR_OK;
}
