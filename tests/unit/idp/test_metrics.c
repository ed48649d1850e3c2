/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics: what is counted shows under the right label, buckets are cumulative, threads lose no
 * count, and a route outside the table is counted as "none" and nowhere else. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "idp/metrics.h"

#define THREADS 4
#define EACH    10000

static const char *route_name(unsigned i) {
    static const char *const names[] = {"token", "jwks"};
    return names[i];
}

static bool has(const struct metrics *m, const char *line) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(256 * 1024);
    metrics_write(m, route_name, &b);
    assert_int_equal(buf_err(&b), ERR_OK);
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted, "\n%s\n", line);
    return strstr(b.data, wanted) != NULL;
}

static void requests_show_by_route_and_class(void **state) {
    (void)state;
    struct metrics *m;
    assert_int_equal(metrics_new(2, &m), ERR_OK);
    metrics_request(m, 0, 200, 400);
    metrics_request(m, 0, 200, 1500);
    metrics_request(m, 0, 400, 500);
    metrics_request(m, 0, 503, 99000000);
    metrics_request(m, 7, 404, 1);
    metrics_request(m, 1, 0, -5); /* the client left; a clock may step */
    assert_true(has(m, "idp_http_requests_total{route=\"token\",code=\"2xx\"} 2"));
    assert_true(has(m, "idp_http_requests_total{route=\"token\",code=\"4xx\"} 1"));
    assert_true(has(m, "idp_http_requests_total{route=\"none\",code=\"4xx\"} 1"));
    assert_true(has(m, "idp_http_requests_total{route=\"jwks\",code=\"aborted\"} 1"));
    assert_true(has(m, "idp_http_request_seconds_bucket{route=\"token\",le=\"0.0005\"} 2"));
    assert_true(has(m, "idp_http_request_seconds_bucket{route=\"token\",le=\"0.001\"} 2"));
    assert_true(has(m, "idp_http_request_seconds_bucket{route=\"token\",le=\"0.0025\"} 3"));
    assert_true(has(m, "idp_http_request_seconds_bucket{route=\"token\",le=\"10\"} 3"));
    assert_true(has(m, "idp_http_request_seconds_bucket{route=\"token\",le=\"+Inf\"} 4"));
    assert_true(has(m, "idp_http_request_seconds_count{route=\"token\"} 4"));
    assert_false(has(m, "idp_http_requests_total{route=\"jwks\",code=\"4xx\"} 1"));
    metrics_free(m);
}

static void *count(void *arg) {
    struct metrics *m = arg;
    for (int i = 0; i < EACH; i++) {
        metrics_add(m, METRIC_SIGN_IN_OK, 1);
        metrics_request(m, 1, 200, 10);
    }
    return NULL;
}

static void threads_lose_no_count(void **state) {
    (void)state;
    struct metrics *m;
    assert_int_equal(metrics_new(2, &m), ERR_OK);
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, count, m);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_true(has(m, "idp_sign_ins_total{result=\"ok\"} 40000"));
    assert_true(has(m, "idp_sign_ins_total{result=\"wrong\"} 0"));
    assert_true(has(m, "idp_http_request_seconds_count{route=\"jwks\"} 40000"));
    metrics_free(m);
}

static void gauges_are_numbers(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT(1024);
    metrics_gauge(&b, "idp_x", "Things", "{a=\"b\"}", 3);
    metrics_gauge(&b, "idp_x", NULL, NULL, 0.5);
    assert_string_equal(b.data,
                        "# HELP idp_x Things\n# TYPE idp_x gauge\nidp_x{a=\"b\"} 3\nidp_x 0.5\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_show_by_route_and_class),
        cmocka_unit_test(threads_lose_no_count),
        cmocka_unit_test(gauges_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
