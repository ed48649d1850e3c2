/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbound thread: one curl multi handle, a transfer for each URL under way, and the requests
 * that wait for it; see outbound.h. */
#include "idp/outbound.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "idp/config.h"
#include "idp/idp.h"

#define HEADERS_MAX    16384 /* bytes */
#define CONNECTIONS    (2L * OUTBOUND_PURPOSES * OUTBOUND_TRANSFERS_MAX) /* at once */
#define PER_HOST       4L
#define POLL_MS        1000
#define MAX_AGE_FIELD  "cache-control:"
#define MAX_AGE_PREFIX "max-age="

struct transfer {
    struct outbound *owner;
    struct transfer *next;
    CURL *curl;
    struct outbound_job *jobs; /* the first of them speaks for all */
    char url[OUTBOUND_URL_MAX + 1];
    struct span host;
    bool is_https, was_refused;
    struct buf body;
    size_t header_bytes;
    int64_t max_age;
};

struct outbound {
    struct idp *idp;
    CURLM *multi;
    pthread_t thread;
    struct transfer *transfers; /* the thread's own */
    pthread_mutex_t lock;       /* the rest */
    struct outbound_job *arrived, **arrived_tail;
    unsigned n_waiting[OUTBOUND_PURPOSES][2]; /* of a share */
    bool stopping;
};

static unsigned *waiting_of(struct outbound *o, const struct outbound_job *job) {
    return &o->n_waiting[job->purpose][job->only_public];
}

/* ---- one transfer ---- */

static size_t take_body(char *bytes, size_t size, size_t n, void *ctx) {
    struct transfer *t = ctx;
    buf_add(&t->body, bytes, size * n);
    return buf_err(&t->body) ? 0 : size * n; /* 0 aborts */
}

static int64_t leading_number(struct span text) {
    int64_t n = 0;
    for (size_t i = 0; i < text.len && n < INT32_MAX; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            break;
        n = n * 10 + (text.ptr[i] - '0');
    }
    return n;
}

static void read_max_age(struct transfer *t, struct span line) {
    const size_t field = strlen(MAX_AGE_FIELD), prefix = strlen(MAX_AGE_PREFIX);
    if (line.len < field || strncasecmp(line.ptr, MAX_AGE_FIELD, field) != 0)
        return;
    for (size_t i = field; i + prefix < line.len; i++)
        if (strncasecmp(line.ptr + i, MAX_AGE_PREFIX, prefix) == 0) {
            i += prefix;
            t->max_age = leading_number((struct span){line.ptr + i, line.len - i});
            return;
        }
}

static size_t take_header(char *bytes, size_t size, size_t n, void *ctx) {
    struct transfer *t = ctx;
    t->header_bytes += size * n;
    read_max_age(t, span_bytes(bytes, size * n));
    return t->header_bytes > HEADERS_MAX ? 0 : size * n;
}

/* The address that will really be connected to, whatever the name resolved to a moment ago. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
    struct transfer *t = ctx;
    const struct outbound_job *job = t->jobs;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        outbound_address_decide(idp_config(t->owner->idp), job->purpose, t->host, t->is_https,
                                job->only_public, &a->addr) != ALLOW) {
        t->was_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* A limit that was not taken is no limit: every option must have been. */
static bool set_limits(CURL *c, const struct config *cfg, bool is_https) {
    const struct span ca = cfg->outbound_ca_file;
    char path[4096];
    if (ca.len >= sizeof path)
        return false;
    memcpy(path, ca.ptr ? ca.ptr : "", ca.len);
    path[ca.len] = '\0';
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, is_https ? "https" : "http") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)OUTBOUND_SECONDS) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
           /* a connection that another request opened was looked at for that one only */
           curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           (!ca.len || curl_easy_setopt(c, CURLOPT_CAINFO, path) == CURLE_OK);
}

static bool set_callbacks(CURL *c, struct transfer *t) {
    return curl_easy_setopt(c, CURLOPT_URL, t->url) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PRIVATE, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK;
}

static void transfer_free(struct transfer *t) {
    curl_easy_cleanup(t->curl);
    buf_done(&t->body);
    free(t);
}

/* ---- ends ---- */

static void finish_job(struct outbound *o, struct outbound_job *job, enum err result,
                       const struct transfer *t) {
    job->result = result;
    if (!result) {
        job->body = malloc(t->body.len + 1);
        job->max_age = t->max_age;
        if (job->body) {
            memcpy(job->body, t->body.data ? (const char *)t->body.data : "", t->body.len);
            job->body[t->body.len] = '\0';
            job->body_len = t->body.len;
        } else {
            job->result = ERR_NOMEM;
        }
    }
    pthread_mutex_lock(&o->lock);
    --*waiting_of(o, job);
    pthread_mutex_unlock(&o->lock);
    job->done(job); /* from here on it is not ours any more */
}

static void finish_transfer(struct outbound *o, struct transfer *t, enum err result) {
    struct transfer **link = &o->transfers;
    while (*link && *link != t)
        link = &(*link)->next;
    if (*link)
        *link = t->next;
    for (struct outbound_job *job = t->jobs, *next; job; job = next) {
        next = job->next;
        finish_job(o, job, result, t);
    }
    transfer_free(t);
}

static enum err result_of(const struct transfer *t, CURLcode code) {
    long status = 0;
    if (t->was_refused)
        return ERR_REFUSED;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return ERR_TIMEOUT;
    if (buf_err(&t->body) == ERR_TOO_LONG || t->header_bytes > HEADERS_MAX)
        return ERR_TOO_LONG;
    if (code != CURLE_OK ||
        curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200)
        return ERR_UNAVAILABLE;
    return ERR_OK;
}

