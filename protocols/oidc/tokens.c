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
#include "keys/at_hash.h"
#include "protocols/oidc/access_token.h"
#include "protocols/oidc/acr.h"
#include "protocols/oidc/act.h"
#include "protocols/oidc/claims_request.h"
#include "protocols/oidc/opaque_token.h"
#include "protocols/oidc/person_claims.h"

#define CLAIMS_MAX 12288 /* bytes: what the signer takes */

void tokens_sub(const struct keyring *k, const struct client *client, const struct user_id *user,
                char out[SUB_CHARS + 1]) {
    keyring_sub(k, client->is_pairwise ? client->sector : SPAN("public"), user, out);
}

void tokens_sub_at(const struct keyring *k, const struct client *client,
                   const struct resource *resource, const struct user_id *user,
                   char out[SUB_CHARS + 1]) {
    if (resource && client->is_pairwise)
        keyring_sub(k, resource->sector, user, out);
    else
        tokens_sub(k, client, user, out);
}

void tokens_sid(const struct keyring *k, const struct client *client, const struct session_key *key,
                char out[SID_CHARS + 1]) {
    unsigned char input[SESSION_KEY_BYTES + CLIENT_ID_MAX], mac[32];
    size_t id_len = client->client_id.len < CLIENT_ID_MAX ? client->client_id.len : CLIENT_ID_MAX;
    memcpy(input, key->b, SESSION_KEY_BYTES);
    memcpy(input + SESSION_KEY_BYTES, client->client_id.ptr, id_len);
    keyring_mac(k, "sid", span_bytes(input, SESSION_KEY_BYTES + id_len), mac);
    out[b64url_encode(mac, SID_BYTES, out)] = '\0';
}

