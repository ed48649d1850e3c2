/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash strings of other systems, read and bounded: a hash in an import file decides how much work
 * each sign-in costs. Used by password.c and its tests only. */
#ifndef IDP_PASSWORD_IMPORT_H
#define IDP_PASSWORD_IMPORT_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define PASSWORD_HASH_MAX   512 /* bytes of a hash string */
#define HASH_SALT_MAX       64
#define HASH_BYTES_MAX      64
#define HASH_MEMORY_MAX_KIB (256 * 1024)
#define HASH_PASSES_MAX     16
#define PBKDF2_ROUNDS_MAX   10000000 /* some 2 s */
#define BCRYPT_COST_MAX     14       /* some 1 s */
#define BCRYPT_PASSWORD_MAX 72       /* bytes that bcrypt looks at */

enum hash_scheme {
    HASH_ARGON2ID = 1,
    HASH_SCRYPT,
    HASH_PBKDF2_SHA256,
    HASH_PBKDF2_SHA512,
    HASH_BCRYPT
};

struct hash_parts {
    enum hash_scheme scheme;
    char text[PASSWORD_HASH_MAX +
              1]; /* the whole string, for the libraries that read it themselves */
    uint32_t memory_kib, passes, lanes;                      /* argon2id */
    uint32_t log_n, r, p;                                    /* scrypt */
    uint32_t rounds;                                         /* PBKDF2 */
    uint32_t cost;                                           /* bcrypt */
    unsigned char salt[HASH_SALT_MAX], hash[HASH_BYTES_MAX]; /* scrypt, PBKDF2 */
    size_t salt_len, hash_len;
};

/* ERR_SYNTAX, ERR_UNSUPPORTED (another scheme or version), ERR_RANGE (asks for more than the limits
 * above), ERR_TOO_LONG. Pure. */
must_check enum err hash_parts_parse(struct span hash, struct hash_parts *ret_parts);
/* Slow. DENY on mismatch and on every library error. */
enum verdict hash_parts_verify(const struct hash_parts *parts, struct span password);

#endif
