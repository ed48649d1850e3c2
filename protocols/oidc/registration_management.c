/* SPDX-License-Identifier: Apache-2.0
 *
 * GET, PUT and DELETE /register?client_id=ID (RFC 7592 2): a client that registered itself reads,
 * replaces or ends its registration, by its registration access token. What is checked is the state
 * that would result (D14): a replacement is a registration like the first, and can make neither the
 * client's authentication weaker nor the person another to it: its sector stays, and so do its
 * redirect URIs stay in it. Else whoever registers the URIs of another service, which takes no proof,
 * and moves away with its sector would know people by the sub that they have there. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "idp/client.h"
#include "idp/client_metadata.h"
#include "idp/idp.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/bearer.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/oidc_error.h"
#include "protocols/oidc/registration.h"

struct management {
    struct span client_id, token;
    struct registration_row registration;
    struct client_row client;
    struct span metadata; /* PUT: the object to store */
    struct span sector_uri; /* PUT: to be read before it is stored; absent: there is none */
    bool is_fetching;
    struct span secret_text; /* PUT: a new one, where there was none */
    struct client_secret secret;
};

/* RFC 7592 2.2: what a client has from us and must not send back. */
static const char *const never_sent[] = {"registration_access_token", "registration_client_uri",
                                         "client_secret_expires_at", "client_id_issued_at"};

/* In the order of their strength. */
static const char *const methods[] = {"none", "client_secret_post", "client_secret_basic",
                                      "private_key_jwt"};
#define STRENGTH_SECRET 1 /* post and basic prove the same */

static int strength(const json_t *metadata) {
    struct span method = json_str(metadata, "token_endpoint_auth_method");
    int found = 0;
    for (int i = 0; i < (int)ARRAY_LEN(methods); i++)
        if (span_is(method, methods[i]))
            found = i;
    return found == STRENGTH_SECRET + 1 ? STRENGTH_SECRET : found;
}

static enum step management_parse(struct request *req) {
    struct management *m = req->state;
    if (bearer_find(req, &m->token))
        return registration_unauthorized(req, NULL);
    m->client_id = params_find(&req->query, "client_id");
    if (params_count(&req->query, "client_id") != 1 || !m->client_id.len ||
        m->client_id.len > CLIENT_ID_MAX)
        return registration_refuse(req, "invalid_request", "client_id is missing");
    return STEP_LOAD;
}

static void management_load(struct request *req) {
    struct management *m = req->state;
    store_registration_find(&req->load, m->client_id, &m->registration);
    store_client_find(&req->load, m->client_id, &m->client);
}

/* A client that is gone, one of staff's and a wrong token look alike. */
static bool token_is_right(const struct management *m) {
    unsigned char hash[TOKEN_HASH_BYTES];
    sha256(m->token, hash);
    return m->registration.found && m->client.found && m->client.is_enabled &&
           ct_equal(span_bytes(hash, sizeof hash),
                    span_bytes(m->registration.token_hash, sizeof hash));
}

/* ---- PUT ---- */

static bool secret_is_its_own(const struct management *m, struct span secret) {
    unsigned char hash[CLIENT_SECRET_HASH_BYTES];
    bool found = false;
    sha256(secret, hash);
    for (size_t i = 0; i < m->client.n_secrets; i++)
        found |= ct_equal(span_bytes(hash, sizeof hash),
                          span_bytes(m->client.secret[i].hash, sizeof hash));
    return found;
}

static const char *identity_check(const struct management *m, json_t *given) {
    for (size_t i = 0; i < ARRAY_LEN(never_sent); i++)
        if (json_object_get(given, never_sent[i]))
            return "the request repeats what the server chose";
    //= https://www.rfc-editor.org/rfc/rfc7592#section-2.2
    //# If the client includes the "client_secret" field in the request, the value of this field
    //# MUST match the currently issued client secret for that client.
    if (json_object_get(given, "client_secret") &&
        !secret_is_its_own(m, json_str(given, "client_secret")))
        return "client_secret is not the client's";
    return span_eq(json_str(given, "client_id"), m->client_id) ? NULL : "client_id is not the client's";
}

/* Members that must not be lost or changed by a replacement. */
static bool keep_identity(const struct management *m, json_t *normal, const json_t *old) {
    struct span sector = json_str(old, "sector");
    return !json_object_set_new(normal, "client_id",
                                json_stringn(m->client_id.ptr, m->client_id.len)) &&
           (!sector.len ||
            !json_object_set_new(normal, "sector", json_stringn(sector.ptr, sector.len)));
}

static bool same_text(const json_t *a, const json_t *b, const char *name) {
    return span_eq(json_str(a, name), json_str(b, name));
}

