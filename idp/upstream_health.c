/* SPDX-License-Identifier: Apache-2.0
 *
 * The circuit breakers; see upstream_health.h. */
#include "idp/upstream_health.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idp/connector.h"
#include "idp/metrics.h"

struct breaker {
    char id[CONNECTOR_ID_MAX + 1]; /* empty: the place is free */
    int64_t failures;              /* in a row */
    bool is_open;
    int64_t try_at_us; /* while it is open: when the next caller may try */
    int64_t retry_us;
    int64_t noted_at_us;
    int64_t checked_at_us; /* when somebody was last told to check, or first asked whether to */
};

struct upstream_health {
    pthread_mutex_t lock;
    struct breaker breaker[CONNECTORS_MAX];
};

enum err upstream_health_new(struct upstream_health **ret_health) {
    struct upstream_health *h = calloc(1, sizeof *h);
    if (!h || pthread_mutex_init(&h->lock, NULL)) {
        free(h);
        return ERR_NOMEM;
    }
    *ret_health = h;
    return ERR_OK;
}

void upstream_health_free(struct upstream_health *h) {
    if (!h)
        return;
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* ---- under the lock ---- */

static struct breaker *breaker_find(struct upstream_health *h, struct span id) {
    for (size_t i = 0; i < CONNECTORS_MAX; i++)
        if (h->breaker[i].id[0] && span_is(id, h->breaker[i].id))
            return &h->breaker[i];
    return NULL;
}

/* A free place, else that of whoever was heard of least lately: there are as many places as
 * connectors, so it is one that the configuration does not have any more. */
static struct breaker *breaker_add(struct upstream_health *h, struct span id) {
    struct breaker *b = &h->breaker[0];
    for (size_t i = 1; i < CONNECTORS_MAX && b->id[0]; i++)
        if (!h->breaker[i].id[0] || h->breaker[i].noted_at_us < b->noted_at_us)
            b = &h->breaker[i];
    *b = (struct breaker){.id = ""};
    memcpy(b->id, id.ptr, id.len);
    return b;
}

static bool is_down(const struct breaker *b, int64_t now_us) {
    return b && b->is_open && now_us < b->try_at_us;
}

static void note(struct breaker *b, bool answered, int64_t failures_to_open, int64_t retry_seconds,
                 int64_t now_us) {
    b->noted_at_us = now_us;
    b->retry_us = retry_seconds * 1000000;
    if (answered) {
        b->failures = 0;
        b->is_open = false;
    } else if (++b->failures >= failures_to_open) {
        b->is_open = true;
        b->try_at_us = now_us + b->retry_us;
    }
}

/* ---- what others call ---- */

void upstream_health_note(struct upstream_health *h, struct span connector_id, bool answered,
                          int64_t failures_to_open, int64_t retry_seconds, int64_t now_us) {
    if (!connector_id.len || connector_id.len > CONNECTOR_ID_MAX)
        return;
    pthread_mutex_lock(&h->lock);
    struct breaker *b = breaker_find(h, connector_id);
    note(b ? b : breaker_add(h, connector_id), answered, failures_to_open, retry_seconds, now_us);
    pthread_mutex_unlock(&h->lock);
}

bool upstream_health_is_down(struct upstream_health *h, struct span connector_id, int64_t now_us) {
    pthread_mutex_lock(&h->lock);
    bool down = is_down(breaker_find(h, connector_id), now_us);
    pthread_mutex_unlock(&h->lock);
    return down;
}

bool upstream_health_may_try(struct upstream_health *h, struct span connector_id, int64_t now_us) {
    pthread_mutex_lock(&h->lock);
    struct breaker *b = breaker_find(h, connector_id);
    bool may = !is_down(b, now_us);
    if (may && b && b->is_open)
        b->try_at_us = now_us + b->retry_us; /* this caller alone */
    pthread_mutex_unlock(&h->lock);
    return may;
}

bool upstream_health_is_check_due(struct upstream_health *h, struct span connector_id,
                                  int64_t quiet_seconds, int64_t now_us) {
    if (!connector_id.len || connector_id.len > CONNECTOR_ID_MAX)
        return false;
    pthread_mutex_lock(&h->lock);
    struct breaker *b = breaker_find(h, connector_id);
    bool is_new = !b;
    if (is_new)
        b = breaker_add(h, connector_id);
    int64_t last = b->noted_at_us > b->checked_at_us ? b->noted_at_us : b->checked_at_us;
    bool is_due = !is_new && now_us - last >= quiet_seconds * 1000000;
    if (is_new || is_due)
        b->checked_at_us = now_us;
    pthread_mutex_unlock(&h->lock);
    return is_due;
}

void upstream_health_write(struct upstream_health *h, int64_t now_us, struct buf *out) {
    const char *help = "Whether an upstream provider counts as down, by connector";
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < CONNECTORS_MAX; i++) {
        const struct breaker *b = &h->breaker[i];
        char label[CONNECTOR_ID_MAX + 32];
        if (!b->id[0])
            continue;
        (void)snprintf(label, sizeof label, "{connector=\"%s\"}", b->id);
        metrics_gauge(out, "idp_upstream_down", help, label, is_down(b, now_us));
        help = NULL;
    }
    pthread_mutex_unlock(&h->lock);
}
