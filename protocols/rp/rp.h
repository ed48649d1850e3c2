/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenID Connect for a relying party: the authorization code flow with PKCE, state, nonce and
 * issuer check; ID token validation; userinfo; refresh; logout. Usable alone by any C service:
 * links base, keys, libcurl and libjwt. See docs/RP-GUIDE.md.
 *
 * Calls that say "network" block for at most 5 s: call them from a thread that may. A `struct rp`
 * may be shared by threads. Answers are capped at 256 KiB, redirects are not followed, TLS
 * certificates are checked. */
#ifndef IDP_RP_H
#define IDP_RP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/params.h"
#include "base/span.h"

struct rp;
struct sockaddr;

enum rp_auth { RP_AUTH_BASIC, RP_AUTH_POST, RP_AUTH_NONE };

struct rp_config {
    const char *issuer; /* exact, as in the discovery document */
    const char *client_id;
    const char *client_secret; /* NULL with RP_AUTH_NONE */
    enum rp_auth auth;
    const char *redirect_uri;
    const char *post_logout_redirect_uri; /* may be NULL */
    const char *scope;                    /* "openid profile" */
    /* As registered: "ES256" or "RS256", which libjwt verifies too; "PS256" or "EdDSA", which Debian's
     * libjwt does not know: for these the strict verifier's word stands alone. Also of logout tokens.
     * NULL only with no_id_token. */
    const char *id_token_alg;
    const char *ca_file; /* PEM bundle; NULL: the system's */
    /* Asked at each connect of the calls that say "network", after names were resolved. NULL: any
     * address. Called by any thread; no answer but true opens a connection. */
    bool (*address_allowed)(const struct sockaddr *address, void *ctx);
    void *address_ctx;
    /* Where the provider is, for one that has no discovery document, or whose document is not to be
     * believed. With all that is needed given (authorization, token, and jwks; userinfo in its place
     * when the dialect has no ID token) nothing is discovered; else the document says what was not
     * given. https, or http on loopback. NULL: not given. */
    const char *authorization_endpoint, *token_endpoint, *userinfo_endpoint, *jwks_uri,
        *end_session_endpoint;
    bool iss_in_answer; /* answers carry iss (RFC 9207), so one without it is refused. Discovery may say
                         * so too; an iss that is not the issuer's is refused always */
    /* Dialects. */
    bool no_id_token; /* the answer carries none, or one that is not looked at (but handed on, for
                       * rp_logout_url): identity comes from userinfo, fetched with the access token,
                       * and nonce is not sent */
    bool raw_plus;    /* a '+' in the answer's query is a '+' (VNeID partner): read as it came */
};

/* Copies the strings. ERR_UNSUPPORTED: an issuer or endpoint that is http and not on loopback, unknown
 * algorithm. */
must_check enum err rp_new(const struct rp_config *config, struct rp **ret_rp);
void rp_free(struct rp *rp); /* accepts NULL */

/* Network. Fetches metadata and keys, as far as they are needed, once: after success it returns at once. One fetch at a time,
 * whose result all share who wait for it; after three failures at most one every 2 s. ERR_REFUSED
 * when the document's issuer is another, or an endpoint is not https under an https issuer;
 * ERR_UNAVAILABLE. */
must_check enum err rp_discover(struct rp *rp);
bool rp_is_ready(const struct rp *rp);

/* What a browser's sign-in in progress must remember, in the caller's own session of that browser,
 * and forget after one use. NUL-terminated base64url. */
struct rp_login {
    char state[44];
    char nonce[44];
    char verifier[44];
};
void rp_login_new(struct rp_login *login);
/* The URL to send the browser to. `extra` is appended to the query as it is ("&ui_locales=vi") or
 * NULL. ERR_UNAVAILABLE before discovery. */
must_check enum err rp_authorize_url(const struct rp *rp, const struct rp_login *login,
                                     const char *extra, struct buf *out);

/* What came to the initiate_login_uri (OIDC Core 4): another site asks us to sign somebody in. */
struct rp_initiation {
    struct span iss, login_hint, target_link_uri; /* absent where they were not sent */
};
/* From the query or the form. ERR_MISSING (iss), ERR_SYNTAX, ERR_TOO_LONG, ERR_REPEATED. */
must_check enum err rp_initiation_parse(struct arena *a, const struct params *params,
                                        struct rp_initiation *ret_initiation);
