/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks a registration (RFC 7591 2, OIDC Registration 2 and the members of this product) against
 * a table and applies the defaults. What is checked is the resulting object, so that leaving a
 * member out never gets round a rule (D14). Members that are not known are kept as they are;
 * members that promise a protection which is not given here are refused, not ignored. */
#include "idp/client_metadata.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/random.h"
#include "base/shortage.h"
#include "idp/claims.h"
#include "idp/client.h"
#include "idp/client_uri.h"
#include "idp/connector.h"
#include "keys/jwk.h"

#define SCOPE_TEXT_MAX         1024
#define CLIENT_ID_RANDOM_BYTES 16
#define STANDARD_SCOPES        "openid profile email phone address offline_access"
#define YEAR_SECONDS           (366 * 24 * 3600)

enum member_kind {
    MEMBER_TEXT,      /* one line; max bytes */
    MEMBER_NAME,      /* printable ASCII without spaces */
    MEMBER_URI,       /* https, or http on loopback */
    MEMBER_REDIRECTS, /* array: also private schemes, for native public clients */
    MEMBER_URIS,      /* array of MEMBER_URI */
    MEMBER_TEXTS,     /* array of texts */
    MEMBER_WORD,      /* one of `words` */
    MEMBER_WORDS,     /* array of them */
    MEMBER_SCOPE,
    MEMBER_BOOL,
    MEMBER_NUMBER, /* min..max */
    MEMBER_JWKS,
    MEMBER_ORIGINS,    /* array of scheme://host[:port] */
    MEMBER_CONNECTORS, /* array of connectors' ids */
    MEMBER_NEVER,      /* chosen by the provider, or not supported */
    MEMBER_NOT_TRUE /* a protection that is not supported: only false */
};

/* Who may set a member: what widens trust in a client is staff's to say, never the client's own. */
enum { ANYBODY = 0, STAFF_ONLY = 1 };

struct member {
    const char *name;
    enum member_kind kind;
    int64_t min, max;
    const char *words;    /* space-separated */
    const char *fallback; /* JSON, put in when the member is missing */
    const char *spec;
    int who; /* ANYBODY or STAFF_ONLY */
};

#define TOKEN_ALGS "RS256 ES256 PS256 EdDSA"

