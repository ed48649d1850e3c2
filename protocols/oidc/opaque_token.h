/* SPDX-License-Identifier: Apache-2.0
 *
 * Access tokens that say nothing to who holds them: what a JWT would say (access_token.h), sealed
 * with the key of the day, so that issuing one signs nothing and writes nothing. A resource asks
 * the introspection endpoint what it is worth (RFC 7662); it is revoked like any other.
 *
 *   token = "idp_at_" base64url(seal)        a prefix by which scanners for leaked secrets know it */
#ifndef IDP_PROTOCOLS_OIDC_OPAQUE_TOKEN_H
#define IDP_PROTOCOLS_OIDC_OPAQUE_TOKEN_H

#include "protocols/oidc/access_token.h"

struct keyring;

#define OPAQUE_TOKEN_MAX 4096 /* bytes inside, before base64url */

/* By its prefix; no judgement. */
bool opaque_token_is(struct span token);
/* In the arena. ERR_TOO_LONG, ERR_NOMEM, ERR_CRYPTO. */
must_check enum err opaque_token_seal(const struct keyring *k, struct arena *a,
                                      const struct access_token *content, struct span *ret_token);
/* Spans in the arena. ERR_SYNTAX, ERR_BAD_SIGNATURE, ERR_EXPIRED. */
must_check enum err opaque_token_open(const struct keyring *k, struct arena *a, struct span token,
                                      int64_t now, struct access_token *ret_content);

#endif
