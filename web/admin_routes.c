/* SPDX-License-Identifier: Apache-2.0
 *
 * Health and metrics; see admin_routes.h. No configuration, name or number of a person shows. */
#include "web/admin_routes.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/workpool.h"
#include "idp/idp.h"
#include "idp/metrics.h"
#include "idp/store/store.h"
#include "idp/transport.h"
#include "idp/upstream_health.h"
#include "keys/signer_client.h"
#include "web/routes.h"
#include "web/server.h"

#define METRICS_MAX (512 * 1024)

/* ---- readiness ---- */

static enum step readyz_parse(struct request *req) {
    const struct idp *idp = request_idp(req);
    bool has_store = store_is_healthy(idp->store), has_signer = signer_is_ready(idp->signer);
    struct span text = !has_store    ? SPAN("store: not writing\n")
                       : !has_signer ? SPAN("signer: not answering\n")
                                     : SPAN("ready\n");
    respond_body(req, has_store && has_signer ? 200 : 503, "text/plain; charset=utf-8", text);
    return STEP_RESPOND;
}

const struct handler readyz_handler = {.parse = readyz_parse};

/* ---- metrics ---- */

struct metrics_state {
    int64_t sessions;
    struct key_list keys;
};

static enum step metrics_parse(struct request *req) {
    (void)req;
    return STEP_LOAD;
}

static void metrics_load(struct request *req) {
    struct metrics_state *m = req->state;
    store_session_count(&req->load, req->now, &m->sessions);
    store_key_list(&req->load, &m->keys);
}

static const char *route_name(unsigned i) {
    return idp_routes[i].name;
}

static void gauge(struct buf *out, const char *name, const char *help, double value) {
    metrics_gauge(out, name, help, "", value);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value) {
    buf_addf(out, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, help, name, name,
             (unsigned long long)value);
}

static void write_store(struct store *store, struct buf *out) {
    static const char *const bound[] = {"1", "2", "4", "8", "16", "32", "50", "+Inf"};
    struct store_stats s;
    store_stats_get(store, &s);
    counter(out, "idp_store_commits_total", "Commits of the writer", s.commits);
    counter(out, "idp_store_jobs_total", "Batches committed", s.jobs);
    counter(out, "idp_store_refused_total", "Batches that a gate refused", s.refused);
    counter(out, "idp_store_failed_total", "Batches that failed", s.failed);
    gauge(out, "idp_store_queue_depth", "Batches that wait for the writer", s.queue_depth);
    gauge(out, "idp_store_healthy", "0 after a commit failed", store_is_healthy(store));
    buf_add_str(out, "# HELP idp_store_batch_jobs Batches in one commit\n"
                     "# TYPE idp_store_batch_jobs histogram\n");
    uint64_t total = 0;
    for (size_t i = 0; i < ARRAY_LEN(bound); i++) {
        total += s.batch_size_bucket[i];
        buf_addf(out, "idp_store_batch_jobs_bucket{le=\"%s\"} %llu\n", bound[i],
                 (unsigned long long)total);
    }
    buf_addf(out, "idp_store_batch_jobs_sum %llu\nidp_store_batch_jobs_count %llu\n",
             (unsigned long long)s.jobs, (unsigned long long)total);
}

static void write_connections(const struct server *server, struct buf *out) {
    struct server_stats s;
    server_stats_get(server, &s);
    for (unsigned i = 0; i < s.n_threads; i++) {
        char label[32];
        (void)snprintf(label, sizeof label, "{thread=\"%u\"}", i);
        metrics_gauge(out, "idp_http_connections", i ? NULL : "Open connections by I/O thread",
                      label, s.connections[i]);
    }
}

static void write_keys(const struct key_list *keys, struct buf *out) {
    static const char help[] = "Signing keys by state: 1 for the state that the key is in";
    bool is_first = true;
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_row *k = &keys->item[i];
        if (k->use != KEY_USE_SIG)
            continue;
        char label[256];
        (void)snprintf(label, sizeof label, "{kid=\"%.*s\",alg=\"%.*s\",state=\"%s\"}",
                       SPAN_FMT(k->kid), SPAN_FMT(k->alg), key_state_name(k->state));
        metrics_gauge(out, "idp_key", is_first ? help : NULL, label, 1);
        is_first = false;
    }
}

static enum step metrics_decide(struct request *req) {
    (void)req;
    return STEP_RESPOND;
}

static void metrics_respond(struct request *req) {
    const struct idp *idp = request_idp(req);
    const struct metrics_state *m = req->state;
    CLEANUP(buf_done) struct buf out = BUF_INIT(METRICS_MAX);
    metrics_write(idp->metrics, route_name, &out);
    write_connections(req->transport->server, &out);
    write_store(idp->store, &out);
    gauge(&out, "idp_work_queue_depth", "Jobs that wait for a pool thread",
          workpool_depth(idp->pool));
    gauge(&out, "idp_signer_ready", "Whether the signer answers", signer_is_ready(idp->signer));
    upstream_health_write(idp->upstream_health, clock_mono_us(), &out);
    if (!req->load.result) {
        gauge(&out, "idp_sessions", "Live sessions", (double)m->sessions);
        write_keys(&m->keys, &out);
    }
    respond_buf(req, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

const struct handler metrics_handler = {
    .state_size = sizeof(struct metrics_state),
    .parse = metrics_parse,
    .load = metrics_load,
    .decide = metrics_decide,
    .respond = metrics_respond,
};
