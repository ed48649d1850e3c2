/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbound thread: one curl multi handle, a transfer for each URL under way or waiting for its
 * turn, and the requests that wait for it; see outbound.h.
 *
 * Who waits is bounded twice, so that a peer that hangs holds up nobody else: what may be under way is
 * counted by share (purpose, and who chose the URL) and, within it, by group or host (a lane); what may
 * wait at all, by share and group (a budget). */
#include "idp/outbound.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "idp/config.h"
#include "idp/connector.h"
#include "idp/idp.h"

#define HEADERS_MAX    16384 /* bytes */
#define PER_HOST       4     /* at once, where no group says otherwise */
#define IDLE_KEPT      16L   /* connections of all hosts that may be used again */
#define IDLE_SECONDS   30L
#define POLL_MS        1000
#define LEAST_US       200000 /* less time than this is not worth a connection */
#define BUDGETS_MAX    (2 * OUTBOUND_PURPOSES + CONNECTORS_MAX)
#define GROUP_MAX      64    /* bytes of its name */
#define MAX_AGE_FIELD  "cache-control:"
#define MAX_AGE_PREFIX "max-age="

/* At once, of a share. Upstream providers are bounded by their groups. */
static const unsigned at_once[OUTBOUND_PURPOSES] = {
    [OUTBOUND_JWKS] = 16,
    [OUTBOUND_SECTOR] = 8,
    [OUTBOUND_REQUEST_URI] = 16,
    [OUTBOUND_LOGO] = 8,
    [OUTBOUND_UPSTREAM] = CONNECTORS_MAX * OUTBOUND_GROUP_MOST,
    [OUTBOUND_LOGOUT] = 32,
};

struct transfer {
    struct outbound *owner;
    struct transfer *next;
    CURL *curl; /* NULL: waits for its turn */
    struct curl_slist *fields;
    struct outbound_job *jobs; /* the first of them speaks for all */
    int64_t deadline_us;
    char url[OUTBOUND_URL_MAX + 1];
    struct span host, origin; /* of url: host; scheme, host and port */
    bool is_https, was_refused;
    struct buf body;
    size_t header_bytes;
    int64_t max_age;
};

struct transfer_list {
    struct transfer *first, **end;
};

/* Requests not yet answered of a share and group. */
struct budget {
    enum outbound_purpose purpose;
    bool only_public;
    char group[GROUP_MAX + 1];
    unsigned n; /* 0: the place is free */
};

struct outbound {
    struct idp *idp;
    CURLM *multi;
    pthread_t thread;
    struct transfer_list under_way, waiting; /* the thread's own; who waits longest stands first */
    pthread_mutex_t lock;                    /* the rest */
    struct outbound_job *arrived, **arrived_tail;
    struct budget budget[BUDGETS_MAX];
    bool stopping;
};

static void list_init(struct transfer_list *list) {
    *list = (struct transfer_list){.end = &list->first};
}

static void list_add(struct transfer_list *list, struct transfer *t) {
    t->next = NULL;
    *list->end = t;
    list->end = &t->next;
}

static void list_remove(struct transfer_list *list, struct transfer *t) {
    struct transfer **link = &list->first;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    if (!*link)
        list->end = link;
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

static bool set_ca(CURL *c, const struct config *cfg) {
    const struct span ca = cfg->outbound_ca_file;
    char path[4096];
    if (ca.len >= sizeof path)
        return false;
    memcpy(path, ca.ptr ? ca.ptr : "", ca.len);
    path[ca.len] = '\0';
    return !ca.len || curl_easy_setopt(c, CURLOPT_CAINFO, path) == CURLE_OK;
}

/* A connection that another request opened was looked at for that one only: its address may be none
 * that this one may reach. Not so where the list of this purpose has the host by its name: then every
 * address is good (outbound_address_decide), but for those whose URL a stranger chose. So a listed
 * host's connection may be used again, which saves a handshake for each step of a sign-in; a key
 * set's or logo's never is, being asked for too seldom to matter. */
static bool set_reuse(CURL *c, const struct config *cfg, const struct transfer *t) {
    const struct outbound_job *job = t->jobs;
    bool is_frequent = job->purpose == OUTBOUND_UPSTREAM || job->purpose == OUTBOUND_LOGOUT;
    long fresh = !is_frequent || job->only_public ||
                 !outbound_host_is_named(cfg, job->purpose, t->host);
    return curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, fresh) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FORBID_REUSE, fresh) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, IDLE_SECONDS) == CURLE_OK;
}

/* A limit that was not taken is no limit: every option must have been. */
static bool set_limits(CURL *c, const struct config *cfg, const struct transfer *t, long ms_left) {
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, t->is_https ? "https" : "http") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, ms_left) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           /* A name that is being looked for in vain ends with its own thread, not with ours. */
           curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK && set_ca(c, cfg) &&
           set_reuse(c, cfg, t);
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

static bool add_field(struct transfer *t, const char *line) {
    struct curl_slist *grown = curl_slist_append(t->fields, line);
    if (grown)
        t->fields = grown;
    return grown != NULL;
}