/* ERR_REFUSED: not our provider, or a target that is not below `origin` ("https://host[:port]" of
 * the relying party, no slash at its end). The login itself is one like any other. */
must_check enum err rp_initiation_check(const struct rp *rp, const struct rp_initiation *i,
                                        const char *origin);

/* What came to the redirect URI, decoded. */
struct rp_callback {
    struct span code, state, iss, error, error_description;
};
/* From the raw query, as this provider writes it (raw_plus). ERR_SYNTAX, ERR_TOO_LONG, and
 * ERR_REPEATED: no parameter may come twice. */
must_check enum err rp_callback_parse(const struct rp *rp, struct arena *a, struct span query,
                                      struct rp_callback *ret_callback);

struct rp_tokens {
    struct span id_token, access_token, refresh_token; /* in the arena; refresh may be absent */
    int64_t expires_in;
    json_t *claims; /* of the ID token; owned by the caller (json_decref) */
};

/* The answer's own checks, without network: state (constant time), RFC 9207 iss, error.
 * ERR_REFUSED: not ours. ERR_NOT_FOUND: the provider answered with an error. ERR_UNAVAILABLE before
 * discovery. */
must_check enum err rp_callback_check(const struct rp *rp, const struct rp_login *login,
                                      const struct rp_callback *callback);
/* Network. rp_callback_check, code exchange, ID token validation. */
must_check enum err rp_finish(struct rp *rp, const struct rp_login *login,
                              const struct rp_callback *callback, struct arena *a,
                              struct rp_tokens *ret_tokens);
/* Network. New tokens; the ID token, when one comes, must be of the same subject as `sub`. */
must_check enum err rp_refresh(struct rp *rp, struct span refresh_token, struct span sub,
                               struct arena *a, struct rp_tokens *ret_tokens);
/* Network. ERR_REFUSED when userinfo's sub is not `sub` (OIDC Core 5.3.2), which may be absent only with
 * no_id_token. ERR_UNSUPPORTED: the provider has no userinfo endpoint. */
must_check enum err rp_userinfo(struct rp *rp, struct span access_token, struct span sub,
                                struct arena *a, json_t **ret_claims);

/* RP-Initiated Logout 2. `state` may be NULL. */
must_check enum err rp_logout_url(const struct rp *rp, struct span id_token, const char *state,
                                  struct buf *out);

/* ---- Back-Channel Logout 1.0, receiving ---- */

#define RP_JTI_MAX 255
struct rp_logout_token {
    struct span sub, sid; /* at least one; in the arena */
    struct span jti;      /* for the caller's replay list, to be kept until `expires_at` */
    int64_t expires_at;   /* no later than iat + 120 s, whatever exp says; not believed from then on */
};
/* The `logout_token` of a POST to the backchannel_logout_uri (2.6): signature by id_token_alg, iss,
 * aud, iat, exp, jti, events, sid or sub, no nonce; typ logout+jwt, JWT or none: older providers send
 * no other, and no ID token has events. ERR_UNKNOWN_KEY as rp_code_take. ERR_UNAVAILABLE before
 * discovery, or the keys are too old: answer 503. ERR_REFUSED, ERR_EXPIRED, ERR_BAD_SIGNATURE,
 * ERR_UNSUPPORTED (algorithm, typ), ERR_TOO_LONG, ERR_SYNTAX: answer 400. Replays are the caller's to
 * refuse. */
must_check enum err rp_logout_token_check(struct rp *rp, struct arena *a, struct span logout_token,
                                          struct rp_logout_token *ret_token);
/* Network. The same, with the keys fetched when they have to be: ERR_UNKNOWN_KEY is
 * ERR_BAD_SIGNATURE here. */
must_check enum err rp_logout_receive(struct rp *rp, struct arena *a, struct span logout_token,
                                      struct rp_logout_token *ret_token);

/* ---- for a service that is called: a resource server (RFC 9068 4) ---- */

