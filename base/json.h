/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON in (jansson, strict) and out (a direct writer, which sorts nothing and copies once). */
#ifndef IDP_BASE_JSON_H
#define IDP_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define JSON_MAX_DEPTH 32

static inline void json_cleanup(json_t **j) {
    if (*j) {
        json_decref(*j);
        *j = NULL;
    }
}
#define AUTO_JSON __attribute__((cleanup(json_cleanup)))

/* Strict parse: duplicate members, NUL in strings, bytes after the value, depth past
 * JSON_MAX_DEPTH and text past `max` bytes are refused, the last two before anything is built.
 * The caller owns the result. */
must_check enum err json_parse(struct span text, size_t max, json_t **ret_json);
/* As json_parse, and the top value must be an object. */
must_check enum err json_parse_object(struct span text, size_t max, json_t **ret_json);

/* A string as a borrowed span; absent for NULL and for anything that is no string. */
struct span json_text(const json_t *value);
/* Member of an object as a borrowed string span; absent when missing or no string. */
struct span json_str(const json_t *object, const char *name);
/* ERR_MISSING, ERR_SYNTAX (no integer; 1.0 is none) */
must_check enum err json_int(const json_t *object, const char *name, int64_t *ret_value);

/* The writer: appends to a buf; commas are its own business. Nesting below JSON_MAX_DEPTH. */
struct json_out {
    struct buf *b;
    uint32_t has_member; /* one bit a level */
    unsigned depth;
};
#define JSON_OUT(buf_) ((struct json_out){(buf_), 0, 0})

/* `name` is NULL inside arrays and at the top. Strings come out as valid UTF-8: bytes that are
 * none become U+FFFD. */
void json_open_object(struct json_out *o, const char *name);
void json_open_array(struct json_out *o, const char *name);
void json_close_object(struct json_out *o);
void json_close_array(struct json_out *o);
void json_add_str(struct json_out *o, const char *name, struct span value);
/* Leaves the member out when the value is absent (ptr NULL). */
void json_add_opt(struct json_out *o, const char *name, struct span value);
void json_add_i64(struct json_out *o, const char *name, int64_t value);
void json_add_bool(struct json_out *o, const char *name, bool value);
/* `text` is a complete JSON value that the caller vouches for. */
void json_add_raw(struct json_out *o, const char *name, struct span text);
/* A jansson value. */
void json_add_value(struct json_out *o, const char *name, const json_t *value);

#endif
