/* SPDX-License-Identifier: Apache-2.0
 *
 * Request-scoped memory in chunks; see arena.h. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"

#define CHUNK_BYTES 16384 /* what a token request takes: one chunk, kept */
#define ALIGNMENT 16

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    size_t used;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

static struct arena_chunk *chunk_new(size_t size) {
    struct arena_chunk *c = calloc(1, sizeof *c + size);
    if (c)
        c->size = size;
    return c;
}

void *arena_alloc(struct arena *a, size_t size) {
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size == 0)
        size = ALIGNMENT;
    if (a->used > a->limit || size > a->limit - a->used)
        return NULL;
    struct arena_chunk *c = a->chunks;
    if (!c || c->size - c->used < size) {
        c = chunk_new(size > CHUNK_BYTES ? size : CHUNK_BYTES);
        if (!c)
            return NULL;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *p = c->bytes + c->used;
    c->used += size;
    a->used += size;
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len) {
    char *copy = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;
    if (copy && len)
        memcpy(copy, s, len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s) {
    return arena_strndup(a, s, strlen(s));
}

struct span arena_dup(struct arena *a, struct span s) {
    if (!s.ptr)
        return SPAN_NONE;
    char *copy = arena_strndup(a, s.ptr, s.len);
    return copy ? (struct span){copy, s.len} : SPAN_NONE;
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
    if (text)
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

static void chunk_wipe(struct arena_chunk *c) {
    wipe(c->bytes, c->used);
    c->used = 0;
}

/* The oldest chunk stands last and has the ordinary size unless the first request was large. */
void arena_reset(struct arena *a) {
    while (a->chunks && a->chunks->next) {
        struct arena_chunk *c = a->chunks;
        a->chunks = c->next;
        chunk_wipe(c);
        free(c);
    }
    if (a->chunks)
        chunk_wipe(a->chunks);
    a->used = 0;
}

void arena_done(struct arena *a) {
    arena_reset(a);
    free(a->chunks);
    a->chunks = NULL;
}
