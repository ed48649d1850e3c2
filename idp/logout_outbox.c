/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that delivers logout tokens; see logout_outbox.h. */
#include "idp/logout_outbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "idp/client_metadata.h"
#include "idp/config.h"
#include "idp/keyring.h"
#include "idp/metrics.h"
#include "idp/outbound.h"

#define CLAIMS_MAX    4096
#define SLOT_BYTES    (64 * 1024)
#define ROUND_BYTES   (4 * 1024 * 1024)
#define IDLE_SECONDS  60 /* at most between two looks at the store */
#define RETRY_SECONDS 1  /* when it was not the client's fault */

struct slot {
    struct logout_outbox *owner;
    bool is_used;     /* the thread's own */
    bool is_answered; /* under the lock */
    struct logout_delivery delivery;
    struct outbound_job job;
    struct arena arena;
};

struct logout_outbox {
    struct idp *idp;
    struct signer_channel *channel;
    logout_claims_fn *claims;
    struct store_reader *reader;
    pthread_t thread;
    struct slot slot[OUTBOX_SLOTS];
    int64_t look_at; /* when there is something to do by itself; the thread's own */
    int64_t hold_until; /* nothing new before: the store does not take what came of the last */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_news, stopping; /* under the lock */
};

/* Seconds until the next attempt after `attempts` of them failed. */
static int64_t pause_after(int64_t attempts) {
    static const int64_t seconds[] = {2, 5, 15, 60, 300, 900};
    size_t i = attempts > 0 ? (size_t)attempts - 1 : 0;
    return i < ARRAY_LEN(seconds) ? seconds[i] : 3600;
}

