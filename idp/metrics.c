/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters and latency histograms in Prometheus' text form; see metrics.h. */
#include "idp/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define STATUS_CLASSES 6 /* 0: the client left before an answer; 1xx .. 5xx */

/* Upper bounds in microseconds; the last bucket takes the rest. */
static const int64_t bound_us[] = {500,    1000,   2500,   5000,    10000,   25000,   50000,
                                   100000, 250000, 500000, 1000000, 2500000, 10000000};
#define BUCKETS (ARRAY_LEN(bound_us) + 1)

struct route_metrics {
    atomic_uint_fast64_t by_class[STATUS_CLASSES];
    atomic_uint_fast64_t bucket[BUCKETS];
    atomic_uint_fast64_t sum_us;
};

struct metrics {
    atomic_uint_fast64_t counter[METRIC_COUNT];
    unsigned routes;
    struct route_metrics route[]; /* and one more: requests that no route took */
};

static const struct {
    const char *name, *labels, *help; /* help only where a name stands first */
} defs[METRIC_COUNT] = {
    [METRIC_SIGN_IN_OK] = {"idp_sign_ins_total", "{result=\"ok\"}", "Password sign-ins by result"},
    [METRIC_SIGN_IN_WRONG] = {"idp_sign_ins_total", "{result=\"wrong\"}", NULL},
    [METRIC_SIGN_IN_THROTTLED] = {"idp_sign_ins_total", "{result=\"throttled\"}", NULL},
    [METRIC_SIGN_IN_BUSY] = {"idp_sign_ins_total", "{result=\"busy\"}", NULL},
    [METRIC_TOKENS_ISSUED] = {"idp_tokens_issued_total", "", "Token endpoint answers with tokens"},
    [METRIC_REFUSED_BY_GUARD] = {"idp_http_refused_total", "",
                                 "Requests that were refused before any route saw them"},
    [METRIC_CONNECTIONS_TOTAL] = {"idp_http_connections_total", "", "Connections accepted"},
    [METRIC_SIGNER_RESTARTS] = {"idp_signer_restarts_total", "", "Times the signer was restarted"},
    [METRIC_LOGOUTS_DONE] = {"idp_logout_deliveries_total", "{result=\"done\"}",
                             "Attempts to tell a service that a session has ended, by result"},
    [METRIC_LOGOUTS_REFUSED] = {"idp_logout_deliveries_total", "{result=\"refused\"}", NULL},
    [METRIC_LOGOUTS_GIVEN_UP] = {"idp_logout_deliveries_total", "{result=\"given_up\"}", NULL},
    [METRIC_LOGOUTS_FAILED] = {"idp_logout_deliveries_total", "{result=\"tried_again\"}", NULL},
};

enum err metrics_new(unsigned routes, struct metrics **ret_metrics) {
    struct metrics *m = calloc(1, sizeof *m + (routes + 1UL) * sizeof m->route[0]);
    if (!m)
        return ERR_NOMEM;
    m->routes = routes;
    *ret_metrics = m;
    return ERR_OK;
}

void metrics_free(struct metrics *m) {
    free(m);
}

static void add(atomic_uint_fast64_t *to, uint64_t n) {
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *from) {
    return atomic_load_explicit(from, memory_order_relaxed);
}

void metrics_add(struct metrics *m, enum metric which, uint64_t n) {
    add(&m->counter[which], n);
}

void metrics_request(struct metrics *m, unsigned route, unsigned status, int64_t microseconds) {
    struct route_metrics *r = &m->route[route < m->routes ? route : m->routes];
    size_t i = 0;
    while (i < ARRAY_LEN(bound_us) && microseconds > bound_us[i])
        i++;
    unsigned status_class = status / 100;
    add(&r->by_class[status_class < STATUS_CLASSES ? status_class : 0], 1);
    add(&r->bucket[i], 1);
    add(&r->sum_us, microseconds > 0 ? (uint64_t)microseconds : 0);
}

static void head(struct buf *out, const char *name, const char *help, const char *type) {
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_counters(const struct metrics *m, struct buf *out) {
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        if (defs[i].help)
            head(out, defs[i].name, defs[i].help, "counter");
        buf_addf(out, "%s%s %llu\n", defs[i].name, defs[i].labels,
                 (unsigned long long)get(&m->counter[i]));
    }
}

static const char *label_of(const struct metrics *m, const char *(*route_name)(unsigned),
                            unsigned i) {
    return i < m->routes ? route_name(i) : "none";
}

static bool is_used(const struct route_metrics *r) {
    for (size_t i = 0; i < BUCKETS; i++)
        if (get(&r->bucket[i]))
            return true;
    return false;
}

static void write_classes(const struct route_metrics *r, const char *label, struct buf *out) {
    static const char *const class_name[STATUS_CLASSES] = {"aborted", "1xx", "2xx",
                                                           "3xx",     "4xx", "5xx"};
    for (size_t i = 0; i < STATUS_CLASSES; i++)
        if (get(&r->by_class[i]))
            buf_addf(out, "idp_http_requests_total{route=\"%s\",code=\"%s\"} %llu\n", label,
                     class_name[i], (unsigned long long)get(&r->by_class[i]));
}

static void write_histogram(const struct route_metrics *r, const char *label, struct buf *out) {
    unsigned long long total = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        total += get(&r->bucket[i]);
        if (i < ARRAY_LEN(bound_us))
            buf_addf(out, "idp_http_request_seconds_bucket{route=\"%s\",le=\"%g\"} %llu\n", label,
                     (double)bound_us[i] / 1e6, total);
        else
            buf_addf(out, "idp_http_request_seconds_bucket{route=\"%s\",le=\"+Inf\"} %llu\n", label,
                     total);
    }
    buf_addf(out, "idp_http_request_seconds_sum{route=\"%s\"} %.6f\n", label,
             (double)get(&r->sum_us) / 1e6);
    buf_addf(out, "idp_http_request_seconds_count{route=\"%s\"} %llu\n", label, total);
}

void metrics_write(const struct metrics *m, const char *(*route_name)(unsigned route),
                   struct buf *out) {
    write_counters(m, out);
    head(out, "idp_http_requests_total", "Requests by route and class of status", "counter");
    for (unsigned i = 0; i <= m->routes; i++)
        write_classes(&m->route[i], label_of(m, route_name, i), out);
    head(out, "idp_http_request_seconds", "From the whole request to the answer, by route",
         "histogram");
    for (unsigned i = 0; i <= m->routes; i++)
        if (is_used(&m->route[i]))
            write_histogram(&m->route[i], label_of(m, route_name, i), out);
}

void metrics_gauge(struct buf *out, const char *name, const char *help, const char *labels,
                   double value) {
    if (help)
        head(out, name, help, "gauge");
    buf_addf(out, "%s%s %.17g\n", name, labels ? labels : "", value);
}
