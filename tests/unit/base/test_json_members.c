/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: json_members_read accepts what json_parse_object accepts, and both find the same; what we
 * write ourselves is read in place. Proved by examples and by texts that are bent at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_members.h"

#define ID_TOKEN                                                                                   \
    "{\"iss\":\"https://idp.example\",\"sub\":\"s\",\"aud\":\"c\",\"iat\":1700000000,"             \
    "\"exp\":1700000300,\"auth_time\":0,\"acr\":\"urn:x\",\"amr\":[\"pwd\",\"otp\"],\"list\":[],"  \
    "\"yes\":true,\"no\":false,\"none\":null,\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"}"

static const char *const names[] = {"iss", "sub", "iat", "exp", "auth_time", "amr", "a", ""};

static void same_members(const struct json_members *m, const json_t *j) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int64_t one = 0, other = 0;
        assert_true(span_eq(json_members_str(m, names[i]), json_str(j, names[i])));
        assert_int_equal(json_members_int(m, names[i], &one), json_int(j, names[i], &other));
        assert_int_equal(one, other);
        assert_int_equal(json_members_has(m, names[i]), json_object_get(j, names[i]) != NULL);
    }
}

/* Whether it was read in place. */
static bool agree(struct span text) {
    struct json_members m = {.parsed = NULL};
    AUTO_JSON json_t *j = NULL;
    enum err e = json_parse_object(text, 65536, &j);
    assert_int_equal(json_members_read(text, 65536, &m), e);
    if (e)
        return false;
    same_members(&m, j);
    bool is_in_place = !m.parsed;
    json_members_done(&m);
    return is_in_place;
}

static void test_what_we_write_is_read_in_place(void **state) {
    (void)state;
    assert_true(agree(SPAN(ID_TOKEN)));
    assert_true(agree(SPAN("{\"iss\":\"Nguy\xE1\xBB\x85n\",\"a\":\"\x7F\"}")));
    assert_true(agree(SPAN("{\"iss\":1,\"iat\":\"2\",\"exp\":[3]}")));
    struct json_members m;
    assert_int_equal(json_members_read(SPAN(ID_TOKEN), sizeof ID_TOKEN - 2, &m), ERR_TOO_LONG);
}

static void test_E06_repeated_members_and_other_unusual_texts_are_parsed(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "{", "{}", "[]", "{\"a\":1", "{\"a\":1}x", " {\"a\":1}", "{\"a\": 1}", "{\"a\":1,}",
        "{\"a\":1,\"a\":2}", "{\"a\":01}", "{\"a\":-1}", "{\"a\":1.5}", "{\"a\":1e3}", "{\"a\":}",
        "{\"a\":9999999999999999999}", "{\"a\":\"\\u0000\"}", "{\"a\":{}}", "{\"a\":\"\xC3\"}",
        "{\"a\":[[1]]}", "{\"a\":[1,]}", "{\"a\":[1}", "{\"a\":tru}", "{\"a\":\"\n\"}", "{a:1}",
        "{\"a\":1,\"\\u0061\":2}", "{\"a\":\"x}", "{,}", "{\"a\":1\"b\":2}", "{\"a\":\"\xED\xA0\x80\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(agree(span_of(texts[i])));
    assert_false(agree(SPAN("{\"a\":\"\0\"}")));
}

/* Every byte replaced by each of those that mean something, left out, or doubled. */
static void test_bent_texts_are_read_alike(void **state) {
    (void)state;
    static const char signs[] = "{}[]\",:\\ 0a-.\n\x7F\x80";
    char text[sizeof ID_TOKEN + 1];
    size_t accepted = 0;
    for (size_t at = 0; at < sizeof ID_TOKEN - 1; at++) {
        for (size_t s = 0; s < sizeof signs; s++) { /* the NUL too */
            memcpy(text, ID_TOKEN, sizeof ID_TOKEN);
            text[at] = signs[s];
            accepted += agree(span_bytes(text, sizeof ID_TOKEN - 1));
        }
        memcpy(text, ID_TOKEN, at);
        memcpy(text + at, &ID_TOKEN[at + 1], sizeof ID_TOKEN - at - 1);
        accepted += agree(span_bytes(text, sizeof ID_TOKEN - 2));
        memcpy(text + at, &ID_TOKEN[at], sizeof ID_TOKEN - at);
        memmove(text + at + 1, text + at, sizeof ID_TOKEN - at);
        accepted += agree(span_bytes(text, sizeof ID_TOKEN));
    }
    assert_true(accepted > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_we_write_is_read_in_place),
        cmocka_unit_test(test_E06_repeated_members_and_other_unusual_texts_are_parsed),
        cmocka_unit_test(test_bent_texts_are_read_alike),
    };
    return cmocka_run_group_tests_name("json_members", tests, NULL, NULL);
}