static void wake(void *ctx) {
    struct logout_outbox *o = ctx;
    pthread_mutex_lock(&o->lock);
    o->has_news = true;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

/* ---- an attempt ends ---- */

/* On the outbound thread. */
static void answered(struct outbound_job *job) {
    struct slot *s = (struct slot *)((char *)job - offsetof(struct slot, job));
    pthread_mutex_lock(&s->owner->lock);
    s->is_answered = true;
    s->owner->has_news = true;
    pthread_cond_signal(&s->owner->changed);
    pthread_mutex_unlock(&s->owner->lock);
}

static bool is_answered(struct slot *s) {
    pthread_mutex_lock(&s->owner->lock);
    bool yes = s->is_used && s->is_answered;
    pthread_mutex_unlock(&s->owner->lock);
    return yes;
}

/* Back-Channel Logout 2.8: 200, or 204 which some frameworks make of it; 400 when the client could not
 * or would not, and will not the next time. */
static void judge(struct logout_delivery *d, const struct outbound_job *job, int64_t now) {
    d->status = job->status;
    d->attempts++;
    d->next_at = now;
    if (!job->result && (d->status == 200 || d->status == 204))
        d->state = LOGOUT_DONE;
    else if (!job->result && d->status == 400)
        d->state = LOGOUT_REFUSED;
    else if (now - d->created_at >= LOGOUT_TRIED_SECONDS)
        d->state = LOGOUT_GIVEN_UP;
    else
        d->next_at = now + pause_after(d->attempts);
}

static void report(struct logout_outbox *o, const struct logout_delivery *d, enum err why) {
    static const enum metric metrics[LOGOUT_STATES] = {
        [LOGOUT_WAITS] = METRIC_LOGOUTS_FAILED,
        [LOGOUT_DONE] = METRIC_LOGOUTS_DONE,
        [LOGOUT_REFUSED] = METRIC_LOGOUTS_REFUSED,
        [LOGOUT_GIVEN_UP] = METRIC_LOGOUTS_GIVEN_UP,
    };
    metrics_add(o->idp->metrics, metrics[d->state], 1);
    if (d->state != LOGOUT_DONE)
        LOG(LOG_WARN, "logout_not_delivered", LOG_SPAN("client_id", d->client_id),
            LOG_STR("state", logout_state_name(d->state)), LOG_INT("status", d->status),
            LOG_INT("attempts", d->attempts), LOG_STR("result", err_text(why)));
}

static void slot_free(struct slot *s) {
    outbound_job_done(&s->job);
    arena_done(&s->arena);
    *s = (struct slot){.owner = s->owner};
}

static void look_no_later(struct logout_outbox *o, int64_t at) {
    if (at < o->look_at)
        o->look_at = at;
}

static void settle(struct logout_outbox *o) {
    for (size_t i = 0; i < OUTBOX_SLOTS; i++) {
        struct slot *s = &o->slot[i];
        if (!is_answered(s))
            continue;
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        struct batch b = BATCH_INIT(&a);
        judge(&s->delivery, &s->job, clock_now());
        store_logout_mark(&b, &s->delivery);
        /* What cannot be written is told again, but not at once. */
        if (store_write_wait(o->idp->store, &b)) {
            LOG(LOG_ERROR, "logout_not_marked", LOG_SPAN("client_id", s->delivery.client_id));
            o->hold_until = clock_now() + RETRY_SECONDS;
        } else {
            report(o, &s->delivery, s->job.result);
        }
        slot_free(s);
    }
}

/* ---- an attempt begins ---- */

static enum err sign(struct logout_outbox *o, struct slot *s, const struct client *client,
                     struct span *ret_token) {
    CLEANUP(buf_done) struct buf claims = BUF_INIT(CLAIMS_MAX);
    struct span kid = keyring_active_kid(o->idp->keyring, client->id_token_alg);
    struct signer_answer answer = {.err = ERR_OK};
    enum err e = o->claims(o->idp, client, &s->delivery, clock_now(), &claims);
    if (!e && !kid.len)
        e = ERR_UNAVAILABLE;
    if (e)
        return e;
    const struct signer_request ask = {.op = SIGNER_OP_SIGN_JWT, .kid = kid,
                                       .typ = SPAN("logout+jwt"), .bytes = buf_span(&claims)};
    e = signer_call(o->channel, &ask, 1, &s->arena, &answer);
    if (!e)
        e = answer.err;
    if (!e)
        *ret_token = answer.text;
    return e;
}

static enum err post(struct logout_outbox *o, struct slot *s, const struct client *client) {
    struct span token = SPAN_NONE;
    enum err e = sign(o, s, client, &token);
    if (e)
        return e;
    const char *form = arena_printf(&s->arena, "logout_token=%.*s", SPAN_FMT(token));
    s->job = (struct outbound_job){
        .purpose = OUTBOUND_LOGOUT,
        .url = arena_dup(&s->arena, client->backchannel_logout_uri),
        .only_public = client->is_self_registered,
        .form = span_of(form),
        .any_status = true,
        .done = answered,
    };
    return form && s->job.url.ptr ? outbound_submit(o->idp->outbound, &s->job) : ERR_NOMEM;
}

static bool is_under_way(const struct logout_outbox *o, const struct logout_delivery *d) {
    for (size_t i = 0; i < OUTBOX_SLOTS; i++)
        if (o->slot[i].is_used && memcmp(o->slot[i].delivery.id, d->id, LOGOUT_ID_BYTES) == 0)
            return true;
    return false;
}

static size_t slots_of(const struct logout_outbox *o, struct span client_id) {
    size_t n = 0;
    for (size_t i = 0; i < OUTBOX_SLOTS; i++)
        n += o->slot[i].is_used && span_eq(o->slot[i].delivery.client_id, client_id);
    return n;
}

static struct slot *slot_find(struct logout_outbox *o) {
    for (size_t i = 0; i < OUTBOX_SLOTS; i++)
        if (!o->slot[i].is_used)
            return &o->slot[i];
    return NULL;
}

/* False when the fault is ours: it is not counted as an attempt. */
static bool begin(struct logout_outbox *o, const struct client *client, const struct logout_delivery *d) {
    struct slot *s = slot_find(o);
    if (!s)
        return true; /* the next answer wakes us */
    *s = (struct slot){.owner = o, .is_used = true, .delivery = *d, .arena = ARENA_INIT(SLOT_BYTES)};
    s->delivery.client_id = arena_dup(&s->arena, d->client_id);
    enum err e = s->delivery.client_id.ptr ? post(o, s, client) : ERR_NOMEM;
    if (!e)
        return true;
    if (e == ERR_SYNTAX) { /* a URI that outbound never asks for: as if it had not answered */
        s->job.result = e;
        answered(&s->job);
        return true;
    }
    slot_free(s);
    return false;
}

/* `ret_client` is empty when nobody is to be told. */
static enum err client_load(struct logout_outbox *o, struct arena *a, struct span client_id,
                            struct client *ret_client) {
    struct client_row row = {.found = false};
    struct batch b = BATCH_INIT(a);
    json_t *metadata;
    store_client_find(&b, client_id, &row);
    enum err e = store_read(o->reader, &b);
    if (e || !row.found || !row.is_enabled)
        return e;
    e = json_parse_object(row.metadata, CLIENT_METADATA_MAX, &metadata);
    if (e)
        return e;
    e = client_from_metadata(metadata, row.is_enabled, row.secret, row.n_secrets, ret_client);
    if (e)
        json_decref(metadata);
    return e;
}

static enum err drop(struct logout_outbox *o, struct arena *a, struct span client_id) {
    struct batch b = BATCH_INIT(a);
    store_logout_drop_client(&b, client_id);
    return store_write_wait(o->idp->store, &b);
}

static enum err tell_client(struct logout_outbox *o, struct arena *a, struct span client_id, int64_t now) {
    CLEANUP(client_done) struct client client = {0};
    struct logout_list due = {0};
    struct batch b = BATCH_INIT(a);
    if (slots_of(o, client_id) >= OUTBOX_OF_CLIENT)
        return ERR_OK;
    enum err e = client_load(o, a, client_id, &client);
    if (e)
        return e;
    if (!client.backchannel_logout_uri.len)
        return drop(o, a, client_id);
    store_logout_due(&b, client_id, now, 2 * OUTBOX_OF_CLIENT, &due);
    e = store_read(o->reader, &b);
    for (size_t i = 0; !e && i < due.count && slots_of(o, client_id) < OUTBOX_OF_CLIENT; i++)
        if (!is_under_way(o, &due.item[i]) && !begin(o, &client, &due.item[i]))
            e = ERR_BUSY;
    return e;
}

/* All clients of which something is due, whoever waits longest first. */
static void fill(struct logout_outbox *o) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ROUND_BYTES);
    struct logout_clients clients = {0};
    struct batch b = BATCH_INIT(&a);
    int64_t now = clock_now(), next_at = INT64_MAX;
    if (now < o->hold_until) {
        o->look_at = o->hold_until;
        return;
    }
    store_logout_clients_due(&b, now, &clients);
    store_logout_next(&b, now, &next_at);
    enum err e = store_read(o->reader, &b);
    o->look_at = now + IDLE_SECONDS;
    look_no_later(o, next_at);
    for (size_t i = 0; !e && i < clients.count && slot_find(o); i++)
        if (tell_client(o, &a, clients.item[i], now))
            look_no_later(o, now + RETRY_SECONDS); /* this one; others may do better */
    if (e)
        look_no_later(o, now + RETRY_SECONDS);
    store_reader_rest(o->reader);
}

