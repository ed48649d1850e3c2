/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of protocols/rp. */
#ifndef IDP_RP_INTERNAL_H
#define IDP_RP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "keys/jws.h"
#include "protocols/rp/rp.h"

struct rp_endpoints {
    char *authorization, *token, *userinfo, *jwks, *end_session;
    bool iss_in_answer; /* RFC 9207: authorization_response_iss_parameter_supported */
};

struct rp_jwks {
    pthread_mutex_t lock; /* one refetch at a time; others wait for its result */
    struct jwk_set keys;
    double budget;        /* refetches allowed now, at most RP_REFETCH_BURST */
    int64_t refilled_us;  /* monotonic */
};

struct rp {
    char *issuer, *client_id, *client_secret, *redirect_uri, *post_logout_redirect_uri, *scope, *ca_file;
    enum rp_auth auth;
    const struct jose_alg *alg;
    bool is_https;
    struct rp_endpoints at;
    struct rp_jwks jwks;
    pthread_mutex_t discovering;
    atomic_bool ready; /* `at` is written before, and never after */
};

/* ---- rp_http.c: the only user of libcurl ---- */

struct rp_http_request {
    const char *url;
    const char *ca_file;
    bool https_only;
    struct span form;      /* POST body, or absent: GET */
    const char *user, *password; /* HTTP Basic, form-encoded by the caller; or NULL */
    struct span bearer;    /* Authorization: Bearer */
};
#define RP_HTTP_SECONDS 5
#define RP_HTTP_MAX (256 * 1024)
/* ERR_UNAVAILABLE: no answer, too long, a redirect. The body is in the arena. */
must_check enum err rp_http(const struct rp_http_request *q, struct arena *a, long *ret_status,
                            struct span *ret_body);

/* ---- rp_jwks.c ---- */

#define RP_REFETCH_SECONDS 10 /* an unknown kid may cause one refetch in this time, */
#define RP_REFETCH_BURST 3    /* saved up to this many (U09) */
must_check enum err rp_jwks_fetch(struct rp *rp);
/* Verifies with the known keys; with an unknown kid, refetches within the budget and tries again. */
must_check enum err rp_jwks_verify(struct rp *rp, struct arena *a, struct span token,
                                   const struct jws_expect *expect, struct jws *ret_jws);

/* ---- rp_id_token.c ---- */

struct rp_id_token_expect {
    struct span nonce;        /* absent: not looked at (refresh) */
    struct span access_token; /* for at_hash; absent: not looked at */
    struct span sub;          /* absent: any */
    int64_t now;
};
#define RP_CLOCK_SKEW 30 /* seconds */
/* OIDC Core 3.1.3.7 after the strict gate and libjwt's second opinion. */
must_check enum err rp_id_token_check(struct rp *rp, struct arena *a, struct span token,
                                      const struct rp_id_token_expect *expect, json_t **ret_claims);
/* The claims alone (unit tests reach every rule through it). */
must_check enum err rp_id_token_claims_check(const struct rp *rp, const json_t *claims,
                                             const struct rp_id_token_expect *expect);
/* libjwt: does it, too, find the signature good? */
enum verdict rp_libjwt_agrees(const struct jwk *key, struct span token);

#endif