struct rp_access_token {
    struct span sub, client_id, scope; /* in the arena; scope may be absent */
    int64_t expires_at;
};
/* Network, when keys have to be fetched. A JWT access token that was presented: signature by
 * id_token_alg's key, typ at+jwt, iss, exp, and `audience` (our identifier as a resource) in aud. What
 * it may do (scope) is the caller's to judge; that it was revoked only introspection tells.
 * ERR_UNAVAILABLE: answer 503. ERR_REFUSED, ERR_EXPIRED, ERR_BAD_SIGNATURE, ERR_UNSUPPORTED,
 * ERR_TOO_LONG, ERR_SYNTAX: answer 401 with invalid_token. */
must_check enum err rp_access_token_receive(struct rp *rp, struct arena *a, struct span token,
                                            const char *audience,
                                            struct rp_access_token *ret_token);

/* ---- the same without network ----------------------------------------------------------------
 *
 * For programs with an event loop of their own: each exchange is a request that the caller carries out
 * (within 5 s, 256 KiB, no redirects, to addresses that it has checked) and whose status and body it
 * hands back. The calls that say "network" are drivers around these. None of them blocks, but for a
 * mutex held for moments. One struct rp may be driven both ways at once. */

struct rp_exchange {
    struct span url;           /* absolute; in the arena, a NUL behind */
    struct span form;          /* body of a POST, or absent: GET */
    struct span authorization; /* value of the Authorization field, or absent */
    /* From rp_fetch_due: another caller has this very request out. Join theirs, if transfers are shared
     * by URL (nothing is counted twice), or ask rp_fetch_due again once it may have ended. */
    bool is_joined;
    unsigned fetch, turn; /* between rp_fetch_due and rp_fetch_take */
};

/* Network. Carries one out, under the limits above, also a request of the caller's own (another
 * service, the introspection endpoint). ERR_UNAVAILABLE: no answer, `*ret_status` is 0. Body in the
 * arena, absent when empty. */
must_check enum err rp_send(const struct rp *rp, const struct rp_exchange *exchange, struct arena *a,
                            long *ret_status, struct span *ret_body);

/* What has to be fetched before the next step, if anything: metadata, then keys; keys again when they
 * are older than an hour, or when `kid_is_unknown` and no newer ones have come since a token was found
 * to name an unknown key. Budget: once per 10 s, burst 3 (before all is known: per 2 s). ERR_OK with an
 * exchange to carry out; who asks while it is under way gets it as well, for nothing. One that was
 * never taken counts as lost after 6 s. ERR_NOT_FOUND: nothing, go on. ERR_BUSY: over the budget, and
 * metadata or keys are missing, too old to be believed, or without the key. ERR_NOMEM. */
must_check enum err rp_fetch_due(struct rp *rp, bool kid_is_unknown, struct arena *a,
                                 struct rp_exchange *ret_exchange);
/* The answer to it. `status` 0: there was none. As rp_discover; ERR_OK also when another caller's
 * answer to the same request was good. After a failure go on: keys that are known serve for a day,
 * and a step that can do nothing without says ERR_UNAVAILABLE. */
must_check enum err rp_fetch_take(struct rp *rp, const struct rp_exchange *exchange, long status,
                                  struct span body);

/* rp_callback_check, then the request. */
must_check enum err rp_code_exchange(const struct rp *rp, const struct rp_login *login,
                                     const struct rp_callback *callback, struct arena *a,
                                     struct rp_exchange *ret_exchange);
/* As rp_finish. ERR_UNKNOWN_KEY: ask rp_fetch_due with kid_is_unknown, carry out what it gives, and
 * whatever came of that call once more with the same answer: another caller may have brought the key.
 * A second ERR_UNKNOWN_KEY is a forged token. With no_id_token `claims` stays NULL. */
must_check enum err rp_code_take(struct rp *rp, const struct rp_login *login, struct arena *a,
                                 long status, struct span body, struct rp_tokens *ret_tokens);

must_check enum err rp_userinfo_exchange(const struct rp *rp, struct span access_token,
                                         struct arena *a, struct rp_exchange *ret_exchange);
/* `sub` absent (no_id_token): not compared. Else as rp_userinfo. */
must_check enum err rp_userinfo_take(struct span sub, long status, struct span body,
                                     json_t **ret_claims);

#endif
