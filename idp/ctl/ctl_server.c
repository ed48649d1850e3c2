/* SPDX-License-Identifier: Apache-2.0
 *
 * See ctl_server.h and commands.h. One command at a time: staff are few, and it keeps changes in
 * order. */
#include "idp/ctl/ctl_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "idp/config.h"
#include "idp/ctl/commands.h"
#include "idp/ctl/ctl_call.h"

#define BACKLOG 16
/* A peer that stalls gives way to the next: between two bytes, and for a whole message. */
#define IO_MS 5000
#define MESSAGE_US (30 * 1000000LL)
#define FORGET_US 1000000LL /* for the message of somebody who is refused anyway */
#define REFUSAL_MAX 16384
#define ARENA_MAX (64 * 1024 * 1024)

struct ctl_server {
    struct idp *idp;
    struct signer_channel *channel;
    pthread_t thread;
    int listen_fd, stop_fd;
    struct sockaddr_un address;
};

/* In the order of ctl_commands; a test holds the two together by running every command. */
static const struct {
    const char *noun, *verb;
    ctl_handler *handler;
} handlers[] = {
    {"client", "add", ctl_client_add},         {"client", "list", ctl_client_list},
    {"client", "show", ctl_client_show},       {"client", "disable", ctl_client_disable},
    {"client", "rotate-secret", ctl_client_rotate_secret},
    {"client", "drop-secret", ctl_client_drop_secret},
    {"registration-token", "add", ctl_registration_token_add},
    {"registration-token", "list", ctl_registration_token_list},
    {"registration-token", "revoke", ctl_registration_token_revoke},
    {"client", "enable", ctl_client_enable},   {"resource", "add", ctl_resource_add},
    {"resource", "update", ctl_resource_update}, {"resource", "list", ctl_resource_list},
    {"resource", "show", ctl_resource_show},   {"resource", "disable", ctl_resource_disable},
    {"resource", "enable", ctl_resource_enable}, {"user", "add", ctl_user_add},
    {"user", "list", ctl_user_list},           {"user", "show", ctl_user_show},
    {"user", "lock", ctl_user_lock},           {"user", "unlock", ctl_user_unlock},
    {"user", "disable", ctl_user_disable},     {"user", "erase", ctl_user_erase},
    {"user", "set-password", ctl_user_set_password}, {"user", "history", ctl_user_history},
    {"link", "list", ctl_link_list},           {"link", "unlink", ctl_link_unlink},
    {"link", "merge", ctl_link_merge},
    {"representation", "add", ctl_representation_add},
    {"representation", "list", ctl_representation_list},
    {"representation", "end", ctl_representation_end}, {"keys", "list", ctl_keys_list},
    {"keys", "generate", ctl_keys_generate},   {"keys", "rotate", ctl_keys_rotate},
    {"keys", "public", ctl_keys_public},
    {"session", "list", ctl_session_list},     {"session", "end", ctl_session_end},
    {"session", "logout-status", ctl_session_logout_status},
    {"audit", "tail", ctl_audit_tail},         {"backup", NULL, ctl_backup},
    {"status", NULL, ctl_status},              {"import", NULL, ctl_import},
    {"export", NULL, ctl_export},
};

/* ---- for the handlers ---- */

struct span ctl_arg(const struct ctl_call *c, const char *name) {
    return json_str(c->args, name);
}

bool ctl_arg_int(struct ctl_call *c, const char *name, int64_t least, int64_t most, int64_t otherwise,
                 int64_t *ret_number) {
    struct span text = ctl_arg(c, name);
    int64_t n = 0;
    bool good = text.len <= 15;
    for (size_t i = 0; good && i < text.len; i++) {
        good = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        n = n * 10 + (text.ptr[i] - '0');
    }
    if (!text.ptr)
        n = otherwise;
    else if (!good || text.len == 0 || n < least || n > most) {
        ctl_refuse(c, "invalid_request", "%s: a number of at least %lld is needed", name, (long long)least);
        return false;
    }
    *ret_number = n;
    return true;
}

