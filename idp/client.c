/* SPDX-License-Identifier: Apache-2.0
 *
 * The typed form of a registration, and the comparisons that decide about a request. */
#include "idp/client.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "idp/client_uri.h"

/* A word of the metadata, and what stands for it in struct client. */
struct client_word {
    const char *text;
    unsigned value; /* never 0 */
};

static const struct client_word auth_words[] = {
    {"none", CLIENT_AUTH_NONE},
    {"client_secret_basic", CLIENT_AUTH_SECRET_BASIC},
    {"client_secret_post", CLIENT_AUTH_SECRET_POST},
    {"private_key_jwt", CLIENT_AUTH_PRIVATE_KEY_JWT},
};

static const struct client_word grant_words[] = {
    {"authorization_code", GRANT_AUTHORIZATION_CODE},
    {"refresh_token", GRANT_REFRESH_TOKEN},
    {"client_credentials", GRANT_CLIENT_CREDENTIALS},
};

static const struct client_word response_mode_words[] = {
    {"query", RESPONSE_MODE_QUERY},
    {"form_post", RESPONSE_MODE_FORM_POST},
};
#define RESPONSE_MODES_ALL (RESPONSE_MODE_QUERY | RESPONSE_MODE_FORM_POST)

static const struct client_word access_token_format_words[] = {
    {"jwt", ACCESS_TOKEN_JWT},
    {"opaque", ACCESS_TOKEN_OPAQUE},
};

/* 0: no such word. */
static unsigned word_find(const struct client_word *words, size_t n, struct span text) {
    for (size_t i = 0; i < n; i++)
        if (span_is(text, words[i].text))
            return words[i].value;
    return 0;
}

/* The bits of an array's words. */
static unsigned words_find(const struct client_word *words, size_t n, const json_t *array) {
    unsigned bits = 0;
    for (size_t i = 0; i < json_array_size(array); i++)
        bits |= word_find(words, n, json_text(json_array_get(array, i)));
    return bits;
}

static void read_texts(struct client *c, const json_t *m) {
    c->client_id = json_str(m, "client_id");
    c->client_name = json_str(m, "client_name");
    c->client_name_en = json_str(m, "client_name#en");
    if (!c->client_name_en.ptr)
        c->client_name_en = c->client_name;
    c->client_uri = json_str(m, "client_uri");
    c->logo_uri = json_str(m, "logo_uri");
    c->policy_uri = json_str(m, "policy_uri");
    c->tos_uri = json_str(m, "tos_uri");
    c->scope = json_str(m, "scope");
    c->sector = json_str(m, "sector");
    c->legal_basis = json_str(m, "legal_basis");
    c->jwks_uri = json_str(m, "jwks_uri");
    c->backchannel_logout_uri = json_str(m, "backchannel_logout_uri");
    c->initiate_login_uri = json_str(m, "initiate_login_uri");
    c->default_acr_values = json_object_get(m, "default_acr_values");
    c->connectors = json_object_get(m, "connectors");
    c->consent_by_legal_basis = c->legal_basis.len > 0;
}

static void read_choices(struct client *c, const json_t *m) {
    c->auth = (enum client_auth)word_find(auth_words, ARRAY_LEN(auth_words),
                                          json_str(m, "token_endpoint_auth_method"));
    c->is_public = c->auth == CLIENT_AUTH_NONE;
    c->grant_types = words_find(grant_words, ARRAY_LEN(grant_words), json_object_get(m, "grant_types"));
    c->response_modes = words_find(response_mode_words, ARRAY_LEN(response_mode_words),
                                   json_object_get(m, "response_modes"));
    if (!c->response_modes)
        c->response_modes = RESPONSE_MODES_ALL;
    c->is_pairwise = !span_is(json_str(m, "subject_type"), "public");
    c->id_token_alg = jose_alg_find(json_str(m, "id_token_signed_response_alg"));
    c->access_token_alg = jose_alg_find(json_str(m, "access_token_signed_response_alg"));
    c->access_token_format = (enum access_token_format)word_find(
        access_token_format_words, ARRAY_LEN(access_token_format_words),
        json_str(m, "access_token_format"));
    c->userinfo_alg = jose_alg_find(json_str(m, "userinfo_signed_response_alg"));
    c->introspection_alg = jose_alg_find(json_str(m, "introspection_signed_response_alg"));
    c->assertion_alg = jose_alg_find(json_str(m, "token_endpoint_auth_signing_alg"));
    c->request_object_alg = jose_alg_find(json_str(m, "request_object_signing_alg"));
    c->require_signed_request_object =
        json_is_true(json_object_get(m, "require_signed_request_object"));
    c->require_pkce = json_is_true(json_object_get(m, "require_pkce"));
    c->dvcqg_profile = span_is(json_str(m, "claims_profile"), "dvcqg");
    c->is_self_registered = json_is_true(json_object_get(m, "self_registered"));
    int64_t level = 0;
    c->minimum_level = json_int(m, "minimum_level", &level) ? 0 : (int)level;
    c->numbers_level = json_int(m, "numbers_level", &level) ? 0 : (int)level;
    c->default_max_age = -1;
    if (json_int(m, "default_max_age", &c->default_max_age))
        c->default_max_age = -1;
    if (json_int(m, "access_token_seconds", &c->access_token_seconds))
        c->access_token_seconds = 0;
}

