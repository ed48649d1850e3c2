/* SPDX-License-Identifier: Apache-2.0
 *
 * A relying party's life; see rp.h. */
#include "protocols/rp/rp.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "protocols/rp/rp_internal.h"

static char *copy_of(const char *s, bool *failed) {
    char *copy = s ? strdup(s) : NULL;
    *failed = *failed || (s && !copy);
    return copy;
}

/* HS256 would make the client secret a signing key. */
static bool alg_good(const struct rp_config *config, const struct jose_alg *alg) {
    return config->id_token_alg ? alg && alg->signs_tokens : config->no_id_token;
}

static enum err texts_copy(const struct rp_config *config, struct rp *rp) {
    bool failed = false;
    rp->issuer = copy_of(config->issuer, &failed);
    rp->client_id = copy_of(config->client_id, &failed);
    rp->client_secret = copy_of(config->client_secret, &failed);
    rp->redirect_uri = copy_of(config->redirect_uri, &failed);
    rp->post_logout_redirect_uri = copy_of(config->post_logout_redirect_uri, &failed);
    rp->scope = copy_of(config->scope, &failed);
    rp->ca_file = copy_of(config->ca_file, &failed);
    return failed ? ERR_NOMEM : ERR_OK;
}

static void state_init(struct rp *rp) {
    pthread_mutex_init(&rp->lock, NULL);
    rp_flight_init(&rp->flight[RP_FETCH_METADATA], RP_DISCOVERY_SECONDS);
    rp_flight_init(&rp->flight[RP_FETCH_FIRST_KEYS], RP_DISCOVERY_SECONDS);
    rp_flight_init(&rp->flight[RP_FETCH_KEYS], RP_REFETCH_SECONDS);
}

/* Where all that is needed was given, there is nothing to discover. */
static enum err locate(struct rp *rp) {
    if (!rp_endpoints_complete(rp))
        return ERR_OK;
    enum err e = rp_endpoints_copy(&rp->given, &rp->at);
    if (e)
        return e;
    rp->is_located = true;
    atomic_store(&rp->ready, rp->no_id_token);
    return ERR_OK;
}

enum err rp_new(const struct rp_config *config, struct rp **ret_rp) {
    const struct jose_alg *alg = jose_alg_find(span_of(config->id_token_alg));
    if (!alg_good(config, alg) || rp_url_check(config->issuer, true))
        return ERR_UNSUPPORTED;
    struct rp *rp = calloc(1, sizeof *rp);
    if (!rp)
        return ERR_NOMEM;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    state_init(rp);
    rp->auth = config->auth;
    rp->alg = alg;
    rp->no_id_token = config->no_id_token;
    rp->raw_plus = config->raw_plus;
    rp->is_https = rp->https_only = strncmp(config->issuer, "https://", 8) == 0;
    rp->address_allowed = config->address_allowed;
    rp->address_ctx = config->address_ctx;
    enum err e = texts_copy(config, rp);
    if (!e)
        e = rp_endpoints_given(config, rp);
    if (!e)
        e = locate(rp);
    if (e) {
        rp_free(rp);
        return e;
    }
    *ret_rp = rp;
    return ERR_OK;
}

void rp_free(struct rp *rp) {
    if (!rp)
        return;
    rp_endpoints_done(&rp->given);
    rp_endpoints_done(&rp->at);
    jwk_set_done(&rp->jwks.keys);
    for (size_t i = 0; i < RP_FETCH_COUNT; i++)
        rp_flight_done(&rp->flight[i]);
    pthread_mutex_destroy(&rp->lock);
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

bool rp_is_ready(const struct rp *rp) {
    return atomic_load(&rp->ready);
}
