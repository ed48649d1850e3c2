/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor of ./dev bench: what an answer costs at the very least. libmicrohttpd under I/O threads
 * of the same kind as web/io_thread.c, and for the path /N as many ES256 signatures as N says, each
 * by a prepared OpenSSL context over as many bytes as a token of ours, base64url, in one JSON answer.
 * No parameters, no client, no store, no other process, no log.
 *
 *   floor THREADS          prints its port, serves until its standard input ends */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/encode.h"

#define THREADS_MAX 64
#define SIGNATURES_MAX 8
#define SIGNED_BYTES 560 /* header and claims of an access token, encoded */
#define SIGNATURE_BYTES 64
#define SIGNATURE_DER_MAX 80
#define TOKEN_BYTES (SIGNED_BYTES + 1 + B64URL_LEN(SIGNATURE_BYTES))
#define CONNECTION_MEMORY ((size_t)32 * 1024)
#define QUEUE 64

struct io {
    pthread_t thread;
    struct MHD_Daemon *daemon;
    int epoll_fd, wake_fd;
    EVP_MD_CTX *prepared, *scratch;
    pthread_mutex_t lock;
    int queue[QUEUE];
    size_t queued;
};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* DER to r || s: two INTEGERs of at most 33 bytes. */
static void raw_from_der(const unsigned char *der, unsigned char raw[SIGNATURE_BYTES]) {
    const unsigned char *p = der + 2;
    memset(raw, 0, SIGNATURE_BYTES);
    for (size_t half = 0; half < 2; half++) {
        size_t len = p[1], skip = len > 32 ? len - 32 : 0;
        memcpy(raw + 32 * half + 32 - (len - skip), p + 2 + skip, len - skip);
        p += 2 + len;
    }
}

static size_t sign(struct io *io, char *out) {
    unsigned char der[SIGNATURE_DER_MAX], raw[SIGNATURE_BYTES];
    size_t len = sizeof der;
    memset(out, 'A', SIGNED_BYTES);
    if (EVP_MD_CTX_copy_ex(io->scratch, io->prepared) != 1 ||
        EVP_DigestSign(io->scratch, der, &len, (unsigned char *)out, SIGNED_BYTES) != 1)
        fail("sign");
    raw_from_der(der, raw);
    out[SIGNED_BYTES] = '.';
    return SIGNED_BYTES + 1 + b64url_encode(raw, sizeof raw, out + SIGNED_BYTES + 1);
}

static enum MHD_Result answer(struct io *io, struct MHD_Connection *c, const char *url) {
    char body[SIGNATURES_MAX * (TOKEN_BYTES + 16) + 128];
    size_t signatures = (size_t)(url[1] - '0') % (SIGNATURES_MAX + 1), n = 0;
    n += (size_t)snprintf(body, sizeof body, "{\"token_type\":\"Bearer\",\"expires_in\":300");
    for (size_t i = 0; i < signatures; i++) {
        n += (size_t)snprintf(body + n, sizeof body - n, ",\"token_%zu\":\"", i);
        n += sign(io, body + n);
        body[n++] = '"';
    }
    body[n++] = '}';
    struct MHD_Response *r = MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_COPY);
    (void)MHD_add_response_header(r, "Content-Type", "application/json");
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    enum MHD_Result done = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size,
                                  void **context) {
    (void)method;
    (void)version;
    (void)upload;
    static char seen;
    if (!*context) {
        *context = &seen;
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    return answer(cls, c, url);
}

static void take_sockets(struct io *io) {
    int fds[QUEUE];
    (void)!read(io->wake_fd, &(uint64_t){0}, sizeof(uint64_t));
    pthread_mutex_lock(&io->lock);
    size_t n = io->queued;
    memcpy(fds, io->queue, n * sizeof fds[0]);
    io->queued = 0;
    pthread_mutex_unlock(&io->lock);
    struct sockaddr_in none = {.sin_family = AF_INET};
    for (size_t i = 0; i < n; i++)
        (void)MHD_add_connection(io->daemon, fds[i], (struct sockaddr *)&none, sizeof none);
}

static void *run(void *arg) {
    struct io *io = arg;
    for (;;) {
        struct pollfd fds[] = {{.fd = io->epoll_fd, .events = POLLIN}, {.fd = io->wake_fd, .events = POLLIN}};
        MHD_UNSIGNED_LONG_LONG ms;
        int wait = MHD_get_timeout(io->daemon, &ms) == MHD_YES ? (int)ms : -1;
        (void)poll(fds, 2, wait);
        if (fds[1].revents)
            take_sockets(io);
        (void)MHD_run(io->daemon);
    }
    return NULL;
}

static void io_start(struct io *io, EVP_PKEY *key) {
    io->prepared = EVP_MD_CTX_new();
    io->scratch = EVP_MD_CTX_new();
    io->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&io->lock, NULL);
    if (EVP_DigestSignInit_ex(io->prepared, NULL, "SHA256", NULL, NULL, key, NULL) != 1)
        fail("key");
    io->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
                                  NULL, NULL, on_request, io, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                  CONNECTION_MEMORY, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        io->daemon ? MHD_get_daemon_info(io->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        fail("daemon");
    io->epoll_fd = info->epoll_fd;
    if (pthread_create(&io->thread, NULL, run, io) != 0)
        fail("thread");
}

static void *accept_all(void *arg) {
    struct io *io = arg;
    size_t n = 0;
    while (io[n].daemon)
        n++;
    int listener = io[n].wake_fd;
    for (size_t turn = 0;; turn++) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct io *to = &io[turn % n];
        if (fd < 0)
            continue;
        pthread_mutex_lock(&to->lock);
        if (to->queued < QUEUE)
            to->queue[to->queued++] = fd;
        else
            (void)close(fd);
        pthread_mutex_unlock(&to->lock);
        (void)!write(to->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    }
    return NULL;
}

int main(int argc, char **argv) {
    static struct io io[THREADS_MAX + 1]; /* the last one's wake_fd: the listener */
    size_t threads = argc == 2 ? (size_t)atoi(argv[1]) : 0;
    if (threads < 1 || threads > THREADS_MAX)
        return 2;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    for (size_t i = 0; i < threads; i++)
        io_start(&io[i], key);
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0)
        fail("listen");
    io[threads].wake_fd = listener;
    pthread_t acceptor;
    if (pthread_create(&acceptor, NULL, accept_all, io) != 0)
        fail("thread");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    char rest[64];
    while (read(STDIN_FILENO, rest, sizeof rest) > 0)
        continue;
    return 0;
}
