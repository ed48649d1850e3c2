/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections whose PROXY v2 header is not complete yet. Only listed peers may open any when
 * `proxy_protocol` is on. Reads exactly the header, so that the library finds the request next. */
#include <errno.h>

#include "web/server_internal.h"

void proxy_intake_add(struct io_thread *t, const struct accepted *a) {
    struct ip peer;
    if (t->n_waiting == PROXY_WAITING_MAX ||
        ip_from_sockaddr((const struct sockaddr *)&a->addr, &peer) ||
        !ip_ranges_have(&t->server->listed, &peer)) {
        io_thread_drop(t, a);
        return;
    }
    t->waiting[t->n_waiting++] = (struct proxy_waiting){
        .socket = *a,
        .deadline_us = t->now_us + (int64_t)t->server->cfg.connection_timeout * 1000000,
    };
}

enum intake { INTAKE_FAILED = 0, INTAKE_WAITS, INTAKE_WHOLE };

static enum intake read_up_to(struct proxy_waiting *w, size_t wanted) {
    while (w->have < wanted) {
        ssize_t n = recv(w->socket.fd, w->bytes + w->have, wanted - w->have, MSG_DONTWAIT);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR) ? INTAKE_WAITS : INTAKE_FAILED;
        w->have += (size_t)n;
    }
    return INTAKE_WHOLE;
}

static enum intake read_header(struct proxy_waiting *w) {
    if (w->have < PROXY_FIXED_BYTES) {
        enum intake state = read_up_to(w, PROXY_FIXED_BYTES);
        if (state != INTAKE_WHOLE)
            return state;
        if (proxy_fixed_parse(w->bytes, &w->rest_len))
            return INTAKE_FAILED;
    }
    return read_up_to(w, PROXY_FIXED_BYTES + w->rest_len);
}

static void hand_over(struct io_thread *t, struct proxy_waiting *w) {
    bool has_client;
    struct ip ip;
    uint16_t port;
    if (proxy_header_parse(w->bytes, w->bytes + PROXY_FIXED_BYTES, w->rest_len, &has_client, &ip,
                           &port)) {
        io_thread_drop(t, &w->socket);
        return;
    }
    if (has_client)
        w->socket.addr_len = ip_to_sockaddr(&ip, port, &w->socket.addr);
    io_thread_add(t, &w->socket);
}

void proxy_intake_run(struct io_thread *t) {
    for (size_t i = 0; i < t->n_waiting;) {
        struct proxy_waiting *w = &t->waiting[i];
        enum intake state = t->now_us >= w->deadline_us ? INTAKE_FAILED : read_header(w);
        if (state == INTAKE_WAITS) {
            i++;
            continue;
        }
        if (state == INTAKE_WHOLE)
            hand_over(t, w);
        else
            io_thread_drop(t, &w->socket);
        t->waiting[i] = t->waiting[--t->n_waiting];
    }
}

void proxy_intake_close(struct io_thread *t) {
    while (t->n_waiting)
        io_thread_drop(t, &t->waiting[--t->n_waiting].socket);
}
