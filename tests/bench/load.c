/* SPDX-License-Identifier: Apache-2.0
 *
 * The load generator of ./dev bench: one thread, epoll, kept-alive connections that each walk
 * through the same steps again and again. A step is a request with {{names}} in it, the status that
 * must come back, and what to keep of the answer under which name (a code, a refresh token). Written
 * in C so that the servers are what is measured.
 *
 *   load SCRIPT.json
 *
 * {"port": N, "connections": 32, "warm": 200, "operations": 20000,
 *  "values": [{"cookie": "..."}, ...],             one object a connection, by turns
 *  "once": [STEP, ...], "steps": [STEP, ...]}
 * STEP: {"head": "POST /token HTTP/1.1\r\nHost: ...\r\n", "body": "...", "status": 200,
 *        "keep": [{"name": "code", "after": "code=", "until": "&\r"}]}
 *
 * Runs `once` and `warm` operations, prints "ready", waits for a line, runs `operations`, prints one
 * line of JSON: operations, seconds, and the operations' milliseconds at p50, p99, p99.9, max. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define CONNECTIONS_MAX 1024
#define STEPS_MAX       8
#define KEEPS_MAX       4
#define VALUES_MAX      12
#define NAME_MAX_BYTES  32
#define VALUE_BYTES     4096
#define REQUEST_BYTES   32768
#define ANSWER_BYTES    65536

struct keep {
    const char *name, *after, *until;
};

struct step {
    const char *head, *body;
    int status;
    size_t n_keeps;
    struct keep keep[KEEPS_MAX];
};

struct plan {
    struct step step[STEPS_MAX];
    size_t n;
};

struct value {
    char name[NAME_MAX_BYTES], text[VALUE_BYTES];
};

struct connection {
    int fd;
    size_t at; /* step */
    bool has_done_once;
    int64_t began_us; /* this operation */
    struct value value[VALUES_MAX];
    size_t n_values;
    char request[REQUEST_BYTES];
    size_t request_len;
    char answer[ANSWER_BYTES];
    size_t answer_len;
};

static struct {
    struct plan once, steps;
    struct connection *connection;
    size_t n_connections;
    int epoll_fd;
    long left, running; /* operations not begun; connections at work */
    double *milliseconds;
    size_t n_milliseconds;
    long failures;
    int port;
} load;

static void fail(const char *what, const char *detail) {
    fprintf(stderr, "load: %s: %s\n", what, detail);
    exit(1);
}

/* ---- the script ---- */

static const char *text_of(const json_t *j, const char *name) {
    const char *text = json_string_value(json_object_get(j, name));
    return text ? text : "";
}

static void plan_read(const json_t *steps, struct plan *p) {
    size_t i, k;
    const json_t *s, *keep;
    json_array_foreach(steps, i, s) {
        if (i == STEPS_MAX)
            fail("script", "too many steps");
        struct step *step = &p->step[p->n++];
        step->head = text_of(s, "head");
        step->body = json_string_value(json_object_get(s, "body"));
        step->status = (int)json_integer_value(json_object_get(s, "status"));
        json_array_foreach(json_object_get(s, "keep"), k, keep) {
            if (k == KEEPS_MAX)
                fail("script", "too many values to keep");
            step->keep[step->n_keeps++] = (struct keep){
                text_of(keep, "name"), text_of(keep, "after"), text_of(keep, "until")};
        }
    }
}

static void value_set(struct connection *c, const char *name, const char *text, size_t len) {
    size_t i = 0;
    while (i < c->n_values && strcmp(c->value[i].name, name) != 0)
        i++;
    if (i == VALUES_MAX || strlen(name) >= NAME_MAX_BYTES || len >= VALUE_BYTES)
        fail("value does not fit", name);
    if (i == c->n_values)
        c->n_values++;
    memcpy(c->value[i].name, name, strlen(name) + 1);
    memcpy(c->value[i].text, text, len);
    c->value[i].text[len] = '\0';
}

/* ---- one request ---- */

