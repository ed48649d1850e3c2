/* SPDX-License-Identifier: Apache-2.0
 *
 * The services that people are offered from their account page: enabled clients that staff
 * registered with an initiate_login_uri (OIDC Core 4). Clients that registered themselves are not
 * among them: anybody's link would stand under the provider's name. One list for the process, made
 * from the store when a client has changed (struct idp's client_epoch). */
#ifndef IDP_CLIENT_SERVICES_H
#define IDP_CLIENT_SERVICES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define CLIENT_SERVICES_MAX 100 /* more than a page can usefully show */

struct store;
struct client_services;

struct client_service {
    struct span client_id;
    struct span name, name_en; /* name_en may be absent */
    struct span initiate_login_uri;
};

must_check enum err client_services_new(struct client_services **ret_services);
void client_services_free(struct client_services *s); /* accepts NULL */
/* A copy in the arena, by name. ERR_EXPIRED: the list is older than `epoch`. ERR_NOMEM. */
must_check enum err client_services_list(struct client_services *s, uint64_t epoch, struct arena *a,
                                         struct client_service **ret_list, size_t *ret_count);
/* Makes the list of `epoch` unless another thread has. Reads all clients: for pool threads.
 * `epoch`: as read before the call. ERR_STORE, ERR_NOMEM. */
must_check enum err client_services_refresh(struct client_services *s, struct store *store,
                                            uint64_t epoch);

#endif
