/* SPDX-License-Identifier: Apache-2.0
 *
 * A relying party as registered: RFC 7591 metadata in typed form. Parsed once from the stored
 * JSON and then immutable; threads keep parsed clients in a cache that an epoch number empties. */
#ifndef IDP_CLIENT_H
#define IDP_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/client_secret.h"
#include "keys/alg.h"
#include "keys/jwk.h"

#define CLIENT_ID_MAX 256
#define REDIRECT_URI_MAX 2048
#define CLIENT_URIS_MAX 32
#define CLIENT_ACR_VALUE_MAX 200 /* bytes of one of default_acr_values */
#define CLIENT_ACCESS_SECONDS_MAX 3600 /* the longest life of access tokens that one may register */

enum client_auth {
    CLIENT_AUTH_INVALID = 0,
    CLIENT_AUTH_NONE,
    CLIENT_AUTH_SECRET_BASIC,
    CLIENT_AUTH_SECRET_POST,
    CLIENT_AUTH_PRIVATE_KEY_JWT
};

enum access_token_format { ACCESS_TOKEN_BY_RESOURCE = 0, ACCESS_TOKEN_JWT, ACCESS_TOKEN_OPAQUE };

enum { RESPONSE_MODE_QUERY = 1, RESPONSE_MODE_FORM_POST = 2 };

enum { GRANT_AUTHORIZATION_CODE = 1, GRANT_REFRESH_TOKEN = 2, GRANT_CLIENT_CREDENTIALS = 4 };

struct client_uri {
    struct span uri;
    bool is_loopback; /* http on a loopback IP literal: any port (RFC 8252 7.3) */
};

struct client {
    struct span client_id;
    struct span client_name;     /* default language (vi) */
    struct span client_name_en;  /* client_name#en, or client_name */
    struct span client_uri, logo_uri, policy_uri, tos_uri;
    bool is_enabled;
    bool is_public;              /* token_endpoint_auth_method none */
    enum client_auth auth;
    struct client_secret secret[CLIENT_SECRETS_MAX]; /* newest first; some may have expired */
    size_t n_secrets;
    unsigned grant_types;        /* GRANT_* bits */
    struct client_uri redirect_uri[CLIENT_URIS_MAX];
    size_t n_redirect_uris;
    struct span post_logout_redirect_uri[CLIENT_URIS_MAX];
    size_t n_post_logout_redirect_uris;
    struct span scope;           /* allowed scopes, space-separated */
    bool is_pairwise;
    struct span sector;          /* stored at registration, never follows a change of host */
    const struct jose_alg *id_token_alg;    /* RS256 when the metadata is silent */
    const struct jose_alg *access_token_alg;
    const struct jose_alg *userinfo_alg;      /* NULL: userinfo is plain JSON */
    const struct jose_alg *introspection_alg; /* NULL: only when the request asks for a JWT */
    enum access_token_format access_token_format;
    unsigned response_modes;     /* RESPONSE_MODE_* bits; all when the metadata is silent */
    /* its own keys: inline, or at a URI (never both) */
    struct jwk_set jwks;
    struct span jwks_uri;
    const struct jose_alg *assertion_alg;      /* of client assertions; NULL: the key's */
    const struct jose_alg *request_object_alg; /* NULL: the key's */
    bool require_signed_request_object;
    struct span request_uri[CLIENT_URIS_MAX];
    size_t n_request_uris;
    struct span cors_origin[CLIENT_URIS_MAX]; /* public clients only */
    size_t n_cors_origins;
    bool require_pkce;
    bool consent_by_legal_basis; /* no consent page */
    struct span legal_basis;
    const json_t *default_acr_values; /* an array of strings, or NULL; in metadata: for requests
                                       * that ask for no level */
    int minimum_level;           /* 0: none; else the least level (1..3) it is ever given */
    int numbers_level;           /* 0: the scope's own; else the least level for personal and tax numbers */
    struct span backchannel_logout_uri; /* told when a session ends; absent: not */
    struct span initiate_login_uri;
    int64_t default_max_age;     /* seconds; -1: none */
    int64_t access_token_seconds; /* 0: the configured default */
    bool dvcqg_profile;
    const json_t *connectors;    /* ids that its people may sign in through, in metadata; NULL: all */
    bool is_self_registered;     /* by dynamic registration: never trusted with private networks */
    json_t *metadata;            /* the full registered object; owned */
};

/* Typed form of a stored object. Strings point into `metadata`, which the client takes over. At
 * most CLIENT_SECRETS_MAX secrets. */
must_check enum err client_from_metadata(json_t *metadata, bool is_enabled,
                                         const struct client_secret *secrets, size_t n_secrets,
                                         struct client *ret_client);
void client_done(struct client *c);

/* Byte-exact; a request_uri is never fetched unless it was registered whole (RFC 9101 10.4.1). */
bool client_request_uri_allowed(const struct client *c, struct span uri);
/* Whether pages of this origin may call the token endpoint as this client. */
bool client_cors_origin_allowed(const struct client *c, struct span origin);
/* Byte-exact comparison, but for the port of loopback IP redirect URIs (RFC 8252 7.3). */
bool client_redirect_uri_allowed(const struct client *c, struct span uri);
bool client_post_logout_uri_allowed(const struct client *c, struct span uri);
/* Whether the client takes people who sign in through this connector. */
bool client_allows_connector(const struct client *c, struct span id);
/* Which of the client's secrets that have not expired this is; NULL: none. In time that does not
 * depend on the secrets. */
const struct client_secret *client_secret_match(const struct client *c, struct span secret,
                                                int64_t now);

#endif
