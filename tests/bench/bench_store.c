/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's writer and readers alone: jobs a second, CPU microseconds a job (all threads) and
 * jobs a commit, with 1, 32 and 256 in flight, on the disk that holds FOLDER (default /tmp).
 *   bench_store [FOLDER [SECONDS]] */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "idp/store/store.h"

#define IN_FLIGHT_MAX 256
#define GRANTS        2000

struct slot {
    struct write_job job;
    struct batch b;
    struct arena arena;
};

struct bench {
    struct store *store;
    struct store_reader *reader;
    int64_t now;
    struct session session;
    struct slot slot[IN_FLIGHT_MAX];
    struct slot *idle[IN_FLIGHT_MAX];
    unsigned n_idle;
    pthread_mutex_t lock;
    sem_t some_idle;
    uint64_t failed;
};

static struct bench bench;

static void slot_done(struct write_job *job) {
    struct slot *s = (struct slot *)job;
    pthread_mutex_lock(&bench.lock);
    bench.failed += s->b.result != ERR_OK;
    bench.idle[bench.n_idle++] = s;
    pthread_mutex_unlock(&bench.lock);
    sem_post(&bench.some_idle);
}

static struct slot *slot_take(void) {
    while (sem_wait(&bench.some_idle) != 0) {
    }
    pthread_mutex_lock(&bench.lock);
    struct slot *s = bench.idle[--bench.n_idle];
    pthread_mutex_unlock(&bench.lock);
    arena_reset(&s->arena);
    s->b = BATCH_INIT(&s->arena);
    s->job = (struct write_job){.batch = &s->b, .done = slot_done};
    return s;
}

/* Keys begin with the time, as the real ones do; the rest is as good as random. */
static void key_of(uint64_t number, unsigned char *key, size_t len) {
    uint64_t x = number * 0x9E3779B97F4A7C15ULL;
    memset(key, 0, len);
    for (int i = 0; i < 4; i++)
        key[i] = (unsigned char)((uint64_t)bench.now >> (24 - 8 * i));
    memcpy(key + 4, &x, sizeof x);
}

static struct grant grant_of(uint64_t number) {
    struct grant g = {.user_id = bench.session.user.id,
                      .session_key = bench.session.key,
                      .has_session = true,
                      .client_id = SPAN("bench-client"),
                      .scope = SPAN("openid profile"),
                      .acr = SPAN("1"),
                      .auth_time = bench.now,
                      .has_refresh = true,
                      .rotated_at = bench.now,
                      .issued_at = bench.now,
                      .idle_expires_at = bench.now + 3600,
                      .expires_at = bench.now + 86400};
    key_of(number, g.key.b, sizeof g.key.b);
    return g;
}

static void add_audit(struct batch *b) {
    store_audit(b, &(struct audit_event){.at = bench.now,
                                         .event = "token",
                                         .actor = SPAN("00112233445566778899aabbccddeeff"),
                                         .client_id = SPAN("bench-client"),
                                         .address = SPAN("203.0.113.7"),
                                         .request_id = SPAN("0123456789abcdef")});
}

static void build_once(struct batch *b, uint64_t number) {
    unsigned char key[PENDING_KEY_BYTES];
    key_of(number, key, sizeof key);
    store_once(b, key, bench.now + 60);
    add_audit(b);
}

static void build_code(struct batch *b, uint64_t number) {
    struct grant g = grant_of(number);
    store_grant_consume_code(b, &g);
    add_audit(b);
}

static void build_rotation(struct batch *b, uint64_t number) {
    struct grant g = grant_of(number % GRANTS);
    store_grant_rotate(b, &g.key, (int64_t)(number / GRANTS), bench.now, bench.now + 3600);
    add_audit(b);
}

static void build_single(struct batch *b, uint64_t number) {
    (void)number;
    add_audit(b);
}

/* ---- measuring ---- */

static double cpu_us(void) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

struct workload {
    const char *name;
    void (*build)(struct batch *b, uint64_t number);
    uint64_t next;
};

static struct workload workloads[] = {
    {"audit alone", build_single, 0},
    {"one-time thing + audit", build_once, 0},
    {"code + audit", build_code, GRANTS},
    {"rotation + audit", build_rotation, 0}, /* each grant in turn, generation by generation */
};