static const struct member members[] = {
    {"client_id", MEMBER_NAME, 1, CLIENT_ID_MAX, NULL, NULL, "RFC 7591 3.2.1"},
    {"redirect_uris", MEMBER_REDIRECTS, 0, REDIRECT_URI_MAX, NULL, "[]", "RFC 7591 2"},
    {"token_endpoint_auth_method", MEMBER_WORD, 0, 0,
     "none client_secret_basic client_secret_post private_key_jwt", "\"client_secret_basic\"",
     "RFC 7591 2"},
    {"token_endpoint_auth_signing_alg", MEMBER_WORD, 0, 0, TOKEN_ALGS, NULL, "OIDC Registration 2"},
    {"grant_types", MEMBER_WORDS, 0, 0, "authorization_code refresh_token client_credentials",
     "[\"authorization_code\"]", "RFC 7591 2"},
    {"response_types", MEMBER_WORDS, 0, 0, "code", NULL, "RFC 7591 2"},
    {"response_modes", MEMBER_WORDS, 0, 0, "query form_post", NULL,
     "OAuth Multiple Response Types 2.1"},
    {"application_type", MEMBER_WORD, 0, 0, "web native", "\"web\"", "OIDC Registration 2"},
    {"client_name", MEMBER_TEXT, 1, 200, NULL, NULL, "RFC 7591 2"},
    {"client_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL, "RFC 7591 2"},
    {"logo_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL, "RFC 7591 2"},
    {"policy_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL, "RFC 7591 2"},
    {"tos_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL, "RFC 7591 2"},
    {"scope", MEMBER_SCOPE, 0, SCOPE_TEXT_MAX, NULL, "\"" STANDARD_SCOPES "\"", "RFC 7591 2"},
    {"contacts", MEMBER_TEXTS, 0, 200, NULL, NULL, "RFC 7591 2"},
    {"jwks_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL, "RFC 7591 2"},
    {"jwks", MEMBER_JWKS, 0, 0, NULL, NULL, "RFC 7591 2"},
    {"software_id", MEMBER_TEXT, 1, 200, NULL, NULL, "RFC 7591 2"},
    {"software_version", MEMBER_TEXT, 1, 200, NULL, NULL, "RFC 7591 2"},
    {"sector_identifier_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL, "OIDC Registration 2"},
    {"subject_type", MEMBER_WORD, 0, 0, "pairwise public", "\"pairwise\"", "OIDC Registration 2"},
    {"id_token_signed_response_alg", MEMBER_WORD, 0, 0, TOKEN_ALGS, "\"RS256\"",
     "OIDC Registration 2"},
    {"userinfo_signed_response_alg", MEMBER_WORD, 0, 0, TOKEN_ALGS, NULL, "OIDC Registration 2"},
    {"introspection_signed_response_alg", MEMBER_WORD, 0, 0, TOKEN_ALGS, NULL, "RFC 9701 6"},
    {"request_uris", MEMBER_URIS, 0, REDIRECT_URI_MAX, NULL, NULL, "OIDC Registration 2"},
    {"request_object_signing_alg", MEMBER_WORD, 0, 0, TOKEN_ALGS, NULL, "OIDC Registration 2"},
    {"require_signed_request_object", MEMBER_BOOL, 0, 0, NULL, NULL, "RFC 9101 10.5"},
    {"default_max_age", MEMBER_NUMBER, 0, YEAR_SECONDS, NULL, NULL, "OIDC Registration 2"},
    {"require_auth_time", MEMBER_BOOL, 0, 0, NULL, NULL, "OIDC Registration 2"},
    {"default_acr_values", MEMBER_TEXTS, 0, CLIENT_ACR_VALUE_MAX, NULL, NULL, "OIDC Registration 2"},
    {"initiate_login_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL, "OIDC Registration 2"},
    {"post_logout_redirect_uris", MEMBER_REDIRECTS, 0, REDIRECT_URI_MAX, NULL, "[]",
     "OIDC RP-Initiated Logout 3.1"},
    {"backchannel_logout_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL,
     "OIDC Back-Channel Logout 2.2"},
    {"backchannel_logout_session_required", MEMBER_BOOL, 0, 0, NULL, NULL,
     "OIDC Back-Channel Logout 2.2; every logout token has a sid"},
    {"frontchannel_logout_uri", MEMBER_URI, 0, REDIRECT_URI_MAX, NULL, NULL,
     "OIDC Front-Channel Logout 2"},
    /* this product's own */
    {"sector", MEMBER_NAME, 1, 253, NULL, NULL, "the pairwise sector", STAFF_ONLY},
    {"require_pkce", MEMBER_BOOL, 0, 0, NULL, NULL, "RFC 9700 2.1.1"},
    {"legal_basis", MEMBER_TEXT, 1, 500, NULL, NULL, "no consent page; shown to the person",
     STAFF_ONLY},
    {"minimum_level", MEMBER_NUMBER, 1, 3, NULL, NULL, "least acr that it is ever given"},
    {"numbers_level", MEMBER_NUMBER, 1, 3, NULL, NULL,
     "least acr at which it is told personal and tax numbers", STAFF_ONLY},
    {"cors_origins", MEMBER_ORIGINS, 0, 512, NULL, NULL, "Fetch 3.2; those of its redirect URIs"},
    {"access_token_seconds", MEMBER_NUMBER, 60, CLIENT_ACCESS_SECONDS_MAX, NULL, NULL,
     "life of access tokens", STAFF_ONLY},
    {"access_token_format", MEMBER_WORD, 0, 0, "jwt opaque", NULL, "RFC 9068, or for introspection"},
    {"access_token_signed_response_alg", MEMBER_WORD, 0, 0, TOKEN_ALGS, "\"ES256\"",
     "RFC 9068 2.1"},
    {"claims_profile", MEMBER_WORD, 0, 0, "dvcqg", NULL, "claim names of the national portal",
     STAFF_ONLY},
    {"connectors", MEMBER_CONNECTORS, 0, 0, NULL, NULL,
     "other providers whose people it takes; without it, all", STAFF_ONLY},
    {"self_registered", MEMBER_BOOL, 0, 0, NULL, NULL, "set by dynamic registration", STAFF_ONLY},
    /* refused */
    {"client_secret", MEMBER_NEVER, 0, 0, "is chosen by the provider", NULL, "RFC 7591 3.2.1"},
    {"registration_access_token", MEMBER_NEVER, 0, 0, "is chosen by the provider", NULL,
     "RFC 7592 3"},
    {"software_statement", MEMBER_NEVER, 0, 0, "is not supported", NULL, "RFC 7591 2.3"},
    {"id_token_encrypted_response_alg", MEMBER_NEVER, 0, 0, "is not supported", NULL,
     "OIDC Registration 2"},
    {"id_token_encrypted_response_enc", MEMBER_NEVER, 0, 0, "is not supported", NULL,
     "OIDC Registration 2"},
    {"request_object_encryption_alg", MEMBER_NEVER, 0, 0, "is not supported", NULL,
     "OIDC Registration 2"},
    {"request_object_encryption_enc", MEMBER_NEVER, 0, 0, "is not supported", NULL,
     "OIDC Registration 2"},
    {"userinfo_encrypted_response_alg", MEMBER_NEVER, 0, 0, "is not supported", NULL,
     "OIDC Registration 2"},
    {"userinfo_encrypted_response_enc", MEMBER_NEVER, 0, 0, "is not supported", NULL,
     "OIDC Registration 2"},
    {"tls_client_certificate_bound_access_tokens", MEMBER_NOT_TRUE, 0, 0, NULL, NULL,
     "RFC 8705 3.4"},
    {"dpop_bound_access_tokens", MEMBER_NOT_TRUE, 0, 0, NULL, NULL, "RFC 9449 5.2"},
    {"require_pushed_authorization_requests", MEMBER_NOT_TRUE, 0, 0, NULL, NULL, "RFC 9126 6"},
};

/* One check in progress. */
struct check {
    struct arena *a;
    json_t *m; /* the resulting object */
    enum client_registrar registrar;
    enum err err; /* of a refusal */
    const char *code, *text;
};

/* Nothing was found out about the object. */
static bool refuse_shortage(struct check *k) {
    k->err = ERR_NOMEM;
    k->code = "invalid_client_metadata";
    k->text = "out of memory";
    return false;
}

static bool refuse(struct check *k, const char *code, const char *name, const char *why) {
    k->err = ERR_SYNTAX;
    k->code = code;
    k->text = arena_printf(k->a, "%s %s", name, why);
    return k->text ? false : refuse_shortage(k);
}

static bool refuse_metadata(struct check *k, const char *name, const char *why) {
    return refuse(k, "invalid_client_metadata", name, why);
}

static bool list_contains(const json_t *array, const char *word) {
    for (size_t i = 0; i < json_array_size(array); i++)
        if (span_is(json_text(json_array_get(array, i)), word))
            return true;
    return false;
}

static bool member_has(const struct check *k, const char *name, const char *word) {
    return list_contains(json_object_get(k->m, name), word);
}

/* ---- one member ---- */

static bool one_line(struct span text, const struct member *m) {
    if (!text.ptr || (int64_t)text.len < m->min || (int64_t)text.len > m->max || !utf8_valid(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
            return false;
    return m->kind != MEMBER_NAME || (ascii_printable(text) && !memchr(text.ptr, ' ', text.len));
}

static const char *uri_check(struct span uri, const struct member *m, bool allow_private_scheme) {
    const struct uri_rules rules = {.allow_loopback_http = true,
                                    .allow_private_scheme = allow_private_scheme};
    if (!uri.ptr)
        return "must be a string";
    if ((int64_t)uri.len > m->max)
        return "is too long";
    return client_uri_check(uri, &rules, NULL);
}

static bool check_uris(struct check *k, const struct member *m, const char *name,
                       const json_t *value) {
    const char *code =
        strcmp(m->name, "redirect_uris") == 0 ? "invalid_redirect_uri" : "invalid_client_metadata";
    bool is_native = span_is(json_str(k->m, "application_type"), "native") &&
                     span_is(json_str(k->m, "token_endpoint_auth_method"), "none");
    if (!json_is_array(value))
        return refuse(k, code, name, "must be an array");
    if (json_array_size(value) > CLIENT_URIS_MAX)
        return refuse(k, code, name, "has too many items");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *why = uri_check(json_text(json_array_get(value, i)), m,
                                    m->kind == MEMBER_REDIRECTS && is_native);
        if (why)
            return refuse(k, code, arena_printf(k->a, "%s[%zu]", name, i), why);
    }
    return true;
}

/* An origin as browsers send it: no path, not even a slash. */
static bool is_origin(struct span text) {
    static const struct uri_rules rules = {.allow_loopback_http = true};
    struct uri_parts p;
    return text.ptr && !client_uri_check(text, &rules, &p) && p.rest.len == 0;
}

static bool check_origins(struct check *k, const struct member *m, const char *name,
                          const json_t *value) {
    bool good = json_is_array(value) && json_array_size(value) <= CLIENT_URIS_MAX;
    for (size_t i = 0; good && i < json_array_size(value); i++) {
        struct span text = json_text(json_array_get(value, i));
        good = (int64_t)text.len <= m->max && is_origin(text);
    }
    return good || refuse_metadata(k, name, "must be an array of origins (https://host)");
}

/* Ids in form: a connector may be configured after the client is registered, or taken away. */
static bool check_connectors(struct check *k, const char *name, const json_t *value) {
    bool good = json_is_array(value) && json_array_size(value) <= CONNECTORS_MAX;
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = connector_id_good(json_text(json_array_get(value, i)));
    return good || refuse_metadata(k, name, "must be an array of connectors' ids");
}

static bool check_texts(struct check *k, const struct member *m, const char *name,
                        const json_t *value) {
    bool good = json_is_array(value) && json_array_size(value) <= CLIENT_URIS_MAX;
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = one_line(json_text(json_array_get(value, i)), m);
    return good || refuse_metadata(k, name, "must be an array of a few short texts");
}

static bool check_words(struct check *k, const struct member *m, const char *name,
                        const json_t *value) {
    bool good = json_is_array(value);
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = span_list_has(span_of(m->words), json_text(json_array_get(value, i)));
    return good ||
           refuse_metadata(k, name, arena_printf(k->a, "must be an array of: %s", m->words));
}

/* RFC 6749 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
static bool check_scope(struct check *k, const struct member *m, const char *name,
                        const json_t *value) {
    struct span scope = json_text(value);
    bool good = scope.ptr && (int64_t)scope.len <= m->max && ascii_printable(scope) &&
                !memchr(scope.ptr, '"', scope.len) && !memchr(scope.ptr, '\\', scope.len);
    return good || refuse_metadata(k, name, "must be a list of scopes with spaces between them");
}

/* Public signature keys only, and not more than one would ever look through (D13). */
static bool check_jwks(struct check *k, const char *name, const json_t *value) {
    AUTO_FREE char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    struct jwk_set set = {0};
    if (json_is_object(value) && !text)
        return refuse_shortage(k);
    enum err e = text ? jwk_set_parse(span_of(text), &set) : ERR_SYNTAX;
    if (e)
        return e == ERR_NOMEM ? refuse_shortage(k)
                              : refuse_metadata(k, name, "must be a JWK set of valid keys");
    bool good = set.count > 0;
    jwk_set_done(&set);
    const json_t *keys = json_object_get(value, "keys");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        good = good && !json_object_get(key, "d") && !json_object_get(key, "k");
    }
    return good || refuse_metadata(k, name, "must have public keys only");
}

/* `name` may have a language behind '#' (RFC 7591 2.2). */
static bool check_member(struct check *k, const struct member *m, const char *name,
                         const json_t *value) {
    struct span text = json_text(value);
    const char *why;
    switch (m->kind) {
    case MEMBER_TEXT:
    case MEMBER_NAME:
        return one_line(text, m) || refuse_metadata(k, name, "must be one short line of text");
    case MEMBER_URI:
        why = uri_check(text, m, false);
        return !why || refuse_metadata(k, name, why);
    case MEMBER_REDIRECTS:
    case MEMBER_URIS:
        return check_uris(k, m, name, value);
    case MEMBER_TEXTS:
        return check_texts(k, m, name, value);
    case MEMBER_WORD:
        return (text.len && span_list_has(span_of(m->words), text)) ||
               refuse_metadata(k, name, arena_printf(k->a, "must be one of: %s", m->words));
    case MEMBER_WORDS:
        return check_words(k, m, name, value);
    case MEMBER_SCOPE:
        return check_scope(k, m, name, value);
    case MEMBER_BOOL:
        return json_is_boolean(value) || refuse_metadata(k, name, "must be true or false");
    case MEMBER_NUMBER:
        return (json_is_integer(value) && json_integer_value(value) >= m->min &&
                json_integer_value(value) <= m->max) ||
               refuse_metadata(k, name,
                               arena_printf(k->a, "must be a number between %lld and %lld",
                                            (long long)m->min, (long long)m->max));
    case MEMBER_ORIGINS:
        return check_origins(k, m, name, value);
    case MEMBER_CONNECTORS:
        return check_connectors(k, name, value);
    case MEMBER_JWKS:
        return check_jwks(k, name, value);
    case MEMBER_NEVER:
        return refuse_metadata(k, name, m->words);
    case MEMBER_NOT_TRUE:
        return json_is_false(value) || refuse_metadata(k, name, "is not supported");
    }
    return false;
}

static const struct member *member_find(struct span name) {
    struct span base = span_cut(&name, '#');
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (span_is(base, members[i].name) &&
            (!name.ptr || members[i].kind == MEMBER_TEXT || members[i].kind == MEMBER_URI))
            return &members[i];
    return NULL;
}

static bool check_members(struct check *k) {
    const char *name;
    json_t *value;
    json_object_foreach(k->m, name, value) {
        const struct member *m = member_find(span_of(name));
        if (m && m->who == STAFF_ONLY && k->registrar != REGISTRAR_STAFF)
            return refuse_metadata(k, name, "is for staff to set");
        if (m && !check_member(k, m, name, value))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool set_json(struct check *k, const char *name, const char *text) {
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    return !json_object_set_new(k->m, name, value) || refuse_shortage(k);
}

static bool set_text(struct check *k, const char *name, struct span text) {
    return !json_object_set_new(k->m, name, json_stringn(text.ptr, text.len)) || refuse_shortage(k);
}

static bool apply_defaults(struct check *k) {
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].fallback && !json_object_get(k->m, members[i].name) &&
            !set_json(k, members[i].name, members[i].fallback))
            return false;
    if (!json_object_get(k->m, "response_types") &&
        !set_json(k, "response_types",
                  member_has(k, "grant_types", "authorization_code") ? "[\"code\"]" : "[]"))
        return false;
    if (json_object_get(k->m, "client_id"))
        return true;
    unsigned char random[CLIENT_ID_RANDOM_BYTES];
    char id[B64URL_LEN(CLIENT_ID_RANDOM_BYTES)];
    random_bytes(random, sizeof random);
    return set_text(k, "client_id", span_bytes(id, b64url_encode(random, sizeof random, id)));
}

static bool check_grants(struct check *k) {
    bool has_code = member_has(k, "grant_types", "authorization_code");
    bool is_public = span_is(json_str(k->m, "token_endpoint_auth_method"), "none");
    size_t redirects = json_array_size(json_object_get(k->m, "redirect_uris"));
    if (json_array_size(json_object_get(k->m, "grant_types")) == 0)
        return refuse_metadata(k, "grant_types", "must not be empty");
    if (has_code && redirects == 0)
        return refuse(k, "invalid_redirect_uri", "redirect_uris", "must not be empty");
    if (has_code != member_has(k, "response_types", "code"))
        return refuse_metadata(k, "response_types",
                               "must agree with grant_types (code: authorization_code)");
    if (!has_code && member_has(k, "grant_types", "refresh_token"))
        return refuse_metadata(k, "grant_types", "has refresh_token without authorization_code");
    //= https://www.rfc-editor.org/rfc/rfc6749#section-4.4
    //# The client credentials grant type MUST only be used by confidential clients.
    if (is_public && member_has(k, "grant_types", "client_credentials"))
        return refuse_metadata(k, "grant_types",
                               "has client_credentials, which needs a client with a secret");
    return true;
}

/* RFC 7591 2: "jwks" and "jwks_uri" are not given together; what is to be verified needs one. */
static bool check_keys(struct check *k) {
    bool has_keys = json_object_get(k->m, "jwks") || json_object_get(k->m, "jwks_uri");
    if (json_object_get(k->m, "jwks") && json_object_get(k->m, "jwks_uri"))
        return refuse_metadata(k, "jwks", "and jwks_uri must not both be given");
    if (!has_keys && span_is(json_str(k->m, "token_endpoint_auth_method"), "private_key_jwt"))
        return refuse_metadata(k, "token_endpoint_auth_method",
                               "is private_key_jwt, which needs jwks or jwks_uri");
    if (!has_keys && (json_object_get(k->m, "request_object_signing_alg") ||
                      json_is_true(json_object_get(k->m, "require_signed_request_object"))))
        return refuse_metadata(k, "request_object_signing_alg", "needs jwks or jwks_uri");
    return true;
}

/* What is not of this provider's own table may be a resource's: whom a resource serves staff say, for a
 * machine asks nobody's consent. */
static bool check_scopes(struct check *k) {
    for (struct span rest = json_str(k->m, "scope"), word; (word = span_word(&rest)).len;) {
        const struct scope_def *d = scope_def_find(word);
        if (!d && k->registrar != REGISTRAR_STAFF)
            return refuse_metadata(
                k, "scope", arena_printf(k->a, "has %.*s, which is for staff to allow", SPAN_FMT(word)));
        if (d && d->needs_legal_basis && !json_str(k->m, "legal_basis").len)
            return refuse_metadata(
                k, "scope", arena_printf(k->a, "has %s, which needs a legal_basis", d->name));
    }
    return true;
}

/* The host that a URI counts for: its own, the loopback's one name, or a private scheme. */
static struct span sector_of(struct span uri) {
    static const struct uri_rules any = {true, true};
    struct uri_parts p;
    if (client_uri_check(uri, &any, &p))
        return SPAN_NONE;
    if (!p.host.len)
        return p.scheme;
    return span_is(p.host, "[::1]") ? SPAN("127.0.0.1") : p.host;
}

static bool is_nobodys(struct span uri) {
    static const struct uri_rules any = {true, true};
    struct uri_parts p = {0};
    return client_uri_check(uri, &any, &p) || !p.host.len || span_is(p.host, "[::1]") ||
           span_is(p.host, "127.0.0.1") || span_is(p.host, "localhost");
}

/* A device's loopback and private schemes are open to every program on it. Who registers itself there
 * is a sector alone, lest it know people by the sub of whoever else is there. False: no memory. */
static bool sector_find(const struct check *k, struct span uri, struct span *ret_sector) {
    *ret_sector = sector_of(uri);
    if (k->registrar == REGISTRAR_STAFF || !is_nobodys(uri))
        return true;
    *ret_sector = span_of(arena_printf(k->a, "client:%.*s", SPAN_FMT(json_str(k->m, "client_id"))));
    return ret_sector->len > 0;
}

/* OIDC Core 8.1: the sector is stored now and follows no later change of host. */
static bool settle_sector(struct check *k) {
    const json_t *uris = json_object_get(k->m, "redirect_uris");
    struct span sector = sector_of(json_str(k->m, "sector_identifier_uri"));
    if (json_object_get(k->m, "sector"))
        return true;
    for (size_t i = 0; !json_object_get(k->m, "sector_identifier_uri") && i < json_array_size(uris);
         i++) {
        struct span host;
        if (!sector_find(k, json_text(json_array_get(uris, i)), &host))
            return refuse_shortage(k);
        //= https://openid.net/specs/openid-connect-core-1_0.html#section-8.1
        //# If there are multiple hostnames in the registered redirect_uris, the Client MUST
        //# register a sector_identifier_uri.
        if (sector.len && !span_eq(sector, host) &&
            !span_is(json_str(k->m, "subject_type"), "public"))
            return refuse_metadata(
                k, "redirect_uris",
                "name several hosts: a sector_identifier_uri (or, by staff, a sector) is needed");
        if (!sector.len)
            sector = host;
    }
    return !sector.len || set_text(k, "sector", sector);
}

static bool note_registrar(struct check *k) {
    return k->registrar == REGISTRAR_STAFF || set_json(k, "self_registered", "true");
}

void client_metadata_hide(json_t *metadata) {
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].who == STAFF_ONLY)
            json_object_del(metadata, members[i].name);
}

/* Of what will be stored: nobody could read it back if it were longer. */
static bool check_size(struct check *k) {
    AUTO_FREE char *text = json_dumps(k->m, JSON_COMPACT);
    if (!text)
        return refuse_shortage(k);
    return strlen(text) <= CLIENT_METADATA_MAX || refuse_metadata(k, "metadata", "is too long");
}

enum err client_metadata_check(struct arena *a, enum client_registrar registrar,
                               const json_t *metadata, json_t **ret_normal,
                               const char **reterr_code, const char **reterr_text) {
    shortage_clear();
    AUTO_JSON json_t *m = json_is_object(metadata) ? json_copy((json_t *)metadata) : json_object();
    struct check k = {.a = a, .m = m, .registrar = registrar};
    bool is_whole = m && !shortage_met(); /* json_copy leaves out what it has no memory for */
    bool good =
        (is_whole || refuse_shortage(&k)) &&
        (json_is_object(metadata) || refuse_metadata(&k, "metadata", "must be an object")) &&
        apply_defaults(&k) && check_members(&k) && check_grants(&k) && check_keys(&k) &&
        check_scopes(&k) && settle_sector(&k) && note_registrar(&k) && check_size(&k);
    if (!good) {
        *reterr_code = k.code;
        *reterr_text = k.text;
        return k.err;
    }
    *ret_normal = TAKE(m);
    return ERR_OK;
}
