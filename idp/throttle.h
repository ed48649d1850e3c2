/* SPDX-License-Identifier: Apache-2.0
 *
 * Guessing is slowed per account-and-network, per account, per network and per known device,
 * before any hashing, in rows that survive a restart. A stranger's guesses cannot lock a citizen
 * out: a browser that has signed in before carries a device cookie and is counted apart (F05); nor
 * can a copy of that cookie, since a known device that has to wait is let in as a stranger may be.
 * Consecutive failures of one account without a known device stop at the hard limit (F03: at most
 * 100), until the account's owner comes by a known device or staff unlock it. */
#ifndef IDP_THROTTLE_H
#define IDP_THROTTLE_H

#include <stdbool.h>

#include "idp/config.h"
#include "idp/request.h"
#include "idp/store/store.h"

struct throttle_plan {
    struct throttle_limit limit[3];
    size_t count;
    struct throttle_key account[2]; /* the account's counters of strangers and of known devices */
};

/* The limits that one password attempt must pass. `username` is folded (also for names that do not
 * exist); `known_device`: the device cookie names this account. */
void throttle_plan_password(const struct config *cfg, const struct client_address *client,
                            struct span username, bool known_device,
                            struct throttle_plan *ret_plan);
/* Counts the attempt; a gate refuses with ERR_BUSY. */
void throttle_take(struct batch *b, const struct throttle_plan *plan, int64_t now,
                   struct throttle_state *ret_states);
/* After success: clears the account's counters, gives the network's count back. */
void throttle_success(struct batch *b, const struct throttle_plan *plan);
/* Browsers of one network that were sent to another provider and have not come back: each leaves a row
 * until its flow ends, and anybody may be sent. Beyond the free ones, one a second. store_throttle_take
 * when one is sent, store_throttle_give_back when it returns. */
#define THROTTLE_AWAY_FREE 1000
struct throttle_limit throttle_away(const struct config *cfg, const struct client_address *client);
/* Staff unlock an account: forgets what was counted against it, but for single networks. */
void throttle_unlock(struct batch *b, struct span username);

#endif
