/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the client of a request; see client_lookup.h. */
#include "protocols/oidc/client_lookup.h"

#include <stdatomic.h>

#include "base/json.h"
#include "idp/client_cache.h"
#include "idp/client_metadata.h"
#include "idp/idp.h"

void client_lookup_load(struct request *req, struct client_lookup *l) {
    l->epoch = atomic_load(&request_idp(req)->client_epoch);
    l->client = client_cache_find(req->thread->clients, l->epoch, l->client_id);
    if (!l->client)
        store_client_find(&req->load, l->client_id, &l->row);
}

enum err client_lookup_finish(struct request *req, struct client_lookup *l) {
    if (l->client || !l->row.found)
        return ERR_OK;
    json_t *metadata;
    enum err e = json_parse_object(l->row.metadata, CLIENT_METADATA_MAX, &metadata);
    if (e)
        return e;
    struct client client;
    e = client_from_metadata(metadata, l->row.is_enabled, l->row.secret,
                             l->row.n_secrets, &client);
    if (e) {
        json_decref(metadata);
        return e;
    }
    l->client = client_cache_put(req->thread->clients, l->epoch, &client);
    return l->client ? ERR_OK : ERR_NOMEM;
}

struct span client_display_name(const struct request *req, const struct client *client) {
    bool english = req->lang == LANG_EN && client->client_name_en.len;
    struct span name = english ? client->client_name_en : client->client_name;
    return name.len ? name : client->client_id;
}
