/* SPDX-License-Identifier: Apache-2.0
 *
 * base/json.c and json_members.c: a value that is accepted reads the same after our writer wrote it; a string of any
 * bytes is written as valid JSON on one line, and so is any nesting of members. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/json_members.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX 16384

static void read_and_write(struct span text) {
    AUTO_JSON json_t *first = NULL, *second = NULL;
    if (json_parse(text, TEXT_MAX, &first))
        return;
    CLEANUP(buf_done) struct buf out = BUF_INIT(8 * TEXT_MAX);
    struct json_out o = JSON_OUT(&out);
    json_add_value(&o, NULL, first);
    FUZZ_CHECK(buf_err(&out) == ERR_OK);
    FUZZ_CHECK(json_parse(buf_span(&out), out.len, &second) == ERR_OK);
    FUZZ_CHECK(json_equal(first, second));
    if (json_is_string(first)) { /* our own quoting, against jansson's reading */
        AUTO_JSON json_t *third = NULL;
        struct span s = {json_string_value(first), json_string_length(first)};
        buf_reset(&out);
        struct json_out quoted = JSON_OUT(&out);
        json_add_str(&quoted, NULL, s);
        FUZZ_CHECK(json_parse(buf_span(&out), out.len, &third) == ERR_OK);
        FUZZ_CHECK(json_equal(first, third));
    }
}

/* json_members.h promises the same as the parser, by another way. */
static void members(struct span text) {
    struct json_members m = {.parsed = NULL};
    AUTO_JSON json_t *object = NULL;
    const char *name;
    json_t *value;
    enum err e = json_parse_object(text, TEXT_MAX, &object);
    FUZZ_CHECK(json_members_read(text, TEXT_MAX, &m) == e);
    if (e)
        return;
    json_object_foreach(object, name, value) {
        int64_t one = 0, other = 0;
        FUZZ_CHECK(json_members_has(&m, name));
        FUZZ_CHECK(span_eq(json_members_str(&m, name), json_str(object, name)));
        FUZZ_CHECK(json_members_int(&m, name, &one) == json_int(object, name, &other) && one == other);
    }
    FUZZ_CHECK(m.parsed || m.n == json_object_size(object));
    json_members_done(&m);
}

static void quote_anything(struct span bytes) {
    CLEANUP(buf_done) struct buf out = BUF_INIT(8 * TEXT_MAX);
    struct json_out o = JSON_OUT(&out);
    json_add_str(&o, NULL, bytes);
    json_t *j = json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    FUZZ_CHECK(json_is_string(j));
    FUZZ_CHECK(!memchr(out.data, '\n', out.len) && !memchr(out.data, '\r', out.len));
    json_decref(j);
}

static void write_member(struct json_out *o, const char *name, unsigned char kind, struct span s) {
    switch (kind % 5) {
    case 0:
        json_add_str(o, name, s);
        break;
    case 1:
        json_add_opt(o, name, kind & 64 ? s : SPAN_NONE);
        break;
    case 2:
        json_add_i64(o, name, (int64_t)s.len - 100);
        break;
    case 3:
        json_add_bool(o, name, kind & 64);
        break;
    case 4:
        json_add_raw(o, name, SPAN("{\"raw\":[null,1.5,-0]}"));
        break;
    }
}

/* Each byte opens, closes or adds, in an object or an array. */
static void write_anything(struct span steps) {
    CLEANUP(buf_done) struct buf out = BUF_INIT(64 * TEXT_MAX);
    struct json_out o = JSON_OUT(&out);
    bool is_array[JSON_MAX_DEPTH] = {false};
    unsigned depth = 1, written = 0;
    char name[16];
    json_open_object(&o, NULL);
    for (size_t i = 0; i < steps.len && i < 512; i++) {
        unsigned char step = (unsigned char)steps.ptr[i];
        (void)snprintf(name, sizeof name, "m%u", written++); /* names in one object are distinct */
        const char *member = is_array[depth - 1] ? NULL : name;
        if (step < 32 && depth < JSON_MAX_DEPTH - 2) {
            is_array[depth++] = step & 1;
            if (step & 1)
                json_open_array(&o, member);
            else
                json_open_object(&o, member);
        } else if (step < 64 && depth > 1) {
            if (is_array[--depth])
                json_close_array(&o);
            else
                json_close_object(&o);
        } else {
            size_t len = strnlen(steps.ptr + i, steps.len - i < 20 ? steps.len - i : 20);
            write_member(&o, member, step, span_bytes(steps.ptr + i, len)); /* NUL is never read */
        }
    }
    while (depth > 0) {
        if (is_array[--depth])
            json_close_array(&o);
        else
            json_close_object(&o);
    }
    AUTO_JSON json_t *read = NULL;
    FUZZ_CHECK(!buf_err(&out) && json_parse_object(buf_span(&out), out.len, &read) == ERR_OK);
    int64_t number;
    FUZZ_CHECK(json_int(read, "m0", &number) != ERR_OK || number >= -100);
    FUZZ_CHECK(!json_str(read, "m0").ptr || json_is_string(json_object_get(read, "m0")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > TEXT_MAX)
        return 0;
    read_and_write(span_bytes(data, size));
    members(span_bytes(data, size));
    quote_anything(span_bytes(data, size));
    write_anything(span_bytes(data, size));
    return 0;
}
