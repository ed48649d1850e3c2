/* SPDX-License-Identifier: Apache-2.0
 *
 * at_hash (OIDC Core 3.1.3.6): binds an ID token to the access token given with it. Pure;
 * the signer uses it too, which signs both in one message. */
#ifndef IDP_KEYS_AT_HASH_H
#define IDP_KEYS_AT_HASH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "keys/alg.h"

#define AT_HASH_MAX 44 /* 32 bytes as base64url, and a NUL */

/* Left half of the hash that belongs to the ID token's algorithm, base64url with a NUL behind. */
must_check enum err at_hash_build(const struct jose_alg *alg, struct span access_token,
                                  char out[AT_HASH_MAX]);
/* The text of a JSON object of claims with the member at_hash put behind the others. Only the form
 * {"...} is looked at: whoever signs the result parses it. ERR_SYNTAX, ERR_NOMEM. */
must_check enum err at_hash_add(struct arena *a, const struct jose_alg *alg, struct span access_token,
                                struct span *claims);

#endif
