/* SPDX-License-Identifier: Apache-2.0
 *
 * Ownership by scope: `CLEANUP(buf_done) struct buf b = BUF_INIT(4096);`. A function named in
 * CLEANUP takes a pointer to the variable and accepts a half-built or empty object. Ownership
 * leaves a scope only through TAKE(). */
#ifndef IDP_BASE_CLEANUP_H
#define IDP_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* The pointer's value; the variable is NULL afterwards, so that its cleanup does nothing. */
#define TAKE(p)                                                                                  \
    __extension__({                                                                              \
        __typeof__(p) take_value_ = (p);                                                         \
        (p) = NULL;                                                                              \
        take_value_;                                                                             \
    })

/* The descriptor; the variable is -1 afterwards. */
static inline int take_fd(int *fd) {
    int value = *fd;
    *fd = -1;
    return value;
}

static inline void cleanup_free(void *p) {
    void **slot = p;
    free(*slot);
    *slot = NULL;
}

static inline void cleanup_close(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

#define AUTO_FREE CLEANUP(cleanup_free)
#define AUTO_CLOSE CLEANUP(cleanup_close)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
