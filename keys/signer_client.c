/* SPDX-License-Identifier: Apache-2.0
 *
 * idpd's side of the signer; see signer_client.h. A channel whose exchange failed is closed and the
 * signer is ended, so that an old answer can never meet a new question; supervision starts it anew. */
#include "keys/signer_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "keys/signer_proto.h"

#define CHANNELS_MAX 128
#define HELLO_DEADLINE_MS 5000
#define STOP_DEADLINE_MS 2000

struct signer_channel {
    pthread_mutex_t lock;
    struct signer *signer;
    int fd; /* -1: no signer at the other end */
    uint32_t sequence;
    struct buf question; /* emptied after each call */
    char *message;       /* SIGNER_MESSAGE_MAX bytes for answers */
};

struct signer {
    char *binary, *policy_path;
    unsigned n_channels;
    struct signer_channel *channel;
    pid_t pid;
    int pidfd;
    atomic_bool ready;
};

/* ---- one exchange ---- */

static void signer_kill(const struct signer *s) {
    if (s->pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
}

static void channel_break(struct signer_channel *c) {
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    atomic_store(&c->signer->ready, false);
    signer_kill(c->signer);
}

/* The channel's own time-out ends the wait. */
static enum err receive(int fd, char *message, struct span *ret_message) {
    ssize_t n;
    do
        n = recv(fd, message, SIGNER_MESSAGE_MAX, MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ERR_TIMEOUT;
    if (n <= 0 || n > SIGNER_MESSAGE_MAX)
        return ERR_UNAVAILABLE;
    *ret_message = span_bytes(message, (size_t)n);
    return ERR_OK;
}

static struct signer_answer answer_copy(struct arena *a, const struct signer_answer *from) {
    struct signer_answer copy = {.err = from->err,
                                 .kid = arena_dup(a, from->kid),
                                 .text = arena_dup(a, from->text),
                                 .bytes = arena_dup(a, from->bytes)};
    if (!copy.kid.ptr || !copy.text.ptr || !copy.bytes.ptr)
        copy = (struct signer_answer){.err = ERR_NOMEM};
    return copy;
}

static enum err exchange(struct signer_channel *c, uint32_t sequence, size_t n, struct arena *const *arena,
                         struct signer_answer *ret_answers) {
    struct span reply;
    struct signer_answer answers[SIGNER_BATCH_MAX];
    uint32_t answered;
    size_t count;
    if (send(c->fd, c->question.data, c->question.len, MSG_NOSIGNAL) != (ssize_t)c->question.len)
        return ERR_UNAVAILABLE;
    enum err e = receive(c->fd, c->message, &reply);
    if (e)
        return e;
    e = signer_answers_parse(reply, &answered, answers, &count);
    if (e || answered != sequence || count != n)
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i < n; i++)
        ret_answers[i] = answer_copy(arena[i], &answers[i]);
    wipe(c->message, reply.len);
    return ERR_OK;
}

enum err signer_call_each(struct signer_channel *c, const struct signer_request *requests, size_t n,
                          struct arena *const *arena, struct signer_answer *ret_answers) {
    pthread_mutex_lock(&c->lock);
    uint32_t sequence = c->sequence + 1;
    enum err e = signer_requests_build(sequence, requests, n, &c->question);
    if (!e && c->fd < 0)
        e = ERR_UNAVAILABLE;
    if (!e) {
        c->sequence = sequence;
        e = exchange(c, sequence, n, arena, ret_answers);
        if (e) {
            channel_break(c);
            e = ERR_UNAVAILABLE;
        }
    }
    buf_reset(&c->question);
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err signer_call(struct signer_channel *c, const struct signer_request *requests, size_t n,
                     struct arena *a, struct signer_answer *ret_answers) {
    struct arena *arena[SIGNER_BATCH_MAX];
    for (size_t i = 0; i < SIGNER_BATCH_MAX; i++)
        arena[i] = a;
    return signer_call_each(c, requests, n, arena, ret_answers);
}

/* There: four blocks of which only `bytes` is long. Back: header and claims by base64url, and the
 * longest signature. */
size_t signer_room(const struct signer_request *request) {
    return 2 * request->bytes.len + 2048;
}

/* ---- starting the process ---- */

/* In the child of a threaded process: only async-signal-safe calls from here to execve. The wanted
 * descriptors are first moved out of the way of each other. */
static void child_exec(const char *binary, char *const argv[], char *const env[], int *ends, unsigned n,
                       int null_fd) {
    int high = SIGNER_FIRST_FD + (int)n;
    for (unsigned i = 0; i < n; i++) {
        ends[i] = fcntl(ends[i], F_DUPFD, high);
        if (ends[i] < 0)
            _exit(126);
    }
    for (unsigned i = 0; i < n; i++)
        if (dup2(ends[i], SIGNER_FIRST_FD + (int)i) < 0)
            _exit(126);
    if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
        _exit(126);
    (void)syscall(SYS_close_range, (unsigned)high, ~0U, 0);
    (void)execve(binary, argv, env);
    _exit(127);
}

static enum err spawn(struct signer *s, int *ends) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(65536);
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    char *env[] = {credentials ? arena_printf(&a, "CREDENTIALS_DIRECTORY=%s", credentials) : NULL, NULL};
    char policy_option[] = "--policy", channels_option[] = "--channels";
    char *argv[] = {s->binary, policy_option, s->policy_path, channels_option,
                    arena_printf(&a, "%u", s->n_channels), NULL};
    AUTO_CLOSE int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return ERR_IO;
    pid_t pid = fork();
    if (pid < 0)
        return ERR_UNAVAILABLE;
    if (pid == 0)
        child_exec(s->binary, argv, env, ends, s->n_channels, null_fd);
    s->pid = pid;
    s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return s->pidfd >= 0 ? ERR_OK : ERR_UNAVAILABLE;
}

static void reap(struct signer *s) {
    if (s->pid > 0) {
        signer_kill(s);
        while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    if (s->pidfd >= 0)
        (void)close(s->pidfd);
    s->pid = 0;
    s->pidfd = -1;
}

static enum err await_hello(int fd) {
    char message[64];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct signer_answer none[SIGNER_BATCH_MAX];
    uint32_t sequence;
    size_t n;
    if (poll(&p, 1, HELLO_DEADLINE_MS) != 1)
        return ERR_UNAVAILABLE;
    ssize_t got = recv(fd, message, sizeof message, MSG_DONTWAIT);
    if (got <= 0 || signer_answers_parse(span_bytes(message, (size_t)got), &sequence, none, &n) ||
        sequence != 0)
        return ERR_UNAVAILABLE;
    return ERR_OK;
}

static void close_all(int *fds, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        cleanup_close(&fds[i]);
}

static enum err make_pairs(int *ours, int *theirs, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        ours[i] = theirs[i] = -1;
    for (unsigned i = 0; i < n; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
            return ERR_IO;
        ours[i] = pair[0];
        theirs[i] = pair[1];
    }
    return ERR_OK;
}

static void channel_connect(struct signer_channel *c, int fd) {
    static const struct timeval patience = {.tv_sec = SIGNER_DEADLINE_MS / 1000,
                                            .tv_usec = SIGNER_DEADLINE_MS % 1000 * 1000};
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    pthread_mutex_lock(&c->lock);
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = fd;
    c->sequence = 0;
    pthread_mutex_unlock(&c->lock);
}

/* Channel 0 first: its owner loads the keys before anyone else can ask. */
static enum err launch(struct signer *s, enum err (*reload)(struct signer_channel *c, void *ctx), void *ctx) {
    int ours[CHANNELS_MAX], theirs[CHANNELS_MAX];
    enum err e = make_pairs(ours, theirs, s->n_channels);
    if (!e)
        e = spawn(s, theirs);
    close_all(theirs, s->n_channels);
    for (unsigned i = 0; !e && i < s->n_channels; i++)
        e = await_hello(ours[i]);
    if (!e) {
        channel_connect(&s->channel[0], take_fd(&ours[0]));
        e = reload ? reload(&s->channel[0], ctx) : ERR_OK;
    }
    for (unsigned i = 1; !e && i < s->n_channels; i++)
        channel_connect(&s->channel[i], take_fd(&ours[i]));
    close_all(ours, s->n_channels);
    if (e)
        signer_kill(s);
    else
        atomic_store(&s->ready, true);
    return e;
}

static struct signer *signer_new(const char *binary, const char *policy_path, unsigned channels) {
    struct signer *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->pidfd = -1;
    s->n_channels = channels;
    s->binary = strdup(binary);
    s->policy_path = strdup(policy_path);
    s->channel = calloc(channels, sizeof s->channel[0]);
    bool good = s->binary && s->policy_path && s->channel;
    for (unsigned i = 0; s->channel && i < channels; i++) {
        struct signer_channel *c = &s->channel[i];
        pthread_mutex_init(&c->lock, NULL);
        c->signer = s;
        c->fd = -1;
        c->question = BUF_INIT(SIGNER_MESSAGE_MAX);
        c->message = malloc(SIGNER_MESSAGE_MAX);
        good = good && c->message;
    }
    if (!good) {
        signer_stop(s);
        return NULL;
    }
    return s;
}

enum err signer_start(const char *binary, const char *policy_path, unsigned channels,
                      struct signer **ret_signer) {
    if (!binary || !policy_path || channels < 1 || channels > CHANNELS_MAX)
        return ERR_RANGE;
    struct signer *s = signer_new(binary, policy_path, channels);
    if (!s)
        return ERR_NOMEM;
    enum err e = launch(s, NULL, NULL);
    if (e) {
        signer_stop(s);
        return e;
    }
    *ret_signer = s;
    return ERR_OK;
}

struct signer_channel *signer_channel(struct signer *s, unsigned index) {
    return index < s->n_channels ? &s->channel[index] : NULL;
}

int signer_death_fd(const struct signer *s) {
    return s->pidfd;
}

pid_t signer_pid(const struct signer *s) {
    return s->pid;
}

bool signer_is_ready(const struct signer *s) {
    return atomic_load(&s->ready);
}

enum err signer_restart(struct signer *s, enum err (*reload)(struct signer_channel *c, void *ctx), void *ctx) {
    atomic_store(&s->ready, false);
    reap(s);
    for (unsigned i = 0; i < s->n_channels; i++)
        channel_connect(&s->channel[i], -1);
    return launch(s, reload, ctx);
}

static bool exited_by_itself(struct signer *s) {
    struct pollfd p = {.fd = s->pidfd, .events = POLLIN};
    return s->pidfd >= 0 && poll(&p, 1, STOP_DEADLINE_MS) == 1;
}

void signer_stop(struct signer *s) {
    if (!s)
        return;
    for (unsigned i = 0; s->channel && i < s->n_channels; i++)
        channel_connect(&s->channel[i], -1);
    (void)exited_by_itself(s);
    reap(s);
    for (unsigned i = 0; s->channel && i < s->n_channels; i++) {
        pthread_mutex_destroy(&s->channel[i].lock);
        buf_done(&s->channel[i].question);
        free(s->channel[i].message);
    }
    free(s->channel);
    free(s->binary);
    free(s->policy_path);
    free(s);
}
