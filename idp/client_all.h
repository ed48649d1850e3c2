/* SPDX-License-Identifier: Apache-2.0
 *
 * A walk through all clients, for what is made of them as a whole (client_origins.h,
 * client_services.h). */
#ifndef IDP_CLIENT_ALL_H
#define IDP_CLIENT_ALL_H

#include "base/err.h"
#include "idp/client.h"

struct store;

/* The client is valid during the call only. An error ends the walk. */
typedef enum err client_each_fn(void *context, const struct client *client);
/* Every client that is enabled; a row that cannot be read is left out: its own requests fail
 * elsewhere. Reads the store: for pool threads. ERR_STORE, ERR_NOMEM, or what `each` said. */
must_check enum err client_all_each(struct store *store, client_each_fn *each, void *context);

#endif