void ctl_refuse(struct ctl_call *c, const char *error, const char *fmt, ...) {
    char *text = arena_alloc(c->arena, REFUSAL_MAX);
    va_list args;
    va_start(args, fmt);
    if (text)
        (void)vsnprintf(text, REFUSAL_MAX, fmt, args);
    va_end(args);
    c->error = error;
    c->error_description = text;
}

void ctl_refuse_err(struct ctl_call *c, enum err e, const char *what) {
    static const struct {
        enum err err;
        const char *word;
    } words[] = {
        {ERR_NOT_FOUND, "not_found"}, {ERR_EXISTS, "already_exists"}, {ERR_BUSY, "busy"},
        {ERR_UNAVAILABLE, "temporarily_unavailable"}, {ERR_STORE, "temporarily_unavailable"},
        {ERR_REFUSED, "refused"},
    };
    const char *word = "invalid_request";
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (words[i].err == e)
            word = words[i].word;
    ctl_refuse(c, word, "%s: %s", what, err_text(e));
}

void ctl_audit_detail(struct ctl_call *c, struct batch *b, const char *event, struct span target,
                      struct span detail) {
    store_audit(b, &(struct audit_event){
                       .at = c->now, .event = event, .actor = c->actor, .target = target, .detail = detail});
}

void ctl_audit(struct ctl_call *c, struct batch *b, const char *event, struct span target) {
    ctl_audit_detail(c, b, event, target, SPAN_NONE);
}

/* ---- one exchange ---- */

static bool same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static ctl_handler *find_handler(const json_t *request) {
    const char *noun = json_string_value(json_object_get(request, "noun")),
               *verb = json_string_value(json_object_get(request, "verb"));
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        if (same(noun, handlers[i].noun) && same(verb, handlers[i].verb))
            return handlers[i].handler;
    return NULL;
}

static json_t *answer_of(const struct ctl_call *c) {
    if (c->error)
        return json_pack("{si ss ss}", "status", CTL_REFUSED, "error", c->error, "error_description",
                         c->error_description ? c->error_description : "");
    return json_pack("{si sO? ss%}", "status", CTL_DONE, "out", c->out, "text",
                     c->text.data ? c->text.data : "", c->text.len);
}

static json_t *perform(struct ctl_server *s, struct span message, uid_t uid) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_MAX);
    AUTO_JSON json_t *request = NULL;
    struct ctl_call c = {.idp = s->idp, .channel = s->channel, .arena = &a, .now = clock_now(),
                         .text = BUF_INIT(CTL_TEXT_MAX)};
    c.actor = span_of(arena_printf(&a, "staff:%u", uid));
    ctl_handler *handler = NULL;
    if (json_parse_object(message, CTL_MESSAGE_MAX, &request) == ERR_OK)
        handler = find_handler(request);
    c.args = json_object_get(request, "args");
    if (handler)
        handler(&c);
    else
        ctl_refuse(&c, "unknown_command", "this daemon does not know that command");
    json_t *answer = answer_of(&c);
    json_decref(c.out);
    buf_done(&c.text);
    return answer;
}

/* True when `fd` is ready; false at the deadline, or when the daemon ends. */
static bool wait_for(const struct ctl_server *s, int fd, short events, int64_t deadline_us) {
    struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = s->stop_fd, .events = POLLIN}};
    int64_t left_ms = (deadline_us - clock_mono_us()) / 1000;
    if (left_ms <= 0)
        return false;
    return poll(fds, ARRAY_LEN(fds), left_ms < IO_MS ? (int)left_ms : IO_MS) > 0 && !fds[1].revents;
}

static enum err read_all(const struct ctl_server *s, int fd, struct buf *message) {
    char chunk[16384];
    int64_t deadline_us = clock_mono_us() + MESSAGE_US;
    ssize_t n = -1;
    while (wait_for(s, fd, POLLIN, deadline_us)) {
        n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n <= 0)
            break;
        buf_add(message, chunk, (size_t)n);
        n = -1;
    }
    wipe(chunk, sizeof chunk);
    return n < 0 ? ERR_IO : buf_err(message);
}

/* A peer that is still sending would see a broken connection instead of the answer. */
static void read_and_forget(const struct ctl_server *s, int fd) {
    char chunk[16384];
    int64_t deadline_us = clock_mono_us() + FORGET_US;
    size_t total = 0;
    ssize_t n;
    while (total < CTL_MESSAGE_MAX && wait_for(s, fd, POLLIN, deadline_us) &&
           (n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT)) > 0)
        total += (size_t)n;
    wipe(chunk, sizeof chunk);
}

