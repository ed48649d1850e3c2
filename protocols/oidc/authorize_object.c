/* SPDX-License-Identifier: Apache-2.0
 *
 * The request object of an authorization request, when there is one, takes the place of the
 * parameters that came with it; see authorize.h. */
#include "idp/idp.h"
#include "protocols/oidc/authorize.h"
#include "protocols/oidc/request_object.h"

#define NO_FAILURE OIDC_FAILURE(OIDC_NO_ERROR, NULL)

/* By reference only what was registered whole, so that nobody can have us fetch what they like
 * (A26). */
static struct oidc_failure check_reference(const struct authorize *a) {
    struct span uri = params_find(a->params, "request_uri");
    if (!client_request_uri_allowed(a->lookup.client, uri))
        return OIDC_FAILURE(OIDC_INVALID_REQUEST_URI, "request_uri is not registered");
    return OIDC_FAILURE(OIDC_INVALID_REQUEST_URI, "request_uri cannot be read");
}

static struct oidc_failure open_object(struct request *req, struct authorize *a, struct span jwt) {
    const struct client *client = a->lookup.client;
    if (request_object_open(req->arena, request_config(req), client, &client->jwks, jwt, req->now,
                            &a->object))
        return OIDC_FAILURE(OIDC_INVALID_REQUEST_OBJECT, NULL);
    //= https://www.rfc-editor.org/rfc/rfc9101#section-6.3
    //# The authorization server MUST extract the set of authorization request parameters from the
    //# Request Object value. The authorization server MUST only use the parameters in the Request
    //# Object, even if the same parameter is provided in the query parameter.
    a->params = &a->object;
    a->is_signed_request = true;
    return NO_FAILURE;
}

struct oidc_failure authorize_object_take(struct request *req, struct authorize *a) {
    size_t by_value = params_count(a->params, "request"),
           by_reference = params_count(a->params, "request_uri");
    //= https://www.rfc-editor.org/rfc/rfc9101#section-5
    //# The client MAY include the request or request_uri parameters but MUST NOT include both.
    if (by_value + by_reference > 1)
        return OIDC_FAILURE(OIDC_INVALID_REQUEST, "more than one request object");
    if (by_reference)
        return check_reference(a);
    if (by_value)
        return open_object(req, a, params_find(a->params, "request"));
    if (a->lookup.client->require_signed_request_object && !a->is_signed_request)
        return OIDC_FAILURE(OIDC_INVALID_REQUEST, "a signed request object is required");
    return NO_FAILURE;
}
