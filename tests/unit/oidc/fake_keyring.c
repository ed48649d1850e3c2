/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for the keyring in tests of this folder: fixed keys, the same contract (purpose and
 * context are bound; what was sealed before yesterday does not open). */
#include <openssl/hmac.h>
#include <sodium.h>

#include "idp/keyring.h"

#include "fake_keyring.h"

#define DAY 86400
static const unsigned char test_key[32] = {1, 2, 3};

static void bound_data(const char *purpose, struct span context, int64_t day, struct buf *out) {
    buf_add_i64(out, day);
    buf_add_str(out, purpose);
    buf_add_char(out, '\0');
    buf_add_span(out, context);
}

enum err keyring_seal(const struct keyring *k, const char *purpose, struct span context,
                      struct span plain, int64_t now, struct buf *out) {
    (void)k;
    struct buf ad = BUF_INIT(4096);
    bound_data(purpose, context, now / DAY, &ad);
    buf_add_u8(out, 1);
    buf_add_u32(out, (uint32_t)(now / DAY));
    unsigned char nonce[24];
    randombytes_buf(nonce, sizeof nonce);
    buf_add(out, nonce, sizeof nonce);
    unsigned char *sealed = (unsigned char *)buf_reserve(out, plain.len + 16);
    if (sealed)
        crypto_aead_xchacha20poly1305_ietf_encrypt(
            sealed, NULL, (const unsigned char *)plain.ptr, plain.len, (unsigned char *)ad.data,
            ad.len, NULL, nonce, test_key);
    buf_done(&ad);
    return buf_err(out);
}

enum err keyring_unseal(const struct keyring *k, struct arena *a, const char *purpose,
                        struct span context, struct span sealed, int64_t now, struct span *ret_plain) {
    (void)k;
    struct reader r = READER_INIT(sealed);
    if (reader_u8(&r) != 1)
        return ERR_SYNTAX;
    int64_t day = reader_u32(&r);
    struct span nonce = reader_bytes(&r, 24);
    if (r.failed || r.left < 16)
        return ERR_SYNTAX;
    if (now / DAY - day > 1)
        return ERR_EXPIRED;
    struct buf ad = BUF_INIT(4096);
    bound_data(purpose, context, day, &ad);
    unsigned char *plain = arena_alloc(a, r.left);
    int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, NULL, NULL, r.ptr, r.left, (unsigned char *)ad.data, ad.len,
        (const unsigned char *)nonce.ptr, test_key);
    *ret_plain = span_bytes(plain, r.left - 16);
    buf_done(&ad);
    return bad ? ERR_BAD_SIGNATURE : ERR_OK;
}

void keyring_mac(const struct keyring *k, const char *purpose, struct span bytes, unsigned char out[32]) {
    (void)k;
    struct buf text = BUF_INIT(65536);
    bound_data(purpose, bytes, 0, &text);
    HMAC(EVP_sha256(), test_key, 32, (unsigned char *)text.data, text.len, out, NULL);
    buf_done(&text);
}

const struct key_snapshot *fake_keys;

const struct key_snapshot *keyring_snapshot(const struct keyring *k) {
    (void)k;
    return fake_keys;
}
