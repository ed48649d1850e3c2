/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer of the authorization endpoint: parameters added to a redirect URI that has been
 * checked before (RFC 6749 4.1.2, RFC 9207). */
#ifndef IDP_PROTOCOLS_OIDC_REDIRECT_H
#define IDP_PROTOCOLS_OIDC_REDIRECT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/params.h"
#include "base/span.h"

#define REDIRECT_MAX 16384 /* bytes of a whole Location */
#define STATE_MAX    4096  /* bytes of state, as redirect_add_octets writes it */

/* How often a name occurs, with a value or without. */
size_t redirect_param_count(const struct params *params, const char *name);
/* The octets of `state` as received; absent when there is none, or it is repeated or too long. */
struct span redirect_state(const struct params *params);

/* Copies octets as received when they are unreserved, one of + / = or a %XX escape, and escapes
 * any other: what a client's own decoding reads back is what it sent (state: A31). */
void redirect_add_octets(struct buf *b, struct span raw);

struct redirect_param {
    const char *name;
    struct span value; /* absent: left out */
    bool is_raw;       /* already form-encoded by the client: redirect_add_octets */
};

/* `uri` with the parameters behind its query. In the arena. */
must_check enum err redirect_build(struct arena *a, struct span uri,
                                   const struct redirect_param *params, size_t n,
                                   struct span *ret_location);

/* "https://host:port" of a web URI, "scheme:" of any other: what CSP form-action must also allow
 * for the redirect to be followed. Absent when the URI has neither. */
struct span redirect_form_action(struct span uri);

#endif
