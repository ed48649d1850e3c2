/* SPDX-License-Identifier: Apache-2.0
 *
 * The authorization request (RFC 6749 4.1.1, OIDC Core 3.1.2.1, RFC 7636, RFC 8707): bytes to a
 * checked struct. Pure. Checked in three steps, because the answer to a mistake depends on what is
 * known by then:
 *
 *   client id      wrong: an error page, never a redirect
 *   redirect URI   wrong: an error page, never a redirect
 *   the rest       wrong: an error at the redirect URI, with iss and state */
#ifndef IDP_PROTOCOLS_OIDC_AUTHZ_REQUEST_H
#define IDP_PROTOCOLS_OIDC_AUTHZ_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/params.h"
#include "base/span.h"
#include "idp/client.h"
#include "protocols/oidc/audience.h"
#include "protocols/oidc/claims_request.h"
#include "protocols/oidc/oidc_error.h"

struct config;

#define NONCE_MAX       512
#define PKCE_S256_BYTES 32

enum { PROMPT_NONE = 1, PROMPT_LOGIN = 2, PROMPT_CONSENT = 4, PROMPT_SELECT_ACCOUNT = 8 };

struct authz_request {
    struct span client_id;
    struct span redirect_uri;
    struct span state_raw; /* the octets as received; absent when there was none */
    struct span state;     /* the same, decoded */
    bool is_form_post;     /* the response mode; known before anything can go wrong but the URI */
    struct span response_type, response_mode;
    struct span scope_asked;
    struct span scope; /* what of it this client may have */
    struct span claims_text;
    struct claims_request claims;
    struct span consent_scope; /* `scope`, and the scopes of single claims: what a person agrees to */
    struct span nonce;
    struct span challenge_text, challenge_method;
    bool has_challenge;
    unsigned char challenge[PKCE_S256_BYTES];
    struct span prompt_text;
    unsigned prompt; /* PROMPT_* bits */
    int64_t max_age; /* seconds; the client's default when the request has none; -1 */
    struct span acr_values, login_hint, id_token_hint;
    struct resource_list resource;
    int resource_level; /* the least that those resources take; 0: any */
    struct span idp_hint;     /* connector to go to at once */
    struct span vnconnect;    /* "1": the person comes from the national portal */
    struct span registration; /* refused by name */
};

/* The prompt words and what they mean, for metadata. */
struct prompt_word {
    const char *name;
    unsigned bit;
};
extern const struct prompt_word prompt_words[];
extern const size_t prompt_words_count;

/* ERR_MISSING, ERR_REPEATED, ERR_TOO_LONG, ERR_SYNTAX. */
must_check enum err authz_client_id_parse(const struct params *params, struct span *ret_client_id);
/* Fills client_id, redirect_uri and state_raw. ERR_MISSING, ERR_REPEATED, ERR_TOO_LONG,
 * ERR_REFUSED (not registered, byte for byte). */
must_check enum err authz_redirect_uri_check(const struct params *params,
                                             const struct client *client,
                                             struct authz_request *request);
/* The rest. OIDC_NO_ERROR when the request is good. */
struct oidc_failure authz_request_check(struct arena *a, const struct audience_rules *rules,
                                        const struct params *params, struct authz_request *request);
/* The parameters that this endpoint knows, form-encoded anew with the received octets of their
 * values: what a sign-in flow carries, and what a cross-site POST is redirected to. */
void authz_request_build(const struct params *params, struct buf *out);

#endif
