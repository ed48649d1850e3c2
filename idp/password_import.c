/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash strings of other systems; see password_import.h. Formats:
 *   $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH      PHC string format
 *   $scrypt$ln=17,r=8,p=1$SALT$HASH               PHC
 *   $pbkdf2-sha256$i=600000[,l=32]$SALT$HASH      PHC; also the form with bare rounds and '.' for
 * '+' $2a$ $2b$ $2y$ COST $ 22 + 31 characters      bcrypt, by libcrypt */
#include "idp/password_import.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"

#define HASH_BYTES_MIN 16
#define SALT_BYTES_MIN 4
#define B64_VARIANT    sodium_base64_VARIANT_ORIGINAL_NO_PADDING

static enum err read_number(struct span text, uint32_t *ret_number) {
    uint64_t n = 0;
    if (text.len == 0 || text.len > 9 || (text.len > 1 && text.ptr[0] == '0'))
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return ERR_SYNTAX;
        n = n * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *ret_number = (uint32_t)n;
    return ERR_OK;
}

/* "m=19456,t=2,p=1" against a list of names; each at most once. `required`: how many of the first
 * names must be there. */
static enum err read_params(struct span text, const char *const *names, uint32_t *const *fields,
                            size_t n, size_t required) {
    unsigned seen = 0;
    while (text.ptr) {
        struct span value = span_cut(&text, ','), name = span_cut(&value, '=');
        size_t i = 0;
        while (i < n && !span_is(name, names[i]))
            i++;
        if (i == n || (seen & (1u << i)))
            return ERR_SYNTAX;
        seen |= 1u << i;
        enum err e = read_number(value, fields[i]);
        if (e)
            return e;
    }
    unsigned all = (1u << required) - 1;
    return (seen & all) == all ? ERR_OK : ERR_SYNTAX;
}

static enum err read_bytes(struct span text, unsigned char *out, size_t size, size_t least,
                           size_t *ret_len) {
    char standard[PASSWORD_HASH_MAX];
    const char *end;
    if (text.len >= sizeof standard)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < text.len; i++) /* "adapted" base64 writes '.' for '+' */
        standard[i] = text.ptr[i] == '.' ? '+' : text.ptr[i];
    if (sodium_base642bin(out, size, standard, text.len, NULL, ret_len, &end, B64_VARIANT) ||
        end != standard + text.len)
        return ERR_SYNTAX;
    return *ret_len < least ? ERR_RANGE : ERR_OK;
}

/* SALT$HASH, the last two fields. */
static enum err read_salt_and_hash(struct span rest, struct hash_parts *h) {
    struct span salt = span_cut(&rest, '$');
    enum err e = read_bytes(salt, h->salt, sizeof h->salt, SALT_BYTES_MIN, &h->salt_len);
    return e ? e : read_bytes(rest, h->hash, sizeof h->hash, HASH_BYTES_MIN, &h->hash_len);
}

static enum err read_argon2id(struct span rest, struct hash_parts *h) {
    static const char *const names[] = {"m", "t", "p"};
    uint32_t *const fields[] = {&h->memory_kib, &h->passes, &h->lanes};
    if (!span_is(span_cut(&rest, '$'), "v=19"))
        return ERR_UNSUPPORTED;
    enum err e =
        read_params(span_cut(&rest, '$'), names, fields, ARRAY_LEN(names), ARRAY_LEN(names));
    if (!e)
        e = read_salt_and_hash(rest, h);
    if (e)
        return e;
    bool bounded = h->memory_kib <= HASH_MEMORY_MAX_KIB && h->passes >= 1 &&
                   h->passes <= HASH_PASSES_MAX && h->lanes >= 1 && h->lanes <= 16 &&
                   h->memory_kib >= 8 * h->lanes;
    return bounded ? ERR_OK : ERR_RANGE;
}

static enum err read_scrypt(struct span rest, struct hash_parts *h) {
    static const char *const names[] = {"ln", "r", "p"};
    uint32_t *const fields[] = {&h->log_n, &h->r, &h->p};
    enum err e =
        read_params(span_cut(&rest, '$'), names, fields, ARRAY_LEN(names), ARRAY_LEN(names));
    if (!e)
        e = read_salt_and_hash(rest, h);
    if (e)
        return e;
    if (h->log_n < 1 || h->log_n > 24 || h->r < 1 || h->r > 64 || h->p < 1 ||
        h->p > HASH_PASSES_MAX)
        return ERR_RANGE;
    uint64_t kib = ((uint64_t)128 * h->r << h->log_n) / 1024;
    return kib <= HASH_MEMORY_MAX_KIB && kib * h->p <= 2 * HASH_MEMORY_MAX_KIB ? ERR_OK : ERR_RANGE;
}

static enum err read_pbkdf2(struct span rest, struct hash_parts *h) {
    static const char *const names[] = {"i", "l"};
    uint32_t length = 0;
    uint32_t *const fields[] = {&h->rounds, &length};
    struct span params = span_cut(&rest, '$');
    enum err e = memchr(params.ptr, '=', params.len) ? read_params(params, names, fields, 2, 1)
                                                     : read_number(params, &h->rounds);
    if (!e)
        e = read_salt_and_hash(rest, h);
    if (e)
        return e;
    if (length && length != h->hash_len)
        return ERR_SYNTAX;
    return h->rounds >= 1 && h->rounds <= PBKDF2_ROUNDS_MAX ? ERR_OK : ERR_RANGE;
}

static enum err read_pbkdf2_sha256(struct span rest, struct hash_parts *h) {
    h->scheme = HASH_PBKDF2_SHA256;
    return read_pbkdf2(rest, h);
}

