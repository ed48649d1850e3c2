/* SPDX-License-Identifier: Apache-2.0
 *
 * Client authentication as phases; see client_login.h. */
#include "protocols/oidc/client_login.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "idp/idp.h"
#include "protocols/oidc/audit.h"
#include "protocols/oidc/oidc_error.h"

/* Wrong secrets of one client from one network, and from one network for any client names (B12): so
 * many before delays start, and how long they are remembered. A secret has 256 random bits; this
 * keeps logs and store quiet. */
#define WRONG_SECRETS_FREE         60
#define WRONG_SECRETS_FREE_NETWORK 300
#define WRONG_SECRETS_SECONDS      60
#define THROTTLE_KIND_CLIENT       'c'
#define THROTTLE_KIND_ANY_CLIENT   'm'

static enum step answer(struct request *req, struct oidc_failure f) {
    oidc_error_respond(req, f);
    return STEP_RESPOND;
}

static enum step refuse(struct request *req, const struct client_login *l) {
    //= https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    //# If the client attempted to authenticate via the "Authorization" request header field, the
    //# authorization server MUST respond with an HTTP 401 (Unauthorized) status code and include
    //# the "WWW-Authenticate" response header field matching the authentication scheme used by the
    //# client.
    if (l->claim.used_header)
        respond_header(req, "WWW-Authenticate", SPAN("Basic realm=\"token\", charset=\"UTF-8\""));
    return answer(req, OIDC_FAILURE(OIDC_INVALID_CLIENT, NULL));
}

enum step client_login_parse(struct request *req, const struct param_def *defs, size_t n_defs,
                             struct client_login *l) {
    const char *at_fault = NULL;
    enum err e = params_fill(defs, n_defs, req->arena, &req->form, req->state, &at_fault);
    if (e)
        return answer(req, oidc_param_failure(e, at_fault, req->arena));
    l->in.authorization = request_header(req, "Authorization");
    l->in.n_authorization = request_header_count(req, "Authorization");
    struct oidc_failure f = client_auth_parse(req->arena, &l->in, &l->claim);
    if (f.error == OIDC_INVALID_CLIENT)
        return refuse(req, l);
    if (f.error)
        return answer(req, f);
    l->lookup.client_id = l->claim.client_id;
    return STEP_LOAD;
}

void client_login_load(struct request *req, struct client_login *l) {
    client_lookup_load(req, &l->lookup);
}

static enum step proven(struct client_login *l) {
    l->client = l->lookup.client;
    return STEP_RESPOND;
}

static enum step count_wrong(struct client_login *l) {
    l->is_wrong = true;
    return STEP_WRITE;
}

static enum step assertion_decide(struct request *req, struct client_login *l) {
    const struct client *c = l->lookup.client;
    if (!c || !c->is_enabled || c->auth != CLIENT_AUTH_PRIVATE_KEY_JWT)
        return count_wrong(l);
    CLEANUP(jwk_set_done) struct jwk_set keys = {.count = 0};
    enum err e = client_keys_find(req, c, &l->keys, &keys);
    if (!e)
        e = client_assertion_verify(req->arena, request_config(req), c, &keys, l->claim.assertion,
                                    req->now, &l->assertion);
    if (e == ERR_NOT_FOUND && client_keys_should_fetch(req, c, &l->keys))
        return STEP_FETCH;
    if (e == ERR_NOMEM || e == ERR_BUSY)
        return oidc_unavailable(req);
    if (e)
        return count_wrong(l);
    l->is_spending = true;
    return STEP_WRITE;
}

static enum step spent(struct request *req, struct client_login *l) {
    l->is_spending = false;
    if (req->write.result == ERR_OK)
        return proven(l);
    return req->write.result == ERR_REPLAYED ? count_wrong(l) : oidc_unavailable(req);
}

enum step client_login_decide(struct request *req, struct client_login *l) {
    /* Nobody guesses a signature: there the limit is only on what is written down. */
    if (l->is_wrong && req->write.result == ERR_BUSY &&
        l->claim.method != CLIENT_AUTH_PRIVATE_KEY_JWT)
        return answer(req, OIDC_FAILURE(OIDC_TOO_MANY_REQUESTS, NULL));
    if (l->is_wrong)
        return refuse(req, l);
    if (l->is_spending)
        return spent(req, l);
    if (l->keys.is_fetching)
        return assertion_decide(req, l);
    if (req->load.result || client_lookup_finish(req, &l->lookup))
        return oidc_unavailable(req);
    if (l->claim.method == CLIENT_AUTH_PRIVATE_KEY_JWT)
        return assertion_decide(req, l);
    const struct client_secret *secret;
    if (client_auth_check(l->lookup.client, &l->claim, req->now, &secret) != ALLOW)
        return count_wrong(l);
    if (secret)
        client_secret_use_note(request_idp(req)->secret_use, req->thread->index, secret, req->now);
    return proven(l);
}

void client_login_fetch(struct request *req, struct client_login *l) {
    client_keys_fetch(req, l->lookup.client, &l->keys);
}

static void take_one(struct request *req, char kind, struct span id, int64_t free_failures) {
    struct throttle_limit limit = {
        .free_failures = free_failures,
        .base_seconds = WRONG_SECRETS_SECONDS,
        .max_seconds = WRONG_SECRETS_SECONDS,
        .memory_seconds = WRONG_SECRETS_SECONDS,
    };
    unsigned char text[CLIENT_ID_MAX + sizeof req->client.network], hash[32];
    size_t network_len = strlen(req->client.network);
    memcpy(text, id.ptr, id.len);
    memcpy(text + id.len, req->client.network, network_len);
    sha256(span_bytes(text, id.len + network_len), hash);
    limit.key.b[0] = (unsigned char)kind;
    memcpy(limit.key.b + 1, hash, THROTTLE_KEY_BYTES - 1);
    store_throttle_take(&req->write, &limit, req->now, NULL);
}

/* Failures also for clients that do not exist; beyond a limit nothing is written, not even to the
 * audit. */
void client_login_write(struct request *req, struct client_login *l) {
    if (l->is_spending) {
        client_assertion_spend(&req->write, &l->assertion);
        return;
    }
    take_one(req, THROTTLE_KIND_CLIENT, l->claim.client_id, WRONG_SECRETS_FREE);
    take_one(req, THROTTLE_KIND_ANY_CLIENT, SPAN(""), WRONG_SECRETS_FREE_NETWORK);
    oidc_audit(req, "client_refused", NULL,
               l->lookup.client ? l->lookup.client->client_id : SPAN_NONE, SPAN_NONE);
}
