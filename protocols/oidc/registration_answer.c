/* SPDX-License-Identifier: Apache-2.0
 *
 * What registration and its management share; see registration.h. */
#include "protocols/oidc/registration.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/sha256.h"
#include "idp/client.h"
#include "idp/client_metadata.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "protocols/oidc/oidc_error.h"

#define JSON_TYPE  "application/json"
#define ANSWER_MAX (2 * CLIENT_METADATA_MAX)

/* Registrations from one network: so many before there are waits, and how long they count. Likewise
 * replacements of one. */
#define REGISTRATIONS_FREE    30
#define REGISTRATIONS_SECONDS 60
#define REGISTRATIONS_MEMORY  3600

enum step registration_unauthorized(struct request *req, const char *error) {
    const char *challenge = "Bearer realm=\"registration\"";
    if (error)
        challenge = arena_printf(req->arena, "%s, error=\"%s\"", challenge, error);
    respond_header(req, "WWW-Authenticate", span_of(challenge));
    respond_error_json(req, 401, error ? error : "invalid_token", "a valid token is needed");
    return STEP_RESPOND;
}

enum step registration_too_many(struct request *req) {
    oidc_error_respond(req, OIDC_FAILURE(OIDC_TOO_MANY_REQUESTS, NULL));
    return STEP_RESPOND;
}

enum step registration_refuse(struct request *req, const char *code, const char *text) {
    respond_error_json(req, 400, code, text);
    return STEP_RESPOND;
}

static bool is_json(struct span content_type) {
    struct span type = span_cut(&content_type, ';');
    while (type.len && type.ptr[type.len - 1] == ' ')
        type.len--;
    return type.len == strlen(JSON_TYPE) && strncasecmp(type.ptr, JSON_TYPE, type.len) == 0;
}

bool registration_body(struct request *req, json_t **ret_body) {
    if (!is_json(req->content_type)) {
        respond_error_json(req, 415, "invalid_client_metadata", "the body must be application/json");
        return false;
    }
    enum err e = json_parse_object(req->body, CLIENT_METADATA_MAX, ret_body);
    if (e == ERR_NOMEM)
        (void)oidc_unavailable(req);
    else if (e)
        (void)registration_refuse(req, "invalid_client_metadata", "the body is no JSON object");
    return !e;
}

void registration_respond(struct request *req, unsigned status,
                          const struct registration_answer *answer) {
    AUTO_JSON json_t *m = NULL;
    if (json_parse_object(answer->metadata, CLIENT_METADATA_MAX, &m)) {
        (void)oidc_unavailable(req);
        return;
    }
    CLEANUP(buf_done) struct buf b = BUF_INIT(ANSWER_MAX), uri = BUF_INIT(REDIRECT_URI_MAX);
    buf_addf(&uri, "%.*s/register?client_id=", SPAN_FMT(request_config(req)->issuer));
    percent_add(&uri, json_str(m, "client_id"));
    client_metadata_hide(m);
    struct json_out o = JSON_OUT(&b);
    const char *name;
    json_t *value;
    json_open_object(&o, NULL);
    json_object_foreach(m, name, value) {
        json_add_value(&o, name, value);
    }
    json_add_i64(&o, "client_id_issued_at", answer->issued_at);
    if (answer->secret.len) {
        json_add_str(&o, "client_secret", answer->secret);
        json_add_i64(&o, "client_secret_expires_at", 0);
    }
    json_add_str(&o, "registration_access_token", answer->access_token);
    json_add_str(&o, "registration_client_uri", buf_span(&uri));
    json_close_object(&o);
    if (buf_err(&b) || buf_err(&uri))
        (void)oidc_unavailable(req);
    else
        respond_buf(req, status, JSON_TYPE, &b);
}

void registration_take_turn(struct request *req, char kind, struct span who) {
    struct throttle_limit limit = {
        .free_failures = REGISTRATIONS_FREE,
        .base_seconds = REGISTRATIONS_SECONDS,
        .max_seconds = REGISTRATIONS_SECONDS,
        .memory_seconds = REGISTRATIONS_MEMORY,
    };
    unsigned char hash[32];
    sha256(who, hash);
    limit.key.b[0] = (unsigned char)kind;
    memcpy(limit.key.b + 1, hash, THROTTLE_KEY_BYTES - 1);
    store_throttle_take(&req->write, &limit, req->now, NULL);
}
