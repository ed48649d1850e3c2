/* SPDX-License-Identifier: Apache-2.0
 *
 * HMAC-SHA-256 (RFC 2104) with a key that is used often: the key's own blocks are hashed once, when it
 * is made ready, and what came of them stays in guarded memory. Half the work of a short message. */
#ifndef IDP_BASE_MAC_H
#define IDP_BASE_MAC_H

#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"

#define MAC_BYTES 32

struct mac_key {
    struct secret start; /* the state after the key's blocks: as secret as the key */
};

must_check enum err mac_key_new(struct span key, struct mac_key *ret_key);
void mac_key_done(struct mac_key *key);
/* Of a, a zero byte, and b: so a purpose (without zero bytes) never runs into what follows it. */
void mac_compute(const struct mac_key *key, struct span a, struct span b, unsigned char out[MAC_BYTES]);

#endif
