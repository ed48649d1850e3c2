/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a key that was wrapped by RSAES-PKCS1-v1_5 (RFC 8017 7.2.2), for the one partner that speaks
 * nothing better. idp-signer only.
 *
 * Who can tell a well-padded message from another one owns the key's answers (Bleichenbacher 1998), so
 * nobody is told: a message that is badly padded, or no AES key, gives a key as well, made from the
 * message itself by HMAC ("implicit rejection"). Whatever came, the same work is done, without a branch
 * or an address that depends on what was inside. OpenSSL does so itself from 3.2 on; 3.0 does not, so it
 * only computes the power here, and the padding is ours. */
#ifndef IDP_KEYS_RSA15_H
#define IDP_KEYS_RSA15_H

#include <openssl/types.h>

#include "base/err.h"
#include "base/span.h"
#include "keys/signer_client.h"

/* `rejection`: 32 secret bytes that belong to the key. `wrapped` of any length. `out`: as
 * UNWRAPPED_BYTES says. ERR_CRYPTO and ERR_RANGE (no RSA key of 2048 to 8192 bits) are about the key or
 * the library, never about `wrapped`. */
must_check enum err rsa15_unwrap(EVP_PKEY *key, struct span rejection, struct span wrapped,
                                 unsigned char out[UNWRAPPED_BYTES]);

#endif
