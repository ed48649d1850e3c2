/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: secrets lie in guarded memory, a key file that others could read is refused and a
 * FIFO never blocks, and comparison is by all bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"

static char folder[] = "/tmp/idp-test-secret-XXXXXX";
static char path[sizeof folder + 8];

static int make_folder(void **state) {
    (void)state;
    if (secret_init() || !mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/key", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static void write_key(const char *text, mode_t mode) {
    AUTO_CLOSE int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
}

static void test_file_of_its_owner_only(void **state) {
    (void)state;
    static const struct {
        mode_t mode;
        enum err want;
    } cases[] = {{0600, ERR_OK},      {0400, ERR_OK},      {0640, ERR_REFUSED},
                 {0604, ERR_REFUSED}, {0610, ERR_REFUSED}, {0620, ERR_REFUSED},
                 {0602, ERR_REFUSED}, {0666, ERR_REFUSED}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(secret_done) struct secret s = SECRET_INIT;
        write_key("0123456789", cases[i].mode);
        assert_int_equal(secret_read_file(path, 64, &s), cases[i].want);
        assert_true(cases[i].want ? s.ptr == NULL : span_is(secret_span(&s), "0123456789"));
        unlink(path);
    }
}

static void test_file_limit(void **state) {
    (void)state;
    CLEANUP(secret_done) struct secret s = SECRET_INIT;
    write_key("0123456789", 0600);
    assert_int_equal(secret_read_file(path, 9, &s), ERR_TOO_LONG);
    assert_int_equal(secret_read_file(path, 10, &s), ERR_OK);
    unlink(path);
    CLEANUP(secret_done) struct secret none = SECRET_INIT;
    assert_int_equal(secret_read_file(path, 10, &none), ERR_IO);
    write_key("", 0600);
    assert_int_equal(secret_read_file(path, 10, &none), ERR_OK);
    assert_int_equal(none.len, 0);
    unlink(path);
}

static void test_only_regular_files(void **state) {
    (void)state;
    CLEANUP(secret_done) struct secret s = SECRET_INIT;
    assert_int_equal(secret_read_file(folder, 64, &s), ERR_REFUSED);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(5); /* a read that waits for a writer would end here */
    assert_int_equal(secret_read_file(path, 64, &s), ERR_REFUSED);
    alarm(0);
    unlink(path);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(secret_read_file(path, 64, &s), ERR_IO);
    unlink(path);
}

static void test_made_and_copied(void **state) {
    (void)state;
    CLEANUP(secret_done) struct secret zero = SECRET_INIT, copy = SECRET_INIT, chance = SECRET_INIT;
    assert_int_equal(secret_new(32, &zero), ERR_OK);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(zero.ptr[i], 0);
    assert_int_equal(secret_copy(SPAN("abc"), &copy), ERR_OK);
    assert_true(ct_equal(secret_span(&copy), SPAN("abc")));
    assert_int_equal(secret_random(32, &chance), ERR_OK);
    assert_false(ct_equal(secret_span(&chance), secret_span(&zero)));
    secret_done(&copy);
    assert_null(copy.ptr);
    secret_done(&copy);
    struct secret huge = SECRET_INIT;
    assert_int_equal(secret_new(SIZE_MAX - 4096, &huge), ERR_NOMEM);
    assert_null(huge.ptr);
}

/* One byte past the end must end the process: guarded memory, not the heap. */
static void test_guard_page(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct secret s;
        (void)close(STDERR_FILENO);
        signal(SIGSEGV, SIG_DFL);
        if (secret_new(32, &s))
            _exit(2);
        ((volatile unsigned char *)s.ptr)[32] = 1;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 1);
}

static void test_constant_time_equality(void **state) {
    (void)state;
    assert_true(ct_equal(SPAN("abc"), SPAN("abc")));
    assert_true(ct_equal(SPAN_NONE, SPAN("")));
    assert_false(ct_equal(SPAN("abc"), SPAN("abd")));
    assert_false(ct_equal(SPAN("abc"), SPAN("bbc")));
    assert_false(ct_equal(SPAN("abc"), SPAN("ab")));
    assert_false(ct_equal(SPAN("a\0b"), SPAN("a\0c")));
}

static void test_wipe(void **state) {
    (void)state;
    char text[] = "secret";
    wipe(text, sizeof text - 1);
    assert_memory_equal(text, "\0\0\0\0\0\0", 6);
    wipe(NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_of_its_owner_only),
        cmocka_unit_test(test_file_limit),
        cmocka_unit_test(test_only_regular_files),
        cmocka_unit_test(test_made_and_copied),
        cmocka_unit_test(test_guard_page),
        cmocka_unit_test(test_constant_time_equality),
        cmocka_unit_test(test_wipe),
    };
    return cmocka_run_group_tests_name("base/secret", tests, make_folder, remove_folder);
}
