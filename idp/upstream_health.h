/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether upstream providers answer, by what their answers were: a circuit breaker for each
 * connector. Thread-safe; counters in memory only, since a restart may try anew. Times are those of
 * clock_mono_us(). */
#ifndef IDP_UPSTREAM_HEALTH_H
#define IDP_UPSTREAM_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct upstream_health;

must_check enum err upstream_health_new(struct upstream_health **ret_health);
void upstream_health_free(struct upstream_health *h); /* accepts NULL */

/* How an exchange with the connector ended: `answered` also for a refusal that it gave in time. The
 * failures_to_open-th failure in a row opens it for retry_seconds; one answer closes it. */
void upstream_health_note(struct upstream_health *h, struct span connector_id, bool answered,
                          int64_t failures_to_open, int64_t retry_seconds, int64_t now_us);
/* Down: fail at once, say so on the page. Once retry_seconds are over it is not down any more, until
 * somebody tried: may_try lets one caller through (half open), whose result decides, and is down for
 * all others meanwhile. A caller who never says how it ended is given up after retry_seconds. */
bool upstream_health_is_down(struct upstream_health *h, struct span connector_id, int64_t now_us);
bool upstream_health_may_try(struct upstream_health *h, struct span connector_id, int64_t now_us);

/* Whether to ask it something before people are sent there: nothing was heard of it for `quiet_seconds`.
 * Told to one caller in that time, who says with upstream_health_note how it went; of a connector that
 * nobody has been sent to yet, nobody. A browser that is sent to a site which does not answer never
 * comes back to tell. */
bool upstream_health_is_check_due(struct upstream_health *h, struct span connector_id,
                                  int64_t quiet_seconds, int64_t now_us);

/* Gauges for /metrics: of every connector that was tried. */
void upstream_health_write(struct upstream_health *h, int64_t now_us, struct buf *out);

#endif
