/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /client-logo?client_id=ID; see client_logo.h. */
#include "protocols/oidc/client_logo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/sha256.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "protocols/oidc/client_lookup.h"
#include "protocols/oidc/oidc.h"

/* No SVG: it is a document that can do things. */
static const struct {
    struct span magic;
    size_t offset;
    const char *type;
} pictures[] = {
    {{"\x89PNG\r\n\x1a\n", 8}, 0, "image/png"},
    {{"\xff\xd8\xff", 3}, 0, "image/jpeg"},
    {{"GIF8", 4}, 0, "image/gif"},
    {{"WEBP", 4}, 8, "image/webp"},
};

struct entry {
    unsigned char uri_hash[32];
    bool is_used;
    const char *type; /* NULL: there is no picture */
    char *bytes;
    size_t len;
    int64_t until, used_at;
};

struct client_logos {
    pthread_mutex_t lock;
    struct entry entry[CLIENT_LOGOS_MAX];
};

struct logo_request {
    struct client_lookup lookup;
    bool is_fetching;
};

enum err client_logos_new(struct client_logos **ret_logos) {
    struct client_logos *logos = calloc(1, sizeof *logos);
    if (!logos || pthread_mutex_init(&logos->lock, NULL)) {
        free(logos);
        return ERR_NOMEM;
    }
    *ret_logos = logos;
    return ERR_OK;
}

void client_logos_free(struct client_logos *logos) {
    if (!logos)
        return;
    for (size_t i = 0; i < CLIENT_LOGOS_MAX; i++)
        free(logos->entry[i].bytes);
    pthread_mutex_destroy(&logos->lock);
    free(logos);
}

struct span client_logo_path(const struct request *req, const struct client *client) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(3 * CLIENT_ID_MAX + 64);
    if (!client->logo_uri.len || !request_config(req)->outbound_logo.count)
        return SPAN_NONE;
    buf_add_str(&b, "/client-logo?client_id=");
    percent_add(&b, client->client_id);
    return buf_err(&b) ? SPAN_NONE : arena_dup(req->arena, buf_span(&b));
}

/* ---- kept pictures ---- */

/* With the lock held. The entry of that URI; else, with `make`, the one longest unused, emptied. */
static struct entry *entry_of(struct client_logos *logos, struct span uri, bool make) {
    unsigned char hash[32];
    struct entry *oldest = &logos->entry[0];
    sha256(uri, hash);
    for (size_t i = 0; i < CLIENT_LOGOS_MAX; i++) {
        struct entry *e = &logos->entry[i];
        if (e->is_used && memcmp(e->uri_hash, hash, sizeof hash) == 0)
            return e;
        if (!e->is_used || (oldest->is_used && e->used_at < oldest->used_at))
            oldest = e;
    }
    if (!make)
        return NULL;
    free(oldest->bytes);
    *oldest = (struct entry){.is_used = true};
    memcpy(oldest->uri_hash, hash, sizeof hash);
    return oldest;
}

static const char *picture_type(const struct outbound_job *job) {
    if (job->result || job->body_len > CLIENT_LOGO_MAX)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(pictures); i++) {
        size_t at = pictures[i].offset, len = pictures[i].magic.len;
        if (job->body_len > at + len && memcmp(job->body + at, pictures[i].magic.ptr, len) == 0)
            return pictures[i].type;
    }
    return NULL;
}

/* Also a server that gave no picture is remembered. */
static void keep(struct request *req, struct span uri) {
    struct client_logos *logos = request_idp(req)->client_logos;
    const char *type = picture_type(&req->fetch);
    char *bytes = type ? malloc(req->fetch.body_len) : NULL;
    if (req->fetch.result == ERR_BUSY || (type && !bytes)) /* another time */
        return;
    if (bytes)
        memcpy(bytes, req->fetch.body, req->fetch.body_len);
    pthread_mutex_lock(&logos->lock);
    struct entry *e = entry_of(logos, uri, true);
    free(e->bytes);
    e->type = type;
    e->bytes = bytes;
    e->len = type ? req->fetch.body_len : 0;
    e->until = req->now + CLIENT_LOGO_SECONDS;
    e->used_at = req->now;
    pthread_mutex_unlock(&logos->lock);
}

/* False: nothing is known of it at this time. */
static bool find(struct request *req, struct span uri, const char **ret_type, struct span *ret_bytes) {
    struct client_logos *logos = request_idp(req)->client_logos;
    pthread_mutex_lock(&logos->lock);
    struct entry *e = entry_of(logos, uri, false);
    bool found = e && req->now < e->until;
    if (found) {
        e->used_at = req->now;
        *ret_type = e->type;
        *ret_bytes = e->type ? arena_dup(req->arena, span_bytes(e->bytes, e->len)) : SPAN_NONE;
    }
    pthread_mutex_unlock(&logos->lock);
    return found;
}

/* ---- the request ---- */

static enum step logo_parse(struct request *req) {
    struct logo_request *l = req->state;
    l->lookup.client_id = params_find(&req->query, "client_id");
    if (l->lookup.client_id.len && l->lookup.client_id.len <= CLIENT_ID_MAX)
        return STEP_LOAD;
    respond_body(req, 404, "text/plain", SPAN(""));
    return STEP_RESPOND;
}

static void logo_load(struct request *req) {
    struct logo_request *l = req->state;
    client_lookup_load(req, &l->lookup);
}

static void logo_fetch(struct request *req) {
    const struct logo_request *l = req->state;
    req->fetch.purpose = OUTBOUND_LOGO;
    req->fetch.url = l->lookup.client->logo_uri;
    req->fetch.only_public = l->lookup.client->is_self_registered;
}

static enum step logo_decide(struct request *req) {
    struct logo_request *l = req->state;
    const char *type = NULL;
    struct span bytes;
    if (!l->is_fetching && (req->load.result || client_lookup_finish(req, &l->lookup))) {
        respond_body(req, 503, "text/plain", SPAN(""));
        return STEP_RESPOND;
    }
    const struct client *client = l->lookup.client;
    bool has_logo = client && client->is_enabled && client_logo_path(req, client).len;
    if (l->is_fetching)
        keep(req, client->logo_uri);
    if (has_logo && !find(req, client->logo_uri, &type, &bytes) && !l->is_fetching) {
        l->is_fetching = true;
        return STEP_FETCH;
    }
    if (!type || !bytes.ptr) {
        respond_body(req, 404, "text/plain", SPAN(""));
        return STEP_RESPOND;
    }
    req->response.cacheable = true;
    respond_header(req, "Cache-Control", SPAN("private, max-age=3600"));
    respond_header(req, "Content-Security-Policy", SPAN("default-src 'none'; sandbox"));
    respond_body(req, 200, type, bytes);
    return STEP_RESPOND;
}

const struct handler oidc_client_logo_handler = {
    .state_size = sizeof(struct logo_request),
    .parse = logo_parse,
    .load = logo_load,
    .decide = logo_decide,
    .fetch = logo_fetch,
};
