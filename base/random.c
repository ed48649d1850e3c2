/* SPDX-License-Identifier: Apache-2.0
 *
 * Random bytes; see random.h. */
#include "base/random.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define POOL_BYTES  1024
#define SMALL_BYTES 64 /* a nonce, a salt, an id, a key */

/* Of one thread; a child of fork must not draw what its parent draws. */
struct pool {
    unsigned char bytes[POOL_BYTES];
    size_t left; /* the unused ones stand first */
    pid_t owner;
};

static void pool_take(struct pool *p, void *ptr, size_t len) {
    pid_t now = getpid();
    if (p->left < len || p->owner != now) {
        randombytes_buf(p->bytes, sizeof p->bytes);
        p->left = sizeof p->bytes;
        p->owner = now;
    }
    p->left -= len;
    memcpy(ptr, p->bytes + p->left, len);
    sodium_memzero(p->bytes + p->left, len); /* what was given out is nowhere else */
}

void random_bytes(void *ptr, size_t len) {
    static _Thread_local struct pool pool;
    if (len > SMALL_BYTES)
        randombytes_buf(ptr, len);
    else if (len)
        pool_take(&pool, ptr, len);
}
