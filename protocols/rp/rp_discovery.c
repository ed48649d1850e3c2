/* SPDX-License-Identifier: Apache-2.0
 *
 * What a relying party learns from the provider's metadata (OpenID Connect Discovery 1.0): its
 * endpoints, then its keys. Learnt once; the keys alone change later. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "protocols/rp/rp_internal.h"

#define ENDPOINT_MAX 2048 /* bytes */
#define ARENA_BYTES  (2 * ARENA_LIMIT_DEFAULT)

/* The members that we use; each is checked before anything is sent there. */
/* clang-format off */
static const struct endpoint_def {
    const char *name;
    size_t field; /* offset of a char * in struct rp_endpoints */
    bool required;
} endpoint_defs[] = {
    /* name                    field                                         required */
    {"authorization_endpoint", offsetof(struct rp_endpoints, authorization), true},
    {"token_endpoint",         offsetof(struct rp_endpoints, token),         true},
    {"jwks_uri",               offsetof(struct rp_endpoints, jwks),          true},
    {"userinfo_endpoint",      offsetof(struct rp_endpoints, userinfo),      false}, /* OIDC Core 5.3 */
    {"end_session_endpoint",   offsetof(struct rp_endpoints, end_session),   false}, /* RP-Initiated Logout 2.1 */
};
/* clang-format on */

static char **field_of(struct rp_endpoints *at, const struct endpoint_def *def) {
    return (char **)(void *)((char *)at + def->field);
}

void rp_endpoints_done(struct rp_endpoints *at) {
    for (size_t i = 0; i < ARRAY_LEN(endpoint_defs); i++)
        free(*field_of(at, &endpoint_defs[i]));
    *at = (struct rp_endpoints){0};
}

static enum err endpoint_read(const struct rp *rp, const json_t *metadata,
                              const struct endpoint_def *def, char **ret_url) {
    struct span url = json_str(metadata, def->name);
    if (!json_object_get(metadata, def->name))
        return def->required ? ERR_MISSING : ERR_OK;
    if (url.len == 0 || url.len > ENDPOINT_MAX)
        return ERR_REFUSED;
    enum err e = rp_url_check(url.ptr, !rp->is_https);
    if (e)
        return e;
    *ret_url = strndup(url.ptr, url.len);
    return *ret_url ? ERR_OK : ERR_NOMEM;
}

static enum err endpoints_read(const struct rp *rp, const json_t *metadata,
                               struct rp_endpoints *at) {
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < ARRAY_LEN(endpoint_defs); i++)
        e = endpoint_read(rp, metadata, &endpoint_defs[i], field_of(at, &endpoint_defs[i]));
    at->iss_in_answer =
        json_is_true(json_object_get(metadata, "authorization_response_iss_parameter_supported"));
    return e;
}

static enum err metadata_fetch(const struct rp *rp, struct arena *a, json_t **ret_metadata) {
    //= https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationRequest
    //# If the Issuer value contains a path component, any terminating / MUST be removed before
    //appending /.well-known/openid-configuration.
    struct span issuer = span_of(rp->issuer);
    if (issuer.len && issuer.ptr[issuer.len - 1] == '/')
        issuer.len--;
    const struct rp_http_request q = {
        .url = arena_printf(a, "%.*s/.well-known/openid-configuration", SPAN_FMT(issuer)),
        .ca_file = rp->ca_file,
        .https_only = rp->is_https,
    };
    struct span body;
    long status;
    enum err e = q.url ? rp_http(&q, a, &status, &body) : ERR_NOMEM;
    if (e)
        return e;
    return status == 200 ? json_parse_object(body, RP_HTTP_MAX, ret_metadata) : ERR_UNAVAILABLE;
}

static enum err discover(struct rp *rp) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    CLEANUP(rp_endpoints_done) struct rp_endpoints at = {0};
    AUTO_JSON json_t *metadata = NULL;
    enum err e = metadata_fetch(rp, &a, &metadata);
    if (e)
        return e;
    //= https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
    //# The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to
    ///.well-known/openid-configuration to retrieve the configuration information.
    if (!span_is(json_str(metadata, "issuer"), rp->issuer))
        return ERR_REFUSED;
    e = endpoints_read(rp, metadata, &at);
    if (e)
        return e;
    rp_endpoints_done(&rp->at);
    rp->at = at;
    at = (struct rp_endpoints){0};
    e = rp_jwks_fetch(rp);
    if (!e)
        atomic_store(&rp->ready, true);
    return e;
}

enum err rp_discover(struct rp *rp) {
    unsigned seen = rp_flight_seen(&rp->discovery);
    if (atomic_load(&rp->ready))
        return ERR_OK;
    enum err e = rp_flight_run(&rp->discovery, seen, discover, rp);
    return e == ERR_BUSY ? ERR_UNAVAILABLE : e;
}
