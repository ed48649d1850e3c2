/* SPDX-License-Identifier: Apache-2.0
 *
 * grant_type=client_credentials (RFC 6749 4.4): a machine acts for itself. No person, no refresh
 * token, no ID token, nothing stored. */
#include "base/cleanup.h"
#include "protocols/oidc/scope.h"
#include "protocols/oidc/token.h"

/* What only a person can give. */
static const char *const person_scopes[] = {"openid", "offline_access"};

static enum step begin(struct request *req, struct token_request *t) {
    //= https://www.rfc-editor.org/rfc/rfc6749#section-4.4
    //# The client credentials grant type MUST only be used by confidential clients.
    if (t->login.client->is_public)
        return token_refuse(req, OIDC_UNAUTHORIZED_CLIENT, NULL);
    struct span allowed = t->login.client->scope;
    for (size_t i = 0; i < ARRAY_LEN(person_scopes); i++)
        if (scope_without(req->arena, allowed, span_of(person_scopes[i]), &allowed))
            return token_refuse(req, OIDC_TEMPORARILY_UNAVAILABLE, NULL);
    /* Who names a resource and no scope means all that it may do there. */
    struct span scope = t->resource.count ? allowed : SPAN_NONE;
    enum err e = t->scope.len ? scope_reduce(req->arena, t->scope, allowed, &scope) : ERR_OK;
    if (e)
        return token_refuse(req, oidc_error_of(e, OIDC_INVALID_SCOPE), NULL);
    (void)token_audience_decide(req, t, scope);
    return STEP_RESPOND;
}

const struct token_grant_type grant_client_credentials = {
    .name = "client_credentials",
    .bit = GRANT_CLIENT_CREDENTIALS,
    .begin = begin,
    .spec = "RFC 6749 4.4",
};
