/* SPDX-License-Identifier: Apache-2.0
 *
 * The request object of an authorization request, when there is one, takes the place of the
 * parameters that came with it; see authorize.h.
 *
 *   by value ──────────────────────┬─► open, by the client's keys ─► its parameters
 *   by reference, registered ─► fetched ─┘        └─► keys at a URI: fetched, then again */
#include "base/cleanup.h"
#include "idp/idp.h"
#include "protocols/oidc/authorize.h"
#include "protocols/oidc/request_object.h"

static bool refuse(struct authorize *a, enum oidc_error error, const char *text) {
    a->object_failure = OIDC_FAILURE(error, text);
    return true;
}

/* That, unless nothing was found out. */
static bool fail(struct authorize *a, enum err e, enum oidc_error mistake, const char *text) {
    a->object_failure = oidc_failure_of(e, mistake, text);
    return true;
}

/* False: its keys have to be fetched. */
static bool open_object(struct request *req, struct authorize *a) {
    const struct client *client = a->lookup.client;
    CLEANUP(jwk_set_done) struct jwk_set keys = {.count = 0};
    enum err e = client_keys_find(req, client, &a->keys, &keys);
    if (!e)
        e = request_object_open(req->arena, request_config(req), client, &keys, a->object_jwt,
                                req->now, &a->object);
    if (e == ERR_NOT_FOUND && client_keys_should_fetch(req, client, &a->keys))
        return false;
    if (e)
        return fail(a, e, OIDC_INVALID_REQUEST_OBJECT, NULL);
    //= https://www.rfc-editor.org/rfc/rfc9101#section-6.3
    //# The authorization server MUST extract the set of authorization request parameters from the
    //# Request Object value. The authorization server MUST only use the parameters in the Request
    //# Object, even if the same parameter is provided in the query parameter.
    a->params = &a->object;
    a->is_signed_request = true;
    return true;
}

/* By reference only what was registered whole, so that nobody can have us fetch what they like
 * (A26). */
static bool take_reference(struct authorize *a, struct span uri) {
    if (!client_request_uri_allowed(a->lookup.client, uri))
        return refuse(a, OIDC_INVALID_REQUEST_URI, "request_uri is not registered");
    a->is_fetching_object = true;
    return false;
}

static bool take_fetched(struct request *req, struct authorize *a) {
    a->is_fetching_object = false;
    if (req->fetch.result)
        return fail(a, req->fetch.result, OIDC_INVALID_REQUEST_URI, "request_uri cannot be read");
    /* The next fetch, for the keys, takes the body's place. */
    a->object_jwt = arena_dup(req->arena, span_bytes(req->fetch.body, req->fetch.body_len));
    return a->object_jwt.ptr ? open_object(req, a) : refuse(a, OIDC_SERVER_ERROR, NULL);
}

bool authorize_object_take(struct request *req, struct authorize *a) {
    if (a->is_fetching_object)
        return take_fetched(req, a);
    if (a->keys.is_fetching)
        return open_object(req, a);
    size_t by_value = params_count(a->params, "request"),
           by_reference = params_count(a->params, "request_uri");
    //= https://www.rfc-editor.org/rfc/rfc9101#section-5
    //# The client MAY include the request or request_uri parameters but MUST NOT include both.
    if (by_value + by_reference > 1)
        return refuse(a, OIDC_INVALID_REQUEST, "more than one request object");
    if (by_reference)
        return take_reference(a, params_find(a->params, "request_uri"));
    a->object_jwt = params_find(a->params, "request");
    if (by_value)
        return open_object(req, a);
    if (a->lookup.client->require_signed_request_object && !a->is_signed_request)
        return refuse(a, OIDC_INVALID_REQUEST, "a signed request object is required");
    return true;
}

void authorize_object_fetch(struct request *req, struct authorize *a) {
    if (!a->is_fetching_object) {
        client_keys_fetch(req, a->lookup.client, &a->keys);
        return;
    }
    req->fetch.purpose = OUTBOUND_REQUEST_URI;
    req->fetch.url = params_find(a->params, "request_uri");
    req->fetch.only_public = a->lookup.client->is_self_registered;
}
