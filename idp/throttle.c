/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits of one password attempt. Shares of the hard limit, so that together they stay within
 * what 63B-4 3.2.2 allows for an account:
 *   known device     1/5  counted apart: strangers cannot use it up
 *   all strangers    4/5  of these, one network 1/5 a day: one place alone cannot close the account
 * The first two are not forgotten after a day, but when the owner comes or staff unlock.
 * A known device is not held up by what its network does: the cookie that proves it was given at a
 * full sign-in. */
#include "idp/throttle.h"


#include "base/buf.h"
#include "base/cleanup.h"
#include "base/sha256.h"

#define KNOWN_DEVICE_SHARE     5
#define NETWORK_MEMORY_SECONDS (15 * 60)
#define NETWORK_WAIT_SECONDS   60
#define ACCOUNT_MEMORY_SECONDS (90 * 24 * 3600)
#define STRANGERS_FREE_FACTOR  4 /* one network waits long before all others have to */
#define STRANGERS_WAIT_SECONDS 30

/* First byte of a key. */
enum {
    KIND_KNOWN_DEVICE = 'd',
    KIND_STRANGERS = 'a',
    KIND_ACCOUNT_AND_NETWORK = 'b',
    KIND_NETWORK = 'n',
    KIND_AWAY = 'u'
};

/* Hashed, so that rows hold no user names, also not those that were typed by mistake. */
static struct throttle_key key_of(int kind, struct span username, struct span network) {
    struct throttle_key key = {.b = {(unsigned char)kind}};
    unsigned char digest[SHA256_BYTES];
    CLEANUP(buf_done) struct buf text = BUF_INIT(1024);
    buf_add_u8(&text, (unsigned char)kind);
    buf_add_block(&text, username);
    buf_add_block(&text, network);
    sha256(buf_span(&text), digest);
    memcpy(key.b + 1, digest, sizeof key.b - 1);
    return key;
}

static struct throttle_limit limit_of(const struct config *cfg, struct throttle_key key) {
    return (struct throttle_limit){
        .key = key,
        .free_failures = cfg->throttle_account_free,
        .base_seconds = cfg->throttle_base_seconds,
        .max_seconds = cfg->throttle_max_seconds,
        .memory_seconds = cfg->throttle_memory_seconds,
    };
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void plan_stranger(const struct config *cfg, struct span username, struct span network,
                          struct throttle_plan *p) {
    int64_t share = cfg->throttle_account_hard / KNOWN_DEVICE_SHARE;
    struct throttle_limit here = limit_of(cfg, key_of(KIND_ACCOUNT_AND_NETWORK, username, network));
    here.hard_failures = share;

    struct throttle_limit strangers = limit_of(cfg, key_of(KIND_STRANGERS, username, SPAN_NONE));
    strangers.free_failures = STRANGERS_FREE_FACTOR * cfg->throttle_account_free;
    strangers.max_seconds = least(cfg->throttle_max_seconds, STRANGERS_WAIT_SECONDS);
    strangers.base_seconds = least(cfg->throttle_base_seconds, strangers.max_seconds);
    strangers.hard_failures = cfg->throttle_account_hard - share;
    strangers.memory_seconds = ACCOUNT_MEMORY_SECONDS;

    struct throttle_limit all = limit_of(cfg, key_of(KIND_NETWORK, SPAN_NONE, network));
    all.free_failures = cfg->throttle_network_free;
    all.max_seconds = least(cfg->throttle_max_seconds, NETWORK_WAIT_SECONDS);
    all.base_seconds = least(cfg->throttle_base_seconds, all.max_seconds);
    all.memory_seconds = NETWORK_MEMORY_SECONDS;

    p->limit[p->count++] = here;
    p->limit[p->count++] = strangers;
    p->limit[p->count++] = all;
}

void throttle_plan_password(const struct config *cfg, const struct client_address *client,
                            struct span username, bool known_device,
                            struct throttle_plan *ret_plan) {
    struct throttle_plan p = {.account = {key_of(KIND_STRANGERS, username, SPAN_NONE),
                                          key_of(KIND_KNOWN_DEVICE, username, SPAN_NONE)}};
    if (known_device) {
        struct throttle_limit known = limit_of(cfg, key_of(KIND_KNOWN_DEVICE, username, SPAN_NONE));
        known.hard_failures = cfg->throttle_account_hard / KNOWN_DEVICE_SHARE;
        known.memory_seconds = ACCOUNT_MEMORY_SECONDS;
        p.limit[p.count++] = known;
    } else {
        plan_stranger(cfg, username, span_of(client->network), &p);
    }
    *ret_plan = p;
}

void throttle_take(struct batch *b, const struct throttle_plan *plan, int64_t now,
                   struct throttle_state *ret_states) {
    for (size_t i = 0; i < plan->count; i++)
        store_throttle_take(b, &plan->limit[i], now, ret_states ? &ret_states[i] : NULL);
}

static bool is_shared(const struct throttle_limit *limit) {
    return limit->key.b[0] == KIND_NETWORK;
}

void throttle_success(struct batch *b, const struct throttle_plan *plan) {
    for (size_t i = 0; i < plan->count; i++)
        if (is_shared(&plan->limit[i]))
            store_throttle_give_back(b, &plan->limit[i]);
        else
            store_throttle_clear(b, &plan->limit[i].key);
    for (size_t i = 0; i < ARRAY_LEN(plan->account); i++)
        store_throttle_clear(b, &plan->account[i]);
}

void throttle_unlock(struct batch *b, struct span username) {
    const struct throttle_key keys[] = {key_of(KIND_STRANGERS, username, SPAN_NONE),
                                        key_of(KIND_KNOWN_DEVICE, username, SPAN_NONE)};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        store_throttle_clear(b, &keys[i]);
}

struct throttle_limit throttle_away(const struct config *cfg, const struct client_address *client) {
    return (struct throttle_limit){
        .key = key_of(KIND_AWAY, SPAN_NONE, span_of(client->network)),
        .free_failures = THROTTLE_AWAY_FREE,
        .base_seconds = 1,
        .max_seconds = 1,
        .memory_seconds = cfg->flow_seconds,
    };
}
