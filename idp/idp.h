/* SPDX-License-Identifier: Apache-2.0
 *
 * What one running provider consists of. Made by main.c, handed to every handler as req->app. */
#ifndef IDP_IDP_H
#define IDP_IDP_H

#include <stdatomic.h>

#include "base/span.h"
#include "idp/request.h"

struct config;
struct store;
struct signer;
struct keyring;
struct session_activity;
struct workpool;
struct metrics;
struct outbound;
struct client_keys;
struct client_logos;
struct resource_registry;
struct client_origins;
struct client_services;
struct client_secret_use;
struct upstream_health;
struct upstream_set;

struct idp {
    _Atomic(const struct config *) config; /* swapped by SIGHUP; read through idp_config() */
    struct store *store;
    struct signer *signer;
    struct keyring *keyring;
    struct session_activity *activity;
    struct workpool *pool;
    struct metrics *metrics;
    struct outbound *outbound;
    struct client_keys *client_keys; /* key sets by URI (protocols/oidc/client_keys.h) */
    struct client_logos *client_logos; /* pictures for the consent page */
    struct upstream_health *upstream_health; /* which connectors answer */
    struct client_secret_use *secret_use; /* when each was last used, until it is written */
    struct resource_registry *resources; /* read through request_resources() */
    struct client_origins *origins;
    struct client_services *services; /* on people's account pages */
    _Atomic(struct upstream_set *) upstreams; /* relying parties of the connectors (web/upstream.h) */
    atomic_uint_fast64_t client_epoch; /* raised by every change to a client */
};

static inline struct idp *request_idp(const struct request *req) {
    return (struct idp *)req->app;
}
static inline const struct config *idp_config(struct idp *idp) {
    return atomic_load_explicit(&idp->config, memory_order_acquire);
}
static inline const struct config *request_config(const struct request *req) {
    return idp_config(request_idp(req));
}

#endif
