/* SPDX-License-Identifier: Apache-2.0
 *
 * Text encodings. Decoders are strict: one byte string has exactly one accepted encoding. */
#ifndef IDP_BASE_ENCODE_H
#define IDP_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define B64URL_LEN(n) (((n) * 4 + 2) / 3)

/* RFC 4648 5 without padding, as RFC 7515 2 demands. `out` needs B64URL_LEN(len) bytes; returns
 * that number; writes no NUL. */
size_t b64url_encode(const void *bytes, size_t len, char *out);
void b64url_add(struct buf *b, const void *bytes, size_t len);
/* ERR_SYNTAX on padding, other alphabets, white space, impossible lengths and non-zero unused
 * bits (RFC 4648 3.5); ERR_TOO_LONG when `size` is too small. */
must_check enum err b64url_decode(struct span text, void *out, size_t size, size_t *ret_len);
/* As above, into the arena. */
must_check enum err b64url_decode_arena(struct arena *a, struct span text, struct span *ret_bytes);
/* Standard alphabet with padding (RFC 4648 4): HTTP Basic. Strict likewise. */
must_check enum err b64_decode_arena(struct arena *a, struct span text, struct span *ret_bytes);
void b64_add(struct buf *b, const void *bytes, size_t len);

/* Lower case. `out` needs 2*len+1 bytes. */
void hex_encode(const void *bytes, size_t len, char *out);
/* Lower case only: upper case would be a second spelling. */
must_check enum err hex_decode(struct span text, void *out, size_t size, size_t *ret_len);

/* application/x-www-form-urlencoded: `+` is a space, %XX a byte. ERR_SYNTAX on a broken escape,
 * on NUL and on bytes that are not UTF-8 (B37). Result in the arena, or the input itself when it
 * needs no decoding. */
must_check enum err form_decode(struct arena *a, struct span text, struct span *ret_text);
/* Percent-encodes all but RFC 3986 unreserved characters. */
void percent_add(struct buf *b, struct span text);
/* Escapes & < > " ' for HTML text and quoted attributes. */
void html_add(struct buf *b, struct span text);

/* Bytes of the UTF-8 sequence that `text` begins with (RFC 3629 4); 0 when it begins with none:
 * empty, NUL, surrogate, overlong form, stray or missing continuation. */
size_t utf8_sequence(struct span text);
/* Valid UTF-8 without NUL, surrogates or overlong forms. */
bool utf8_valid(struct span text);
/* Printable ASCII, 0x20..0x7E (RFC 6749 appendix A VSCHAR). */
bool ascii_printable(struct span text);

#endif
