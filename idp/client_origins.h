/* SPDX-License-Identifier: Apache-2.0
 *
 * The origins whose pages may call us as some public client: what a preflight request (Fetch 4.8)
 * can be answered by, since it does not say which client is going to call. One set for the
 * process, made from the store when a client has changed (struct idp's client_epoch). */
#ifndef IDP_CLIENT_ORIGINS_H
#define IDP_CLIENT_ORIGINS_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct store;
struct client_origins;

must_check enum err client_origins_new(struct client_origins **ret_origins);
void client_origins_free(struct client_origins *o); /* accepts NULL */
/* ERR_OK: some enabled public client has registered it. ERR_NOT_FOUND. ERR_EXPIRED: the set is
 * older than `epoch`. */
must_check enum err client_origins_find(struct client_origins *o, uint64_t epoch,
                                        struct span origin);
/* Makes the set of `epoch` unless another thread has. Reads all clients: for pool threads.
 * `epoch`: as read before the call. ERR_STORE, ERR_NOMEM. */
must_check enum err client_origins_refresh(struct client_origins *o, struct store *store,
                                           uint64_t epoch);

#endif
