/* SPDX-License-Identifier: Apache-2.0
 *
 * How a client proves who it is at the token endpoint (RFC 6749 2.3, OIDC Core 9). Two steps: what
 * the request presents, then whether that is what the client registered and holds. An assertion is
 * verified by client_assertion.h. */
#ifndef IDP_PROTOCOLS_OIDC_CLIENT_AUTH_H
#define IDP_PROTOCOLS_OIDC_CLIENT_AUTH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/span.h"
#include "idp/client.h"
#include "protocols/oidc/oidc_error.h"

#define CLIENT_SECRET_MAX 512

/* The request's parts that any method looks at. */
struct client_auth_input {
    struct span authorization; /* the header's value, absent when there is none */
    size_t n_authorization;    /* how many such headers */
    struct span client_id, client_secret, client_assertion, client_assertion_type; /* body */
};

struct client_auth_claim {
    enum client_auth method; /* CLIENT_AUTH_INVALID: a header that cannot be read */
    struct span client_id;
    struct span secret;
    struct span assertion;
    bool used_header; /* a refusal must carry WWW-Authenticate */
};

/* A method as metadata names it. */
struct client_auth_method {
    enum client_auth method;
    const char *name;
    const char *spec;
};
extern const struct client_auth_method client_auth_methods[];
extern const size_t client_auth_methods_count;

/* What is presented. A failure is invalid_request (more than one method), invalid_client (nothing,
 * or unreadable) or temporarily_unavailable (no memory to read it); `ret_claim->used_header` is set
 * in any case. */
struct oidc_failure client_auth_parse(struct arena *a, const struct client_auth_input *in,
                                      struct client_auth_claim *ret_claim);
/* Whether `client` (NULL: unknown) is who it says, by secret or by having none. The secret is
 * compared in constant time, also for unknown clients. Never ALLOW for an assertion. */
enum verdict client_auth_check(const struct client *client, const struct client_auth_claim *claim,
                               int64_t now, const struct client_secret **ret_secret);

#endif
