/* SPDX-License-Identifier: Apache-2.0
 *
 * Remembering changes no answer: a token is taken from memory only for the very bytes and the very
 * key set that verified it before; other bytes, another set and refused tokens are judged anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/secret.h"
#include "forge.h"
#include "keys/jws_memory.h"

#define KEY(kid, k) "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"" kid "\",\"k\":\"" k "\"}"
#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OTHER  "HwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4"

static struct arena arena = ARENA_INIT(64 * 1024 * 1024);
static struct jwk_set ours, same, others;
static struct jws_memory *memory;
static struct span secret_key;
static const struct jws_expect expect = {.typ = NULL, .algs = NULL};

static struct span token_of(const char *payload) {
    return forge_hs256(&arena, secret_key, "{\"alg\":\"HS256\"}", span_of(payload));
}

static enum err verify(const struct jwk_set *keys, struct span token) {
    struct span payload = SPAN_NONE;
    enum err e = jws_memory_verify(memory, &arena, token, &expect, keys, &payload);
    assert_int_equal(e == ERR_OK, payload.ptr != NULL);
    return e;
}

static void test_the_payload_is_the_same_from_memory(void **state) {
    (void)state;
    struct span token = token_of("{\"sub\":\"an\"}"), payload;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(jws_memory_verify(memory, &arena, token, &expect, &ours, &payload), ERR_OK);
        assert_true(span_is(payload, "{\"sub\":\"an\"}"));
    }
    assert_int_equal(jws_memory_verify(NULL, &arena, token, &expect, &ours, &payload), ERR_OK);
}

static void test_E01_every_changed_byte_of_a_known_token_is_refused(void **state) {
    (void)state;
    struct span token = token_of("{\"sub\":\"binh\"}"); /* every place holds some good one by now */
    assert_int_equal(verify(&ours, token), ERR_OK);
    for (size_t i = 0; i < token.len; i++) {
        char *changed = arena_strndup(&arena, token.ptr, token.len);
        changed[i] = changed[i] == 'B' ? 'C' : 'B';
        assert_int_not_equal(verify(&ours, span_of(changed)), ERR_OK);
    }
    for (size_t len = 0; len < token.len; len++)
        assert_int_not_equal(verify(&ours, span_bytes(token.ptr, len)), ERR_OK);
    assert_int_not_equal(verify(&ours, span_of(arena_printf(&arena, "%.*s.", SPAN_FMT(token)))), ERR_OK);
    assert_int_equal(verify(&ours, token), ERR_OK);
}

static void test_D16_another_key_set_judges_anew(void **state) {
    (void)state;
    struct span token = token_of("{\"sub\":\"cuong\"}");
    assert_int_equal(verify(&ours, token), ERR_OK);
    assert_int_not_equal(verify(&others, token), ERR_OK);
    assert_int_equal(verify(&same, token), ERR_OK); /* equal keys, verified again */
    assert_int_not_equal(verify(&others, token), ERR_OK);
}

static void test_a_refusal_is_not_remembered(void **state) {
    (void)state;
    struct span token = token_of("{\"sub\":\"dung\"}");
    for (int i = 0; i < 3; i++)
        assert_int_not_equal(verify(&others, token), ERR_OK);
    assert_int_equal(verify(&ours, token), ERR_OK);
}

static void test_more_tokens_than_places(void **state) {
    (void)state;
    for (int i = 0; i < 3 * JWS_MEMORY_SLOTS; i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct span payload, token = forge_hs256(&a, secret_key, "{\"alg\":\"HS256\"}",
                                                 span_of(arena_printf(&a, "{\"n\":%d}", i)));
        assert_int_equal(jws_memory_verify(memory, &a, token, &expect, &ours, &payload), ERR_OK);
        assert_int_not_equal(jws_memory_verify(memory, &a, token, &expect, &others, &payload), ERR_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_payload_is_the_same_from_memory),
        cmocka_unit_test(test_D16_another_key_set_judges_anew),
        cmocka_unit_test(test_a_refusal_is_not_remembered),
        cmocka_unit_test(test_more_tokens_than_places),
        cmocka_unit_test(test_E01_every_changed_byte_of_a_known_token_is_refused),
    };
    if (secret_init() || jws_memory_new(&memory) || b64url_decode_arena(&arena, SPAN(SECRET), &secret_key))
        return 1;
    ours = forge_set(KEY("k", SECRET));
    same = forge_set(KEY("k", SECRET));
    others = forge_set(KEY("k", OTHER));
    int failed = cmocka_run_group_tests_name("keys/jws_memory", tests, NULL, NULL);
    jwk_set_done(&ours);
    jwk_set_done(&same);
    jwk_set_done(&others);
    jws_memory_free(memory);
    arena_done(&arena);
    return failed;
}
