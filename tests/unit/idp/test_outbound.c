/* SPDX-License-Identifier: Apache-2.0
 *
 * outbound, against a server of the test's own on loopback: a peer that hangs holds no more
 * connections than its group may have and keeps nobody else waiting; a request with a body is nobody
 * else's; a connection is used again only where its address cannot matter (D12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/outbound.h"

#define SERVED_MAX 512

/* GET /ok, POST /echo: answered at once; /400: with that; /hang: never; /wait: in 200 ms. */
struct place {
    int listener;
    unsigned port;
    atomic_int accepted, open, most_open, posts;
    int fd[SERVED_MAX];
    pthread_t thread, served[SERVED_MAX];
    pthread_mutex_t lock;
    char last_head[8192];
};

struct served {
    struct place *p;
    int fd;
};

static void answer(int fd, int status, const char *body) {
    char text[4096];
    int n = snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status,
                     strlen(body), body);
    (void)!write(fd, text, (size_t)n);
}

static bool read_request(int fd, char *head, size_t size, char **ret_body) {
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, head + len, size - 1 - len);
        if (n <= 0)
            return false;
        head[len += (size_t)n] = '\0';
        char *end = strstr(head, "\r\n\r\n"), *length = strcasestr(head, "content-length: ");
        if (end && len >= (size_t)(end + 4 - head) + (length ? strtoul(length + 16, NULL, 10) : 0)) {
            *ret_body = end + 4;
            return true;
        }
    }
}

static void *serve_one(void *ctx) {
    struct served s = *(struct served *)ctx;
    char head[8192], *body;
    free(ctx);
    int now_open = atomic_fetch_add(&s.p->open, 1) + 1;
    if (now_open > atomic_load(&s.p->most_open))
        atomic_store(&s.p->most_open, now_open);
    while (read_request(s.fd, head, sizeof head, &body)) {
        pthread_mutex_lock(&s.p->lock);
        memcpy(s.p->last_head, head, sizeof head);
        pthread_mutex_unlock(&s.p->lock);
        atomic_fetch_add(&s.p->posts, strncmp(head, "POST", 4) == 0);
        if (strstr(head, " /wait "))
            usleep(200000);
        if (!strstr(head, " /hang "))
            answer(s.fd, strstr(head, " /400 ") ? 400 : 200, strstr(head, " /echo ") ? body : "fine");
    }
    atomic_fetch_sub(&s.p->open, 1);
    return NULL;
}

static void *serve(void *ctx) {
    struct place *p = ctx;
    int fd;
    while ((fd = accept(p->listener, NULL, NULL)) >= 0) {
        int i = atomic_fetch_add(&p->accepted, 1);
        struct served *s = malloc(sizeof *s);
        *s = (struct served){p, fd};
        p->fd[i] = fd;
        assert_int_equal(pthread_create(&p->served[i], NULL, serve_one, s), 0);
    }
    return NULL;
}

static void place_init(struct place *p) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *p = (struct place){.listener = socket(AF_INET, SOCK_STREAM, 0)};
    pthread_mutex_init(&p->lock, NULL);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(p->listener, 512), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &len), 0);
    p->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

static void place_done(struct place *p) {
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    for (int i = 0; i < atomic_load(&p->accepted); i++) {
        shutdown(p->fd[i], SHUT_RDWR);
        pthread_join(p->served[i], NULL);
        close(p->fd[i]);
    }
    close(p->listener);
}

/* ---- what asks ---- */

struct asked {
    struct outbound_job job;
    char url[128];
    atomic_bool is_done;
};

struct world {
    struct idp idp;
    struct config cfg;
    struct place place;
    struct outbound *outbound;
};

static void done(struct outbound_job *job) {
    atomic_store(&((struct asked *)job)->is_done, true);
}

static struct config_list listing(const char *item) {
    return (struct config_list){.item = {span_of(item)}, .count = 1};
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->cfg.outbound_upstream = w->cfg.outbound_logout = w->cfg.outbound_jwks = listing("127.0.0.1");
    atomic_store(&w->idp.config, &w->cfg);
    place_init(&w->place);
    assert_int_equal(outbound_new(&w->idp, &w->outbound), ERR_OK);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    outbound_free(w->outbound);
    place_done(&w->place);
    free(w);
    return 0;
}

static enum err ask(struct world *w, struct asked *a, enum outbound_purpose purpose, const char *path) {
    a->job.purpose = purpose;
    snprintf(a->url, sizeof a->url, "http://127.0.0.1:%u%s", w->place.port, path);
    a->job.url = span_of(a->url);
    a->job.done = done;
    return outbound_submit(w->outbound, &a->job);
}

