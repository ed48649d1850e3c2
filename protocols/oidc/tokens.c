/* SPDX-License-Identifier: Apache-2.0
 *
 * Issuing of tokens; see tokens.h. */
#include "protocols/oidc/tokens.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/random.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/metrics.h"
#include "protocols/oidc/access_token.h"
#include "protocols/oidc/acr.h"
#include "protocols/oidc/claims_request.h"
#include "protocols/oidc/person_claims.h"

#define CLAIMS_MAX 12288 /* bytes: what the signer takes */

void tokens_sub(const struct keyring *k, const struct client *client, const struct user_id *user,
                char out[44]) {
    keyring_sub(k, client->is_pairwise ? client->sector : SPAN("public"), user, out);
}

/* The person as the token's audience knows them: two services that compare their tokens must not
 * find out that these speak of one person (OIDC Core 17.3). */
static void access_sub(const struct keyring *k, const struct token_order *order, char out[44]) {
    const struct resource *resource = order->audience.resource;
    if (resource && order->client->is_pairwise)
        keyring_sub(k, resource->sector, &order->grant->user_id, out);
    else
        tokens_sub(k, order->client, &order->grant->user_id, out);
}

/* The session as this client knows it: unlinkable between clients. `out`: 22 characters, NUL. */
static void client_sid(const struct keyring *k, const struct client *client,
                       const struct session_key *key, char out[23]) {
    unsigned char input[SESSION_KEY_BYTES + CLIENT_ID_MAX], mac[32];
    size_t id_len = client->client_id.len < CLIENT_ID_MAX ? client->client_id.len : CLIENT_ID_MAX;
    memcpy(input, key->b, SESSION_KEY_BYTES);
    memcpy(input + SESSION_KEY_BYTES, client->client_id.ptr, id_len);
    keyring_mac(k, "sid", span_bytes(input, SESSION_KEY_BYTES + id_len), mac);
    out[b64url_encode(mac, 16, out)] = '\0';
}

/* Claims of the person's authentication, which both kinds of token carry. */
static void add_authentication(struct json_out *o, const struct grant *g) {
    json_add_i64(o, "auth_time", g->auth_time);
    json_add_opt(o, "acr", g->acr);
    amr_add(o, g->amr);
}

static void add_times(struct json_out *o, int64_t now, int64_t seconds) {
    json_add_i64(o, "iat", now);
    json_add_i64(o, "exp", now + seconds);
}

static enum err access_claims(struct request *req, const struct token_order *order, int64_t seconds,
                              struct buf *out) {
    const struct config *cfg = request_config(req);
    char sub[44], jti[ACCESS_TOKEN_JTI_CHARS + 1];
    access_token_jti_build(order->grant ? &order->grant->key : NULL, jti);
    const struct resource *resource = order->audience.resource;
    struct span subject = order->client->client_id;
    if (order->grant) {
        access_sub(request_idp(req)->keyring, order, sub);
        subject = span_of(sub);
    }

    struct json_out o = JSON_OUT(out);
    json_open_object(&o, NULL);
    json_add_str(&o, "iss", cfg->issuer);
    json_add_str(&o, "aud", resource ? resource->identifier : cfg->issuer);
    json_add_str(&o, "sub", subject);
    json_add_str(&o, "client_id", order->client->client_id);
    json_add_str(&o, "jti", span_of(jti));
    add_times(&o, req->now, seconds);
    json_add_opt(&o, "scope", order->audience.scope);
    if (order->grant)
        add_authentication(&o, order->grant);
    json_close_object(&o);
    return buf_err(out);
}

/* Without at_hash, which the signer adds: it is taken over the access token. */
static enum err id_claims(struct request *req, const struct token_order *order, struct buf *out) {
    const struct config *cfg = request_config(req);
    const struct grant *g = order->grant;
    const struct keyring *k = request_idp(req)->keyring;
    char sub[44], sid[23];
    tokens_sub(k, order->client, &g->user_id, sub);