static bool set_authorization(struct transfer *t, struct span value) {
    CLEANUP(buf_done) struct buf line = BUF_INIT(OUTBOUND_AUTHORIZATION_MAX + 32);
    buf_add_str(&line, "Authorization: ");
    buf_add_span(&line, value);
    return !buf_err(&line) && add_field(t, line.data);
}

/* The body is not copied: the job outlives the transfer. Without "100 Continue", which costs a round
 * trip and of which some providers know nothing. */
static bool set_content(CURL *c, struct transfer *t) {
    const struct outbound_job *job = t->jobs;
    if (job->authorization.ptr && !set_authorization(t, job->authorization))
        return false;
    if (job->form.ptr &&
        (!add_field(t, "Expect:") || curl_easy_setopt(c, CURLOPT_POST, 1L) != CURLE_OK ||
         curl_easy_setopt(c, CURLOPT_POSTFIELDS, job->form.ptr) != CURLE_OK ||
         curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)job->form.len) != CURLE_OK))
        return false;
    return !t->fields || curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->fields) == CURLE_OK;
}

static void transfer_free(struct transfer *t) {
    curl_easy_cleanup(t->curl);
    for (struct curl_slist *f = t->fields; f; f = f->next)
        wipe(f->data, strlen(f->data));
    curl_slist_free_all(t->fields);
    buf_done(&t->body);
    free(t);
}

/* ---- budgets; under the lock ---- */

static struct budget *budget_find(struct outbound *o, const struct outbound_job *job) {
    for (size_t i = 0; i < BUDGETS_MAX; i++)
        if (o->budget[i].n && o->budget[i].purpose == job->purpose &&
            o->budget[i].only_public == job->only_public && span_is(job->group, o->budget[i].group))
            return &o->budget[i];
    return NULL;
}

static bool budget_take(struct outbound *o, const struct outbound_job *job) {
    struct budget *b = budget_find(o, job);
    for (size_t i = 0; i < BUDGETS_MAX && !b; i++)
        if (!o->budget[i].n) {
            b = &o->budget[i];
            *b = (struct budget){.purpose = job->purpose, .only_public = job->only_public};
            if (job->group.len)
                memcpy(b->group, job->group.ptr, job->group.len);
        }
    if (!b || b->n >= OUTBOUND_WAITING_MAX)
        return false;
    b->n++;
    return true;
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
    budget_find(o, job)->n--;
    pthread_mutex_unlock(&o->lock);
    job->done(job); /* from here on it is not ours any more */
}

