/* SPDX-License-Identifier: Apache-2.0
 *
 * The refresh token's text (idp/grant.h says why it needs no row of its own):
 *   base64url(version 1 || grant key 20 || generation 4 || MAC 16). Pure. */
#ifndef IDP_PROTOCOLS_OIDC_REFRESH_TOKEN_H
#define IDP_PROTOCOLS_OIDC_REFRESH_TOKEN_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "idp/grant.h"

struct keyring;

#define REFRESH_TOKEN_BYTES (1 + GRANT_KEY_BYTES + 4 + 16)
#define REFRESH_TOKEN_CHARS 55

struct refresh_token {
    struct grant_key key;
    int64_t generation;
    unsigned char mac[16];
};

/* `out` gets REFRESH_TOKEN_CHARS characters and a NUL. */
void refresh_token_build(const struct keyring *k, const struct grant *g, int64_t generation,
                         char out[REFRESH_TOKEN_CHARS + 1]);
/* ERR_SYNTAX for anything that is not of this form. Proves nothing yet. */
must_check enum err refresh_token_parse(struct span text, struct refresh_token *ret_token);
/* Whether it is a token of this grant: the MAC covers the grant's own salt. */
enum verdict refresh_token_verify(const struct keyring *k, const struct grant *g,
                                  const struct refresh_token *t);

#endif
