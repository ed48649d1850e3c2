/* SPDX-License-Identifier: Apache-2.0
 *
 * base/params.c and form_decode: what is filled is UTF-8 without NUL, within its limit, and stands
 * in the request exactly once; pairs that were split read the same after being encoded again. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/params.h"
#include "tests/fuzz/fuzz.h"

struct request {
    struct span client_id, state, resource;
    int64_t max_age;
};

#define FIELD(name) offsetof(struct request, name)
static const struct param_def defs[] = {
    {"client_id", FIELD(client_id), param_ascii, 32, PARAM_REQUIRED},
    {"state", FIELD(state), param_span, 64, 0},
    {"max_age", FIELD(max_age), param_seconds, 10, 0},
    {"resource", FIELD(resource), param_span, 64, PARAM_MULTIPLE},
};

static void check_filled(const struct params *params, struct arena *a) {
    struct request r = {.max_age = -1};
    const char *fault = NULL;
    enum err e = params_fill(defs, ARRAY_LEN(defs), a, params, &r, &fault);
    FUZZ_CHECK((e == ERR_OK) == (fault == NULL));
    if (e)
        return;
    FUZZ_CHECK(r.client_id.len > 0 && r.client_id.len <= 32 && ascii_printable(r.client_id));
    FUZZ_CHECK(r.state.len <= 64 && utf8_valid(r.state));
    FUZZ_CHECK(r.max_age >= -1 && r.max_age <= INT32_MAX);
    FUZZ_CHECK(params_count(params, "client_id") == 1 && params_count(params, "state") <= 1);
    FUZZ_CHECK(span_eq(params_find(params, "client_id"), r.client_id));
}

static void encode_again(const struct params *params, struct arena *a) {
    static struct params again;
    CLEANUP(buf_done) struct buf text = BUF_INIT(ARENA_LIMIT_DEFAULT);
    for (size_t i = 0; i < params->count; i++) {
        percent_add(&text, params->item[i].name);
        buf_add_char(&text, '=');
        percent_add(&text, params->item[i].value);
        buf_add_char(&text, '&');
    }
    again.count = 0;
    FUZZ_CHECK(params_split(a, buf_span(&text), &again) == ERR_OK);
    FUZZ_CHECK(again.count == params->count);
    for (size_t i = 0; i < again.count; i++) {
        FUZZ_CHECK(span_eq(again.item[i].name, params->item[i].name));
        FUZZ_CHECK(span_eq(again.item[i].value, params->item[i].value));
        FUZZ_CHECK(utf8_valid(again.item[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct params params;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    params.count = 0;
    if (size > 65536 || params_split(&a, span_bytes(data, size), &params))
        return 0;
    check_filled(&params, &a);
    encode_again(&params, &a);
    return 0;
}