static void collect(struct outbound *o) {
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(o->multi, &left))) {
        struct transfer *t = NULL;
        if (m->msg != CURLMSG_DONE ||
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t) != CURLE_OK || !t)
            continue;
        CURLcode code = m->data.result;
        curl_multi_remove_handle(o->multi, t->curl);
        finish_transfer(o, t, result_of(t, code));
    }
}

/* ---- begins ---- */

static bool is_same_share(const struct transfer *t, const struct outbound_job *job) {
    return t->jobs->purpose == job->purpose && t->jobs->only_public == job->only_public;
}

static struct transfer *same_under_way(struct outbound *o, const struct outbound_job *job) {
    for (struct transfer *t = o->transfers; t; t = t->next)
        if (is_same_share(t, job) && span_is(job->url, t->url))
            return t;
    return NULL;
}

static bool share_is_used_up(const struct outbound *o, const struct outbound_job *job) {
    unsigned n = 0;
    for (const struct transfer *t = o->transfers; t; t = t->next)
        n += is_same_share(t, job);
    return n >= OUTBOUND_TRANSFERS_MAX;
}

static enum err begin(struct outbound *o, struct outbound_job *job) {
    const struct config *cfg = idp_config(o->idp);
    struct transfer *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->body = (struct buf)BUF_INIT(OUTBOUND_BODY_MAX);
    t->owner = o;
    t->max_age = -1;
    t->curl = curl_easy_init();
    memcpy(t->url, job->url.ptr, job->url.len);
    t->is_https = span_starts(job->url, "https://");
    enum err e = outbound_url_check(cfg, job->purpose, span_of(t->url), &t->host);
    if (!e && (!t->curl || !set_limits(t->curl, cfg, t->is_https) || !set_callbacks(t->curl, t) ||
               curl_multi_add_handle(o->multi, t->curl) != CURLM_OK))
        e = ERR_NOMEM;
    if (e) {
        transfer_free(t);
        return e;
    }
    t->jobs = job;
    t->next = o->transfers;
    o->transfers = t;
    return ERR_OK;
}

static void add(struct outbound *o, struct outbound_job *job) {
    struct transfer *t = same_under_way(o, job);
    job->next = NULL;
    if (t) {
        job->next = t->jobs->next;
        t->jobs->next = job;
        return;
    }
    enum err e = job->joins_only            ? ERR_NOT_FOUND
                 : share_is_used_up(o, job) ? ERR_BUSY
                                            : begin(o, job);
    if (e)
        finish_job(o, job, e, NULL);
}

/* True until the end. */
static bool take_arrived(struct outbound *o) {
    pthread_mutex_lock(&o->lock);
    struct outbound_job *list = TAKE(o->arrived);
    o->arrived_tail = &o->arrived;
    bool go_on = !o->stopping;
    pthread_mutex_unlock(&o->lock);
    for (struct outbound_job *job = list, *next; job; job = next) {
        next = job->next;
        add(o, job);
    }
    return go_on;
}

static void *run(void *ctx) {
    struct outbound *o = ctx;
    int running;
    while (take_arrived(o)) {
        curl_multi_perform(o->multi, &running);
        collect(o);
        curl_multi_poll(o->multi, NULL, 0, POLL_MS, NULL);
    }
    while (o->transfers) {
        curl_multi_remove_handle(o->multi, o->transfers->curl);
        finish_transfer(o, o->transfers, ERR_UNAVAILABLE);
    }
    return NULL;
}

/* ---- life ---- */

static void outbound_dispose(struct outbound *o) {
    if (o->multi)
        curl_multi_cleanup(o->multi);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

enum err outbound_new(struct idp *idp, struct outbound **ret_outbound) {
    struct outbound *o = calloc(1, sizeof *o);
    if (!o || pthread_mutex_init(&o->lock, NULL)) {
        free(o);
        return ERR_NOMEM;
    }
    o->idp = idp;
    o->arrived_tail = &o->arrived;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(o->multi = curl_multi_init()) ||
        curl_multi_setopt(o->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS) != CURLM_OK ||
        curl_multi_setopt(o->multi, CURLMOPT_MAX_HOST_CONNECTIONS, PER_HOST) != CURLM_OK ||
        pthread_create(&o->thread, NULL, run, o)) {
        outbound_dispose(o);
        return ERR_INTERNAL;
    }
    *ret_outbound = o;
    return ERR_OK;
}

enum err outbound_submit(struct outbound *o, struct outbound_job *job) {
    if (!job->url.len || job->url.len > OUTBOUND_URL_MAX || memchr(job->url.ptr, '\0', job->url.len))
        return ERR_SYNTAX;
    job->body = NULL;
    job->body_len = 0;
    job->next = NULL;
    pthread_mutex_lock(&o->lock);
    bool is_full = o->stopping || *waiting_of(o, job) >= OUTBOUND_WAITING_MAX;
    if (!is_full) {
        ++*waiting_of(o, job);
        *o->arrived_tail = job;
        o->arrived_tail = &job->next;
    }
    pthread_mutex_unlock(&o->lock);
    if (is_full)
        return ERR_BUSY;
    curl_multi_wakeup(o->multi);
    return ERR_OK;
}

void outbound_free(struct outbound *o) {
    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    o->stopping = true;
    pthread_mutex_unlock(&o->lock);
    curl_multi_wakeup(o->multi);
    pthread_join(o->thread, NULL);
    outbound_dispose(o);
}
