/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: the proof of an account that a flow carries counts for a while, for that account as it was,
 * and for no other (U05). What seals a flow for its browser is tried by tests/attack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "idp/flow.h"

#define NOW INT64_C(1790000000)

static struct user user_new(unsigned char id) {
    struct user u = {.found = true, .status = USER_ACTIVE, .password_hash = SPAN("$argon2id$one")};
    memset(u.id.b, id, sizeof u.id.b);
    return u;
}

static void test_U05_a_proof_ends(void **state) {
    (void)state;
    struct flow f = {.target = FLOW_ACCOUNT};
    const struct user u = user_new(1);
    assert_false(flow_proof_stands(&f, &u, NOW));
    flow_prove(&f, &u, NOW);
    assert_true(flow_proof_stands(&f, &u, NOW));
    assert_true(flow_proof_stands(&f, &u, NOW + FLOW_PROOF_SECONDS));
    assert_false(flow_proof_stands(&f, &u, NOW + FLOW_PROOF_SECONDS + 1));
}

static void test_U05_a_proof_is_of_one_account(void **state) {
    (void)state;
    struct flow f = {.target = FLOW_ACCOUNT};
    const struct user u = user_new(1), other = user_new(2);
    flow_prove(&f, &u, NOW);
    assert_false(flow_proof_stands(&f, &other, NOW));
    assert_true(flow_proof_stands(&f, &u, NOW));
}

static void test_U05_a_proof_is_of_the_account_as_it_was(void **state) {
    (void)state;
    struct flow f = {.target = FLOW_ACCOUNT};
    struct user u = user_new(1);
    flow_prove(&f, &u, NOW);
    u.status = USER_LOCKED;
    assert_false(flow_proof_stands(&f, &u, NOW));
    u = user_new(1);
    u.found = false;
    assert_false(flow_proof_stands(&f, &u, NOW));
    u = user_new(1);
    u.password_hash = SPAN("$argon2id$two");
    assert_false(flow_proof_stands(&f, &u, NOW));
    u = user_new(1);
    assert_true(flow_proof_stands(&f, &u, NOW));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_U05_a_proof_ends),
        cmocka_unit_test(test_U05_a_proof_is_of_one_account),
        cmocka_unit_test(test_U05_a_proof_is_of_the_account_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