static void request_add(struct connection *c, const char *text, size_t len) {
    if (len > REQUEST_BYTES - c->request_len)
        fail("request", "too long");
    memcpy(c->request + c->request_len, text, len);
    c->request_len += len;
}

static const char *value_find(const struct connection *c, const char *name, size_t len) {
    for (size_t i = 0; i < c->n_values; i++)
        if (strlen(c->value[i].name) == len && memcmp(c->value[i].name, name, len) == 0)
            return c->value[i].text;
    fail("no such value", name);
    return NULL;
}

static void request_fill(struct connection *c, const char *text) {
    const char *open;
    while ((open = strstr(text, "{{"))) {
        const char *close = strstr(open, "}}");
        if (!close)
            break;
        request_add(c, text, (size_t)(open - text));
        const char *value = value_find(c, open + 2, (size_t)(close - open) - 2);
        request_add(c, value, strlen(value));
        text = close + 2;
    }
    request_add(c, text, strlen(text));
}

static const struct plan *plan_of(const struct connection *c) {
    return c->has_done_once ? &load.steps : &load.once;
}

static void request_send(struct connection *c) {
    const struct step *s = &plan_of(c)->step[c->at];
    char body[REQUEST_BYTES], length[64];
    size_t body_len = 0;
    c->request_len = 0;
    if (s->body) {
        request_fill(c, s->body);
        body_len = c->request_len;
        memcpy(body, c->request, body_len);
        c->request_len = 0;
    }
    request_fill(c, s->head);
    if (s->body) {
        int n = snprintf(length, sizeof length, "Content-Length: %zu\r\n", body_len);
        request_add(c, length, (size_t)n);
    }
    request_add(c, "\r\n", 2);
    request_add(c, body, body_len);
    c->answer_len = 0;
    if (send(c->fd, c->request, c->request_len, MSG_NOSIGNAL) != (ssize_t)c->request_len)
        fail("send", strerror(errno));
}

/* ---- one answer ---- */

static const char *field_find(const char *head, const char *end, const char *name) {
    size_t len = strlen(name);
    for (const char *p = head; (p = memchr(p, '\n', (size_t)(end - p))) && ++p < end;)
        if ((size_t)(end - p) > len && strncasecmp(p, name, len) == 0 && p[len] == ':')
            return p + len + 1 + strspn(p + len + 1, " ");
    return NULL;
}

static bool answer_is_whole(const struct connection *c) {
    const char *end = memmem(c->answer, c->answer_len, "\r\n\r\n", 4);
    if (!end)
        return false;
    const char *body = end + 4, *length = field_find(c->answer, end, "Content-Length");
    size_t got = c->answer_len - (size_t)(body - c->answer);
    if (length)
        return got >= strtoul(length, NULL, 10);
    if (field_find(c->answer, end, "Transfer-Encoding"))
        return got >= 5 && memcmp(c->answer + c->answer_len - 5, "0\r\n\r\n", 5) == 0;
    return true;
}

static void answer_take(struct connection *c) {
    const struct step *s = &plan_of(c)->step[c->at];
    c->answer[c->answer_len] = '\0';
    if (atoi(c->answer + strlen("HTTP/1.1 ")) != s->status) {
        if (load.failures++ == 0)
            fprintf(stderr, "load: unexpected answer:\n%.*s\n----\n%s\n", (int)c->request_len, c->request,
                    c->answer);
        exit(1);
    }
    for (size_t i = 0; i < s->n_keeps; i++) {
        const char *at = strstr(c->answer, s->keep[i].after);
        if (!at)
            fail("not in the answer", s->keep[i].after);
        at += strlen(s->keep[i].after);
        value_set(c, s->keep[i].name, at, strcspn(at, s->keep[i].until));
    }
}

/* ---- the walk ---- */

static void connect_all(void) {
    for (size_t i = 0; i < load.n_connections; i++) {
        struct connection *c = &load.connection[i];
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load.port)};
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
            fail("connect", strerror(errno));
        (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(load.epoll_fd, EPOLL_CTL_ADD, c->fd, &e) != 0)
            fail("epoll", strerror(errno));
    }
}

