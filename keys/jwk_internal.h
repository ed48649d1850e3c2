/* SPDX-License-Identifier: Apache-2.0
 *
 * Between jwk.c (life, output) and jwk_parse.c (input). */
#ifndef IDP_KEYS_JWK_INTERNAL_H
#define IDP_KEYS_JWK_INTERNAL_H

#include <jansson.h>

#include "keys/jwk.h"

#define P256_BYTES 32
#define ED25519_BYTES 32

struct jwk *jwk_new(enum jose_kty kty);
must_check enum err jwk_parse_object(const json_t *object, struct jwk **ret_jwk);

#endif