/* Without a document that lists them, the redirect URIs say by their host whose sector it is. */
static bool stays_in_sector(const json_t *old, const json_t *normal) {
    return !json_str(old, "sector").len || !json_str(normal, "sector").len ||
           span_is(json_str(old, "subject_type"), "public") || same_text(old, normal, "sector");
}

static const char *change_check(const json_t *old, const json_t *normal) {
    if (strength(normal) < strength(old))
        return "token_endpoint_auth_method must not become weaker";
    if (!same_text(old, normal, "sector_identifier_uri"))
        return "sector_identifier_uri cannot be changed";
    if (!same_text(old, normal, "subject_type"))
        return "subject_type cannot be changed";
    if (!stays_in_sector(old, normal))
        return "redirect_uris must stay at the host by which the client knows people";
    return NULL;
}

static enum step replace(struct request *req, struct management *m) {
    AUTO_JSON json_t *given = NULL;
    AUTO_JSON json_t *normal = NULL;
    AUTO_JSON json_t *old = NULL;
    const char *code, *text;
    if (!registration_body(req, &given))
        return STEP_RESPOND;
    if (json_parse_object(m->client.metadata, CLIENT_METADATA_MAX, &old))
        return oidc_unavailable(req);
    const char *why = identity_check(m, given);
    if (why)
        return registration_refuse(req, "invalid_request", why);
    json_object_del(given, "client_secret");
    enum err e = client_metadata_check(req->arena, REGISTRAR_CLIENT, given, &normal, &code, &text);
    if (e)
        return e == ERR_NOMEM ? oidc_unavailable(req) : registration_refuse(req, code, text);
    if ((why = change_check(old, normal)))
        return registration_refuse(req, "invalid_client_metadata", why);
    bool needs_secret = strength(normal) == STRENGTH_SECRET && !m->client.n_secrets;
    AUTO_FREE char *json = keep_identity(m, normal, old) ? json_dumps(normal, JSON_COMPACT) : NULL;
    m->metadata = json ? arena_dup(req->arena, span_of(json)) : SPAN_NONE;
    if (!m->metadata.ptr || registration_sector_find(req->arena, normal, &m->sector_uri) ||
        (needs_secret && client_secret_make(req->arena, req->now, 0, &m->secret, &m->secret_text)))
        return oidc_unavailable(req);
    if (m->metadata.len > CLIENT_METADATA_MAX) /* by the sector that it keeps */
        return registration_refuse(req, "invalid_client_metadata", "metadata is too long");
    m->is_fetching = m->sector_uri.len > 0;
    return m->is_fetching ? STEP_FETCH : STEP_WRITE;
}

/* ---- */

static void answer(struct request *req, const struct management *m) {
    const struct registration_answer a = {
        m->metadata.len ? m->metadata : m->client.metadata, m->token, m->secret_text,
        m->client.created_at};
    registration_respond(req, 200, &a);
}

static enum step written(struct request *req, const struct management *m) {
    if (req->write.result == ERR_NOT_FOUND) /* ended meanwhile */
        return registration_unauthorized(req, "invalid_token");
    if (req->write.result == ERR_BUSY)
        return registration_too_many(req);
    if (req->write.result)
        return oidc_unavailable(req);
    atomic_fetch_add(&request_idp(req)->client_epoch, 1);
    if (req->method == HTTP_DELETE)
        respond_body(req, 204, NULL, SPAN_NONE);
    else
        answer(req, m);
    return STEP_RESPOND;
}

static enum step management_decide(struct request *req) {
    struct management *m = req->state;
    if (req->wrote)
        return written(req, m);
    if (m->is_fetching)
        return registration_sector_decide(req, m->metadata);
    if (req->load.result)
        return oidc_unavailable(req);
    if (!token_is_right(m))
        return registration_unauthorized(req, "invalid_token");
    if (req->method == HTTP_PUT)
        return replace(req, m);
    if (req->method == HTTP_DELETE)
        return STEP_WRITE;
    answer(req, m);
    return STEP_RESPOND;
}

static void management_fetch(struct request *req) {
    const struct management *m = req->state;
    registration_sector_fetch(req, m->sector_uri);
}

static void management_write(struct request *req) {
    struct management *m = req->state;
    if (req->method == HTTP_DELETE) {
        store_client_delete(&req->write, m->client_id, req->now);
        oidc_audit(req, "client_deregistered", NULL, m->client_id, SPAN_NONE);
        return;
    }
    registration_take_turn(req, REGISTRATION_OF_CLIENT, m->client_id);
    store_client_replace(&req->write, m->client_id, m->metadata,
                         m->secret_text.len ? &m->secret : NULL);
    oidc_audit(req, "client_reregistered", NULL, m->client_id, SPAN_NONE);
}

const struct handler oidc_management_handler = {
    .state_size = sizeof(struct management),
    .parse = management_parse,
    .load = management_load,
    .decide = management_decide,
    .fetch = management_fetch,
    .write = management_write,
};
