/* SPDX-License-Identifier: Apache-2.0
 *
 * One socket of an I/O thread: whose it is, and by when it must have done something. Deadlines are
 * for a whole phase (idle time and header, body, taking the answer), not for the next byte, so
 * that a client which sends one byte every few seconds is ended like one that sends none (T04). */
#include <stdlib.h>

#include "web/server_internal.h"

struct connection *connection_new(struct io_thread *t, struct MHD_Connection *mhd) {
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->mhd = mhd;
    c->fd = t->joining.fd;
    c->peer = t->joining.peer;
    c->is_listed = t->joining.is_listed;
    c->limit_slot = t->joining.limit_slot;
    t->joining.is_taken = true;
    client_address_fill(&c->peer, t->server->seed, &c->address);
    c->deadline_us = t->now_us + (int64_t)t->server->cfg.connection_timeout * 1000000;
    c->next = t->connections;
    if (c->next)
        c->next->prev = c;
    t->connections = c;
    return c;
}

void connection_free(struct io_thread *t, struct connection *c) {
    if (!c)
        return;
    if (c->prev)
        c->prev->next = c->next;
    else
        t->connections = c->next;
    if (c->next)
        c->next->prev = c->prev;
    if (c->limit_slot)
        peer_limit_give(t->server->limit, c->limit_slot);
    atomic_fetch_sub_explicit(&t->n_connections, 1, memory_order_relaxed);
    free(c);
}

/* The library sees the end of input or an error, and closes. */
void connections_sweep(struct io_thread *t) {
    bool end_idle = t->is_draining && t->now_us - t->drain_since_us >= DRAIN_GRACE_US;
    for (struct connection *c = t->connections; c; c = c->next) {
        if (c->deadline_us && t->now_us >= c->deadline_us)
            (void)shutdown(c->fd, SHUT_RDWR);
        else if (end_idle && !c->in_request)
            (void)shutdown(c->fd, SHUT_RD);
    }
}
