/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd's side of an I/O thread: a daemon without a listener and without threads of its
 * own, and its four callbacks. An answer is never queued in the first callback, since that ends
 * keep-alive, but for refusals, whose connections are to end. */
#include <microhttpd.h>
#include <unistd.h>

#include "base/clock.h"
#include "idp/metrics.h"
#include "web/server_internal.h"

/* Bytes per connection for the request, the library's copy and index of its cookies and parameters,
 * and the answer's header. Not a byte more: above 32 KiB the library maps the memory for each
 * connection, and mapping waits for hashing threads that populate theirs (docs/decisions/0005). */
#define CONNECTION_MEMORY ((size_t)32 * 1024)

const char *library_version(void) {
    return MHD_get_version();
}

/* ---- callbacks ---- */

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what) {
    struct io_thread *t = cls;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_free(t, *context);
        *context = NULL;
        return;
    }
    *context = connection_new(t, mhd);
    if (t->server->cfg.metrics)
        metrics_add(t->server->cfg.metrics, METRIC_CONNECTIONS_TOTAL, 1);
}

/* The request line is there, nothing decoded yet. */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *c = info ? info->socket_context : NULL;
    return c ? exchange_new(cls, c, target) : NULL;
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *key,
                                size_t key_size, const char *value, size_t value_size) {
    (void)kind;
    struct exchange *x = cls;
    size_t i = x->transport.n_headers++;
    if (i < HTTP_HEADERS_MAX)
        x->header[i] = (struct http_header){{key, key_size}, {value ? value : "", value_size}};
    return MHD_YES;
}

static bool first_call(struct exchange *x, struct MHD_Connection *mhd, const char *method,
                       const char *version) {
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, on_field, x);
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const struct guard_input in = {
        .method = method,
        .target = x->wire_target,
        .target_text = x->req.target.ptr,
        .version = version,
        .header = x->header,
        .n_headers = x->transport.n_headers,
        .header_bytes = size ? size->header_size : 0,
        .is_layout_known = x->thread->server->is_layout_known,
    };
    return exchange_route(x, &in);
}

/* The whole request is there: run it, and answer at once when nothing has to be waited for. */
static enum MHD_Result run(struct exchange *x) {
    x->stage = EXCHANGE_RUNNING;
    x->connection->deadline_us = 0;
    bool is_ready = !exchange_prepare(x) || engine_start(x);
    if (!is_ready)
        return MHD_YES;
    if (x->is_suspended) {
        library_resume(x);
        return MHD_YES;
    }
    return response_queue(x) ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context) {
    (void)cls;
    (void)url;
    struct exchange *x = *context;
    if (!x)
        return MHD_NO;
    switch (x->stage) {
    case EXCHANGE_NEW:
        x->stage = EXCHANGE_READING;
        if (first_call(x, mhd, method, version))
            return MHD_YES;
        x->must_close = true;
        return response_queue(x) ? MHD_YES : MHD_NO;
    case EXCHANGE_READING:
        if (*upload_size == 0)
            return run(x);
        if (!exchange_take_body(x, upload, *upload_size))
            return MHD_NO;
        *upload_size = 0;
        return MHD_YES;
    case EXCHANGE_READY:
        return response_queue(x) ? MHD_YES : MHD_NO;
    case EXCHANGE_RUNNING:
    case EXCHANGE_QUEUED:
        break;
    }
    return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode how) {
    (void)how;
    struct io_thread *t = cls;
    struct exchange *x = *context;
    *context = NULL;
    if (!x)
        return;
    if (x->is_signing)
        signing_forget(x);
    const union MHD_ConnectionInfo *status =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
    exchange_log(x, status ? status->http_status : 0);
    x->connection->in_request = false;
    x->connection->deadline_us = t->now_us + (int64_t)t->server->cfg.connection_timeout * 1000000;
    exchange_free(x);
}

/* ---- life ---- */

enum err library_start(struct io_thread *t) {
    const struct server_config *cfg = &t->server->cfg;
    bool has_tls = t->server->tls && !t->is_admin;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_certificate_callback()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     (has_tls ? MHD_USE_TLS : 0U);
    t->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, t, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_LIMIT, cfg->connection_limit, MHD_OPTION_CONNECTION_TIMEOUT,
        0U, /* connection.c keeps time, by phase */
        /* The guard is stricter than 1 here, and the library sends its own refusals' header twice.
         */
        MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, t,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, t, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        t, MHD_OPTION_ARRAY, has_tls ? tls : tls + 2, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        t->daemon ? MHD_get_daemon_info(t->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return ERR_INTERNAL;
    t->daemon_fd = info->epoll_fd;
    return ERR_OK;
}

void library_stop(struct io_thread *t) {
    MHD_stop_daemon(t->daemon);
    t->daemon = NULL;
}

int library_timeout_ms(struct io_thread *t) {
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(t->daemon, &ms) != MHD_YES)
        return -1;
    return ms > 60000 ? 60000 : (int)ms;
}

void library_run(struct io_thread *t) {
    (void)MHD_run(t->daemon);
}

void library_add(struct io_thread *t, const struct accepted *a) {
    (void)MHD_add_connection(t->daemon, a->fd, (const struct sockaddr *)&a->addr, a->addr_len);
}

void library_suspend(struct exchange *x) {
    if (!x->is_suspended)
        MHD_suspend_connection(x->connection->mhd);
    x->is_suspended = true;
}

/* One that is not suspended is called again by the library at its next run, since it has been
 * answered neither with a response nor with an end. */
void library_answer(struct exchange *x) {
    if (x->is_suspended) {
        library_resume(x);
        return;
    }
    x->stage = EXCHANGE_READY;
    x->thread->run_again = true;
}

void library_resume(struct exchange *x) {
    x->stage = EXCHANGE_READY;
    x->is_suspended = false;
    x->thread->run_again = true;
    MHD_resume_connection(x->connection->mhd);
}
