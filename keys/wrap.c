/* SPDX-License-Identifier: Apache-2.0
 *
 * See wrap.h. */
#include "keys/wrap.h"

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/random.h"

#define WRAP_VERSION 1
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define LABEL_MAX 4096
#define WRAPPED_MAX 16384

static void cipher_cleanup(EVP_CIPHER_CTX **c) {
    EVP_CIPHER_CTX_free(*c);
}

static enum err label_build(const struct wrap_label *label, struct buf *out) {
    buf_add_u8(out, WRAP_VERSION);
    buf_add_block(out, label->kid);
    buf_add_block(out, span_of(key_use_name(label->use)));
    buf_add_block(out, label->alg);
    buf_add_block(out, label->issuer);
    return buf_err(out);
}

/* Context with key, nonce and associated data in place. */
static enum err cipher_start(EVP_CIPHER_CTX *c, bool encrypt, const struct secret *kek,
                             const unsigned char *nonce, const struct wrap_label *label) {
    CLEANUP(buf_done) struct buf aad = BUF_INIT(LABEL_MAX);
    enum err e = label_build(label, &aad);
    if (e)
        return e;
    if (kek->len != KEK_BYTES)
        return ERR_RANGE;
    int n;
    if (EVP_CipherInit_ex2(c, EVP_aes_256_gcm(), kek->ptr, nonce, encrypt, NULL) != 1 ||
        EVP_CipherUpdate(c, NULL, &n, (unsigned char *)aad.data, (int)aad.len) != 1)
        return ERR_CRYPTO;
    return ERR_OK;
}

enum err key_wrap(const struct secret *kek, const struct wrap_label *label, struct span key,
                  struct buf *out) {
    CLEANUP(cipher_cleanup) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    unsigned char nonce[NONCE_BYTES], tag[TAG_BYTES];
    if (!c || key.len > WRAPPED_MAX)
        return c ? ERR_TOO_LONG : ERR_NOMEM;
    random_bytes(nonce, sizeof nonce);
    enum err e = cipher_start(c, true, kek, nonce, label);
    if (e)
        return e;
    buf_add_u8(out, WRAP_VERSION);
    buf_add(out, nonce, sizeof nonce);
    unsigned char *sealed = (unsigned char *)buf_reserve(out, key.len);
    int n;
    if (!sealed)
        return buf_err(out);
    if (EVP_CipherUpdate(c, sealed, &n, (const unsigned char *)key.ptr, (int)key.len) != 1 ||
        EVP_CipherFinal_ex(c, tag, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) != 1)
        return ERR_CRYPTO;
    buf_add(out, tag, sizeof tag);
    return buf_err(out);
}

enum err key_unwrap(const struct secret *kek, const struct wrap_label *label, struct span wrapped,
                    struct secret *ret_key) {
    const unsigned char *p = (const unsigned char *)wrapped.ptr;
    if (wrapped.len < WRAP_OVERHEAD || wrapped.len > WRAPPED_MAX || p[0] != WRAP_VERSION)
        return ERR_SYNTAX;
    CLEANUP(cipher_cleanup) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    CLEANUP(secret_done) struct secret key = SECRET_INIT;
    size_t len = wrapped.len - WRAP_OVERHEAD;
    enum err e = c ? secret_new(len, &key) : ERR_NOMEM;
    if (!e)
        e = cipher_start(c, false, kek, p + 1, label);
    if (e)
        return e;
    unsigned char tag[TAG_BYTES];
    int n;
    memcpy(tag, p + wrapped.len - TAG_BYTES, TAG_BYTES);
    if (EVP_CipherUpdate(c, key.ptr, &n, p + 1 + NONCE_BYTES, (int)len) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
        return ERR_CRYPTO;
    if (EVP_CipherFinal_ex(c, tag, &n) != 1)
        return ERR_BAD_SIGNATURE;
    *ret_key = key;
    key = SECRET_INIT;
    return ERR_OK;
}
