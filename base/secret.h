/* SPDX-License-Identifier: Apache-2.0
 *
 * Secret bytes: kept in guarded, locked memory (libsodium), wiped on every path, compared in
 * constant time. log.h takes no `struct secret`. */
#ifndef IDP_BASE_SECRET_H
#define IDP_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

struct secret {
    unsigned char *ptr;
    size_t len;
};

#define SECRET_INIT ((struct secret){NULL, 0})

/* Once per process, before any secret: sodium_init. ERR_CRYPTO when it cannot work. */
must_check enum err secret_init(void);
/* `len` zero bytes. ERR_NOMEM when locked memory is exhausted. */
must_check enum err secret_new(size_t len, struct secret *ret_secret);
must_check enum err secret_copy(struct span bytes, struct secret *ret_secret);
must_check enum err secret_random(size_t len, struct secret *ret_secret);
/* Reads a whole file of at most `max` bytes which must be a regular file that only its owner can
 * read (mode & 077 == 0), else ERR_REFUSED. */
must_check enum err secret_read_file(const char *path, size_t max, struct secret *ret_secret);
struct span secret_span(const struct secret *s);
/* Wipes and frees; accepts an empty one. */
void secret_done(struct secret *s);

/* Wipes memory in a way the compiler keeps. */
void wipe(void *ptr, size_t len);
/* Constant time in the bytes; lengths may leak. */
bool ct_equal(struct span a, struct span b);

#endif
