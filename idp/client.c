/* SPDX-License-Identifier: Apache-2.0
 *
 * The typed form of a registration, and the comparisons that decide about a request. */
#include "idp/client.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "idp/client_metadata.h"
#include "idp/client_uri.h"

const struct client_word client_auth_words[] = {
    {"none", CLIENT_AUTH_NONE},
    {"client_secret_basic", CLIENT_AUTH_SECRET_BASIC},
    {"client_secret_post", CLIENT_AUTH_SECRET_POST},
};
const size_t client_auth_words_count = ARRAY_LEN(client_auth_words);

const struct client_word client_grant_words[] = {
    {"authorization_code", GRANT_AUTHORIZATION_CODE},
    {"refresh_token", GRANT_REFRESH_TOKEN},
    {"client_credentials", GRANT_CLIENT_CREDENTIALS},
};
const size_t client_grant_words_count = ARRAY_LEN(client_grant_words);

/* 0: no such word. */
static unsigned word_find(const struct client_word *words, size_t n, struct span text) {
    for (size_t i = 0; i < n; i++)
        if (span_is(text, words[i].text))
            return words[i].value;
    return 0;
}

static struct span string_of(const json_t *value) {
    return span_bytes(json_string_value(value), json_string_length(value));
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
    c->consent_by_legal_basis = c->legal_basis.len > 0;
}

static void read_choices(struct client *c, const json_t *m) {
    c->auth = (enum client_auth)word_find(client_auth_words, client_auth_words_count,
                                                 json_str(m, "token_endpoint_auth_method"));
    c->is_public = c->auth == CLIENT_AUTH_NONE;
    const json_t *grants = json_object_get(m, "grant_types");
    for (size_t i = 0; i < json_array_size(grants); i++)
        c->grant_types |= word_find(client_grant_words, client_grant_words_count,
                                           string_of(json_array_get(grants, i)));
    c->is_pairwise = !span_is(json_str(m, "subject_type"), "public");
    c->id_token_alg = jose_alg_find(json_str(m, "id_token_signed_response_alg"));
    c->access_token_alg = jose_alg_find(json_str(m, "access_token_signed_response_alg"));
    c->require_pkce = json_is_true(json_object_get(m, "require_pkce"));
    c->require_auth_time = json_is_true(json_object_get(m, "require_auth_time"));
    c->dvcqg_profile = span_is(json_str(m, "claims_profile"), "dvcqg");
    c->default_max_age = -1;
    if (json_int(m, "default_max_age", &c->default_max_age))
        c->default_max_age = -1;
    if (json_int(m, "access_token_seconds", &c->access_token_seconds))
        c->access_token_seconds = 0;
}

static enum err read_uris(struct client *c, const json_t *m) {
    const json_t *redirects = json_object_get(m, "redirect_uris");
    const json_t *after_logout = json_object_get(m, "post_logout_redirect_uris");
    if (json_array_size(redirects) > CLIENT_URIS_MAX ||
        json_array_size(after_logout) > CLIENT_URIS_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < json_array_size(redirects); i++) {
        struct span uri = string_of(json_array_get(redirects, i));
        c->redirect_uri[c->n_redirect_uris++] =
            (struct client_uri){uri, client_uri_is_loopback(uri)};
    }
    for (size_t i = 0; i < json_array_size(after_logout); i++)
        c->post_logout_redirect_uri[c->n_post_logout_redirect_uris++] =
            string_of(json_array_get(after_logout, i));
    return ERR_OK;
}

enum err client_from_metadata(json_t *metadata, bool is_enabled, struct span secret_hash,
                              struct client *ret_client) {
    struct client c = {.found = true, .is_enabled = is_enabled};
    read_texts(&c, metadata);
    read_choices(&c, metadata);
    enum err e = read_uris(&c, metadata);
    if (e)
        return e;
    if (!c.client_id.len || c.auth == CLIENT_AUTH_INVALID || !c.grant_types || !c.id_token_alg ||
        !c.access_token_alg)
        return ERR_SYNTAX;
    if (secret_hash.ptr) {
        if (secret_hash.len != sizeof c.secret_hash)
            return ERR_SYNTAX;
        memcpy(c.secret_hash, secret_hash.ptr, secret_hash.len);
        c.has_secret = true;
    }
    c.metadata = metadata;
    *ret_client = c;
    return ERR_OK;
}

void client_done(struct client *c) {
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
    for (size_t i = 0; i < c->n_post_logout_redirect_uris; i++)
        if (span_eq(c->post_logout_redirect_uri[i], uri))
            return true;
    return false;
}

bool client_secret_matches(const struct client *c, struct span secret) {
    unsigned char digest[sizeof c->secret_hash];
    if (!c->has_secret || !secret.len ||
        !EVP_Digest(secret.ptr, secret.len, digest, NULL, EVP_sha256(), NULL))
        return false;
    return ct_equal(span_bytes(digest, sizeof digest),
                    span_bytes(c->secret_hash, sizeof c->secret_hash));
}
