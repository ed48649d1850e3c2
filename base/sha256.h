/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4) that cannot fail: it allocates nothing and looks nothing up. A hash that is a
 * key of a row, or proof of a secret, must not be left unmade when memory runs out. */
#ifndef IDP_BASE_SHA256_H
#define IDP_BASE_SHA256_H

#include "base/span.h"

#define SHA256_BYTES 32

/* An absent text hashes as the empty one. */
void sha256(struct span text, unsigned char out[SHA256_BYTES]);

#endif
