/* SPDX-License-Identifier: Apache-2.0
 *
 * A refresh token is one grant's and one generation's, and nothing else passes for it (B24). */
#include <sodium.h>

#include "base/encode.h"
#include "check.h"
#include "protocols/oidc/refresh_token.h"

static struct grant sample(void) {
    struct grant g = {.found = true};
    memset(g.key.b, 0x5a, sizeof g.key.b);
    memset(g.salt, 0xa5, sizeof g.salt);
    return g;
}

static struct refresh_token parsed(const char *text) {
    struct refresh_token t;
    assert_int_equal(refresh_token_parse(span_of(text), &t), ERR_OK);
    return t;
}

static void test_round_trip(void **state) {
    (void)state;
    static const int64_t generations[] = {0, 1, 255, 256, 65536, UINT32_MAX};
    struct grant g = sample();
    for (size_t i = 0; i < sizeof generations / sizeof generations[0]; i++) {
        char text[REFRESH_TOKEN_CHARS + 1];
        refresh_token_build(NULL, &g, generations[i], text);
        assert_int_equal(strlen(text), REFRESH_TOKEN_CHARS);
        struct refresh_token t = parsed(text);
        assert_int_equal(t.generation, generations[i]);
        assert_memory_equal(t.key.b, g.key.b, GRANT_KEY_BYTES);
        assert_int_equal(refresh_token_verify(NULL, &g, &t), ALLOW);
    }
}

static void test_B24_any_changed_bit_is_refused(void **state) {
    (void)state;
    struct grant g = sample();
    char text[REFRESH_TOKEN_CHARS + 1];
    refresh_token_build(NULL, &g, 3, text);
    unsigned char bytes[REFRESH_TOKEN_BYTES];
    size_t len;
    assert_int_equal(b64url_decode(span_of(text), bytes, sizeof bytes, &len), ERR_OK);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        char changed[REFRESH_TOKEN_CHARS + 1];
        changed[b64url_encode(bytes, sizeof bytes, changed)] = '\0';
        struct refresh_token t;
        if (refresh_token_parse(span_of(changed), &t) == ERR_OK)
            assert_int_equal(refresh_token_verify(NULL, &g, &t), DENY);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void test_other_grants_salt(void **state) {
    (void)state;
    struct grant g = sample();
    char text[REFRESH_TOKEN_CHARS + 1];
    refresh_token_build(NULL, &g, 0, text);
    struct refresh_token t = parsed(text);
    g.salt[15] ^= 1;
    assert_int_equal(refresh_token_verify(NULL, &g, &t), DENY);
}

static void test_text_form(void **state) {
    (void)state;
    struct grant g = sample();
    char text[REFRESH_TOKEN_CHARS + 3];
    refresh_token_build(NULL, &g, 0, text);
    struct refresh_token t;
    assert_int_equal(refresh_token_parse((struct span){text, REFRESH_TOKEN_CHARS - 1}, &t), ERR_SYNTAX);
    text[REFRESH_TOKEN_CHARS] = 'A';
    assert_int_equal(refresh_token_parse((struct span){text, REFRESH_TOKEN_CHARS + 1}, &t), ERR_SYNTAX);
    text[REFRESH_TOKEN_CHARS - 1] = '+';
    assert_int_equal(refresh_token_parse((struct span){text, REFRESH_TOKEN_CHARS}, &t), ERR_SYNTAX);
    assert_int_equal(refresh_token_parse(SPAN_NONE, &t), ERR_SYNTAX);
    refresh_token_build(NULL, &g, 0, text);
    text[0] = text[0] == 'B' ? 'C' : 'B'; /* version */
    assert_int_equal(refresh_token_parse((struct span){text, REFRESH_TOKEN_CHARS}, &t), ERR_SYNTAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_B24_any_changed_bit_is_refused),
        cmocka_unit_test(test_other_grants_salt),
        cmocka_unit_test(test_text_form),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
