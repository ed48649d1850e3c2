/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: exactly the bytes asked for are filled, and two calls differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"

static void test_fills_exactly(void **state) {
    (void)state;
    unsigned char seen[32] = {0};
    for (int round = 0; round < 64; round++) {
        unsigned char bytes[34] = {0};
        random_bytes(bytes + 1, 32);
        assert_int_equal(bytes[0], 0);
        assert_int_equal(bytes[33], 0);
        for (size_t i = 0; i < 32; i++)
            seen[i] |= bytes[i + 1];
    }
    for (size_t i = 0; i < 32; i++)
        assert_int_not_equal(seen[i], 0);
    random_bytes(NULL, 0);
}

static void test_calls_differ(void **state) {
    (void)state;
    unsigned char a[16], b[16];
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

/* Drawn in advance or not, no bytes are given out twice. */
static void test_small_draws_never_repeat(void **state) {
    (void)state;
    static unsigned char all[4096][8];
    for (size_t i = 0; i < 4096; i++)
        random_bytes(all[i], sizeof all[i]);
    for (size_t i = 0; i < 4096; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(all[i], all[k], sizeof all[i]);
}

static void test_a_child_does_not_draw_what_its_parent_draws(void **state) {
    (void)state;
    unsigned char ours[32], theirs[32];
    int ends[2];
    random_bytes(ours, sizeof ours); /* the pool is filled */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        random_bytes(theirs, sizeof theirs);
        _exit(write(ends[1], theirs, sizeof theirs) == sizeof theirs ? 0 : 1);
    }
    random_bytes(ours, sizeof ours);
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_memory_not_equal(ours, theirs, sizeof ours);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_exactly),
        cmocka_unit_test(test_small_draws_never_repeat),
        cmocka_unit_test(test_a_child_does_not_draw_what_its_parent_draws),
        cmocka_unit_test(test_calls_differ),
    };
    return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
