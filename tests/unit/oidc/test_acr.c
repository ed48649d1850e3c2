/* SPDX-License-Identifier: Apache-2.0
 *
 * acr is the level that was reached, never more, in the words that the client asked in; amr names
 * what was done (RFC 8176). */
#include "check.h"
#include "idp/config.h"
#include "idp/session.h"
#include "protocols/oidc/acr.h"

static const struct config cfg = {
    .acr_1 = {"urn:vn:dvc:loa:1", 16}, .acr_2 = {"urn:vn:dvc:loa:2", 16}, .acr_3 = {"urn:vn:dvc:loa:3", 16}};

static void test_names(void **state) {
    (void)state;
    static const struct {
        const char *asked;
        int loa;
        const char *given;
    } cases[] = {
        {NULL, 1, "urn:vn:dvc:loa:1"},
        {"", 2, "urn:vn:dvc:loa:2"},
        {"LoA1", 1, "LoA1"},
        {"LoA3", 1, "LoA1"},
        {"LoA1", 3, "LoA3"},
        {"2", 1, "1"},
        {"urn:other 3 LoA1", 2, "2"},
        {"urn:vn:dvc:loa:3 LoA1", 1, "urn:vn:dvc:loa:1"},
        {"loa1 LoA 4 LoA10", 1, "urn:vn:dvc:loa:1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_span(acr_name(&cfg, span_of(cases[i].asked), cases[i].loa), cases[i].given);
    assert_null(acr_name(&cfg, SPAN("LoA1"), 0).ptr);
    assert_null(acr_name(&cfg, SPAN("LoA1"), 4).ptr);
}

static void test_levels(void **state) {
    (void)state;
    assert_int_equal(acr_level(&cfg, SPAN("LoA2")), 2);
    assert_int_equal(acr_level(&cfg, SPAN("urn:vn:dvc:loa:3")), 3);
    assert_int_equal(acr_level(&cfg, SPAN("1")), 1);
    assert_int_equal(acr_level(&cfg, SPAN("0")), 0);
    assert_int_equal(acr_level(&cfg, SPAN_NONE), 0);
}

static void check_amr(unsigned amr, const char *expected) {
    struct buf b = BUF_INIT(256);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    amr_add(&o, amr);
    json_close_object(&o);
    assert_span(buf_span(&b), expected);
    buf_done(&b);
}

static void test_amr(void **state) {
    (void)state;
    check_amr(0, "{}");
    check_amr(AMR_PWD, "{\"amr\":[\"pwd\"]}");
    check_amr(AMR_PWD | AMR_OTP, "{\"amr\":[\"pwd\",\"otp\",\"mfa\"]}");
    check_amr(AMR_HWK | AMR_USER, "{\"amr\":[\"hwk\",\"user\",\"mfa\"]}");
    check_amr(AMR_HWK, "{\"amr\":[\"hwk\"]}"); /* possession alone is one factor */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_amr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
