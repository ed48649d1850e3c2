/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: each event is one line of valid JSON in one write, whatever the values hold; a hostile
 * value can neither add a line nor make one vanish (F26). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"

static int saved_stderr, pipe_read;

static int redirect(void **state) {
    (void)state;
    int ends[2];
    saved_stderr = dup(STDERR_FILENO);
    if (saved_stderr < 0 || pipe2(ends, O_CLOEXEC | O_DIRECT | O_NONBLOCK) != 0)
        return -1;
    pipe_read = ends[0];
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[1]);
    log_init("test", LOG_INFO);
    return 0;
}

static int restore(void **state) {
    (void)state;
    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    return close(pipe_read);
}

/* A pipe with O_DIRECT keeps writes apart: one read gives one write. NULL when there is none. */
static json_t *read_line(void) {
    static char line[16384];
    ssize_t n = read(pipe_read, line, sizeof line);
    if (n <= 0)
        return NULL;
    assert_int_equal(line[n - 1], '\n');
    assert_ptr_equal(memchr(line, '\n', (size_t)n), line + n - 1);
    json_t *j = NULL;
    assert_int_equal(json_parse_object((struct span){line, (size_t)n - 1}, sizeof line, &j),
                     ERR_OK);
    return j;
}

static void test_fields(void **state) {
    (void)state;
    LOG(LOG_WARN, "signer_restarted", LOG_INT("pid", 42), LOG_STR("why", "exit 1"));
    AUTO_JSON json_t *j = read_line();
    assert_non_null(j);
    assert_true(span_is(json_str(j, "level"), "warn"));
    assert_true(span_is(json_str(j, "program"), "test"));
    assert_true(span_is(json_str(j, "event"), "signer_restarted"));
    assert_true(span_is(json_str(j, "why"), "exit 1"));
    assert_int_equal(json_str(j, "time").len, 20);
    int64_t pid;
    assert_int_equal(json_int(j, "pid", &pid), ERR_OK);
    assert_int_equal(pid, 42);
    assert_null(json_object_get(j, "shortened"));
    assert_null(read_line());
}

static void test_level(void **state) {
    (void)state;
    LOG0(LOG_DEBUG, "dropped");
    assert_null(read_line());
    LOG0(LOG_INFO, "kept");
    AUTO_JSON json_t *j = read_line();
    assert_non_null(j);
}

static void test_line_breaks_stay_inside_f26(void **state) {
    (void)state;
    LOG(LOG_INFO, "sign_in", LOG_STR("username", "a\r\n{\"event\":\"forged\"}\n"));
    AUTO_JSON json_t *j = read_line();
    assert_true(span_is(json_str(j, "username"), "a\r\n{\"event\":\"forged\"}\n"));
    assert_null(read_line());
}

/* Control characters grow sixfold when escaped. */
static void test_hostile_values_never_hide_an_event(void **state) {
    (void)state;
    static char hostile[100000];
    static const int fill[] = {0x01, 0xFF, '"', 'a'};
    for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
        struct log_field fields[20];
        memset(hostile, fill[i], sizeof hostile);
        for (size_t k = 0; k < ARRAY_LEN(fields); k++)
            fields[k] = LOG_SPAN("v", span_bytes(hostile, sizeof hostile));
        for (size_t n = 1; n <= ARRAY_LEN(fields); n++) {
            char names[20][3];
            for (size_t k = 0; k < n; k++) {
                (void)snprintf(names[k], sizeof names[k], "%zu", k);
                fields[k].name = names[k];
            }
            log_write(LOG_INFO, "sign_in_failed", fields, n);
            AUTO_JSON json_t *j = read_line();
            assert_non_null(j);
            assert_true(span_is(json_str(j, "event"), "sign_in_failed"));
        }
    }
}

static void *log_many(void *arg) {
    const char *who = arg;
    for (int i = 0; i < 6; i++)
        LOG(LOG_INFO, "thread", LOG_STR("who", who));
    return NULL;
}

static void test_threads_do_not_mix(void **state) {
    (void)state;
    static char name[2][2] = {"a", "b"};
    pthread_t thread[2];
    assert_int_equal(pthread_create(&thread[0], NULL, log_many, name[0]), 0);
    assert_int_equal(pthread_create(&thread[1], NULL, log_many, name[1]), 0);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    int lines = 0;
    for (;; lines++) {
        AUTO_JSON json_t *j = read_line();
        if (!j)
            break;
    }
    assert_int_equal(lines, 12); /* each write takes a slot of the pipe, which has 16 */
}

/* A thread that holds writes whole lines only, loses none, and a warning comes out at once, in order. */
static void *hold_lines(void *arg) {
    char text[64 * 40];
    size_t lines = 0;
    (void)arg;
    log_hold();
    LOG0(LOG_INFO, "first");
    LOG0(LOG_INFO, "second");
    assert_true(read(pipe_read, text, sizeof text) < 0);
    LOG0(LOG_WARN, "third");
    ssize_t n = read(pipe_read, text, sizeof text);
    assert_true(n > 0 && memmem(text, (size_t)n, "first", 5) < memmem(text, (size_t)n, "second", 6));
    assert_null(memmem(text, (size_t)n, "third", 5));
    n = read(pipe_read, text, sizeof text);
    assert_true(n > 0 && memmem(text, (size_t)n, "third", 5));

    for (int i = 0; i < 100; i++) /* more than is held at once */
        LOG(LOG_INFO, "one_of_many", LOG_INT("number", i));
    log_flush();
    static char all[65536];
    size_t len = 0;
    while ((n = read(pipe_read, all + len, sizeof all - len)) > 0) {
        assert_true(n <= 4096 && all[len + (size_t)n - 1] == '\n');
        len += (size_t)n;
    }
    for (const char *at = all; (at = memmem(at, len - (size_t)(at - all), "one_of_many", 11)); at++)
        lines++;
    assert_int_equal(lines, 100);
    return NULL;
}

static void test_held_lines_come_out_whole_and_in_order(void **state) {
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_lines, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, redirect, restore),
        cmocka_unit_test_setup_teardown(test_level, redirect, restore),
        cmocka_unit_test_setup_teardown(test_line_breaks_stay_inside_f26, redirect, restore),
        cmocka_unit_test_setup_teardown(test_hostile_values_never_hide_an_event, redirect, restore),
        cmocka_unit_test_setup_teardown(test_threads_do_not_mix, redirect, restore),
        cmocka_unit_test_setup_teardown(test_held_lines_come_out_whole_and_in_order, redirect, restore),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
