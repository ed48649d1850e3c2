/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters, gauges and histograms for /metrics, declared in a table. Relaxed atomics: adding costs
 * nanoseconds. */
#ifndef IDP_METRICS_H
#define IDP_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum metric {
    METRIC_SIGN_IN_OK,
    METRIC_SIGN_IN_WRONG,
    METRIC_SIGN_IN_THROTTLED,
    METRIC_SIGN_IN_BUSY,
    METRIC_TOKENS_ISSUED,
    METRIC_REFUSED_BY_GUARD,
    METRIC_CONNECTIONS_TOTAL,
    METRIC_SIGNER_RESTARTS,
    METRIC_LOGOUTS_DONE,
    METRIC_LOGOUTS_REFUSED,
    METRIC_LOGOUTS_GIVEN_UP,
    METRIC_LOGOUTS_FAILED,
    METRIC_COUNT
};

struct metrics;
must_check enum err metrics_new(unsigned routes, struct metrics **ret_metrics);
void metrics_free(struct metrics *m);
void metrics_add(struct metrics *m, enum metric which, uint64_t n);
/* One finished request of a route (index in the route table). */
void metrics_request(struct metrics *m, unsigned route, unsigned status, int64_t microseconds);
/* Prometheus text for all of the above; `route_name(i)` labels them. The caller appends gauges
 * with metrics_gauge. */
void metrics_write(const struct metrics *m, const char *(*route_name)(unsigned route), struct buf *out);
void metrics_gauge(struct buf *out, const char *name, const char *help, const char *labels, double value);

#endif
