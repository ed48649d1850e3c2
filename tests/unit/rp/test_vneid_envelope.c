/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what another implementation sealed for us opens to the same text; anything else, whichever
 * part of it is wrong, is refused by the one error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "keys/signer_client.h"
#include "protocols/rp/vneid_envelope.h"
#include "tests/unit/support/vneid_vectors.h"

#define BLOCK 16

static int setup(void **state) {
    struct arena *a = calloc(1, sizeof *a);
    *a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    *state = a;
    return 0;
}

static int teardown(void **state) {
    arena_done(*state);
    free(*state);
    return 0;
}

static struct span unwrapped(struct arena *a, const unsigned char *aes, size_t len) {
    unsigned char *bytes = arena_alloc(a, UNWRAPPED_BYTES);
    bytes[0] = (unsigned char)len;
    memcpy(bytes + 1, aes, len);
    return span_bytes(bytes, UNWRAPPED_BYTES);
}

static void test_what_another_implementation_sealed_opens(void **state) {
    struct arena *a = *state;
    for (size_t i = 0; i < ARRAY_LEN(vneid_vectors); i++) {
        struct vneid_envelope v;
        struct span json;
        assert_int_equal(vneid_envelope_parse(a, span_of(vneid_vectors[i].body), &v), ERR_OK);
        assert_int_equal(v.wrapped.len, 256);
        assert_int_equal(vneid_envelope_open(a, &v, unwrapped(a, vneid_vectors[i].aes, vneid_vectors[i].aes_len), &json),
                         ERR_OK);
        assert_true(span_is(json, vneid_vectors[i].plain));
    }
}

/* As vneid_envelope.h says: what was inside goes on as if it were the answer. */
static void test_the_inside_is_taken_as_userinfo(void **state) {
    struct arena *a = *state;
    struct vneid_envelope v;
    struct span json;
    AUTO_JSON json_t *claims = NULL;
    assert_int_equal(vneid_envelope_parse(a, span_of(vneid_vectors[0].body), &v), ERR_OK);
    assert_int_equal(vneid_envelope_open(a, &v, unwrapped(a, vneid_vectors[0].aes, 16), &json), ERR_OK);
    assert_int_equal(json_parse_object(json, VNEID_ENVELOPE_MAX, &claims), ERR_OK);
    assert_true(span_is(json_str(claims, "citizenPid"), "030190001235"));
}

static void test_E15_anothers_key_and_noise_are_refused_alike(void **state) {
    struct arena *a = *state;
    struct vneid_envelope v;
    struct span json;
    assert_int_equal(vneid_envelope_parse(a, span_of(vneid_vectors[0].body), &v), ERR_OK);
    for (size_t i = 0; i < 255; i++) { /* as keys of implicit rejection would be */
        unsigned char key[32] = {0};
        memcpy(key, vneid_vectors[0].aes, 16);
        key[i % 16] ^= (unsigned char)(i + 1);
        assert_int_equal(vneid_envelope_open(a, &v, unwrapped(a, key, 16 + 8 * (i % 3)), &json), ERR_REFUSED);
    }
    assert_int_equal(vneid_envelope_open(a, &v, unwrapped(a, vneid_vectors[0].aes, 16), &json), ERR_OK);
    assert_int_equal(vneid_envelope_open(a, &v, unwrapped(a, vneid_vectors[0].aes, 0), &json), ERR_REFUSED);
    assert_int_equal(vneid_envelope_open(a, &v, span_bytes(vneid_vectors[0].aes, 16), &json), ERR_REFUSED);
    assert_int_equal(vneid_envelope_open(a, &v, SPAN_NONE, &json), ERR_REFUSED);
}

/* ---- padding, and what is inside ---- */

static const unsigned char fixed[16] = {7};

