/* SPDX-License-Identifier: Apache-2.0
 *
 * See rsa15.h. */
#include "keys/rsa15.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/cleanup.h"
#include "base/mask.h"
#include "base/secret.h"
#include "keys/jwk.h"

#define MODULUS_MIN_BYTES (2048 / 8)
#define MODULUS_MAX_BYTES (RSA_MAX_BITS / 8)
#define MAC_BYTES 32

static const uint32_t key_bytes[] = {16, 24, 32};

/* Index of the zero byte that ends the padding; 0: none. */
static uint32_t padding_end(const unsigned char *em, size_t len) {
    uint32_t found = 0, end = 0;
    for (size_t i = 2; i < len; i++) {
        uint32_t first = mask_zero(em[i]) & ~found;
        end |= first & (uint32_t)i;
        found |= first;
    }
    return end;
}

/* Under `mask`, a key of `len` bytes is what comes out. */
static void take(uint32_t mask, const unsigned char *key, uint32_t len, unsigned char *out) {
    out[0] |= (unsigned char)(mask & len);
    for (uint32_t i = 0; i < len; i++)
        out[1 + i] |= (unsigned char)(mask & key[i]);
}

//= https://www.rfc-editor.org/rfc/rfc8017#section-7.2.2
//# Care shall be taken to ensure that an opponent cannot distinguish the different error conditions in Step 3, whether by error message or timing.
static uint32_t take_message(const unsigned char *em, size_t len, uint32_t good, unsigned char *out) {
    uint32_t end = padding_end(em, len), taken = 0;
    good &= mask_zero(em[0]) & mask_zero(em[1] ^ 2U);
    for (size_t i = 0; i < ARRAY_LEN(key_bytes); i++) {
        uint32_t n = key_bytes[i], mask = good & mask_zero(end ^ (uint32_t)(len - 1 - n));
        take(mask, em + len - n, n, out);
        taken |= mask;
    }
    return taken;
}

/* HMAC of a purpose and the message. */
static bool noise(struct span rejection, unsigned char purpose, unsigned char *message, size_t len,
                  unsigned char out[MAC_BYTES]) {
    size_t made;
    message[0] = purpose;
    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, rejection.ptr, rejection.len, message, 1 + len,
                     out, MAC_BYTES, &made) != NULL;
}

static void take_noise(uint32_t mask, const unsigned char *key, const unsigned char *length,
                       unsigned char *out) {
    uint32_t number = (uint32_t)length[0] << 24 | (uint32_t)length[1] << 16 | (uint32_t)length[2] << 8 | length[3];
    uint32_t which = number % ARRAY_LEN(key_bytes);
    for (uint32_t i = 0; i < ARRAY_LEN(key_bytes); i++)
        take(mask & mask_zero(which ^ i), key, key_bytes[i], out);
}

static void context_cleanup(EVP_PKEY_CTX **c) {
    EVP_PKEY_CTX_free(*c);
}

/* The bare power. A mask: what is not below the modulus (which anybody can see) has none. */
static enum err power(EVP_PKEY *key, const unsigned char *message, size_t len, unsigned char *em,
                      uint32_t *ret_good) {
    CLEANUP(context_cleanup) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t made = len;
    if (!c || EVP_PKEY_decrypt_init(c) != 1 || EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) != 1)
        return ERR_CRYPTO;
    *ret_good = EVP_PKEY_decrypt(c, em, &made, message, len) == 1 && made == len ? ~0U : 0;
    ERR_clear_error();
    return ERR_OK;
}

enum err rsa15_unwrap(EVP_PKEY *key, struct span rejection, struct span wrapped,
                      unsigned char out[UNWRAPPED_BYTES]) {
    unsigned char message[1 + MODULUS_MAX_BYTES] = {0}, em[MODULUS_MAX_BYTES] = {0};
    unsigned char false_key[MAC_BYTES], false_length[MAC_BYTES];
    size_t len = (size_t)EVP_PKEY_get_size(key);
    uint32_t good;
    if (!EVP_PKEY_is_a(key, "RSA") || len < MODULUS_MIN_BYTES || len > MODULUS_MAX_BYTES)
        return ERR_RANGE;
    if (wrapped.len)
        memcpy(message + 1, wrapped.ptr, wrapped.len < len ? wrapped.len : len);
    memset(out, 0, UNWRAPPED_BYTES);
    enum err e = power(key, message + 1, len, em, &good);
    if (!e && (!noise(rejection, 'k', message, len, false_key) || !noise(rejection, 'l', message, len, false_length)))
        e = ERR_CRYPTO;
    if (!e) {
        good &= mask_zero((uint32_t)(wrapped.len ^ len));
        take_noise(~take_message(em, len, good, out), false_key, false_length, out);
    }
    wipe(em, sizeof em);
    wipe(false_key, sizeof false_key);
    wipe(false_length, sizeof false_length);
    return e;
}