static void operation_begin(struct connection *c) {
    if (load.left == 0) {
        load.running--;
        return;
    }
    load.left--;
    c->at = 0;
    c->began_us = clock_mono_us();
    request_send(c);
}

static void operation_end(struct connection *c) {
    load.milliseconds[load.n_milliseconds++] = (double)(clock_mono_us() - c->began_us) / 1000;
    operation_begin(c);
}

static void on_readable(struct connection *c) {
    ssize_t n = recv(c->fd, c->answer + c->answer_len, ANSWER_BYTES - 1 - c->answer_len, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        fail("connection ended", n < 0 ? strerror(errno) : "closed by the server");
    c->answer_len += (size_t)n;
    if (!answer_is_whole(c))
        return;
    answer_take(c);
    if (++c->at < plan_of(c)->n) {
        request_send(c);
    } else if (!c->has_done_once) {
        c->has_done_once = true;
        load.running--;
    } else {
        operation_end(c);
    }
}

static void wait_all(void) {
    struct epoll_event events[64];
    while (load.running) {
        int n = epoll_wait(load.epoll_fd, events, 64, 10000);
        if (n == 0)
            fail("no answer", "10 s");
        for (int i = 0; i < n; i++)
            on_readable(events[i].data.ptr);
    }
}

static void run_once(void) {
    for (size_t i = 0; i < load.n_connections; i++) {
        struct connection *c = &load.connection[i];
        c->has_done_once = load.once.n == 0;
        if (load.once.n) {
            load.running++;
            request_send(c);
        }
    }
    wait_all();
}

static void run_operations(long operations) {
    load.left = operations;
    load.n_milliseconds = 0;
    load.running = (long)load.n_connections;
    for (size_t i = 0; i < load.n_connections; i++)
        operation_begin(&load.connection[i]);
    wait_all();
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double percentile(double share) {
    size_t at = (size_t)((double)load.n_milliseconds * share);
    return load.milliseconds[at < load.n_milliseconds ? at : load.n_milliseconds - 1];
}

static void report(double seconds) {
    qsort(load.milliseconds, load.n_milliseconds, sizeof(double), by_size);
    printf("{\"operations\": %zu, \"seconds\": %.6f, \"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, "
           "\"max\": %.3f}\n",
           load.n_milliseconds, seconds, percentile(0.5), percentile(0.99), percentile(0.999), percentile(1));
}

int main(int argc, char **argv) {
    json_error_t error;
    json_t *script = argc == 2 ? json_load_file(argv[1], 0, &error) : NULL;
    if (!script)
        fail("usage", "load SCRIPT.json");
    load.port = (int)json_integer_value(json_object_get(script, "port"));
    load.n_connections = (size_t)json_integer_value(json_object_get(script, "connections"));
    long warm = (long)json_integer_value(json_object_get(script, "warm"));
    long operations = (long)json_integer_value(json_object_get(script, "operations"));
    plan_read(json_object_get(script, "once"), &load.once);
    plan_read(json_object_get(script, "steps"), &load.steps);
    if (!load.n_connections || load.n_connections > CONNECTIONS_MAX || !load.steps.n || operations < 1)
        fail("script", "connections, steps or operations");
    load.connection = calloc(load.n_connections, sizeof *load.connection);
    load.milliseconds = calloc((size_t)(warm > operations ? warm : operations), sizeof(double));
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!load.connection || !load.milliseconds || load.epoll_fd < 0)
        fail("start", strerror(errno));

    const json_t *values = json_object_get(script, "values");
    for (size_t i = 0; i < load.n_connections && json_array_size(values); i++) {
        const char *name;
        json_t *value;
        json_object_foreach(json_array_get(values, i % json_array_size(values)), name, value)
            value_set(&load.connection[i], name, json_string_value(value), json_string_length(value));
    }
    connect_all();
    run_once();
    if (warm)
        run_operations(warm);
    printf("ready\n");
    fflush(stdout);
    char line[8];
    if (!fgets(line, sizeof line, stdin))
        return 1;
    int64_t began = clock_mono_us();
    run_operations(operations);
    report((double)(clock_mono_us() - began) / 1e6);
    return 0;
}