static enum err read_pbkdf2_sha512(struct span rest, struct hash_parts *h) {
    h->scheme = HASH_PBKDF2_SHA512;
    return read_pbkdf2(rest, h);
}

#define BCRYPT_TAIL 53 /* 22 characters of salt, 31 of hash */

static enum err read_bcrypt(struct span rest, struct hash_parts *h) {
    static const char alphabet[] =
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct span cost = span_cut(&rest, '$');
    if (cost.len != 2 || rest.len != BCRYPT_TAIL)
        return ERR_SYNTAX;
    for (size_t i = 0; i < cost.len; i++)
        if (cost.ptr[i] < '0' || cost.ptr[i] > '9')
            return ERR_SYNTAX;
    for (size_t i = 0; i < rest.len; i++)
        if (!rest.ptr[i] || !strchr(alphabet, rest.ptr[i]))
            return ERR_SYNTAX;
    h->cost = (uint32_t)((cost.ptr[0] - '0') * 10 + (cost.ptr[1] - '0'));
    return h->cost >= 4 && h->cost <= BCRYPT_COST_MAX ? ERR_OK : ERR_RANGE;
}

static const struct {
    const char *prefix;
    enum hash_scheme scheme;
    enum err (*read)(struct span rest, struct hash_parts *h);
} schemes[] = {
    {"$argon2id$", HASH_ARGON2ID, read_argon2id},
    {"$scrypt$", HASH_SCRYPT, read_scrypt},
    {"$pbkdf2-sha256$", HASH_PBKDF2_SHA256, read_pbkdf2_sha256},
    {"$pbkdf2-sha512$", HASH_PBKDF2_SHA512, read_pbkdf2_sha512},
    {"$2a$", HASH_BCRYPT, read_bcrypt},
    {"$2b$", HASH_BCRYPT, read_bcrypt},
    {"$2y$", HASH_BCRYPT, read_bcrypt},
};

enum err hash_parts_parse(struct span hash, struct hash_parts *ret_parts) {
    if (hash.len > PASSWORD_HASH_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!span_starts(hash, schemes[i].prefix))
            continue;
        struct hash_parts h = {.scheme = schemes[i].scheme};
        size_t prefix = strlen(schemes[i].prefix);
        memcpy(h.text, hash.ptr, hash.len);
        if (memchr(hash.ptr, '\0', hash.len))
            return ERR_SYNTAX;
        enum err e = schemes[i].read(span_bytes(hash.ptr + prefix, hash.len - prefix), &h);
        if (!e)
            *ret_parts = h;
        return e;
    }
    return ERR_UNSUPPORTED;
}

/* ---- verification ---- */

static enum verdict verdict_of(bool matches) {
    return matches ? ALLOW : DENY;
}

static enum verdict verify_scrypt(const struct hash_parts *h, struct span password) {
    unsigned char out[HASH_BYTES_MAX];
    uint64_t memory = ((uint64_t)128 * h->r << h->log_n) + 128ull * h->r * h->p + 64 * 1024;
    bool ok = EVP_PBE_scrypt(password.ptr, password.len, h->salt, h->salt_len, 1ull << h->log_n,
                             h->r, h->p, 2 * memory, out, h->hash_len) == 1 &&
              ct_equal(span_bytes(out, h->hash_len), span_bytes(h->hash, h->hash_len));
    wipe(out, sizeof out);
    return verdict_of(ok);
}

static enum verdict verify_pbkdf2(const struct hash_parts *h, struct span password) {
    unsigned char out[HASH_BYTES_MAX];
    const EVP_MD *md = h->scheme == HASH_PBKDF2_SHA256 ? EVP_sha256() : EVP_sha512();
    bool ok = PKCS5_PBKDF2_HMAC(password.ptr, (int)password.len, h->salt, (int)h->salt_len,
                                (int)h->rounds, md, (int)h->hash_len, out) == 1 &&
              ct_equal(span_bytes(out, h->hash_len), span_bytes(h->hash, h->hash_len));
    wipe(out, sizeof out);
    return verdict_of(ok);
}

/* bcrypt ignores what stands behind 72 bytes, so a longer password is never compared: two that
 * share their beginning must not be the same password. */
static enum verdict verify_bcrypt(const struct hash_parts *h, struct span password) {
    if (password.len > BCRYPT_PASSWORD_MAX || memchr(password.ptr, '\0', password.len))
        return DENY;
    char phrase[BCRYPT_PASSWORD_MAX + 1] = "";
    memcpy(phrase, password.ptr, password.len);
    AUTO_FREE struct crypt_data *data = calloc(1, sizeof *data);
    if (!data)
        return DENY;
    /* crypt_rn says failure with NULL, where crypt_r makes up a hash. */
    const char *again = crypt_rn(phrase, h->text, data, (int)sizeof *data);
    bool ok = again && ct_equal(span_of(again), span_of(h->text));
    wipe(data, sizeof *data);
    wipe(phrase, sizeof phrase);
    return verdict_of(ok);
}

enum verdict hash_parts_verify(const struct hash_parts *parts, struct span password) {
    if (!password.ptr)
        return DENY;
    switch (parts->scheme) {
    case HASH_ARGON2ID:
        return verdict_of(
            crypto_pwhash_argon2id_str_verify(parts->text, password.ptr, password.len) == 0);
    case HASH_SCRYPT:
        return verify_scrypt(parts, password);
    case HASH_PBKDF2_SHA256:
    case HASH_PBKDF2_SHA512:
        return verify_pbkdf2(parts, password);
    case HASH_BCRYPT:
        return verify_bcrypt(parts, password);
    }
    return DENY;
}
