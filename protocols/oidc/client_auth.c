/* SPDX-License-Identifier: Apache-2.0
 *
 * Client authentication; see client_auth.h. A method is a row of the table. */
#include "protocols/oidc/client_auth.h"

#include <strings.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "protocols/oidc/client_assertion.h"

#define BASIC             "Basic "
#define AUTHORIZATION_MAX 2048

const struct client_auth_method client_auth_methods[] = {
    {CLIENT_AUTH_SECRET_BASIC, "client_secret_basic", "RFC 6749 2.3.1"},
    {CLIENT_AUTH_SECRET_POST, "client_secret_post", "RFC 6749 2.3.1"},
    {CLIENT_AUTH_PRIVATE_KEY_JWT, "private_key_jwt", "OIDC Core 9"},
    {CLIENT_AUTH_NONE, "none", "RFC 7591 2"},
};
const size_t client_auth_methods_count = ARRAY_LEN(client_auth_methods);

#define PASS       OIDC_FAILURE(OIDC_NO_ERROR, NULL)
#define UNREADABLE OIDC_FAILURE(OIDC_INVALID_CLIENT, NULL)

/* RFC 6749 2.3.1: id and secret are form-encoded before they become user name and password. */
static struct oidc_failure parse_basic(struct arena *a, struct span header,
                                       struct client_auth_claim *claim) {
    struct span text = {header.ptr + strlen(BASIC), header.len - strlen(BASIC)}, secret;
    enum err e = b64_decode_arena(a, text, &secret);
    if (!e && !memchr(secret.ptr ? secret.ptr : "", ':', secret.len))
        e = ERR_SYNTAX;
    struct span id = e ? SPAN_NONE : span_cut(&secret, ':');
    if (!e)
        e = form_decode(a, id, &claim->client_id);
    if (!e)
        e = form_decode(a, secret, &claim->secret);
    if (e)
        return oidc_failure_of(e, OIDC_INVALID_CLIENT, NULL);
    if (!claim->client_id.len || claim->client_id.len > CLIENT_ID_MAX ||
        claim->secret.len > CLIENT_SECRET_MAX)
        return UNREADABLE;
    claim->method = CLIENT_AUTH_SECRET_BASIC;
    return PASS;
}

static struct oidc_failure parse_header(struct arena *a, const struct client_auth_input *in,
                                        struct client_auth_claim *claim) {
    claim->used_header = true;
    //= https://www.rfc-editor.org/rfc/rfc6749#section-2.3
    //# The client MUST NOT use more than one authentication method in each request.
    if (in->n_authorization > 1 || in->client_secret.len || in->client_assertion.len)
        return OIDC_FAILURE(OIDC_INVALID_REQUEST, "more than one way of client authentication");
    struct span h = in->authorization;
    if (h.len > AUTHORIZATION_MAX || h.len <= strlen(BASIC) ||
        strncasecmp(h.ptr, BASIC, strlen(BASIC)) != 0)
        return UNREADABLE;
    struct oidc_failure f = parse_basic(a, h, claim);
    if (!f.error && in->client_id.len && !span_eq(in->client_id, claim->client_id))
        return OIDC_FAILURE(OIDC_INVALID_REQUEST, "two different client ids");
    return f;
}

static struct oidc_failure parse_assertion(struct arena *a, const struct client_auth_input *in,
                                           struct client_auth_claim *claim) {
    if (in->client_secret.len || !span_is(in->client_assertion_type, CLIENT_ASSERTION_TYPE))
        return UNREADABLE;
    enum err e = client_assertion_subject(a, in->client_assertion, &claim->client_id);
    if (e)
        return oidc_failure_of(e, OIDC_INVALID_CLIENT, NULL);
    //= https://www.rfc-editor.org/rfc/rfc7521#section-4.2
    //# If present, the value of the "client_id" parameter MUST identify the same client as is
    //# identified by the client assertion.
    if (in->client_id.len && !span_eq(in->client_id, claim->client_id))
        return UNREADABLE;
    claim->assertion = in->client_assertion;
    claim->method = CLIENT_AUTH_PRIVATE_KEY_JWT;
    return PASS;
}

struct oidc_failure client_auth_parse(struct arena *a, const struct client_auth_input *in,
                                      struct client_auth_claim *ret_claim) {
    *ret_claim = (struct client_auth_claim){0};
    if (in->n_authorization)
        return parse_header(a, in, ret_claim);
    if (in->client_assertion.len || in->client_assertion_type.len)
        return parse_assertion(a, in, ret_claim);
    if (!in->client_id.len)
        return UNREADABLE;
    ret_claim->client_id = in->client_id;
    ret_claim->secret = in->client_secret;
    ret_claim->method = in->client_secret.len ? CLIENT_AUTH_SECRET_POST : CLIENT_AUTH_NONE;
    return PASS;
}

enum verdict client_auth_check(const struct client *client, const struct client_auth_claim *claim,
                               int64_t now, const struct client_secret **ret_secret) {
    static const struct client nobody = {.n_secrets = 1};
    const struct client *c = client ? client : &nobody;
    const struct client_secret *secret = claim->method == CLIENT_AUTH_NONE
                                             ? NULL
                                             : client_secret_match(c, claim->secret, now);
    bool matches = claim->method == CLIENT_AUTH_NONE ? c->is_public : secret != NULL;
    if (!client || !client->is_enabled || claim->method == CLIENT_AUTH_INVALID ||
        claim->method == CLIENT_AUTH_PRIVATE_KEY_JWT)
        return DENY;
    if (!matches || client->auth != claim->method)
        return DENY;
    *ret_secret = secret;
    return ALLOW;
}