static enum err write_all(const struct ctl_server *s, int fd, const char *text, size_t len) {
    int64_t deadline_us = clock_mono_us() + MESSAGE_US;
    while (len) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0 && (errno != EAGAIN || !wait_for(s, fd, POLLOUT, deadline_us)))
            return ERR_IO;
        if (n <= 0)
            continue;
        text += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

static bool peer_allowed(const struct ctl_server *s, uid_t uid) {
    const struct config *cfg = idp_config(s->idp);
    char text[16];
    (void)snprintf(text, sizeof text, "%u", uid);
    bool listed = uid == 0 || uid == geteuid();
    for (size_t i = 0; i < cfg->admin_uids.count; i++)
        listed = listed || span_is(cfg->admin_uids.item[i], text);
    return listed;
}

static void serve_peer(struct ctl_server *s, int fd) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return;
    CLEANUP(buf_done) struct buf message = BUF_INIT(CTL_MESSAGE_MAX);
    AUTO_JSON json_t *answer = NULL;
    if (!peer_allowed(s, peer.uid)) {
        LOG(LOG_WARN, "admin_refused", LOG_INT("uid", peer.uid));
        read_and_forget(s, fd);
        answer = json_pack("{si ss ss}", "status", CTL_REFUSED, "error", "access_denied",
                           "error_description", "this user may not administer this provider");
    } else if (read_all(s, fd, &message) == ERR_OK) {
        answer = perform(s, buf_span(&message), peer.uid);
    }
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    if (text && write_all(s, fd, text, strlen(text)))
        LOG0(LOG_WARN, "admin_answer_lost");
    if (text)
        wipe(text, strlen(text));
    free(text);
}

static void *serve(void *arg) {
    struct ctl_server *s = arg;
    for (;;) {
        struct pollfd fds[] = {{.fd = s->listen_fd, .events = POLLIN}, {.fd = s->stop_fd, .events = POLLIN}};
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents)
            break;
        AUTO_CLOSE int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve_peer(s, fd);
    }
    return NULL;
}

/* ---- life ---- */

static enum err bind_socket(struct ctl_server *s) {
    AUTO_CLOSE int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe >= 0 && connect(probe, (struct sockaddr *)&s->address, sizeof s->address) == 0)
        return ERR_EXISTS; /* somebody answers there */
    struct stat st; /* one left behind by a daemon that was killed; never any other file */
    if (lstat(s->address.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(s->address.sun_path);
    s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t old = umask(0117); /* owner and group may connect; credentials decide */
    int rc = s->listen_fd < 0 ? -1 : bind(s->listen_fd, (struct sockaddr *)&s->address, sizeof s->address);
    (void)umask(old);
    return rc == 0 && listen(s->listen_fd, BACKLOG) == 0 ? ERR_OK : ERR_IO;
}

enum err ctl_server_start(struct idp *idp, struct signer_channel *channel, struct ctl_server **ret_server) {
    struct span path = idp_config(idp)->admin_socket;
    struct ctl_server *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->idp = idp;
    s->channel = channel;
    s->listen_fd = -1;
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    s->address.sun_family = AF_UNIX;
    enum err e = path.len < sizeof s->address.sun_path ? ERR_OK : ERR_TOO_LONG;
    if (!e) {
        memcpy(s->address.sun_path, path.ptr, path.len);
        e = bind_socket(s);
    }
    if (!e && pthread_create(&s->thread, NULL, serve, s) != 0)
        e = ERR_INTERNAL;
    if (e) {
        cleanup_close(&s->listen_fd);
        cleanup_close(&s->stop_fd);
        free(s);
        return e;
    }
    *ret_server = s;
    return ERR_OK;
}

void ctl_server_stop(struct ctl_server *s) {
    if (!s)
        return;
    (void)!write(s->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_join(s->thread, NULL);
    (void)unlink(s->address.sun_path);
    cleanup_close(&s->listen_fd);
    cleanup_close(&s->stop_fd);
    free(s);
}