/* It is in no list any more. */
static void finish_transfer(struct outbound *o, struct transfer *t, enum err result) {
    long status = 0;
    if (t->curl)
        (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    for (struct outbound_job *job = t->jobs, *next; job; job = next) {
        next = job->next;
        job->status = (unsigned)status;
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
    if (code == CURLE_OUT_OF_MEMORY || buf_err(&t->body))
        return ERR_NOMEM;
    if (code != CURLE_OK ||
        curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
        (status != 200 && !t->jobs->any_status))
        return ERR_UNAVAILABLE;
    return ERR_OK;
}

/* True: somebody's turn may have come. */
static bool collect(struct outbound *o) {
    CURLMsg *m;
    int left;
    bool any = false;
    while ((m = curl_multi_info_read(o->multi, &left))) {
        struct transfer *t = NULL;
        if (m->msg != CURLMSG_DONE ||
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t) != CURLE_OK || !t)
            continue;
        CURLcode code = m->data.result;
        curl_multi_remove_handle(o->multi, t->curl);
        list_remove(&o->under_way, t);
        finish_transfer(o, t, result_of(t, code));
        any = true;
    }
    return any;
}

/* ---- begins ---- */

/* Whose answer is nobody else's. */
static bool is_own(const struct outbound_job *job) {
    return job->form.ptr || job->authorization.ptr || job->any_status;
}

/* Those that registered themselves have a share of their own: whoever names one slow place without end
 * holds up nobody else. */
static bool is_same_share(const struct transfer *t, const struct outbound_job *job) {
    return t->jobs->purpose == job->purpose && t->jobs->only_public == job->only_public;
}

static struct transfer *same_in(const struct transfer_list *list, const struct outbound_job *job) {
    for (struct transfer *t = list->first; t; t = t->next)
        if (is_same_share(t, job) && !is_own(t->jobs) && span_eq(t->jobs->group, job->group) && span_is(job->url, t->url))
            return t;
    return NULL;
}

static struct transfer *same_under_way(struct outbound *o, const struct outbound_job *job) {
    if (is_own(job))
        return NULL;
    struct transfer *t = same_in(&o->under_way, job);
    return t ? t : same_in(&o->waiting, job);
}

static bool may_start(const struct outbound *o, const struct transfer *asks) {
    const struct outbound_job *job = asks->jobs;
    size_t of_share = 0, of_lane = 0;
    for (const struct transfer *t = o->under_way.first; t; t = t->next) {
        if (!is_same_share(t, job))
            continue;
        of_share++;
        of_lane += job->group.len ? span_eq(t->jobs->group, job->group)
                                  : !t->jobs->group.len && span_eq(t->origin, asks->origin);
    }
    return of_share < at_once[job->purpose] &&
           of_lane < (job->group.len ? (size_t)job->group_max : PER_HOST);
}

static enum err start(struct outbound *o, struct transfer *t) {
    const struct config *cfg = idp_config(o->idp);
    long ms_left = (long)((t->deadline_us - clock_mono_us()) / 1000);
    if (ms_left <= 0)
        return ERR_TIMEOUT;
    t->curl = curl_easy_init();
    if (!t->curl || !set_limits(t->curl, cfg, t, ms_left) || !set_callbacks(t->curl, t) ||
        !set_content(t->curl, t) || curl_multi_add_handle(o->multi, t->curl) != CURLM_OK)
        return ERR_NOMEM;
    return ERR_OK;
}

/* Whose turn has come, and whose time is over: both in the order in which they came. */
static void admit(struct outbound *o) {
    int64_t now = clock_mono_us();
    for (struct transfer *t = o->waiting.first, *next; t; t = next) {
        next = t->next;
        bool is_late = t->deadline_us - LEAST_US <= now;
        if (!is_late && !may_start(o, t))
            continue;
        list_remove(&o->waiting, t);
        enum err e = is_late ? ERR_TIMEOUT : start(o, t);
        if (e)
            finish_transfer(o, t, e);
        else
            list_add(&o->under_way, t);
    }
}

static int wait_ms(const struct outbound *o) {
    if (!o->waiting.first)
        return POLL_MS;
    int64_t ms = (o->waiting.first->deadline_us - clock_mono_us()) / 1000 + 1;
    return ms < 0 ? 0 : ms > POLL_MS ? POLL_MS : (int)ms;
}

static struct span origin_of(const char *url, struct span host) {
    const char *end = host.ptr + host.len;
    end += strcspn(end, "/?");
    return span_bytes(url, (size_t)(end - url));
}

static enum err queue(struct outbound *o, struct outbound_job *job) {
    struct transfer *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->body = (struct buf)BUF_INIT(OUTBOUND_BODY_MAX);
    t->owner = o;
    t->max_age = -1;
    t->deadline_us = clock_mono_us() + OUTBOUND_SECONDS * INT64_C(1000000);
    memcpy(t->url, job->url.ptr, job->url.len);
    t->is_https = span_starts(job->url, "https://");
    enum err e = outbound_url_check(idp_config(o->idp), job->purpose, span_of(t->url), &t->host);
    if (e) {
        transfer_free(t);
        return e;
    }
    t->origin = origin_of(t->url, t->host);
    t->jobs = job;
    list_add(&o->waiting, t);
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
    enum err e = job->joins_only ? ERR_NOT_FOUND : queue(o, job);
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

static void give_up(struct outbound *o, struct transfer_list *list) {
    while (list->first) {
        struct transfer *t = list->first;
        list_remove(list, t);
        if (t->curl)
            curl_multi_remove_handle(o->multi, t->curl);
        finish_transfer(o, t, ERR_UNAVAILABLE);
    }
}

static void *run(void *ctx) {
    struct outbound *o = ctx;
    int running;
    while (take_arrived(o)) {
        admit(o);
        curl_multi_perform(o->multi, &running);
        if (!collect(o))
            curl_multi_poll(o->multi, NULL, 0, wait_ms(o), NULL);
    }
    give_up(o, &o->under_way);
    give_up(o, &o->waiting);
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
    list_init(&o->under_way);
    list_init(&o->waiting);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(o->multi = curl_multi_init()) ||
        curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, IDLE_KEPT) != CURLM_OK ||
        pthread_create(&o->thread, NULL, run, o)) {
        outbound_dispose(o);
        return ERR_INTERNAL;
    }
    *ret_outbound = o;
    return ERR_OK;
}

/* Nothing that could end a field and begin another. */
static bool field_good(struct span value) {
    return value.len <= OUTBOUND_AUTHORIZATION_MAX && ascii_printable(value);
}

enum err outbound_submit(struct outbound *o, struct outbound_job *job) {
    if (!job->url.len || job->url.len > OUTBOUND_URL_MAX ||
        memchr(job->url.ptr, '\0', job->url.len) || job->group.len > GROUP_MAX ||
        (job->group.len && (job->group_max < 1 || job->group_max > OUTBOUND_GROUP_MOST)) ||
        (job->authorization.ptr && !field_good(job->authorization)))
        return ERR_SYNTAX;
    job->body = NULL;
    job->body_len = 0;
    job->status = 0;
    job->next = NULL;
    pthread_mutex_lock(&o->lock);
    bool is_full = o->stopping || !budget_take(o, job);
    if (!is_full) {
        *o->arrived_tail = job;
        o->arrived_tail = &job->next;
    }
    pthread_mutex_unlock(&o->lock);
    if (is_full)
        return ERR_BUSY;
    curl_multi_wakeup(o->multi);
    return ERR_OK;
}

void outbound_job_done(struct outbound_job *job) {
    if (job->body)
        wipe(job->body, job->body_len); /* tokens, what a provider says of a person */
    free(job->body);
    job->body = NULL;
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
