/* SPDX-License-Identifier: Apache-2.0
 *
 * A relying party's life and what it learns from discovery; see rp.h. */
#include "protocols/rp/rp.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "protocols/rp/rp_internal.h"

#define METADATA_MAX RP_HTTP_MAX

static bool is_loopback_http(const char *url) {
    static const char *const prefixes[] = {"http://localhost", "http://127.0.0.1", "http://[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t n = strlen(prefixes[i]);
        if (strncmp(url, prefixes[i], n) == 0 && (url[n] == ':' || url[n] == '/' || url[n] == '\0'))
            return true;
    }
    return false;
}

static char *copy_of(const char *s, bool *failed) {
    char *copy = s ? strdup(s) : NULL;
    *failed = *failed || (s && !copy);
    return copy;
}

enum err rp_new(const struct rp_config *config, struct rp **ret_rp) {
    bool https = strncmp(config->issuer, "https://", 8) == 0, failed = false;
    const struct jose_alg *alg = jose_alg_find(span_of(config->id_token_alg));
    bool both_know = alg && (strcmp(alg->name, "ES256") == 0 || strcmp(alg->name, "RS256") == 0);
    if (!both_know || (!https && !is_loopback_http(config->issuer)))
        return ERR_UNSUPPORTED;
    struct rp *rp = calloc(1, sizeof *rp);
    if (!rp)
        return ERR_NOMEM;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    pthread_mutex_init(&rp->jwks.lock, NULL);
    pthread_mutex_init(&rp->discovering, NULL);
    rp->jwks.budget = RP_REFETCH_BURST;
    rp->jwks.refilled_us = clock_mono_us();
    rp->issuer = copy_of(config->issuer, &failed);
    rp->client_id = copy_of(config->client_id, &failed);
    rp->client_secret = copy_of(config->client_secret, &failed);
    rp->redirect_uri = copy_of(config->redirect_uri, &failed);
    rp->post_logout_redirect_uri = copy_of(config->post_logout_redirect_uri, &failed);
    rp->scope = copy_of(config->scope, &failed);
    rp->ca_file = copy_of(config->ca_file, &failed);
    rp->auth = config->auth;
    rp->alg = alg;
    rp->is_https = https;
    if (failed) {
        rp_free(rp);
        return ERR_NOMEM;
    }
    *ret_rp = rp;
    return ERR_OK;
}

static void endpoints_done(struct rp_endpoints *at) {
    free(at->authorization);
    free(at->token);
    free(at->userinfo);
    free(at->jwks);
    free(at->end_session);
    *at = (struct rp_endpoints){0};
}

void rp_free(struct rp *rp) {
    if (!rp)
        return;
    endpoints_done(&rp->at);
    jwk_set_done(&rp->jwks.keys);
    pthread_mutex_destroy(&rp->jwks.lock);
    pthread_mutex_destroy(&rp->discovering);
    free(rp->issuer);
    free(rp->client_id);
    if (rp->client_secret)
        wipe(rp->client_secret, strlen(rp->client_secret));
    free(rp->client_secret);
    free(rp->redirect_uri);
    free(rp->post_logout_redirect_uri);
    free(rp->scope);
    free(rp->ca_file);
    free(rp);
}

static enum err endpoint(const struct rp *rp, const json_t *metadata, const char *name, bool required,
                         char **ret_url) {
    struct span url = json_str(metadata, name);
    if (!url.ptr)
        return required ? ERR_MISSING : ERR_OK;
    if (rp->is_https ? !span_starts(url, "https://") : !is_loopback_http(url.ptr))
        return ERR_REFUSED;
    *ret_url = strndup(url.ptr, url.len);
    return *ret_url ? ERR_OK : ERR_NOMEM;
}

static enum err endpoints_read(const struct rp *rp, const json_t *metadata, struct rp_endpoints *at) {
    enum err e = endpoint(rp, metadata, "authorization_endpoint", true, &at->authorization);
    if (!e)
        e = endpoint(rp, metadata, "token_endpoint", true, &at->token);
    if (!e)
        e = endpoint(rp, metadata, "jwks_uri", true, &at->jwks);
    if (!e)
        e = endpoint(rp, metadata, "userinfo_endpoint", false, &at->userinfo);
    if (!e)
        e = endpoint(rp, metadata, "end_session_endpoint", false, &at->end_session);
    at->iss_in_answer =
        json_is_true(json_object_get(metadata, "authorization_response_iss_parameter_supported"));
    return e;
}

static enum err metadata_fetch(const struct rp *rp, struct arena *a, json_t **ret_metadata) {
    const struct rp_http_request q = {
        .url = arena_printf(a, "%s/.well-known/openid-configuration", rp->issuer),
        .ca_file = rp->ca_file,
        .https_only = rp->is_https,
    };
    struct span body;
    long status;
    enum err e = q.url ? rp_http(&q, a, &status, &body) : ERR_NOMEM;
    if (e)
        return e;
    return status == 200 ? json_parse_object(body, METADATA_MAX, ret_metadata) : ERR_UNAVAILABLE;
}

static enum err discover(struct rp *rp) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(2 * ARENA_LIMIT_DEFAULT);
    AUTO_JSON json_t *metadata = NULL;
    CLEANUP(endpoints_done) struct rp_endpoints at = {0};
    enum err e = metadata_fetch(rp, &a, &metadata);
    if (e)
        return e;
    //= https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
    //# The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to /.well-known/openid-configuration to retrieve the configuration information.
    if (!span_is(json_str(metadata, "issuer"), rp->issuer))
        return ERR_REFUSED;
    e = endpoints_read(rp, metadata, &at);
    if (e)
        return e;
    endpoints_done(&rp->at);
    rp->at = at;
    at = (struct rp_endpoints){0};
    return rp_jwks_fetch(rp);
}

enum err rp_discover(struct rp *rp) {
    if (atomic_load(&rp->ready))
        return ERR_OK;
    pthread_mutex_lock(&rp->discovering);
    enum err e = atomic_load(&rp->ready) ? ERR_OK : discover(rp);
    if (!e)
        atomic_store(&rp->ready, true);
    pthread_mutex_unlock(&rp->discovering);
    return e;
}

bool rp_is_ready(const struct rp *rp) {
    return atomic_load(&rp->ready);
}
