/* SPDX-License-Identifier: Apache-2.0
 *
 * Strict JSON in, direct JSON out; see json.h. */
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/shortage.h"

/* Depth is bounded before jansson builds anything; its own limit is 2048 levels of recursion. */
static enum err depth_check(struct span text) {
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_MAX_DEPTH)
                return ERR_TOO_LONG;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return ERR_OK;
}

enum err json_parse(struct span text, size_t max, json_t **ret_json) {
    if (text.len > max)
        return ERR_TOO_LONG;
    enum err e = depth_check(text);
    if (e)
        return e;
    /* Without JSON_ALLOW_NUL jansson refuses \u0000; without JSON_DISABLE_EOF_CHECK, a tail. */
    static const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    shortage_clear();
    json_t *j = json_loadb(text.ptr ? text.ptr : "", text.len, flags, NULL);
    if (shortage_met()) {
        json_decref(j);
        return ERR_NOMEM;
    }
    if (!j)
        return ERR_SYNTAX;
    *ret_json = j;
    return ERR_OK;
}

enum err json_parse_object(struct span text, size_t max, json_t **ret_json) {
    json_t *j;
    enum err e = json_parse(text, max, &j);
    if (e)
        return e;
    if (!json_is_object(j)) {
        json_decref(j);
        return ERR_SYNTAX;
    }
    *ret_json = j;
    return ERR_OK;
}

struct span json_text(const json_t *value) {
    return json_is_string(value) ? span_bytes(json_string_value(value), json_string_length(value))
                                 : SPAN_NONE;
}

struct span json_str(const json_t *object, const char *name) {
    return json_text(json_object_get(object, name));
}

enum err json_int(const json_t *object, const char *name, int64_t *ret_value) {
    const json_t *v = json_object_get(object, name);
    if (!v)
        return ERR_MISSING;
    if (!json_is_integer(v))
        return ERR_SYNTAX;
    *ret_value = (int64_t)json_integer_value(v);
    return ERR_OK;
}

/* ---- writer ---- */

/* A byte that cannot stand as it is. */
static void add_escape(struct buf *b, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (c >= 0x80)
        buf_add_str(b, "\xEF\xBF\xBD"); /* U+FFFD: part of no UTF-8 sequence */
    else if (c == '"' || c == '\\')
        buf_add(b, (const char[]){'\\', (char)c}, 2);
    else
        buf_add(b, escape, sizeof escape);
}

/* Printable ASCII that stands for itself in a JSON string. */
static bool is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* Eight bytes at a time. Exact as far as it says yes; a no is looked at byte by byte. */
static bool are_plain(const char *bytes) {
    static const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
    uint64_t x;
    memcpy(&x, bytes, sizeof x);
    uint64_t quote = x ^ (ones * '"'), backslash = x ^ (ones * '\\');
    uint64_t below_space = (x - ones * 0x20) & ~x, above_tilde = (x + ones) | x;
    return !((below_space | above_tilde | ((quote - ones) & ~quote) |
              ((backslash - ones) & ~backslash)) &
             high);
}

static size_t plain_length(struct span text) {
    size_t n = 0;
    while (text.len - n >= 8 && are_plain(text.ptr + n))
        n += 8;
    while (n < text.len && is_plain((unsigned char)text.ptr[n]))
        n++;
    return n;
}

/* Always valid JSON in valid UTF-8 (RFC 8259 8.1), whatever the bytes: logs show hostile ones. */
static void add_escaped(struct buf *b, struct span text) {
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80) {
            size_t n = utf8_sequence((struct span){text.ptr + i, text.len - i});
            if (n > 0) {
                i += n - 1;
                continue;
            }
        } else if (is_plain(c)) {
            continue;
        }
        buf_add(b, text.ptr + done, i - done);
        done = i + 1;
        add_escape(b, c);
    }
    if (text.len > done)
        buf_add(b, text.ptr + done, text.len - done);
}

/* Nearly all names and values are plain: one copy. */
static void add_quoted(struct buf *b, struct span text) {
    if (plain_length(text) == text.len) {
        char *room = buf_reserve(b, text.len + 2);
        if (!room)
            return;
        room[0] = room[text.len + 1] = '"';
        if (text.len)
            memcpy(room + 1, text.ptr, text.len);
        return;
    }
    buf_add_char(b, '"');
    add_escaped(b, text);
    buf_add_char(b, '"');
}

/* [,]"name": in one go, when the name is plain. */
static void add_name(struct json_out *o, const char *name) {
    struct span text = span_of(name);
    bool has_comma = o->has_member & (1u << o->depth),
         is_plain_name = text.ptr && plain_length(text) == text.len;
    o->has_member |= 1u << o->depth;
    char *room = buf_reserve(o->b, has_comma + (is_plain_name ? text.len + 3 : 0));
    if (!room)
        return;
    if (has_comma)
        *room++ = ',';
    if (is_plain_name) {
        *room++ = '"';
        memcpy(room, text.ptr, text.len);
        memcpy(room + text.len, "\":", 2);
    } else if (name) {
        add_quoted(o->b, text);
        buf_add_char(o->b, ':');
    }
}

static void open_level(struct json_out *o, const char *name, char bracket) {
    add_name(o, name);
    buf_add_char(o->b, bracket);
    o->depth++;
    assert(o->depth < JSON_MAX_DEPTH);
    o->has_member &= ~(1u << o->depth);
}

static void close_level(struct json_out *o, char bracket) {
    assert(o->depth > 0);
    o->depth--;
    buf_add_char(o->b, bracket);
}

void json_open_object(struct json_out *o, const char *name) {
    open_level(o, name, '{');
}
void json_open_array(struct json_out *o, const char *name) {
    open_level(o, name, '[');
}
void json_close_object(struct json_out *o) {
    close_level(o, '}');
}
void json_close_array(struct json_out *o) {
    close_level(o, ']');
}

void json_add_str(struct json_out *o, const char *name, struct span value) {
    add_name(o, name);
    add_quoted(o->b, value);
}

void json_add_opt(struct json_out *o, const char *name, struct span value) {
    if (value.ptr)
        json_add_str(o, name, value);
}

void json_add_i64(struct json_out *o, const char *name, int64_t value) {
    add_name(o, name);
    buf_add_i64(o->b, value);
}

void json_add_bool(struct json_out *o, const char *name, bool value) {
    add_name(o, name);
    buf_add_str(o->b, value ? "true" : "false");
}

void json_add_raw(struct json_out *o, const char *name, struct span text) {
    add_name(o, name);
    buf_add_span(o->b, text);
}

static int dump_to_buf(const char *bytes, size_t len, void *ctx) {
    buf_add(ctx, bytes, len);
    return 0;
}

void json_add_value(struct json_out *o, const char *name, const json_t *value) {
    add_name(o, name);
    if (json_dump_callback(value, dump_to_buf, o->b, JSON_COMPACT | JSON_ENCODE_ANY) != 0 &&
        !o->b->failed)
        o->b->failed = ERR_INTERNAL;
}
