/* SPDX-License-Identifier: Apache-2.0
 *
 * Request-scoped memory: everything is freed at once by arena_done or arena_reset, nothing singly.
 * An arena belongs to one thread at a time. Its limit bounds what one request can make us hold;
 * past it, and when malloc fails, functions return NULL (or an absent span). All memory is zeroed
 * on allocation and wiped on reset, since passwords and tokens pass through it. */
#ifndef IDP_BASE_ARENA_H
#define IDP_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/span.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t used;  /* bytes handed out */
    size_t limit; /* bytes */
};

#define ARENA_LIMIT_DEFAULT (1024 * 1024)
#define ARENA_INIT(limit_bytes) ((struct arena){NULL, 0, (limit_bytes)})

/* 16-byte aligned, zeroed; NULL past the limit. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy with a NUL behind it (not counted in len). */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
struct span arena_dup(struct arena *a, struct span s);
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *a, const char *fmt, ...);

/* Wipes and gives back all but the first chunk, which is kept for the next request. */
void arena_reset(struct arena *a);
/* Wipes and frees everything. Accepts an arena that was never used. */
void arena_done(struct arena *a);

#endif
