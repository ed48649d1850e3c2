/* SPDX-License-Identifier: Apache-2.0
 *
 * base/encode.c: what a decoder accepts is exactly what the encoder writes for the bytes that came
 * out, and every byte string survives the round trip. Text for forms and pages is read back, or holds
 * nothing that a browser takes for markup. */
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "tests/fuzz/fuzz.h"

static void decode_first(struct span text) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(buf_done) struct buf again = BUF_INIT(ARENA_LIMIT_DEFAULT);
    struct span bytes;
    if (b64url_decode_arena(&a, text, &bytes) == ERR_OK) {
        b64url_add(&again, bytes.ptr, bytes.len);
        FUZZ_CHECK(span_eq(buf_span(&again), text));
        buf_reset(&again);
    }
    if (b64_decode_arena(&a, text, &bytes) == ERR_OK) {
        b64_add(&again, bytes.ptr, bytes.len);
        FUZZ_CHECK(span_eq(buf_span(&again), text));
        buf_reset(&again);
    }
    unsigned char *out = arena_alloc(&a, text.len / 2);
    size_t len;
    if (out && hex_decode(text, out, text.len / 2, &len) == ERR_OK) {
        char *room = buf_reserve(&again, 2 * len);
        FUZZ_CHECK(room);
        hex_encode(out, len, room); /* its NUL lands on the buffer's own */
        FUZZ_CHECK(span_eq(buf_span(&again), text));
    }
}

static void encode_first(struct span bytes) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(buf_done) struct buf text = BUF_INIT(ARENA_LIMIT_DEFAULT);
    struct span back;
    b64url_add(&text, bytes.ptr, bytes.len);
    FUZZ_CHECK(text.len == B64URL_LEN(bytes.len));
    FUZZ_CHECK(b64url_decode_arena(&a, buf_span(&text), &back) == ERR_OK && span_eq(back, bytes));
    buf_reset(&text);
    b64_add(&text, bytes.ptr, bytes.len);
    FUZZ_CHECK(b64_decode_arena(&a, buf_span(&text), &back) == ERR_OK && span_eq(back, bytes));
}

static void text_for_forms_and_pages(struct span text) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(buf_done) struct buf out = BUF_INIT(8 * ARENA_LIMIT_DEFAULT);
    struct span decoded, back;
    if (form_decode(&a, text, &decoded) == ERR_OK) {
        FUZZ_CHECK(utf8_valid(decoded) && decoded.len <= text.len);
        percent_add(&out, decoded);
        FUZZ_CHECK(ascii_printable(buf_span(&out)));
        FUZZ_CHECK(form_decode(&a, buf_span(&out), &back) == ERR_OK && span_eq(back, decoded));
        buf_reset(&out);
    }
    html_add(&out, text);
    for (size_t i = 0; i < out.len; i++)
        FUZZ_CHECK(!out.data[i] || !strchr("<>\"'", out.data[i]));
    size_t len = 0;
    for (size_t step = 1; step && len < text.len; len += step)
        step = utf8_sequence(span_bytes(text.ptr + len, text.len - len));
    FUZZ_CHECK(utf8_valid(text) == (len == text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 65536)
        return 0;
    decode_first(span_bytes(data, size));
    encode_first(span_bytes(data, size));
    text_for_forms_and_pages(span_bytes(data, size));
    return 0;
}