/* Claims of the person's authentication, which both kinds of token carry. */
static void add_authentication(struct json_out *o, const struct grant *g) {
    if (g->auth_time) /* of people from another provider it may not be known */
        json_add_i64(o, "auth_time", g->auth_time);
    json_add_opt(o, "acr", g->acr);
    amr_add(o, g->amr);
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

/* The client's wish, else the resource's; at the provider itself it makes no difference. */
static bool is_opaque(const struct token_order *order) {
    const struct resource *resource = order->audience.resource;
    if (order->client->access_token_format != ACCESS_TOKEN_BY_RESOURCE)
        return order->client->access_token_format == ACCESS_TOKEN_OPAQUE;
    return resource && resource->access_token_format == ACCESS_TOKEN_OPAQUE;
}

/* What it says, in either form. `sub` and `jti` are room for two of its texts. */
static struct access_token access_content(struct request *req, const struct token_order *order,
                                          char sub[SUB_CHARS + 1], char jti[ACCESS_TOKEN_JTI_CHARS + 1]) {
    const struct resource *resource = order->audience.resource;
    const struct grant *g = order->grant;
    struct access_token t = {
        .sub = order->client->client_id,
        .client_id = order->client->client_id,
        .scope = order->audience.scope,
        .aud = resource ? resource->identifier : request_config(req)->issuer,
        .issued_at = req->now,
        .expires_at = req->now + access_seconds(req, order),
    };
    access_token_jti_build(request_idp(req)->keyring, g ? &g->key : NULL, jti);
    t.jti = span_of(jti);
    if (!g)
        return t;
    tokens_sub_at(request_idp(req)->keyring, order->client, resource, &g->user_id, sub);
    t.sub = span_of(sub);
    t.has_grant = true;
    t.grant = g->key;
    t.acr = g->acr;
    t.auth_time = g->auth_time;
    return t;
}

static enum err access_claims(struct request *req, const struct token_order *order,
                              const struct access_token *t, struct buf *out) {
    struct json_out o = JSON_OUT(out);
    json_open_object(&o, NULL);
    json_add_str(&o, "iss", request_config(req)->issuer);
    json_add_str(&o, "aud", t->aud);
    json_add_str(&o, "sub", t->sub);
    json_add_str(&o, "client_id", t->client_id);
    json_add_str(&o, "jti", t->jti);
    json_add_i64(&o, "iat", t->issued_at);
    json_add_i64(&o, "exp", t->expires_at);
    json_add_opt(&o, "scope", t->scope);
    if (order->grant) {
        add_authentication(&o, order->grant);
        act_add(req, &o, order->client, order->audience.resource, t->scope, order->grant);
    }
    json_close_object(&o);
    return buf_err(out);
}

/* `at_hash` NULL: the signer adds it, taken over the access token that it has just signed. */
static enum err id_claims(struct request *req, const struct token_order *order, const char *at_hash,
                          struct buf *out) {
    const struct config *cfg = request_config(req);
    const struct grant *g = order->grant;
    const struct keyring *k = request_idp(req)->keyring;
    char sub[SUB_CHARS + 1], sid[SID_CHARS + 1];
    tokens_sub(k, order->client, &g->user_id, sub);

    struct json_out o = JSON_OUT(out);
    json_open_object(&o, NULL);
    json_add_str(&o, "iss", cfg->issuer);
    json_add_str(&o, "sub", span_of(sub));
    json_add_str(&o, "aud", order->client->client_id);
    json_add_i64(&o, "iat", req->now);
    json_add_i64(&o, "exp", req->now + cfg->id_token_seconds);
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-2
    //# If present in the Authentication Request, Authorization Servers MUST include a nonce Claim
    //# in the ID Token with the Claim Value being the nonce value sent in the Authentication
    //# Request.
    json_add_opt(&o, "nonce", order->nonce);
    if (at_hash)
        json_add_str(&o, "at_hash", span_of(at_hash));
    add_authentication(&o, g);
    act_add(req, &o, order->client, NULL, g->scope, g);
    if (g->has_session) {
        tokens_sid(k, order->client, &g->sid_key, sid);
        json_add_str(&o, "sid", span_of(sid));
    }
    enum err e = ERR_OK;
    if (order->person) {
        const struct claims_order more = {
            .client = order->client,
            .user = order->person,
            .sub = span_of(sub),
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

/* The access token, sealed here or asked of the signer. */
static enum err ask_access_token(struct request *req, const struct token_order *order,
                                 struct token_set *tokens) {
    const struct resource *resource = order->audience.resource;
    CLEANUP(buf_done) struct buf claims = BUF_INIT(CLAIMS_MAX);
    char sub[SUB_CHARS + 1], jti[ACCESS_TOKEN_JTI_CHARS + 1];
    const struct access_token t = access_content(req, order, sub, jti);
    tokens->expires_in = t.expires_at - t.issued_at;
    if (is_opaque(order))
        return opaque_token_seal(request_idp(req)->keyring, req->arena, &t, &tokens->access_token);
    enum err e = access_claims(req, order, &t, &claims);
    return e ? e
             : ask(req, SIGNER_OP_SIGN_JWT,
                   resource ? resource->access_token_alg : order->client->access_token_alg,
                   "at+jwt", &claims);
}

static enum err ask_id_token(struct request *req, const struct token_order *order,
                             const struct token_set *tokens) {
    const struct jose_alg *alg = order->client->id_token_alg;
    CLEANUP(buf_done) struct buf claims = BUF_INIT(CLAIMS_MAX);
    char at_hash[AT_HASH_MAX];
    bool is_signed = !tokens->access_token.len; /* will be: by the signer, in the same message */
    enum err e = is_signed ? ERR_OK : at_hash_build(alg, tokens->access_token, at_hash);
    if (!e)
        e = id_claims(req, order, is_signed ? NULL : at_hash, &claims);
    return e ? e : ask(req, is_signed ? SIGNER_OP_SIGN_BOUND : SIGNER_OP_SIGN_JWT, alg, "JWT", &claims);
}

enum err tokens_ask(struct request *req, const struct token_order *order, struct token_set *ret_tokens) {
    struct token_set t = {0};
    enum err e = ask_access_token(req, order, &t);
    t.has_id_token = order->grant && span_list_has(order->grant->scope, SPAN("openid"));
    if (!e && t.has_id_token)
        e = ask_id_token(req, order, &t);
    if (!e)
        *ret_tokens = t;
    return e;
}

enum err tokens_take(struct request *req, struct token_set *tokens) {
    const struct signing *s = &req->signing;
    enum err e = s->result;
    for (size_t i = 0; !e && i < s->n; i++)
        e = s->answer[i].err;
    if (e)
        return e;
    if (tokens->has_id_token)
        tokens->id_token = s->answer[s->n - 1].text;
    if (!tokens->access_token.len)
        tokens->access_token = s->answer[0].text;
    metrics_add(request_idp(req)->metrics, METRIC_TOKENS_ISSUED, 1);
    return ERR_OK;
}
