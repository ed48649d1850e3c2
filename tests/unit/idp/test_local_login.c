/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a switch of local sign-in holds for its own type of account, from the first second of its
 * day in Viet Nam, and what is not known is denied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "idp/local_login.h"

#define NOON_2026_12_30 INT64_C(1798606800)
#define DAY             86400

static void test_each_type_has_its_own(void **state) {
    (void)state;
    const struct config c = {.local_login_citizen = SPAN("deny"),
                             .local_login_enterprise = SPAN("step-up-only"),
                             .local_login_official = SPAN("allow")};
    assert_int_equal(config_local_login(&c, USER_CITIZEN, NOON_2026_12_30), LOCAL_LOGIN_DENY);
    assert_int_equal(config_local_login(&c, USER_ENTERPRISE, NOON_2026_12_30),
                     LOCAL_LOGIN_STEP_UP_ONLY);
    assert_int_equal(config_local_login(&c, USER_OFFICIAL, NOON_2026_12_30), LOCAL_LOGIN_ALLOW);
}

static void test_from_its_day(void **state) {
    (void)state;
    const int64_t from = NOON_2026_12_30 + DAY / 2;
    const struct config c = {.local_login_citizen = SPAN("deny"),
                             .local_login_citizen_from = from,
                             .local_login_enterprise = SPAN("deny"),
                             .local_login_official = SPAN("allow")};
    assert_int_equal(config_local_login(&c, USER_CITIZEN, from - 1), LOCAL_LOGIN_ALLOW);
    assert_int_equal(config_local_login(&c, USER_CITIZEN, from), LOCAL_LOGIN_DENY);
    assert_int_equal(config_local_login(&c, USER_CITIZEN, from + DAY), LOCAL_LOGIN_DENY);
    assert_int_equal(config_local_login(&c, USER_ENTERPRISE, from - 1), LOCAL_LOGIN_DENY);
}

static void test_what_is_not_known_is_denied(void **state) {
    (void)state;
    const struct config none = {0}, odd = {.local_login_citizen = SPAN("perhaps")};
    assert_int_equal(config_local_login(&none, USER_CITIZEN, NOON_2026_12_30), LOCAL_LOGIN_DENY);
    assert_int_equal(config_local_login(&odd, USER_CITIZEN, NOON_2026_12_30), LOCAL_LOGIN_DENY);
    assert_int_equal(config_local_login(&odd, (enum user_type)9, NOON_2026_12_30),
                     LOCAL_LOGIN_DENY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_has_its_own),
        cmocka_unit_test(test_from_its_day),
        cmocka_unit_test(test_what_is_not_known_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