/* Opens blocks that hold exactly this, padding and all. */
static enum err open_blocks(struct arena *a, const void *blocks, size_t len, struct span *ret_json) {
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    unsigned char *data = arena_alloc(a, len);
    int n;
    assert_int_equal(EVP_EncryptInit_ex2(c, EVP_aes_128_ecb(), fixed, NULL, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_padding(c, 0), 1);
    assert_int_equal(EVP_EncryptUpdate(c, data, &n, blocks, (int)len), 1);
    EVP_CIPHER_CTX_free(c);
    const struct vneid_envelope v = {.wrapped = SPAN("w"), .data = span_bytes(data, len)};
    return vneid_envelope_open(a, &v, unwrapped(a, fixed, sizeof fixed), ret_json);
}

static enum err open_text(struct arena *a, struct span text, struct span *ret_json) {
    size_t pad = BLOCK - text.len % BLOCK;
    char *blocks = arena_alloc(a, text.len + pad);
    memcpy(blocks, text.ptr, text.len);
    memset(blocks + text.len, (int)pad, pad);
    return open_blocks(a, blocks, text.len + pad, ret_json);
}

/* White space makes an object of any length, so each padding there is meets text that would pass. */
static void test_E15_every_padding_is_taken_and_every_broken_one_refused(void **state) {
    struct arena *a = *state;
    struct span json;
    for (size_t pad = 1; pad <= BLOCK; pad++) {
        unsigned char good[2 * BLOCK], broken[2 * BLOCK];
        memset(good, ' ', sizeof good);
        memcpy(good, "{}", 2);
        memset(good + 2 * BLOCK - pad, (int)pad, pad);
        assert_int_equal(open_blocks(a, good, sizeof good, &json), ERR_OK);
        assert_int_equal(json.len, 2 * BLOCK - pad);
        for (size_t at = 2 * BLOCK - pad; at < 2 * BLOCK; at++) {
            memcpy(broken, good, sizeof good);
            broken[at] = ' '; /* text goes on where padding was: the object alone would be good */
            assert_int_equal(open_blocks(a, broken, sizeof broken, &json), ERR_REFUSED);
        }
    }
    unsigned char none[BLOCK] = "{}              ";
    for (unsigned last = 0; last < 256; last++) {
        none[BLOCK - 1] = (unsigned char)last;
        assert_int_equal(open_blocks(a, none, BLOCK, &json), last == 1 ? ERR_OK : ERR_REFUSED);
    }
}

static void test_E15_only_one_object_is_inside(void **state) {
    struct arena *a = *state;
    struct span json;
    static const char *const bad[] = {
        "", " ", "null", "[]", "[{}]", "\"a\"", "{} {}", "{}x", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":1}}",
        "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}", "{", "access_token=x",
    };
    assert_int_equal(open_text(a, SPAN("{\"a\":{\"b\":1}}"), &json), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(open_text(a, span_of(bad[i]), &json), ERR_REFUSED);
    assert_int_equal(open_text(a, SPAN("{}\0"), &json), ERR_REFUSED);
}

static void test_without_memory_it_says_so_before_it_looks(void **state) {
    struct arena *a = *state;
    struct arena none = ARENA_INIT(0);
    struct vneid_envelope v;
    struct span json;
    assert_int_equal(vneid_envelope_parse(&none, span_of(vneid_vectors[0].body), &v), ERR_NOMEM);
    assert_int_equal(vneid_envelope_parse(a, span_of(vneid_vectors[0].body), &v), ERR_OK);
    assert_int_equal(vneid_envelope_open(&none, &v, unwrapped(a, vneid_vectors[0].aes, 16), &json), ERR_NOMEM);
}

/* ---- the outside ---- */

#define ZEROS "AAAAAAAAAAAAAAAAAAAAAA==" /* 16 zero bytes */

static void test_E15_the_envelope_has_one_form(void **state) {
    struct arena *a = *state;
    struct vneid_envelope v;
    static const char *const bad[] = {
        "", "{}", "[]", "null", "access_token=x",
        "{\"data\":\"" ZEROS "\"}",
        "{\"key\":\"" ZEROS "\"}",
        "{\"data\":\"" ZEROS "\",\"key\":\"" ZEROS "\",\"error\":\"\"}",
        "{\"data\":\"" ZEROS "\",\"Key\":\"" ZEROS "\"}",
        "{\"data\":\"" ZEROS "\",\"data\":\"" ZEROS "\",\"key\":\"" ZEROS "\"}",
        "{\"data\":\"\",\"key\":\"" ZEROS "\"}",
        "{\"data\":\"" ZEROS "\",\"key\":\"\"}",
        "{\"data\":null,\"key\":\"" ZEROS "\"}",
        "{\"data\":\"" ZEROS "\",\"key\":[\"" ZEROS "\"]}",
        "{\"data\":\"" ZEROS "\",\"key\":\"" ZEROS "\"} x",
        "{\"data\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"key\":\"" ZEROS "\"}",   /* no padding */
        "{\"data\":\"AAAAAAAAAAAAAAAAAAAAAB==\",\"key\":\"" ZEROS "\"}", /* another spelling */
        "{\"data\":\"AAAAAAAAAAAAAAAAAAAA_A==\",\"key\":\"" ZEROS "\"}", /* base64url */
        "{\"data\":\"AAAAAAAAAAAA\\nAAAAAAAAAA==\",\"key\":\"" ZEROS "\"}",
        "{\"data\":\" " ZEROS "\",\"key\":\"" ZEROS "\"}",
        "{\"data\":\"====\",\"key\":\"" ZEROS "\"}",
        "{\"data\":\"AAAA\",\"key\":\"" ZEROS "\"}",                     /* no whole block */
        "{\"data\":\"AAAAAAAAAAAAAAAAAAAAAAA=\",\"key\":\"" ZEROS "\"}", /* 17 bytes */
    };
    assert_int_equal(vneid_envelope_parse(a, SPAN("{\"data\":\"" ZEROS "\",\"key\":\"" ZEROS "\"}"), &v), ERR_OK);
    assert_int_equal(v.data.len, 16);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(vneid_envelope_parse(a, span_of(bad[i]), &v), ERR_REFUSED);
}

static struct span body_of(struct arena *a, size_t key_bytes, size_t data_bytes, size_t spaces) {
    struct buf b = BUF_INIT(4 * VNEID_ENVELOPE_MAX);
    char *zeros = arena_alloc(a, key_bytes > data_bytes ? key_bytes : data_bytes);
    buf_add_str(&b, "{\"key\":\"");
    b64_add(&b, zeros, key_bytes);
    buf_add_str(&b, "\",\"data\":\"");
    b64_add(&b, zeros, data_bytes);
    buf_add_str(&b, "\"}");
    for (size_t i = 0; i < spaces; i++)
        buf_add_char(&b, ' ');
    struct span body = arena_dup(a, buf_span(&b));
    buf_done(&b);
    return body;
}

static void test_lengths_are_bounded(void **state) {
    struct arena *a = *state;
    struct vneid_envelope v;
    size_t rest = VNEID_ENVELOPE_MAX - body_of(a, 256, BLOCK, 0).len;
    assert_int_equal(vneid_envelope_parse(a, body_of(a, 256, BLOCK, rest), &v), ERR_OK);
    assert_int_equal(vneid_envelope_parse(a, body_of(a, 256, BLOCK, rest + 1), &v), ERR_REFUSED);
    assert_int_equal(vneid_envelope_parse(a, body_of(a, VNEID_WRAPPED_MAX, BLOCK, 0), &v), ERR_OK);
    assert_int_equal(vneid_envelope_parse(a, body_of(a, VNEID_WRAPPED_MAX + 1, BLOCK, 0), &v), ERR_REFUSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_what_another_implementation_sealed_opens),
        T(test_the_inside_is_taken_as_userinfo),
        T(test_E15_anothers_key_and_noise_are_refused_alike),
        T(test_E15_every_padding_is_taken_and_every_broken_one_refused),
        T(test_E15_only_one_object_is_inside),
        T(test_without_memory_it_says_so_before_it_looks),
        T(test_E15_the_envelope_has_one_form),
        T(test_lengths_are_bounded),
#undef T
    };
    return cmocka_run_group_tests_name("vneid_envelope", tests, NULL, NULL);
}