static enum err wait_for(struct asked *a) {
    for (int i = 0; i < 8000 && !atomic_load(&a->is_done); i++)
        usleep(1000);
    assert_true(atomic_load(&a->is_done));
    return a->job.result;
}

static enum err ask_once(struct world *w, enum outbound_purpose purpose, const char *path,
                         bool only_public) {
    struct asked a = {.job.only_public = only_public};
    assert_int_equal(ask(w, &a, purpose, path), ERR_OK);
    enum err e = wait_for(&a);
    outbound_job_done(&a.job);
    return e;
}

/* ---- tests ---- */

static void a_form_is_posted_with_its_authorization(void **state) {
    struct world *w = *state;
    struct asked a = {.job.form = SPAN("grant_type=authorization_code&code=a%2Bb"),
                      .job.authorization = SPAN("Basic YTpi")};
    assert_int_equal(ask(w, &a, OUTBOUND_UPSTREAM, "/echo"), ERR_OK);
    assert_int_equal(wait_for(&a), ERR_OK);
    assert_string_equal(a.job.body, "grant_type=authorization_code&code=a%2Bb");
    assert_int_equal(a.job.status, 200);
    assert_non_null(strstr(w->place.last_head, "\r\nAuthorization: Basic YTpi\r\n"));
    assert_non_null(strstr(w->place.last_head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_null(strcasestr(w->place.last_head, "\r\nexpect:"));
    outbound_job_done(&a.job);
    struct asked plain = {0};
    assert_int_equal(ask(w, &plain, OUTBOUND_UPSTREAM, "/ok"), ERR_OK);
    assert_int_equal(wait_for(&plain), ERR_OK);
    assert_null(strstr(w->place.last_head, "Authorization"));
    outbound_job_done(&plain.job);
}

static void a_field_cannot_begin_another(void **state) {
    struct world *w = *state;
    static const char *const bad[] = {"Basic a\r\nX: y", "Basic a\ny", "Basic \x01"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct asked a = {.job.authorization = span_of(bad[i])};
        assert_int_equal(ask(w, &a, OUTBOUND_UPSTREAM, "/ok"), ERR_SYNTAX);
    }
    struct asked a = {.job.group = SPAN("g")}; /* without a bound */
    assert_int_equal(ask(w, &a, OUTBOUND_UPSTREAM, "/ok"), ERR_SYNTAX);
}

static void any_status_is_an_answer_where_asked_for(void **state) {
    struct world *w = *state;
    struct asked strict = {0}, any = {.job.any_status = true};
    assert_int_equal(ask(w, &strict, OUTBOUND_LOGOUT, "/400"), ERR_OK);
    assert_int_equal(wait_for(&strict), ERR_UNAVAILABLE);
    assert_int_equal(strict.job.status, 400);
    assert_int_equal(ask(w, &any, OUTBOUND_LOGOUT, "/400"), ERR_OK);
    assert_int_equal(wait_for(&any), ERR_OK);
    assert_int_equal(any.job.status, 400);
    assert_string_equal(any.job.body, "fine");
    outbound_job_done(&any.job);
}

static void equal_posts_are_two_and_equal_gets_are_one(void **state) {
    struct world *w = *state;
    struct asked post[2] = {0}, get[2] = {0}, with_token = {.job.authorization = SPAN("Bearer x")};
    for (size_t i = 0; i < 2; i++) {
        post[i].job.form = SPAN("a=b");
        assert_int_equal(ask(w, &post[i], OUTBOUND_UPSTREAM, "/wait"), ERR_OK);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(ask(w, &get[i], OUTBOUND_JWKS, "/wait"), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wait_for(&post[i]), ERR_OK);
        assert_int_equal(wait_for(&get[i]), ERR_OK);
        outbound_job_done(&post[i].job);
        outbound_job_done(&get[i].job);
    }
    assert_int_equal(atomic_load(&w->place.posts), 2);
    assert_int_equal(atomic_load(&w->place.accepted), 3);
    struct asked bare = {0}; /* must not be given the answer to somebody's token */
    assert_int_equal(ask(w, &with_token, OUTBOUND_JWKS, "/wait"), ERR_OK);
    assert_int_equal(ask(w, &bare, OUTBOUND_JWKS, "/wait"), ERR_OK);
    assert_int_equal(wait_for(&with_token), ERR_OK);
    assert_int_equal(wait_for(&bare), ERR_OK);
    assert_int_equal(atomic_load(&w->place.accepted), 5);
    outbound_job_done(&with_token.job);
    outbound_job_done(&bare.job);
}

/* 1000 people before a provider that hangs. */
static void X14_a_hanging_group_holds_its_own_connections_only(void **state) {
    struct world *w = *state;
    enum { PEOPLE = 1000, BOUND = 3 };
    struct asked *a = calloc(PEOPLE, sizeof *a);
    int busy = 0, timed_out = 0;
    int64_t began = clock_mono_us();
    for (int i = 0; i < PEOPLE; i++) {
        a[i].job.form = SPAN("a=b");
        a[i].job.group = SPAN("slow");
        a[i].job.group_max = BOUND;
        enum err e = ask(w, &a[i], OUTBOUND_UPSTREAM, "/hang");
        assert_true(e == ERR_OK || e == ERR_BUSY);
        busy += e == ERR_BUSY;
    }
    assert_int_equal(busy, PEOPLE - OUTBOUND_WAITING_MAX);
    struct asked other = {.job.form = SPAN("a=b"), .job.group = SPAN("quick"), .job.group_max = BOUND};
    assert_int_equal(ask(w, &other, OUTBOUND_UPSTREAM, "/echo"), ERR_OK);
    assert_int_equal(wait_for(&other), ERR_OK);
    outbound_job_done(&other.job);
    assert_int_equal(ask_once(w, OUTBOUND_JWKS, "/ok", false), ERR_OK);
    assert_int_equal(ask_once(w, OUTBOUND_LOGOUT, "/ok", false), ERR_OK);
    assert_true(clock_mono_us() - began < 2000000);
    for (int i = 0; i < OUTBOUND_WAITING_MAX; i++)
        timed_out += wait_for(&a[i]) == ERR_TIMEOUT;
    assert_int_equal(timed_out, OUTBOUND_WAITING_MAX);
    assert_true(clock_mono_us() - began < (OUTBOUND_SECONDS + 2) * INT64_C(1000000));
    assert_true(atomic_load(&w->place.most_open) <= BOUND + 2); /* the others' */
    free(a);
}

static void whoever_waits_gets_a_turn(void **state) {
    struct world *w = *state;
    struct asked a[12] = {0};
    for (size_t i = 0; i < ARRAY_LEN(a); i++) {
        a[i].job.form = SPAN("a=b");
        a[i].job.group = SPAN("g");
        a[i].job.group_max = 2;
        assert_int_equal(ask(w, &a[i], OUTBOUND_UPSTREAM, "/wait"), ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(a); i++) {
        assert_int_equal(wait_for(&a[i]), ERR_OK);
        outbound_job_done(&a[i].job);
    }
    assert_int_equal(atomic_load(&w->place.most_open), 2);
}

/* Where nothing but the network is listed, another name could have led to the connection. */
static void D12_connections_are_used_again_for_hosts_listed_by_name_only(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_once(w, OUTBOUND_UPSTREAM, "/ok", false), ERR_OK);
    assert_int_equal(atomic_load(&w->place.accepted), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_once(w, OUTBOUND_JWKS, "/ok", false), ERR_OK);
    assert_int_equal(atomic_load(&w->place.accepted), 4);
    w->cfg.outbound_logout = listing("127.0.0.0/8");
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask_once(w, OUTBOUND_LOGOUT, "/ok", false), ERR_OK);
    assert_int_equal(atomic_load(&w->place.accepted), 6);
}

/* A stranger's URL: the connection that is open was allowed for somebody who is trusted. */
static void D12_a_stranger_never_gets_an_open_connection(void **state) {
    struct world *w = *state;
    assert_int_equal(ask_once(w, OUTBOUND_LOGOUT, "/ok", false), ERR_OK);
    assert_int_equal(ask_once(w, OUTBOUND_LOGOUT, "/ok", true), ERR_REFUSED);
    assert_int_equal(atomic_load(&w->place.accepted), 1);
}

static void the_end_comes_to_those_who_wait_too(void **state) {
    struct world *w = *state;
    struct asked a[4] = {0};
    for (size_t i = 0; i < ARRAY_LEN(a); i++) {
        a[i].job.form = SPAN("a=b");
        a[i].job.group = SPAN("g");
        a[i].job.group_max = 1;
        assert_int_equal(ask(w, &a[i], OUTBOUND_UPSTREAM, "/hang"), ERR_OK);
    }
    outbound_free(w->outbound);
    w->outbound = NULL;
    for (size_t i = 0; i < ARRAY_LEN(a); i++)
        assert_int_equal(wait_for(&a[i]), ERR_UNAVAILABLE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_form_is_posted_with_its_authorization),
        TEST(a_field_cannot_begin_another),
        TEST(any_status_is_an_answer_where_asked_for),
        TEST(equal_posts_are_two_and_equal_gets_are_one),
        TEST(X14_a_hanging_group_holds_its_own_connections_only),
        TEST(whoever_waits_gets_a_turn),
        TEST(D12_connections_are_used_again_for_hosts_listed_by_name_only),
        TEST(D12_a_stranger_never_gets_an_open_connection),
        TEST(the_end_comes_to_those_who_wait_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
