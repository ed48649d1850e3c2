/* SPDX-License-Identifier: Apache-2.0
 *
 * Strict text encodings; see encode.h. */
#include "base/encode.h"

#include <stdint.h>
#include <string.h>

#define B64_COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char b64url_digits[64] = B64_COMMON "-_";
static const char b64_digits[64] = B64_COMMON "+/";
static const char hex_digits[16] = "0123456789abcdef";

static size_t b64_encode(const char digits[64], const unsigned char *in, size_t len, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                     (left > 2 ? in[i + 2] : 0);
        out[n++] = digits[v >> 18];
        out[n++] = digits[v >> 12 & 63];
        if (left > 1)
            out[n++] = digits[v >> 6 & 63];
        if (left > 2)
            out[n++] = digits[v & 63];
    }
    return n;
}

size_t b64url_encode(const void *bytes, size_t len, char *out) {
    return b64_encode(b64url_digits, bytes, len, out);
}

void b64url_add(struct buf *b, const void *bytes, size_t len) {
    char *room = buf_reserve(b, B64URL_LEN(len));
    if (room)
        b64_encode(b64url_digits, bytes, len, room);
}

void b64_add(struct buf *b, const void *bytes, size_t len) {
    char *room = buf_reserve(b, B64URL_LEN(len));
    if (room)
        b64_encode(b64_digits, bytes, len, room);
    for (size_t i = len; i % 3 != 0; i++)
        buf_add_char(b, '=');
}

/* Value of each digit, plus one; 0: none. */
#define B64_COMMON_VALUES                                                                          \
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,             \
    ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,            \
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,            \
    ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,            \
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,            \
    ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,            \
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,            \
    ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,            \
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62
static const unsigned char b64url_values[256] = {B64_COMMON_VALUES, ['-'] = 63, ['_'] = 64};
static const unsigned char b64_values[256] = {B64_COMMON_VALUES, ['+'] = 63, ['/'] = 64};

/* Of `n` digits, 2 to 4, the first bits of *ret_bits (24 of them). */
static bool group_decode(const unsigned char values[256], const char *digits, size_t n,
                         uint32_t *ret_bits) {
    const unsigned char *d = (const unsigned char *)digits;
    unsigned v[4] = {values[d[0]], values[d[1]], n > 2 ? values[d[2]] : 1, n > 3 ? values[d[3]] : 1};
    *ret_bits = (v[0] - 1) << 18 | (v[1] - 1) << 12 | (v[2] - 1) << 6 | (v[3] - 1);
    return v[0] && v[1] && v[2] && v[3];
}

/* No padding here. A final group of one digit is impossible; unused bits must be zero, else one
 * byte string would have several spellings. */
static enum err b64_decode(struct span text, const unsigned char values[256], unsigned char *out,
                           size_t size, size_t *ret_len) {
    size_t left = text.len % 4, whole = text.len - left, n = 0;
    uint32_t bits;
    if (left == 1)
        return ERR_SYNTAX;
    if (whole / 4 * 3 + (left ? left - 1 : 0) > size)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < whole; i += 4, n += 3) {
        if (!group_decode(values, text.ptr + i, 4, &bits))
            return ERR_SYNTAX;
        out[n] = (unsigned char)(bits >> 16);
        out[n + 1] = (unsigned char)(bits >> 8);
        out[n + 2] = (unsigned char)bits;
    }
    if (left) {
        if (!group_decode(values, text.ptr + whole, left, &bits) || bits & (left == 2 ? 0xffff : 0xff))
            return ERR_SYNTAX;
        out[n++] = (unsigned char)(bits >> 16);
        if (left == 3)
            out[n++] = (unsigned char)(bits >> 8);
    }
    *ret_len = n;
    return ERR_OK;
}

enum err b64url_decode(struct span text, void *out, size_t size, size_t *ret_len) {
    return b64_decode(text, b64url_values, out, size, ret_len);
}

static enum err b64_decode_to_arena(struct arena *a, struct span text,
                                    const unsigned char values[256], struct span *ret_bytes) {
    size_t size = text.len / 4 * 3 + 3, len;
    unsigned char *out = arena_alloc(a, size);
    if (!out)
        return ERR_NOMEM;
    enum err e = b64_decode(text, values, out, size - 1, &len);
    if (e)
        return e;
    *ret_bytes = span_bytes(out, len);
    return ERR_OK;
}

