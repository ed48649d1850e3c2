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
    pthread_mutex_t lock;  /* held for moments */
    pthread_cond_t landed; /* by CLOCK_MONOTONIC */
    bool is_flying;
    unsigned turn;       /* fetches begun so far */
    unsigned good_turn;  /* the last one that went well */
    enum err result;     /* of the last one that ended */
    int64_t began_us;    /* monotonic */
    double budget;       /* fetches allowed now, at most RP_FETCH_BURST */
    double per_second;   /* how fast it grows */
    int64_t refilled_us; /* monotonic */
};

struct rp_jwks {
    struct jwk_set keys;
    int64_t fetched_us; /* monotonic; 0: never */
    bool is_lacking;    /* a token named a key that these are without */
};

enum rp_fetch { RP_FETCH_METADATA, RP_FETCH_FIRST_KEYS, RP_FETCH_KEYS, RP_FETCH_COUNT };

struct rp {
    char *issuer, *client_id, *client_secret, *redirect_uri, *post_logout_redirect_uri, *scope,
        *ca_file;
    enum rp_auth auth;
    const struct jose_alg *alg; /* NULL: no token is looked at */
    bool no_id_token, raw_plus;
    bool is_https;   /* the issuer: its document may name no http */
    bool https_only; /* nothing that was configured is http */
    bool (*address_allowed)(const struct sockaddr *address, void *ctx);
    void *address_ctx;
    struct rp_endpoints given; /* by the configuration */
    struct rp_flight flight[RP_FETCH_COUNT];
    pthread_mutex_t lock;   /* of what follows; held no longer than it takes to copy or replace it */
    struct rp_endpoints at; /* once `ready`, never written again, and read without the lock */
    bool is_located;        /* `at` is complete */
    struct rp_jwks jwks;
    atomic_bool ready;
};

/* ---- rp_http.c: the only user of libcurl ---- */

#define RP_HTTP_SECONDS     5
#define RP_HTTP_MAX         (256 * 1024) /* body */
#define RP_HTTP_HEADERS_MAX (32 * 1024)  /* all header lines together */
/* ERR_UNAVAILABLE: no answer in time, too long, or an address that is not allowed; `*ret_status` is 0
 * then. A redirect is an answer like any other, whose status callers do not accept. The body is in
 * the arena, absent when empty. */
must_check enum err rp_http(const struct rp *rp, const struct rp_exchange *x, struct arena *a,
                            long *ret_status, struct span *ret_body);
/* An address that we call or send browsers to: https, or with `http_loopback` also http on this
 * machine; a host, no user, no fragment. ERR_REFUSED. */
must_check enum err rp_url_check(const char *url, bool http_loopback);

/* ---- rp_endpoints.c ---- */

/* ERR_UNSUPPORTED: an address that we do not call; ERR_NOMEM. */
must_check enum err rp_endpoints_given(const struct rp_config *config, struct rp *rp);
void rp_endpoints_done(struct rp_endpoints *at);
/* What has no need of discovery; false when something that is needed is not given. */
bool rp_endpoints_complete(const struct rp *rp);
/* What was given, and the rest from the provider's metadata. ERR_REFUSED, ERR_MISSING, ERR_NOMEM. */
must_check enum err rp_endpoints_read(const struct rp *rp, const json_t *metadata,
                                      struct rp_endpoints *ret_at);
must_check enum err rp_endpoints_copy(const struct rp_endpoints *from, struct rp_endpoints *ret_at);

/* ---- rp_flight.c ---- */

#define RP_FETCH_BURST    3
#define RP_FLIGHT_SECONDS (RP_HTTP_SECONDS + 1) /* then nobody waits for it any longer */
void rp_flight_init(struct rp_flight *f, unsigned seconds_between);
void rp_flight_done(struct rp_flight *f);
/* Begins a fetch, or joins the one that is under way. ERR_BUSY: over the budget. */
must_check enum err rp_flight_begin(struct rp_flight *f, unsigned *ret_turn, bool *ret_is_joined);
/* Whether somebody's answer in that turn was good. */
bool rp_flight_went_well(struct rp_flight *f, unsigned turn);
void rp_flight_end(struct rp_flight *f, unsigned turn, enum err result);
/* Blocks until that turn has ended: its result. ERR_UNAVAILABLE: it was lost. */
must_check enum err rp_flight_wait(struct rp_flight *f, unsigned turn);

