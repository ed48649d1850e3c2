/* SPDX-License-Identifier: Apache-2.0
 *
 * Between jwk.c (life, output) and jwk_parse.c (input). */
#ifndef IDP_KEYS_JWK_INTERNAL_H
#define IDP_KEYS_JWK_INTERNAL_H

#include "keys/jwk.h"

#define P256_BYTES 32
#define ED25519_BYTES 32

struct jwk *jwk_new(enum jose_kty kty);

#endif
