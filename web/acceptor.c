/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that accepts, and deals sockets round-robin to the I/O threads: neither a shared
 * listener nor SO_REUSEPORT spreads them evenly. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "web/server_internal.h"

#define BACKLOG  4096
#define PAUSE_NS 50000000 /* when the process is out of descriptors */

struct dealer {
    struct server *server;
    unsigned next;
};

static void deal(struct dealer *d, const struct accepted *a, bool is_admin) {
    struct server *s = d->server;
    unsigned n = s->cfg.io_threads;
    struct io_thread *t = is_admin ? s->thread[n] : s->thread[d->next++ % n];
    if (!io_thread_offer(t, a))
        (void)close(a->fd);
}

/* False when the process can open no more descriptors for now. */
static bool accept_all(struct dealer *d, int listen_fd, bool is_admin) {
    for (;;) {
        struct accepted a = {.addr_len = sizeof a.addr};
        a.fd = accept4(listen_fd, (struct sockaddr *)&a.addr, &a.addr_len,
                       SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (a.fd >= 0)
            deal(d, &a, is_admin);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return false;
        else if (errno != EINTR && errno != ECONNABORTED)
            return true;
    }
}

static void *acceptor_run(void *arg) {
    struct server *s = arg;
    struct dealer d = {.server = s};
    struct pollfd fds[] = {
        {.fd = s->stop_fd, .events = POLLIN},
        {.fd = s->listen_fd, .events = POLLIN},
        {.fd = s->admin_fd, .events = POLLIN},
    };
    while (!fds[0].revents) {
        (void)poll(fds, ARRAY_LEN(fds), -1);
        bool has_room = accept_all(&d, s->listen_fd, false);
        if (s->admin_fd >= 0)
            has_room = accept_all(&d, s->admin_fd, true) && has_room;
        if (!has_room)
            (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return NULL;
}

static enum err listener_open(struct span address, int *ret_fd, uint16_t *ret_port) {
    struct sockaddr_storage addr;
    socklen_t len;
    if (listen_address_parse(address, &addr, &len))
        return ERR_SYNTAX;
    AUTO_CLOSE int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&addr, &len))
        return ERR_IO;
    *ret_port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                                 : ((struct sockaddr_in *)&addr)->sin_port);
    *ret_fd = take_fd(&fd);
    return ERR_OK;
}

enum err acceptor_start(struct server *s, const char **reterr_text) {
    *reterr_text = "cannot listen on the public address";
    enum err e = listener_open(s->cfg.listen_address, &s->listen_fd, &s->port);
    if (e)
        return e;
    *reterr_text = "cannot listen on the admin address";
    if (s->cfg.admin_address.len &&
        (e = listener_open(s->cfg.admin_address, &s->admin_fd, &s->admin_port)))
        return e;
    *reterr_text = "cannot start the acceptor";
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->stop_fd < 0 || pthread_create(&s->acceptor, NULL, acceptor_run, s) != 0)
        return ERR_INTERNAL;
    s->has_acceptor = true;
    return ERR_OK;
}

void acceptor_stop(struct server *s) {
    if (s->has_acceptor) {
        (void)!write(s->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
        pthread_join(s->acceptor, NULL);
        s->has_acceptor = false;
    }
    cleanup_close(&s->listen_fd);
    cleanup_close(&s->admin_fd);
    cleanup_close(&s->stop_fd);
}