/* The strings of an array; ERR_TOO_LONG beyond CLIENT_URIS_MAX. */
static enum err read_list(const json_t *array, struct span out[CLIENT_URIS_MAX], size_t *ret_n) {
    if (json_array_size(array) > CLIENT_URIS_MAX)
        return ERR_TOO_LONG;
    *ret_n = json_array_size(array);
    for (size_t i = 0; i < *ret_n; i++)
        out[i] = json_text(json_array_get(array, i));
    return ERR_OK;
}

/* scheme://host:port of a URI, absent for private schemes. */
static struct span origin_of(struct span uri) {
    static const struct uri_rules any = {true, true};
    struct uri_parts p;
    if (client_uri_check(uri, &any, &p) || !p.host.len)
        return SPAN_NONE;
    return span_bytes(uri.ptr, uri.len - p.rest.len);
}

/* Those that were registered, else those of the redirect URIs; only a public client's code runs in
 * pages, which would else have to carry the secret. */
static enum err read_cors_origins(struct client *c, const json_t *m) {
    const json_t *given = json_object_get(m, "cors_origins");
    if (!c->is_public)
        return ERR_OK;
    if (given)
        return read_list(given, c->cors_origin, &c->n_cors_origins);
    for (size_t i = 0; i < c->n_redirect_uris; i++) {
        struct span origin = origin_of(c->redirect_uri[i].uri);
        if (origin.len)
            c->cors_origin[c->n_cors_origins++] = origin;
    }
    return ERR_OK;
}

static enum err read_uris(struct client *c, const json_t *m) {
    struct span redirects[CLIENT_URIS_MAX];
    enum err e = read_list(json_object_get(m, "redirect_uris"), redirects, &c->n_redirect_uris);
    if (e)
        return e;
    for (size_t i = 0; i < c->n_redirect_uris; i++)
        c->redirect_uri[i] =
            (struct client_uri){redirects[i], client_uri_is_loopback(redirects[i])};
    e = read_list(json_object_get(m, "post_logout_redirect_uris"), c->post_logout_redirect_uri,
                  &c->n_post_logout_redirect_uris);
    if (!e)
        e = read_list(json_object_get(m, "request_uris"), c->request_uri, &c->n_request_uris);
    return e ? e : read_cors_origins(c, m);
}

static enum err read_jwks(struct client *c, const json_t *m) {
    const json_t *jwks = json_object_get(m, "jwks");
    if (!jwks)
        return ERR_OK;
    AUTO_FREE char *text = json_dumps(jwks, JSON_COMPACT);
    return text ? jwk_set_parse(span_of(text), &c->jwks) : ERR_NOMEM;
}

enum err client_from_metadata(json_t *metadata, bool is_enabled,
                              const struct client_secret *secrets, size_t n_secrets,
                              struct client *ret_client) {
    struct client c = {.is_enabled = is_enabled, .n_secrets = n_secrets};
    read_texts(&c, metadata);
    read_choices(&c, metadata);
    enum err e = read_uris(&c, metadata);
    if (e)
        return e;
    if (!c.client_id.len || c.auth == CLIENT_AUTH_INVALID || !c.grant_types || !c.id_token_alg ||
        !c.access_token_alg || n_secrets > CLIENT_SECRETS_MAX)
        return ERR_SYNTAX;
    for (size_t i = 0; i < n_secrets; i++)
        c.secret[i] = secrets[i];
    e = read_jwks(&c, metadata);
    if (e)
        return e;
    c.metadata = metadata;
    *ret_client = c;
    return ERR_OK;
}

void client_done(struct client *c) {
    jwk_set_done(&c->jwks);
    json_cleanup(&c->metadata);
    *c = (struct client){0};
}

bool client_redirect_uri_allowed(const struct client *c, struct span uri) {
    for (size_t i = 0; i < c->n_redirect_uris; i++) {
        if (span_eq(c->redirect_uri[i].uri, uri))
            return true;
        //= https://www.rfc-editor.org/rfc/rfc8252#section-7.3
        //# The authorization server MUST allow any port to be specified at the
        //# time of the request for loopback IP redirect URIs
        if (c->redirect_uri[i].is_loopback && client_uri_same_but_port(c->redirect_uri[i].uri, uri))
            return true;
    }
    return false;
}

bool client_post_logout_uri_allowed(const struct client *c, struct span uri) {
    return span_among(c->post_logout_redirect_uri, c->n_post_logout_redirect_uris, uri);
}

bool client_request_uri_allowed(const struct client *c, struct span uri) {
    return span_among(c->request_uri, c->n_request_uris, uri);
}

bool client_cors_origin_allowed(const struct client *c, struct span origin) {
    return span_among(c->cors_origin, c->n_cors_origins, origin);
}

bool client_allows_connector(const struct client *c, struct span id) {
    for (size_t i = 0; i < json_array_size(c->connectors); i++)
        if (span_eq(json_text(json_array_get(c->connectors, i)), id))
            return true;
    return !c->connectors;
}

const struct client_secret *client_secret_match(const struct client *c, struct span secret,
                                                int64_t now) {
    unsigned char hash[CLIENT_SECRET_HASH_BYTES];
    const struct client_secret *match = NULL;
    if (!secret.len)
        return NULL;
    sha256(secret, hash);
    for (size_t i = 0; i < c->n_secrets; i++) {
        const struct client_secret *s = &c->secret[i];
        bool same = ct_equal(span_bytes(hash, sizeof hash), span_bytes(s->hash, sizeof s->hash));
        if (same && (s->expires_at == 0 || s->expires_at > now))
            match = s;
    }
    return match;
}
