/* SPDX-License-Identifier: Apache-2.0
 *
 * base/json.c: a value that is accepted reads the same after our writer wrote it; a string of any
 * bytes is written as valid JSON on one line. */
#include "base/cleanup.h"
#include "base/json.h"
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

static void quote_anything(struct span bytes) {
    CLEANUP(buf_done) struct buf out = BUF_INIT(8 * TEXT_MAX);
    struct json_out o = JSON_OUT(&out);
    json_add_str(&o, NULL, bytes);
    json_t *j = json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    FUZZ_CHECK(json_is_string(j));
    FUZZ_CHECK(!memchr(out.data, '\n', out.len) && !memchr(out.data, '\r', out.len));
    json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > TEXT_MAX)
        return 0;
    read_and_write(span_bytes(data, size));
    quote_anything(span_bytes(data, size));
    return 0;
}