/* ---- rp_fetch.c, rp_jwks.c ---- */

#define RP_DISCOVERY_SECONDS 2
#define RP_REFETCH_SECONDS   10 /* an unknown kid may cause one refetch in this time */
#define RP_KEYS_FRESH_SECONDS                                                                      \
    3600 /* older keys are fetched again before use: the provider's max-age */
#define RP_KEYS_STALE_SECONDS 86400 /* when that fails they serve on, so long */
/* Under rp->lock. */
int64_t rp_jwks_age(const struct rp_jwks *j); /* seconds; 0 when there are none */
/* ERR_SYNTAX and so on, as jwk_set_parse: the old keys stay. */
must_check enum err rp_jwks_take(struct rp *rp, struct span body);
/* Verifies with the known keys. `ret_jws->key` is the caller's to jwk_unref. ERR_UNKNOWN_KEY;
 * ERR_UNAVAILABLE: the keys are too old. */
must_check enum err rp_jwks_verify(struct rp *rp, struct arena *a, struct span token,
                                   const struct jws_expect *expect, struct jws *ret_jws);

/* ---- rp_flow.c ---- */

must_check enum err rp_refresh_exchange(const struct rp *rp, struct span refresh_token,
                                        struct arena *a, struct rp_exchange *ret_exchange);
must_check enum err rp_refresh_take(struct rp *rp, struct span sub, struct arena *a, long status,
                                    struct span body, struct rp_tokens *ret_tokens);
/* `url`, then its first parameter after '?' or, when it has a query already, '&'; and one more. */
void rp_url_add(struct buf *out, const char *url, const char *name, struct span value);
void rp_param_add(struct buf *out, const char *name, struct span value); /* absent: nothing */

/* ---- rp_id_token.c ---- */

struct rp_id_token_expect {
    struct span nonce;        /* absent: not looked at (refresh) */
    struct span access_token; /* for at_hash; absent: not looked at */
    struct span sub;          /* absent: any */
    int64_t now;
};
#define RP_CLOCK_SKEW 30  /* seconds */
#define RP_IAT_AGE    600 /* seconds: tokens come straight from the token endpoint (U03) */
#define RP_SUB_MAX    255 /* OIDC Core 2 */
/* OIDC Core 3.1.3.7 after the strict gate and libjwt's second opinion. ERR_UNKNOWN_KEY. */
must_check enum err rp_id_token_check(struct rp *rp, struct arena *a, struct span token,
                                      const struct rp_id_token_expect *expect, json_t **ret_claims);
/* The claims alone (unit tests reach every rule through it). */
must_check enum err rp_id_token_claims_check(const struct rp *rp, const json_t *claims,
                                             const struct rp_id_token_expect *expect);
/* The claims of a token of the provider's whose signature both verifiers found good; nothing else
 * of them was looked at. Errors of rp_jwks_verify and json_parse_object. */
must_check enum err rp_token_open(struct rp *rp, struct arena *a, struct span token,
                                  const char *const *typ, json_t **ret_claims);
/* We are (one of) those it was issued to. */
bool rp_audience_good(const struct rp *rp, const json_t *claims);
/* libjwt: does it, too, find the signature good, by this algorithm? */
enum verdict rp_libjwt_agrees(const struct jwk *key, const struct jose_alg *alg, struct span token);
/* Whether libjwt knows the algorithm at all: only for one that it lacks may it be left unasked. */
bool rp_libjwt_knows(const struct jose_alg *alg);

/* ---- rp_access_token.c ---- */

must_check enum err rp_access_claims_check(const struct rp *rp, const json_t *claims,
                                           const char *audience, int64_t now, struct arena *a,
                                           struct rp_access_token *ret_token);
/* Without network. ERR_UNKNOWN_KEY. */
must_check enum err rp_access_token_check(struct rp *rp, struct arena *a, struct span token,
                                          const char *audience, struct rp_access_token *ret_token);

/* ---- rp_logout.c ---- */

#define RP_LOGOUT_TOKEN_SECONDS 120 /* after iat */
must_check enum err rp_logout_claims_check(const struct rp *rp, const json_t *claims, int64_t now,
                                           struct arena *a, struct rp_logout_token *ret_token);

#endif
