/* SPDX-License-Identifier: Apache-2.0
 *
 * A redirect carries the client's state back octet for octet where that is safe, and nothing of it
 * can become a second header or a second parameter (A31, T09). */
#include "check.h"
#include "protocols/oidc/redirect.h"

static struct arena arena = ARENA_INIT(1024 * 1024);

static struct span octets(struct span raw) {
    static struct buf b = BUF_INIT(65536);
    buf_reset(&b);
    redirect_add_octets(&b, raw);
    return buf_span(&b);
}

static void test_A31_octets(void **state) {
    (void)state;
    static const struct {
        const char *raw, *out;
    } cases[] = {
        {"abcXYZ019-._~", "abcXYZ019-._~"},
        {"aHR0cHM6Ly9leC52bi8/+a==", "aHR0cHM6Ly9leC52bi8/+a=="}, /* base64 as portals send it */
        {"a%2Bb%3dc%0D%0A", "a%2Bb%3dc%0D%0A"},                   /* escapes keep their case */
        {"a\r\nSet-Cookie: x", "a%0D%0ASet-Cookie%3A%20x"},
        {"a&code=stolen", "a%26code=stolen"},
        {"a#b?c", "a%23b%3Fc"},
        {"\"><script>", "%22%3E%3Cscript%3E"},
        {"\xc4\x91", "%C4%91"},
        {"100%", "100%25"},
        {"%4", "%254"},
        {"%zz", "%25zz"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_span(octets(span_of(cases[i].raw)), cases[i].out);
    assert_span(octets(SPAN("a\0b")), "a%00b");
}

static struct span built(const char *uri) {
    const struct redirect_param params[] = {
        {"code", SPAN("c/1"), false},
        {"absent", SPAN_NONE, false},
        {"state", SPAN("s+/="), true},
        {"iss", SPAN("http://localhost:1"), false},
    };
    struct span location = SPAN_NONE;
    assert_int_equal(redirect_build(&arena, span_of(uri), params, 4, &location), ERR_OK);
    return location;
}

static void test_A30_query_is_joined(void **state) {
    (void)state;
#define TAIL "code=c%2F1&state=s+/=&iss=http%3A%2F%2Flocalhost%3A1"
    assert_span(built("https://c.example/cb"), "https://c.example/cb?" TAIL);
    assert_span(built("https://c.example/cb?a=b"), "https://c.example/cb?a=b&" TAIL);
    assert_span(built("https://c.example/cb?"), "https://c.example/cb?" TAIL);
    assert_span(built("vn.gov.app:/cb"), "vn.gov.app:/cb?" TAIL);
    arena_reset(&arena);
}

static void test_A34_form_action(void **state) {
    (void)state;
    assert_span(redirect_form_action(SPAN("https://c.example:8443/cb?x")), "https://c.example:8443");
    assert_span(redirect_form_action(SPAN("http://127.0.0.1:99/cb")), "http://127.0.0.1:99");
    assert_span(redirect_form_action(SPAN("http://[::1]:99/cb")), "http://[::1]:99");
    assert_span(redirect_form_action(SPAN("https://c.example")), "https://c.example");
    assert_span(redirect_form_action(SPAN("vn.gov.app:/cb")), "vn.gov.app:");
    assert_null(redirect_form_action(SPAN("/cb")).ptr);
    assert_null(redirect_form_action(SPAN(": nothing")).ptr);
}

static struct span state_of(const char *query) {
    struct params params = {0};
    assert_int_equal(params_split(&arena, span_of(query), &params), ERR_OK);
    return redirect_state(&params);
}

static void test_A31_state_as_received(void **state) {
    (void)state;
    assert_span(state_of("client_id=a&state=x%2By+z"), "x%2By+z");
    assert_null(state_of("state=a&state=a").ptr);
    assert_null(state_of("state=").ptr);
    assert_null(state_of("nonce=a").ptr);
    static char longest[sizeof "state=" + STATE_MAX + 1] = "state=";
    memset(longest + 6, 'a', STATE_MAX);
    assert_int_equal(state_of(longest).len, STATE_MAX);
    longest[6 + STATE_MAX] = 'a';
    assert_null(state_of(longest).ptr);
    /* What is escaped on the way back counts as it stands there. */
    longest[6 + STATE_MAX] = '\0';
    longest[6] = '$';
    assert_null(state_of(longest).ptr);
    longest[6 + STATE_MAX - 2] = '\0';
    assert_int_equal(state_of(longest).len, STATE_MAX - 2);
    arena_reset(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_A31_octets),
        cmocka_unit_test(test_A30_query_is_joined),
        cmocka_unit_test(test_A34_form_action),
        cmocka_unit_test(test_A31_state_as_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
