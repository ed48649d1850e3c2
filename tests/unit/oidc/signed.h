/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens made by hand for tests: one key, any typ, any claims. */
#ifndef IDP_TESTS_UNIT_OIDC_SIGNED_H
#define IDP_TESTS_UNIT_OIDC_SIGNED_H

#include "base/arena.h"
#include "idp/keyring.h"

/* A key of its own, and the snapshot that a verifier sees. */
struct signed_by {
    struct jws_signer *signer;
    struct key_snapshot keys;
};

void signed_by_new(const char *alg, const char *kid, struct signed_by *ret);
void signed_by_free(struct signed_by *s);
struct span signed_token(struct arena *a, struct signed_by *s, const char *typ, const char *claims);

#endif