enum err b64url_decode_arena(struct arena *a, struct span text, struct span *ret_bytes) {
    return b64_decode_to_arena(a, text, b64url_values, ret_bytes);
}

enum err b64_decode_arena(struct arena *a, struct span text, struct span *ret_bytes) {
    if (text.len % 4 != 0)
        return ERR_SYNTAX;
    for (int pads = 0; pads < 2 && text.len && text.ptr[text.len - 1] == '='; pads++)
        text.len--;
    return b64_decode_to_arena(a, text, b64_values, ret_bytes);
}

void hex_encode(const void *bytes, size_t len, char *out) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex_digits[p[i] >> 4];
        out[2 * i + 1] = hex_digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_lower_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoding has both cases (RFC 3986 2.1). */
static int hex_value(char c) {
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : hex_lower_value(c);
}

enum err hex_decode(struct span text, void *out, size_t size, size_t *ret_len) {
    unsigned char *p = out;
    if (text.len % 2 != 0)
        return ERR_SYNTAX;
    if (text.len / 2 > size)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < text.len; i += 2) {
        int hi = hex_lower_value(text.ptr[i]), lo = hex_lower_value(text.ptr[i + 1]);
        if (hi < 0 || lo < 0)
            return ERR_SYNTAX;
        p[i / 2] = (unsigned char)(hi << 4 | lo);
    }
    *ret_len = text.len / 2;
    return ERR_OK;
}

static enum err form_decode_escapes(struct span text, char *out, size_t *ret_len) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (text.len - i < 3)
                return ERR_SYNTAX;
            int hi = hex_value(text.ptr[i + 1]), lo = hex_value(text.ptr[i + 2]);
            if (hi < 0 || lo < 0)
                return ERR_SYNTAX;
            c = (char)(hi << 4 | lo);
            i += 2;
        }
        out[n++] = c;
    }
    *ret_len = n;
    return ERR_OK;
}

enum err form_decode(struct arena *a, struct span text, struct span *ret_text) {
    struct span decoded = text;
    if (text.len && (memchr(text.ptr, '%', text.len) || memchr(text.ptr, '+', text.len))) {
        char *out = arena_alloc(a, text.len + 1);
        if (!out)
            return ERR_NOMEM;
        enum err e = form_decode_escapes(text, out, &decoded.len);
        if (e)
            return e;
        out[decoded.len] = '\0';
        decoded.ptr = out;
    }
    if (!utf8_valid(decoded))
        return ERR_SYNTAX;
    *ret_text = decoded;
    return ERR_OK;
}

static bool is_unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void percent_add(struct buf *b, struct span text) {
    static const char upper[16] = "0123456789ABCDEF";
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (is_unreserved(c))
            continue;
        char escape[3] = {'%', upper[c >> 4], upper[c & 15]};
        buf_add(b, text.ptr + done, i - done);
        buf_add(b, escape, sizeof escape);
        done = i + 1;
    }
    if (text.len > done)
        buf_add(b, text.ptr + done, text.len - done);
}

void html_add(struct buf *b, struct span text) {
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *entity;
        switch (text.ptr[i]) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        case '\'':
            entity = "&#39;";
            break;
        default:
            continue;
        }
        buf_add(b, text.ptr + done, i - done);
        buf_add_str(b, entity);
        done = i + 1;
    }
    if (text.len > done)
        buf_add(b, text.ptr + done, text.len - done);
}

size_t utf8_sequence(struct span text) {
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t left = text.len;
    if (left == 0 || p[0] == 0)
        return 0;
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    size_t n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (c == 0xE0 && p[1] < 0xA0) || (c == 0xF0 && p[1] < 0x90);
    bool surrogate = c == 0xED && p[1] > 0x9F;
    bool beyond = c == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

bool utf8_valid(struct span text) {
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c && c < 0x80) {
            i++;
            continue;
        }
        size_t n = utf8_sequence((struct span){text.ptr + i, text.len - i});
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

bool ascii_printable(struct span text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7E)
            return false;
    return true;
}