    struct json_out o = JSON_OUT(out);
    json_open_object(&o, NULL);
    json_add_str(&o, "iss", cfg->issuer);
    json_add_str(&o, "sub", span_of(sub));
    json_add_str(&o, "aud", order->client->client_id);
    add_times(&o, req->now, cfg->id_token_seconds);
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-2
    //# If present in the Authentication Request, Authorization Servers MUST include a nonce Claim
    //# in the ID Token with the Claim Value being the nonce value sent in the Authentication
    //# Request.
    json_add_opt(&o, "nonce", order->nonce);
    add_authentication(&o, g);
    if (g->has_session) {
        client_sid(k, order->client, &g->session_key, sid);
        json_add_str(&o, "sid", span_of(sid));
    }
    enum err e = ERR_OK;
    if (order->person) {
        const struct claims_order more = {
            .client = order->client,
            .user = order->person,
            .acr = g->acr,
            .names = claims_request_id_token(g->claims),
        };
        e = person_claims_add(req, &more, &o);
    }
    json_close_object(&o);
    return e ? e : buf_err(out);
}

/* `op`: SIGNER_OP_SIGN_JWT, or SIGNER_OP_SIGN_BOUND for one that follows the token it is bound to. */
static enum err ask(struct request *req, enum signer_op op, const struct jose_alg *alg, const char *typ,
                    const struct buf *claims) {
    struct span kid = keyring_active_kid(request_idp(req)->keyring, alg);
    struct span text = arena_dup(req->arena, buf_span(claims));
    if (!kid.len)
        return ERR_UNAVAILABLE;
    if (!text.ptr)
        return ERR_NOMEM;
    req->signing.ask[req->signing.n++] =
        (struct signer_request){.op = op, .kid = kid, .typ = span_of(typ), .bytes = text};
    return ERR_OK;
}

enum err jwt_ask(struct request *req, const struct jose_alg *alg, const char *typ,
                 const struct buf *claims) {
    return ask(req, SIGNER_OP_SIGN_JWT, alg, typ, claims);
}

enum err jwt_take(const struct request *req, struct span *ret_jwt) {
    enum err e = req->signing.result ? req->signing.result : req->signing.answer[0].err;
    if (!e)
        *ret_jwt = req->signing.answer[0].text;
    return e;
}

static int64_t access_seconds(const struct request *req, const struct token_order *order) {
    const struct resource *resource = order->audience.resource;
    int64_t seconds = order->client->access_token_seconds;
    if (!seconds)
        seconds = request_config(req)->access_token_seconds;
    bool is_shorter = resource && resource->access_token_seconds &&
                      resource->access_token_seconds < seconds;
    return is_shorter ? resource->access_token_seconds : seconds;
}

enum err tokens_ask(struct request *req, const struct token_order *order, struct token_set *ret_tokens) {
    const struct client *client = order->client;
    const struct resource *resource = order->audience.resource;
    struct token_set t = {.expires_in = access_seconds(req, order)};
    CLEANUP(buf_done) struct buf claims = BUF_INIT(CLAIMS_MAX);
    enum err e = access_claims(req, order, t.expires_in, &claims);
    if (!e)
        e = ask(req, SIGNER_OP_SIGN_JWT,
                resource ? resource->access_token_alg : client->access_token_alg, "at+jwt", &claims);
    if (!e && order->grant && span_list_has(order->grant->scope, SPAN("openid"))) {
        buf_reset(&claims);
        e = id_claims(req, order, &claims);
        if (!e)
            e = ask(req, SIGNER_OP_SIGN_BOUND, client->id_token_alg, "JWT", &claims);
    }
    if (e)
        return e;
    *ret_tokens = t;
    return ERR_OK;
}

enum err tokens_take(struct request *req, struct token_set *tokens) {
    const struct signing *s = &req->signing;
    enum err e = s->result;
    for (size_t i = 0; !e && i < s->n; i++)
        e = s->answer[i].err;
    if (e)
        return e;
    tokens->access_token = s->answer[0].text;
    if (s->n == 2)
        tokens->id_token = s->answer[1].text;
    metrics_add(request_idp(req)->metrics, METRIC_TOKENS_ISSUED, 1);
    return ERR_OK;
}
