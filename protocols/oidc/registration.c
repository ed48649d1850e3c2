/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /register (RFC 7591 3, OIDC Registration 3): a client registers itself, with an initial
 * access token from staff or, where the policy is open, without. What it may say about itself
 * idp/client_metadata.c decides; a sector_identifier_uri is read before the client exists.
 *
 *   parse ─► load token ─► (fetch sector document) ─► write: token taken, client inserted ─► answer */
#include "protocols/oidc/registration.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sha256.h"
#include "idp/client.h"
#include "idp/client_metadata.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/bearer.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/oidc_error.h"

struct registration {
    bool has_token; /* an initial access token is needed, and was shown */
    unsigned char token_hash[TOKEN_HASH_BYTES];
    struct initial_token initial;
    bool is_fetching;
    struct span client_id, metadata; /* the object to store */
    struct span sector_uri;          /* to be read before it is stored; absent: there is none */
    struct span secret_text; /* absent: it has none */
    struct client_secret secret;
    struct span access_text; /* the registration access token */
    struct client_secret access;
};

/* ---- what is asked for ---- */

static struct span dump(struct arena *a, const json_t *object) {
    AUTO_FREE char *text = json_dumps(object, JSON_COMPACT);
    return text ? arena_dup(a, span_of(text)) : SPAN_NONE;
}

/* RFC 7591 3.2.1: the server's to choose; kept from the client they would stand in each answer twice. */
static const char *const servers[] = {"client_id", "client_id_issued_at", "client_secret_expires_at",
                                      "registration_client_uri"};

/* False: answered. */
static bool take_metadata(struct request *req, struct registration *r) {
    AUTO_JSON json_t *given = NULL;
    AUTO_JSON json_t *normal = NULL;
    const char *code, *text;
    if (!registration_body(req, &given))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(servers); i++)
        json_object_del(given, servers[i]);
    enum err e = client_metadata_check(req->arena, REGISTRAR_CLIENT, given, &normal, &code, &text);
    if (e) {
        (void)(e == ERR_NOMEM ? oidc_unavailable(req) : registration_refuse(req, code, text));
        return false;
    }
    bool has_secret = span_starts(json_str(normal, "token_endpoint_auth_method"), "client_secret_");
    r->metadata = dump(req->arena, normal);
    r->client_id = arena_dup(req->arena, json_str(normal, "client_id"));
    if (!r->metadata.ptr || !r->client_id.ptr ||
        registration_sector_find(req->arena, normal, &r->sector_uri) ||
        client_secret_make(req->arena, req->now, 0, &r->access, &r->access_text) ||
        (has_secret && client_secret_make(req->arena, req->now, 0, &r->secret, &r->secret_text))) {
        (void)oidc_unavailable(req);
        return false;
    }
    return true;
}

static enum step registration_parse(struct request *req) {
    struct registration *r = req->state;
    struct span policy = request_config(req)->registration_policy, token;
    if (span_is(policy, "closed")) {
        respond_error_json(req, 403, "access_denied", "clients are registered by staff");
        return STEP_RESPOND;
    }
    enum err e = bearer_find(req, &token);
    if (e == ERR_OK) {
        sha256(token, r->token_hash);
        r->has_token = true;
    } else if (e != ERR_MISSING || !span_is(policy, "open")) {
        return registration_unauthorized(req, e == ERR_MISSING ? NULL : "invalid_token");
    }
    /* Before anybody learns what may be registered: who they are. */
    return r->has_token ? STEP_LOAD : take_metadata(req, r) ? STEP_LOAD : STEP_RESPOND;
}

static void registration_load(struct request *req) {
    struct registration *r = req->state;
    if (r->has_token)
        store_initial_token_find(&req->load, r->token_hash, req->now, &r->initial);
}

static void registration_fetch(struct request *req) {
    const struct registration *r = req->state;
    registration_sector_fetch(req, r->sector_uri);
}

/* ---- decisions ---- */

static enum step written(struct request *req, struct registration *r) {
    switch (req->write.result) {
    case ERR_OK:
        atomic_fetch_add(&request_idp(req)->client_epoch, 1);
        const struct registration_answer answer = {r->metadata, r->access_text, r->secret_text,
                                                   req->now};
        registration_respond(req, 201, &answer);
        return STEP_RESPOND;
    case ERR_REFUSED: /* the token was used up meanwhile */
        return registration_unauthorized(req, "invalid_token");
    case ERR_BUSY:
        return registration_too_many(req);
    default:
        return oidc_unavailable(req);
    }
}

static enum step registration_decide(struct request *req) {
    struct registration *r = req->state;
    if (req->wrote)
        return written(req, r);
    if (r->is_fetching)
        return registration_sector_decide(req, r->metadata);
    if (req->load.result)
        return oidc_unavailable(req);
    if (r->has_token && !r->initial.found)
        return registration_unauthorized(req, "invalid_token");
    if (!r->metadata.len && !take_metadata(req, r))
        return STEP_RESPOND;
    r->is_fetching = r->sector_uri.len > 0;
    return r->is_fetching ? STEP_FETCH : STEP_WRITE;
}

static void registration_write(struct request *req) {
    struct registration *r = req->state;
    if (r->has_token)
        store_initial_token_take(&req->write, r->token_hash, req->now);
    else
        registration_take_turn(req, REGISTRATION_OF_NETWORK, span_of(req->client.network));
    const struct client_row row = {
        .client_id = r->client_id,
        .metadata = r->metadata,
        .secret = {r->secret},
        .n_secrets = r->secret_text.len > 0,
        .is_enabled = true,
        .created_at = req->now,
    };
    store_client_insert(&req->write, &row);
    store_registration_insert(&req->write, r->client_id, r->access.hash);
    oidc_audit(req, "client_registered", NULL, r->client_id, SPAN_NONE);
}

const struct handler oidc_registration_handler = {
    .state_size = sizeof(struct registration),
    .parse = registration_parse,
    .load = registration_load,
    .decide = registration_decide,
    .fetch = registration_fetch,
    .write = registration_write,
};