/* ---- the thread ---- */

static bool is_idle(const struct logout_outbox *o) {
    for (size_t i = 0; i < OUTBOX_SLOTS; i++)
        if (o->slot[i].is_used)
            return false;
    return true;
}

/* Until there is something to do; true: the end is near. */
static bool wait_for_news(struct logout_outbox *o) {
    int64_t seconds = o->look_at - clock_now();
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds > IDLE_SECONDS ? IDLE_SECONDS : seconds > 0 ? seconds : 0;
    pthread_mutex_lock(&o->lock);
    while (!o->has_news &&
           pthread_cond_clockwait(&o->changed, &o->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    o->has_news = false;
    bool stopping = o->stopping;
    pthread_mutex_unlock(&o->lock);
    return stopping;
}

static void *run(void *ctx) {
    struct logout_outbox *o = ctx;
    bool stopping = false;
    while (!stopping || !is_idle(o)) {
        settle(o);
        if (!stopping)
            fill(o);
        if (!stopping || !is_idle(o))
            stopping = wait_for_news(o);
    }
    return NULL;
}

/* ---- life ---- */

static void outbox_free(struct logout_outbox *o) {
    store_reader_close(o->reader);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

enum err logout_outbox_start(struct idp *idp, struct signer_channel *channel,
                             logout_claims_fn *claims, struct logout_outbox **ret_outbox) {
    struct logout_outbox *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    o->idp = idp;
    o->channel = channel;
    o->claims = claims;
    for (size_t i = 0; i < OUTBOX_SLOTS; i++)
        o->slot[i].owner = o;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->changed, NULL);
    enum err e = store_reader_open(idp->store, &o->reader);
    if (!e && pthread_create(&o->thread, NULL, run, o))
        e = ERR_INTERNAL;
    if (e) {
        outbox_free(o);
        return e;
    }
    store_on_delivery(idp->store, wake, o);
    wake(o);
    *ret_outbox = o;
    return ERR_OK;
}

void logout_outbox_stop(struct logout_outbox *o) {
    if (!o)
        return;
    store_on_delivery(o->idp->store, NULL, NULL);
    pthread_mutex_lock(&o->lock);
    o->stopping = true;
    o->has_news = true;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    outbox_free(o);
}