static void run(struct workload *w, unsigned in_flight, double seconds) {
    struct store_stats before, after;
    bench.n_idle = 0;
    bench.failed = 0;
    sem_init(&bench.some_idle, 0, in_flight);
    for (unsigned i = 0; i < in_flight; i++)
        bench.idle[bench.n_idle++] = &bench.slot[i];
    store_stats_get(bench.store, &before);
    double cpu = cpu_us();
    int64_t began = clock_mono_us(), end = began + (int64_t)(seconds * 1e6);
    uint64_t jobs = 0;
    for (; clock_mono_us() < end; jobs++) {
        struct slot *s = slot_take();
        w->build(&s->b, w->next++);
        if (store_submit(bench.store, &s->job))
            abort();
    }
    for (unsigned i = 0; i < in_flight; i++)
        (void)sem_wait(&bench.some_idle);
    double took = (double)(clock_mono_us() - began) / 1e6;
    cpu = cpu_us() - cpu;
    store_stats_get(bench.store, &after);
    printf(
        "%-28s %4u in flight: %8.0f jobs/s, %6.1f CPU us a job, %5.1f jobs a commit, %llu failed\n",
        w->name, in_flight, (double)jobs / took, cpu / (double)jobs,
        (double)(after.jobs - before.jobs) / (double)(after.commits - before.commits),
        (unsigned long long)bench.failed);
    sem_destroy(&bench.some_idle);
}

static void run_reads(const char *name, bool with_session, double seconds) {
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    int64_t began = clock_mono_us(), end = began + (int64_t)(seconds * 1e6);
    double cpu = cpu_us();
    uint64_t n = 0;
    for (; clock_mono_us() < end; n++) {
        struct batch b = BATCH_INIT(&a);
        struct grant g = grant_of(n % GRANTS), found = {0};
        struct session session = {0};
        store_grant_find(&b, &g.key, &found);
        if (with_session)
            store_session_find(&b, &bench.session.key, &session);
        if (store_read(bench.reader, &b) || !found.found)
            abort();
        arena_reset(&a);
    }
    printf("%-28s %25.0f reads/s, %6.1f CPU us a read\n", name,
           (double)n * 1e6 / (double)(clock_mono_us() - began), (cpu_us() - cpu) / (double)n);
    arena_done(&a);
}

static void must(enum err e, const char *what) {
    if (!e)
        return;
    (void)fprintf(stderr, "bench_store: %s: %s\n", what, err_text(e));
    exit(1);
}

static void make_session(void) {
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct batch b = BATCH_INIT(&a);
    struct session *s = &bench.session;
    *s = (struct session){.user = {.id = {{1}},
                                   .username = SPAN("an"),
                                   .type = USER_CITIZEN,
                                   .status = USER_ACTIVE,
                                   .ial = 1,
                                   .password_hash = SPAN("h"),
                                   .claims = SPAN("{}")},
                          .created_at = bench.now,
                          .auth_time = bench.now,
                          .last_seen = bench.now,
                          .expires_at = bench.now + 86400,
                          .aal = 1,
                          .amr = AMR_PWD};
    key_of(1, s->key.b, sizeof s->key.b);
    store_user_insert(&b, &s->user);
    store_session_insert(&b, s, NULL);
    must(store_write_wait(bench.store, &b), "session");
    arena_done(&a);
}

static void make_grants(void) {
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    for (uint64_t i = 0; i < GRANTS;) {
        struct batch b = BATCH_INIT(&a);
        for (int k = 0; k < 8; k++) {
            struct grant g = grant_of(i++);
            store_grant_consume_code(&b, &g);
        }
        must(store_write_wait(bench.store, &b), "grants");
        arena_reset(&a);
    }
    arena_done(&a);
}

int main(int argc, char **argv) {
    static const unsigned in_flight[] = {1, 32, 256};
    const char *parent = argc > 1 ? argv[1] : "/tmp", *why = "";
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 2;
    char folder[256], path[300], command[320];
    struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    (void)snprintf(folder, sizeof folder, "%s/bench-store-XXXXXX", parent);
    if (!mkdtemp(folder))
        must(ERR_IO, folder);
    (void)snprintf(path, sizeof path, "%s/idp.db", folder);
    must(store_open(path, &a, &bench.store, &why), why);
    must(store_reader_open(bench.store, &bench.reader), "reader");
    pthread_mutex_init(&bench.lock, NULL);
    bench.now = clock_now();
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        bench.slot[i].arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    make_session();
    make_grants();
    for (size_t w = 0; w < sizeof workloads / sizeof workloads[0]; w++)
        for (size_t i = 0; i < sizeof in_flight / sizeof in_flight[0]; i++)
            run(&workloads[w], in_flight[i], seconds);
    run_reads("one grant", false, seconds / 2);
    run_reads("one grant, one session", true, seconds / 2);
    store_reader_close(bench.reader);
    store_close(bench.store);
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}
