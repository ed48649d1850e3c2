/* SPDX-License-Identifier: Apache-2.0
 *
 * Client assertions; see client_assertion.h. */
#include "protocols/oidc/client_assertion.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/sha256.h"
#include "idp/config.h"
#include "idp/store/store.h"
#include "keys/jws.h"
#include "protocols/oidc/jwt_claims.h"

/* typ of assertions; most clients write none or the plain one. Not those of other JWTs (E16). */
static const char *const types[] = {"", "JWT", "client-authentication+jwt", NULL};

/* What the metadata announces; the client may have registered one of them. */
static const char *const algs[] = {"ES256", "RS256", "PS256", "EdDSA", NULL};

/* Behind the issuer: the names of ours that an audience may have (OIDC Core 9 and RFC 7523 3: the
 * issuer, or the token endpoint by each of its addresses). */
static const char *const audiences[] = {"", "/token", "/oauth2/token"};

enum err client_assertion_subject(struct arena *a, struct span token, struct span *ret_client_id) {
    struct span rest = token, payload;
    (void)span_cut(&rest, '.');
    if (token.len > CLIENT_ASSERTION_MAX || !rest.ptr)
        return ERR_SYNTAX;
    AUTO_JSON json_t *claims = NULL;
    enum err e = b64url_decode_arena(a, span_cut(&rest, '.'), &payload);
    if (!e)
        e = json_parse_object(payload, CLIENT_ASSERTION_MAX, &claims);
    if (e)
        return e == ERR_NOMEM ? e : ERR_SYNTAX;
    struct span sub = json_str(claims, "sub");
    if (!sub.len || sub.len > CLIENT_ID_MAX)
        return ERR_SYNTAX;
    *ret_client_id = arena_dup(a, sub);
    return ret_client_id->ptr ? ERR_OK : ERR_NOMEM;
}

static enum err audience_check(struct arena *a, const struct config *cfg, const json_t *claims) {
    struct span ours[ARRAY_LEN(audiences)];
    for (size_t i = 0; i < ARRAY_LEN(audiences); i++) {
        ours[i] = span_of(arena_printf(a, "%.*s%s", SPAN_FMT(cfg->issuer), audiences[i]));
        if (!ours[i].ptr)
            return ERR_NOMEM;
    }
    //= https://www.rfc-editor.org/rfc/rfc7523#section-3
    //# The authorization server MUST reject any JWT that does not contain its own identity as the
    //# intended audience.
    return jwt_audience_check(claims, ours, ARRAY_LEN(ours));
}

static enum err claims_check(struct arena *a, const struct config *cfg, const struct client *client,
                             const json_t *claims, int64_t now, struct client_assertion *ret) {
    static const struct jwt_times times = {.needs_expiry = true,
                                           .longest = CLIENT_ASSERTION_SECONDS_MAX};
    //= https://www.rfc-editor.org/rfc/rfc7523#section-3
    //# For client authentication, the subject MUST be the "client_id" of the OAuth client.
    if (!span_eq(json_str(claims, "sub"), client->client_id) ||
        !span_eq(json_str(claims, "iss"), client->client_id))
        return ERR_REFUSED;
    enum err e = audience_check(a, cfg, claims);
    if (!e)
        e = jwt_times_check(claims, &times, now, &ret->expires_at);
    if (e)
        return e;
    struct span jti = json_str(claims, "jti");
    if (!jti.len || jti.len > CLIENT_ASSERTION_JTI_MAX)
        return ERR_SYNTAX;
    ret->jti = arena_dup(a, jti);
    return ret->jti.ptr ? ERR_OK : ERR_NOMEM;
}

enum err client_assertion_verify(struct arena *a, const struct config *cfg,
                                 const struct client *client, const struct jwk_set *keys,
                                 struct span token, int64_t now,
                                 struct client_assertion *ret_assertion) {
    const char *const registered[] = {client->assertion_alg ? client->assertion_alg->name : NULL,
                                      NULL};
    const struct jws_expect expect = {.typ = types,
                                      .algs = client->assertion_alg ? registered : algs};
    struct jws jws;
    enum err e = jws_verify(a, token, &expect, keys, &jws);
    if (e)
        return e;
    AUTO_JSON json_t *claims = NULL;
    e = json_parse_object(jws.payload, CLIENT_ASSERTION_MAX, &claims);
    if (e)
        return e;
    struct client_assertion assertion = {.client_id = client->client_id};
    e = claims_check(a, cfg, client, claims, now, &assertion);
    if (!e)
        *ret_assertion = assertion;
    return e;
}

void client_assertion_spend(struct batch *b, const struct client_assertion *assertion) {
    static const char purpose[] = "client assertion"; /* the table is shared with other things */
    const struct span parts[] = {span_bytes(purpose, sizeof purpose), assertion->client_id,
                                 span_bytes("", 1), assertion->jti};
    unsigned char text[sizeof purpose + CLIENT_ID_MAX + 1 + CLIENT_ASSERTION_JTI_MAX], hash[32];
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        memcpy(text + len, parts[i].ptr, parts[i].len);
        len += parts[i].len;
    }
    sha256(span_bytes(text, len), hash);
    store_once(b, hash, assertion->expires_at);
}
