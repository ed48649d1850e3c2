/* SPDX-License-Identifier: Apache-2.0
 *
 * Growable buffers and wire integers; see buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define FIRST_CAPACITY 1024 /* a token, a line of the log: one allocation */

/* Old memory is wiped before it goes back to the heap, so realloc is out. */
static bool grow(struct buf *b, size_t need) {
    size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
    while (cap < need)
        cap = cap > b->max ? need : cap * 2;
    char *data = malloc(cap);
    if (!data) {
        b->failed = ERR_NOMEM;
        return false;
    }
    if (b->len)
        memcpy(data, b->data, b->len);
    if (b->data) {
        wipe(b->data, b->len);
        free(b->data);
    }
    b->data = data;
    b->cap = cap;
    return true;
}

char *buf_reserve(struct buf *b, size_t len) {
    if (b->failed)
        return NULL;
    if (len > b->max || b->len > b->max - len) {
        b->failed = ERR_TOO_LONG;
        return NULL;
    }
    size_t need = b->len + len + 1;
    if (need > b->cap && !grow(b, need))
        return NULL;
    char *room = b->data + b->len;
    b->len += len;
    b->data[b->len] = '\0';
    return room;
}

void buf_add(struct buf *b, const void *bytes, size_t len) {
    char *room = buf_reserve(b, len);
    if (room && len)
        memcpy(room, bytes, len);
}

void buf_add_str(struct buf *b, const char *cstr) {
    buf_add(b, cstr, strlen(cstr));
}

void buf_add_span(struct buf *b, struct span s) {
    buf_add(b, s.ptr, s.len);
}

void buf_add_char(struct buf *b, char c) {
    char *room = buf_reserve(b, 1);
    if (room)
        *room = c;
}

void buf_add_i64(struct buf *b, int64_t n) {
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (n < 0)
        buf_add_char(b, '-');
    buf_add(b, digits + at, sizeof digits - at);
}

void buf_addf(struct buf *b, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 && !b->failed)
        b->failed = ERR_INTERNAL; /* vsnprintf itself failed: nothing to append, and it must show */
    char *room = n >= 0 ? buf_reserve(b, (size_t)n) : NULL;
    if (room)
        (void)vsnprintf(room, (size_t)n + 1, fmt, again);
    va_end(again);
}

static void add_big_endian(struct buf *b, uint64_t n, unsigned bytes) {
    unsigned char wire[8];
    for (unsigned i = 0; i < bytes; i++)
        wire[i] = (unsigned char)(n >> (8 * (bytes - 1 - i)));
    buf_add(b, wire, bytes);
}

void buf_add_u8(struct buf *b, uint8_t n) {
    add_big_endian(b, n, 1);
}
void buf_add_u32(struct buf *b, uint32_t n) {
    add_big_endian(b, n, 4);
}
void buf_add_u64(struct buf *b, uint64_t n) {
    add_big_endian(b, n, 8);
}

void buf_add_block(struct buf *b, struct span s) {
    if (s.len > UINT32_MAX) {
        if (!b->failed)
            b->failed = ERR_TOO_LONG;
        return;
    }
    buf_add_u32(b, (uint32_t)s.len);
    buf_add_span(b, s);
}

enum err buf_err(const struct buf *b) {
    return b->failed;
}

struct span buf_span(const struct buf *b) {
    return (struct span){b->data ? b->data : "", b->len};
}

void buf_reset(struct buf *b) {
    if (b->data)
        wipe(b->data, b->len);
    b->len = 0;
    b->failed = ERR_OK;
}

void buf_done(struct buf *b) {
    buf_reset(b);
    free(b->data);
    b->data = NULL;
    b->cap = 0;
}

/* ---- reader ---- */

struct span reader_bytes(struct reader *r, size_t len) {
    if (r->failed || len > r->left) {
        r->failed = ERR_SYNTAX;
        return SPAN_NONE;
    }
    struct span s = {(const char *)r->ptr, len};
    r->ptr += len;
    r->left -= len;
    return s;
}

static uint64_t read_big_endian(struct reader *r, unsigned bytes) {
    struct span s = reader_bytes(r, bytes);
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n = n << 8 | (unsigned char)s.ptr[i];
    return n;
}

uint8_t reader_u8(struct reader *r) {
    return (uint8_t)read_big_endian(r, 1);
}
uint32_t reader_u32(struct reader *r) {
    return (uint32_t)read_big_endian(r, 4);
}
uint64_t reader_u64(struct reader *r) {
    return read_big_endian(r, 8);
}

struct span reader_block(struct reader *r) {
    uint32_t len = reader_u32(r);
    return r->failed ? SPAN_NONE : reader_bytes(r, len);
}

enum err reader_end(const struct reader *r) {
    if (r->failed)
        return r->failed;
    return r->left ? ERR_SYNTAX : ERR_OK;
}
