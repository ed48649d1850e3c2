/* SPDX-License-Identifier: Apache-2.0
 *
 * A growable byte buffer with a hard maximum. Appending is sticky on failure: after the first
 * append that fails (maximum reached, or no memory) nothing more is added and buf_err() tells;
 * so a writer checks once, at its end. The bytes are always followed by a NUL that len does not
 * count. Freed bytes are wiped. */
#ifndef IDP_BASE_BUF_H
#define IDP_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;
    enum err failed;
};

#define BUF_INIT(max_bytes) ((struct buf){NULL, 0, 0, (max_bytes), ERR_OK})

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, const char *cstr);
void buf_add_span(struct buf *b, struct span s);
void buf_add_char(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t n); /* decimal */
__attribute__((format(printf, 2, 3))) void buf_addf(struct buf *b, const char *fmt, ...);
/* Room for `len` bytes at the end, which count at once; NULL on failure. */
char *buf_reserve(struct buf *b, size_t len);
/* Wire integers, big-endian. */
void buf_add_u8(struct buf *b, uint8_t n);
void buf_add_u32(struct buf *b, uint32_t n);
void buf_add_u64(struct buf *b, uint64_t n);
/* u32 length, then the bytes. */
void buf_add_block(struct buf *b, struct span s);

must_check enum err buf_err(const struct buf *b);
struct span buf_span(const struct buf *b);
/* Empties and wipes, keeps the memory. */
void buf_reset(struct buf *b);
/* Wipes and frees; accepts a buffer never used. */
void buf_done(struct buf *b);

/* A cursor over received bytes, twin of the wire writers above; sticky on failure likewise. */
struct reader {
    const unsigned char *ptr;
    size_t left;
    enum err failed;
};

#define READER_INIT(span_)                                                                        \
    ((struct reader){(const unsigned char *)(span_).ptr, (span_).len, ERR_OK})

uint8_t reader_u8(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
/* Borrowed from the reader's input. */
struct span reader_bytes(struct reader *r, size_t len);
struct span reader_block(struct reader *r);
/* ERR_OK only when nothing failed and no byte is left. */
must_check enum err reader_end(const struct reader *r);

#endif
