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

/* One fetch at a time, and only so many (U09). */
struct rp_flight {
    pthread_mutex_t flying;
    atomic_uint ended;   /* fetches so far */
    enum err result;     /* of the last one */
    double budget;       /* fetches allowed now, at most RP_FETCH_BURST */
    double per_second;   /* how fast it grows */
    int64_t refilled_us; /* monotonic */
};

struct rp_jwks {
    pthread_mutex_t lock; /* held no longer than it takes to copy or replace what follows */
    struct jwk_set keys;
    int64_t fetched_us; /* monotonic; 0: never */
    struct rp_flight flight;
};

struct rp {
    char *issuer, *client_id, *client_secret, *redirect_uri, *post_logout_redirect_uri, *scope,
        *ca_file;
    enum rp_auth auth;
    const struct jose_alg *alg;
    bool is_https;
    struct rp_endpoints at;
    struct rp_jwks jwks;
    struct rp_flight discovery;
    atomic_bool ready; /* `at` is written before, and never after */
};

/* ---- rp_http.c: the only user of libcurl ---- */

struct rp_http_request {
    const char *url;
    const char *ca_file;
    bool https_only;
    struct span form;            /* POST body, or absent: GET */
    const char *user, *password; /* HTTP Basic, form-encoded by the caller; or NULL */
    struct span bearer;          /* Authorization: Bearer */
};
#define RP_HTTP_SECONDS     5
#define RP_HTTP_MAX         (256 * 1024) /* body */
#define RP_HTTP_HEADERS_MAX (32 * 1024)  /* all header lines together */
/* ERR_UNAVAILABLE: no answer in time, or too long. ERR_SYNTAX: a bearer that is no header text. A
 * redirect is an answer like any other, whose status callers do not accept. The body is in the
 * arena, absent when empty. */
must_check enum err rp_http(const struct rp_http_request *q, struct arena *a, long *ret_status,
                            struct span *ret_body);
/* An address that we call or send browsers to: https, or with `http_loopback` also http on this
 * machine; a host, no user, no fragment. ERR_REFUSED. */
must_check enum err rp_url_check(const char *url, bool http_loopback);

/* ---- rp_discovery.c ---- */

#define RP_DISCOVERY_SECONDS 2
void rp_endpoints_done(struct rp_endpoints *at);

/* ---- rp_flight.c ---- */

#define RP_FETCH_BURST 3
void rp_flight_init(struct rp_flight *f, unsigned seconds_between);
void rp_flight_done(struct rp_flight *f);
/* Fetches that had ended when the caller looked at what it has. */
unsigned rp_flight_seen(struct rp_flight *f);
/* Runs `fetch`, unless one has ended since `seen`: then its result. ERR_BUSY: over the budget. */
must_check enum err rp_flight_run(struct rp_flight *f, unsigned seen,
                                  enum err (*fetch)(struct rp *), struct rp *rp);

/* ---- rp_jwks.c ---- */

#define RP_REFETCH_SECONDS 10 /* an unknown kid may cause one refetch in this time */
#define RP_KEYS_FRESH_SECONDS                                                                      \
    3600 /* older keys are fetched again before use: the provider's max-age */
#define RP_KEYS_STALE_SECONDS 86400 /* when that fails they serve on, so long */
must_check enum err rp_jwks_fetch(struct rp *rp);
/* Verifies with the known keys; with an unknown kid, refetches within the budget and tries again.
 * `ret_jws->key` is the caller's to jwk_unref. ERR_UNAVAILABLE: the keys are too old. */
must_check enum err rp_jwks_verify(struct rp *rp, struct arena *a, struct span token,
                                   const struct jws_expect *expect, struct jws *ret_jws);

/* ---- rp_id_token.c ---- */

struct rp_id_token_expect {
    struct span nonce;        /* absent: not looked at (refresh) */
    struct span access_token; /* for at_hash; absent: not looked at */
    struct span sub;          /* absent: any */
    int64_t now;
};
#define RP_CLOCK_SKEW 30  /* seconds */
#define RP_IAT_AGE    600 /* seconds: tokens come straight from the token endpoint (U03) */
/* OIDC Core 3.1.3.7 after the strict gate and libjwt's second opinion. */
must_check enum err rp_id_token_check(struct rp *rp, struct arena *a, struct span token,
                                      const struct rp_id_token_expect *expect, json_t **ret_claims);
/* The claims alone (unit tests reach every rule through it). */
must_check enum err rp_id_token_claims_check(const struct rp *rp, const json_t *claims,
                                             const struct rp_id_token_expect *expect);
/* libjwt: does it, too, find the signature good, by this algorithm? */
enum verdict rp_libjwt_agrees(const struct jwk *key, const struct jose_alg *alg, struct span token);

#endif
