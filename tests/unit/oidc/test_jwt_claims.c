/* SPDX-License-Identifier: Apache-2.0
 *
 * A JWT is good from nbf until exp by whole seconds, for those it names, and for nobody when a
 * claim is of the wrong kind (E12, E13, B14). */
#include "base/json.h"
#include "check.h"
#include "protocols/oidc/jwt_claims.h"

#define NOW 1800000000
#define OP  "https://op.example"

static const struct jwt_times assertion = {.needs_expiry = true, .longest = 3600};
static const struct jwt_times object = {.longest = 3600};

static json_t *parse(const char *text) {
    json_t *claims;
    assert_int_equal(json_parse_object(span_of(text), 4096, &claims), ERR_OK);
    return claims;
}

static enum err times(const struct jwt_times *rules, const char *text, int64_t *ret) {
    AUTO_JSON json_t *claims = parse(text);
    return jwt_times_check(claims, rules, NOW, ret);
}

static void test_E12_times(void **state) {
    (void)state;
    static const struct {
        const char *claims;
        enum err want;
    } cases[] = {
        {"{\"exp\":1800000001}", ERR_OK},
        {"{\"exp\":1800003600}", ERR_OK},
        {"{\"exp\":1800000001.5}", ERR_OK},
        {"{\"exp\":1800000001,\"nbf\":1800000060,\"iat\":1800000060}", ERR_OK},
        {"{\"exp\":1800000001,\"nbf\":0,\"iat\":0}", ERR_OK},
        {"{}", ERR_MISSING},
        {"{\"exp\":1800000000}", ERR_EXPIRED},
        {"{\"exp\":1800000000.9}", ERR_EXPIRED},
        {"{\"exp\":1800003601}", ERR_RANGE},
        {"{\"exp\":-1}", ERR_RANGE},
        {"{\"exp\":1e300}", ERR_RANGE},
        {"{\"exp\":-1e300}", ERR_RANGE},
        {"{\"exp\":9223372036854775807}", ERR_RANGE},
        {"{\"exp\":\"1800000001\"}", ERR_SYNTAX},
        {"{\"exp\":null}", ERR_SYNTAX},
        {"{\"exp\":true}", ERR_SYNTAX},
        {"{\"exp\":[1800000001]}", ERR_SYNTAX},
        {"{\"exp\":1800000001,\"nbf\":1800000061}", ERR_RANGE},
        {"{\"exp\":1800000001,\"iat\":1800000061}", ERR_RANGE},
        {"{\"exp\":1800000001,\"nbf\":\"1\"}", ERR_SYNTAX},
        {"{\"exp\":1800000001,\"iat\":{}}", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t expires_at = -1;
        enum err e = times(&assertion, cases[i].claims, &expires_at);
        if (e != cases[i].want)
            fail_msg("%s: %s", cases[i].claims, err_name(e));
        assert_true(e ? expires_at == -1 : expires_at > NOW);
    }
}

static void test_E12_where_exp_may_be_absent(void **state) {
    (void)state;
    int64_t expires_at = -1;
    assert_int_equal(times(&object, "{\"nbf\":1}", &expires_at), ERR_OK);
    assert_int_equal(expires_at, 0);
    assert_int_equal(times(&object, "{\"exp\":1}", &expires_at), ERR_EXPIRED);
    assert_int_equal(times(&object, "{\"exp\":\"\"}", &expires_at), ERR_SYNTAX);
    assert_int_equal(times(&object, "{\"nbf\":1800000061}", &expires_at), ERR_RANGE);
}

static void test_E13_B14_audiences(void **state) {
    (void)state;
    static const struct span ours[] = {{OP, sizeof OP - 1}, {OP "/token", sizeof OP - 1 + 6}};
    static const struct {
        const char *claims;
        enum err want;
    } cases[] = {
        {"{\"aud\":\"" OP "\"}", ERR_OK},
        {"{\"aud\":\"" OP "/token\"}", ERR_OK},
        {"{\"aud\":[\"" OP "\"]}", ERR_OK},
        {"{\"aud\":[\"" OP "\",\"" OP "/token\"]}", ERR_OK},
        {"{}", ERR_MISSING},
        {"{\"aud\":\"\"}", ERR_REFUSED},
        {"{\"aud\":\"" OP "/\"}", ERR_REFUSED},
        {"{\"aud\":\"https://OP.example\"}", ERR_REFUSED},
        {"{\"aud\":\"https://op.exampl\"}", ERR_REFUSED},
        {"{\"aud\":\"https://other.example\"}", ERR_REFUSED},
        {"{\"aud\":[\"" OP "\",\"https://other.example\"]}", ERR_REFUSED},
        {"{\"aud\":[\"https://other.example\",\"" OP "\"]}", ERR_REFUSED},
        {"{\"aud\":[\"" OP "\",1]}", ERR_REFUSED},
        {"{\"aud\":[[\"" OP "\"]]}", ERR_REFUSED},
        {"{\"aud\":[]}", ERR_SYNTAX},
        {"{\"aud\":1}", ERR_SYNTAX},
        {"{\"aud\":null}", ERR_SYNTAX},
        {"{\"aud\":{\"" OP "\":1}}", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_JSON json_t *claims = parse(cases[i].claims);
        enum err e = jwt_audience_check(claims, ours, 2);
        if (e != cases[i].want)
            fail_msg("%s: %s", cases[i].claims, err_name(e));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_E12_times),
        cmocka_unit_test(test_E12_where_exp_may_be_absent),
        cmocka_unit_test(test_E13_B14_audiences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
