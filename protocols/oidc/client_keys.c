/* SPDX-License-Identifier: Apache-2.0
 *
 * Key sets of clients by URI; see client_keys.h. */
#include "protocols/oidc/client_keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "idp/idp.h"

struct entry {
    unsigned char uri_hash[32];
    bool is_used, has_set;
    struct jwk_set set;
    int64_t fetched_at, fresh_until, used_at;
    unsigned n_fetching;   /* requests that wait for a fetch */
    int64_t next_fetch_at; /* as if each fetch so far had waited for its turn (a leaky bucket) */
};

struct client_keys {
    pthread_mutex_t lock;
    struct entry entry[CLIENT_KEYS_URIS_MAX];
};

enum err client_keys_new(struct client_keys **ret_keys) {
    struct client_keys *keys = calloc(1, sizeof *keys);
    if (!keys || pthread_mutex_init(&keys->lock, NULL)) {
        free(keys);
        return ERR_NOMEM;
    }
    *ret_keys = keys;
    return ERR_OK;
}

void client_keys_free(struct client_keys *keys) {
    if (!keys)
        return;
    for (size_t i = 0; i < CLIENT_KEYS_URIS_MAX; i++)
        jwk_set_done(&keys->entry[i].set);
    pthread_mutex_destroy(&keys->lock);
    free(keys);
}

/* A set of references of its own. */
static struct jwk_set set_copy(const struct jwk_set *from) {
    struct jwk_set to = {.count = from->count};
    for (size_t i = 0; i < from->count; i++)
        to.key[i] = jwk_ref(from->key[i]);
    return to;
}

/* ---- with the lock held ---- */

static struct entry *entry_of(struct client_keys *keys, struct span uri, int64_t now) {
    unsigned char hash[32];
    struct entry *oldest = &keys->entry[0];
    sha256(uri, hash);
    for (size_t i = 0; i < CLIENT_KEYS_URIS_MAX; i++) {
        struct entry *e = &keys->entry[i];
        if (e->is_used && memcmp(e->uri_hash, hash, sizeof hash) == 0) {
            e->used_at = now;
            return e;
        }
        if (!e->is_used || (oldest->is_used && e->used_at < oldest->used_at))
            oldest = e;
    }
    jwk_set_done(&oldest->set);
    *oldest = (struct entry){.is_used = true, .used_at = now};
    memcpy(oldest->uri_hash, hash, sizeof hash);
    return oldest;
}

static bool may_fetch(const struct entry *e, int64_t now) {
    return e->next_fetch_at <= now + (CLIENT_KEYS_BURST - 1) * CLIENT_KEYS_REFETCH_SECONDS;
}

static int64_t fresh_seconds(int64_t max_age) {
    if (max_age < 0)
        return CLIENT_KEYS_FRESH_DEFAULT;
    return max_age < CLIENT_KEYS_FRESH_MIN   ? CLIENT_KEYS_FRESH_MIN
           : max_age > CLIENT_KEYS_FRESH_MAX ? CLIENT_KEYS_FRESH_MAX
                                             : max_age;
}

/* Who only joined a fetch and came too late finds in the entry what it brought. A bad answer is
 * none: the old set goes on, and is asked for again a little later. ERR_BUSY, ERR_NOMEM: nobody was
 * asked, or what they said not understood, for want of room; that is no answer of theirs. */
static enum err take_answer(struct entry *e, const struct outbound_job *job, int64_t now) {
    struct jwk_set set = {.count = 0};
    if (e->n_fetching) /* none: the entry made room for another URI meanwhile */
        e->n_fetching--;
    if (job->joins_only && job->result == ERR_NOT_FOUND)
        return ERR_OK;
    enum err error = job->result ? job->result : jwk_set_parse(span_bytes(job->body, job->body_len), &set);
    bool is_open = error == ERR_BUSY || error == ERR_NOMEM;
    if (error) {
        e->has_set = e->has_set && now < e->fetched_at + CLIENT_KEYS_STALE_SECONDS;
        if (!is_open)
            e->fresh_until = now + CLIENT_KEYS_FRESH_MIN;
        return is_open ? error : ERR_OK;
    }
    jwk_set_done(&e->set);
    e->set = set;
    e->has_set = true;
    e->fetched_at = now;
    e->fresh_until = now + fresh_seconds(job->max_age);
    return ERR_OK;
}

/* ---- */

enum err client_keys_find(struct request *req, const struct client *client,
                          struct client_keys_turn *turn, struct jwk_set *ret_set) {
    struct client_keys *keys = request_idp(req)->client_keys;
    enum err e;
    if (!client->jwks_uri.len) {
        *ret_set = set_copy(&client->jwks);
        return ERR_OK;
    }
    pthread_mutex_lock(&keys->lock);
    struct entry *entry = entry_of(keys, client->jwks_uri, req->now);
    if (turn->is_fetching) {
        turn->shortage = take_answer(entry, &req->fetch, req->now);
        turn->is_fetching = false;
        turn->has_fetched = true;
    }
    e = turn->shortage ? turn->shortage : ERR_NOT_FOUND;
    bool is_due = req->now >= entry->fresh_until && !turn->has_fetched && may_fetch(entry, req->now);
    if (entry->has_set && !is_due) {
        *ret_set = set_copy(&entry->set);
        e = ERR_OK;
    }
    pthread_mutex_unlock(&keys->lock);
    return e;
}

bool client_keys_should_fetch(struct request *req, const struct client *client,
                              struct client_keys_turn *turn) {
    struct client_keys *keys = request_idp(req)->client_keys;
    if (!client->jwks_uri.len || turn->has_fetched)
        return false;
    pthread_mutex_lock(&keys->lock);
    struct entry *entry = entry_of(keys, client->jwks_uri, req->now);
    turn->joins_only = entry->n_fetching > 0;
    turn->is_fetching = turn->joins_only || may_fetch(entry, req->now);
    entry->n_fetching += turn->is_fetching;
    if (turn->is_fetching && !turn->joins_only) {
        int64_t turn_at = entry->next_fetch_at > req->now ? entry->next_fetch_at : req->now;
        entry->next_fetch_at = turn_at + CLIENT_KEYS_REFETCH_SECONDS;
    }
    pthread_mutex_unlock(&keys->lock);
    return turn->is_fetching;
}

void client_keys_fetch(struct request *req, const struct client *client,
                       const struct client_keys_turn *turn) {
    req->fetch.purpose = OUTBOUND_JWKS;
    req->fetch.url = client->jwks_uri;
    req->fetch.joins_only = turn->joins_only;
    req->fetch.only_public = client->is_self_registered;
}
