/* SPDX-License-Identifier: Apache-2.0
 *
 * Client authentication as the phases of a request, for every endpoint that clients call directly:
 * token, introspection, revocation (RFC 6749 2.3, RFC 7009 2.1, RFC 7662 2.1).
 *
 *   parse ─► load client ─► decide ─┬─► proven: `client` is set
 *                                   ├─► its keys are elsewhere: fetched, then decided again
 *                                   ├─► assertion verified: spent in a write, then as above
 *                                   └─► wrong: counted in a write, then invalid_client
 *
 * A handler whose state holds a struct client_login passes its phases on as long as `client` is
 * NULL:
 *
 *   if (!state->login.client) {
 *       enum step next = client_login_decide(req, &state->login);
 *       if (!state->login.client)
 *           return next;
 *   } */
#ifndef IDP_PROTOCOLS_OIDC_CLIENT_LOGIN_H
#define IDP_PROTOCOLS_OIDC_CLIENT_LOGIN_H

#include "base/params.h"
#include "idp/request.h"
#include "protocols/oidc/client_assertion.h"
#include "protocols/oidc/client_auth.h"
#include "protocols/oidc/client_keys.h"
#include "protocols/oidc/client_lookup.h"

struct client_login {
    struct client_auth_input in; /* filled by the endpoint's parameter table */
    struct client_auth_claim claim;
    struct client_lookup lookup;
    struct client_keys_turn keys;
    struct client_assertion assertion; /* verified */
    bool is_spending;            /* the assertion is being marked as used */
    bool is_wrong;               /* the failure is being counted */
    const struct client *client; /* proven to be who it says; NULL before that */
};

/* The rows of a parameter table that fill `login` (a member of `type`). */
/* clang-format off */
#define CLIENT_LOGIN_PARAMS(type, login)                                                                          \
    {"client_id",             offsetof(type, login.in.client_id),             param_span, CLIENT_ID_MAX, 0},     \
    {"client_secret",         offsetof(type, login.in.client_secret),         param_span, CLIENT_SECRET_MAX, 0}, \
    {"client_assertion",      offsetof(type, login.in.client_assertion),      param_span, CLIENT_ASSERTION_MAX, 0}, \
    {"client_assertion_type", offsetof(type, login.in.client_assertion_type), param_span, 256, 0}
/* clang-format on */

/* handler->parse: fills the handler's state by its table, which holds CLIENT_LOGIN_PARAMS of `l`.
 * STEP_LOAD, or answered. */
enum step client_login_parse(struct request *req, const struct param_def *defs, size_t n_defs,
                             struct client_login *l);
void client_login_load(struct request *req, struct client_login *l);
/* STEP_RESPOND with `client` set: go on; without: answered. */
enum step client_login_decide(struct request *req, struct client_login *l);
void client_login_fetch(struct request *req, struct client_login *l);
void client_login_write(struct request *req, struct client_login *l);

#endif
