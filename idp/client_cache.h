/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsed clients of one thread. The cache holds what was read at one epoch (struct idp's
 * client_epoch); another epoch empties it. A client that left the cache stays valid for
 * CLIENT_CACHE_GRACE_SECONDS, longer than any request lives, so a request may keep the pointer
 * across its phases. Unknown clients are not remembered. */
#ifndef IDP_CLIENT_CACHE_H
#define IDP_CLIENT_CACHE_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "idp/client.h"

#define CLIENT_CACHE_MAX           4096
#define CLIENT_CACHE_GRACE_SECONDS 300

struct client_cache;

must_check enum err client_cache_new(struct client_cache **ret_cache);
void client_cache_free(struct client_cache *c); /* accepts NULL */
/* NULL when it has no answer. */
const struct client *client_cache_find(struct client_cache *c, uint64_t epoch,
                                       struct span client_id);
/* Takes `client` over (also on failure, when it is NULL that is returned) and keeps it. `epoch`:
 * as read before the row was loaded; an older one than the cache's is kept for this request only.
 */
const struct client *client_cache_put(struct client_cache *c, uint64_t epoch,
                                      struct client *client);

#endif
