/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed request objects; see request_object.h. */
#include "protocols/oidc/request_object.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "idp/config.h"
#include "keys/jws.h"
#include "protocols/oidc/jwt_claims.h"

/* RFC 9101 10.8: explicit typing; older clients write the plain type, or none. */
static const char *const types[] = {"oauth-authz-req+jwt", "JWT", "", NULL};
static const char *const algs[] = {"ES256", "RS256", "PS256", "EdDSA", NULL};

/* Claims about the object itself, and parameters that must not stand in it. */
static const struct {
    const char *name;
    bool is_refused;
    const char *spec;
} not_parameters[] = {
    {"iss", false, "RFC 9101 4"},  {"aud", false, "RFC 9101 4"},     {"exp", false, "RFC 7519 4.1.4"},
    {"nbf", false, "RFC 7519 4.1.5"}, {"iat", false, "RFC 7519 4.1.6"}, {"jti", false, "RFC 7519 4.1.7"},
    {"request", true, "RFC 9101 4"},  {"request_uri", true, "RFC 9101 4"},
    /* 10.8: what names its own subject may be a client assertion that somebody got hold of */
    {"sub", true, "RFC 9101 10.8"},
};

static enum err claims_check(const struct config *cfg, const struct client *client,
                             const json_t *claims, int64_t now) {
    static const struct jwt_times times = {.longest = REQUEST_OBJECT_SECONDS_MAX};
    int64_t expires_at;
    if (!span_eq(json_str(claims, "iss"), client->client_id) ||
        !span_eq(json_str(claims, "client_id"), client->client_id))
        return ERR_REFUSED;
    for (size_t i = 0; i < ARRAY_LEN(not_parameters); i++)
        if (not_parameters[i].is_refused && json_object_get(claims, not_parameters[i].name))
            return ERR_REFUSED;
    enum err e = jwt_audience_check(claims, &cfg->issuer, 1);
    return e ? e : jwt_times_check(claims, &times, now, &expires_at);
}

/* ---- claims to parameters ---- */

static void add_pair(struct buf *b, const char *name, struct span value) {
    if (b->len)
        buf_add_char(b, '&');
    percent_add(b, span_of(name));
    buf_add_char(b, '=');
    percent_add(b, value);
}

static enum err add_json(struct buf *b, const char *name, const json_t *value) {
    AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return ERR_NOMEM;
    add_pair(b, name, span_of(text));
    return ERR_OK;
}

/* RFC 9101 4: strings as they are, numbers as numbers; `claims` is an object (OIDC Core 6.1);
 * several resources are an array (RFC 8707 2). */
static enum err add_claim(struct buf *b, const char *name, const json_t *value) {
    if (json_is_string(value)) {
        add_pair(b, name, span_bytes(json_string_value(value), json_string_length(value)));
        return ERR_OK;
    }
    if (json_is_integer(value) || json_is_object(value))
        return add_json(b, name, value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_string(item))
            return ERR_SYNTAX;
        add_pair(b, name, span_bytes(json_string_value(item), json_string_length(item)));
    }
    return json_is_array(value) ? ERR_OK : ERR_SYNTAX;
}

static bool is_parameter(const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(not_parameters); i++)
        if (strcmp(name, not_parameters[i].name) == 0)
            return false;
    return true;
}

static enum err params_build(struct arena *a, const json_t *claims, struct params *ret_params) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(3 * REQUEST_OBJECT_MAX);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)claims, name, value) {
        enum err e = is_parameter(name) ? add_claim(&b, name, value) : ERR_OK;
        if (e)
            return e;
    }
    struct span text = buf_err(&b) ? SPAN_NONE : arena_dup(a, buf_span(&b));
    if (!text.ptr)
        return buf_err(&b) ? buf_err(&b) : ERR_NOMEM;
    ret_params->count = 0;
    return params_split(a, text, ret_params);
}

enum err request_object_open(struct arena *a, const struct config *cfg,
                             const struct client *client, const struct jwk_set *keys,
                             struct span token, int64_t now, struct params *ret_params) {
    const struct jose_alg *alg = client->request_object_alg;
    const char *const registered[] = {alg ? alg->name : NULL, NULL};
    const struct jws_expect expect = {.typ = types, .algs = alg ? registered : algs};
    struct jws jws;
    if (token.len > REQUEST_OBJECT_MAX)
        return ERR_TOO_LONG;
    enum err e = jws_verify(a, token, &expect, keys, &jws);
    if (e)
        return e;
    AUTO_JSON json_t *claims = NULL;
    e = json_parse_object(jws.payload, REQUEST_OBJECT_MAX, &claims);
    if (!e)
        e = claims_check(cfg, client, claims, now);
    return e ? e : params_build(a, claims, ret_params);
}
