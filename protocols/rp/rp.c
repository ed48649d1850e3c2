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

enum err rp_new(const struct rp_config *config, struct rp **ret_rp) {
    bool failed = false;
    const struct jose_alg *alg = jose_alg_find(span_of(config->id_token_alg));
    bool both_know = alg && (strcmp(alg->name, "ES256") == 0 || strcmp(alg->name, "RS256") == 0);
    if (!both_know || rp_url_check(config->issuer, true))
        return ERR_UNSUPPORTED;
    struct rp *rp = calloc(1, sizeof *rp);
    if (!rp)
        return ERR_NOMEM;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    pthread_mutex_init(&rp->jwks.lock, NULL);
    rp_flight_init(&rp->jwks.flight, RP_REFETCH_SECONDS);
    rp_flight_init(&rp->discovery, RP_DISCOVERY_SECONDS);
    rp->issuer = copy_of(config->issuer, &failed);
    rp->client_id = copy_of(config->client_id, &failed);
    rp->client_secret = copy_of(config->client_secret, &failed);
    rp->redirect_uri = copy_of(config->redirect_uri, &failed);
    rp->post_logout_redirect_uri = copy_of(config->post_logout_redirect_uri, &failed);
    rp->scope = copy_of(config->scope, &failed);
    rp->ca_file = copy_of(config->ca_file, &failed);
    rp->auth = config->auth;
    rp->alg = alg;
    rp->is_https = strncmp(config->issuer, "https://", 8) == 0;
    if (failed) {
        rp_free(rp);
        return ERR_NOMEM;
    }
    *ret_rp = rp;
    return ERR_OK;
}

void rp_free(struct rp *rp) {
    if (!rp)
        return;
    rp_endpoints_done(&rp->at);
    jwk_set_done(&rp->jwks.keys);
    pthread_mutex_destroy(&rp->jwks.lock);
    rp_flight_done(&rp->jwks.flight);
    rp_flight_done(&rp->discovery);
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
