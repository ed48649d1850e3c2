/* SPDX-License-Identifier: Apache-2.0
 *
 * Password hashes. New ones: Argon2id (libsodium) over HMAC(pepper, password), PHC string with
 * `$argon2id$v=19$m=...` and the pepper's kid in front: "pepper:KID$argon2id$...". Imported ones
 * are verified as they are: PHC argon2id, scrypt, PBKDF2 (pbkdf2-sha256/-sha512), and bcrypt, and
 * are upgraded at the next sign-in. Slow: pool threads only. */
#ifndef IDP_PASSWORD_H
#define IDP_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define PASSWORD_MAX 1024 /* bytes after NFKC (F07) */

struct password_params {
    int64_t memory_kib;
    int64_t passes;
};

/* NFKC (63B-4 3.1.1.2); ERR_SYNTAX (not UTF-8), ERR_TOO_LONG. In the arena. */
enum err password_normalise(struct arena *a, struct span typed, struct span *ret_password)
    __attribute__((warn_unused_result));
/* `peppered` is the pepper HMAC of the normalised password, `pepper_kid` its key. */
enum err password_hash(struct arena *a, const struct password_params *p, struct span peppered,
                       struct span pepper_kid, struct span *ret_hash)
    __attribute__((warn_unused_result));
/* Whether the stored hash needs the pepper (ours) or the bare password (imported); absent kid for
 * imported ones. */
bool password_hash_pepper(struct span hash, struct span *ret_pepper_kid);
/* DENY for mismatch, and for hashes that we cannot read or that ask for more than 256 MiB or
 * 16 passes. */
enum verdict password_verify(struct span hash, struct span password, struct span peppered);
/* Ours, but with other parameters or pepper; or imported. */
bool password_needs_upgrade(struct span hash, const struct password_params *p, struct span pepper_kid);
/* Is this a hash string that import accepts? */
enum err password_hash_check(struct span hash) __attribute__((warn_unused_result));
/* Same cost as a real verification, for unknown users: always DENY. */
enum verdict password_dummy(const struct password_params *p, struct span peppered);

#endif
