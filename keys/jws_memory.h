/* SPDX-License-Identifier: Apache-2.0
 *
 * Which tokens a set of keys has verified before. A resource that asks about the same access token
 * with each request must not cost a signature's verification each time. What is remembered is one
 * fact, "these keys verified these bytes, under this expectation": never a claim, a time or a
 * state, which are read and judged anew every time. Bounded; a newer token takes an older one's
 * place. One thread, one expectation. */
#ifndef IDP_KEYS_JWS_MEMORY_H
#define IDP_KEYS_JWS_MEMORY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "keys/jws.h"

#define JWS_MEMORY_SLOTS 4096 /* tokens; 40 bytes each */

struct jws_memory;

must_check enum err jws_memory_new(struct jws_memory **ret_memory);
void jws_memory_free(struct jws_memory *m); /* accepts NULL */

/* The payload, in the arena, of a token that jws_verify accepts now, or accepted before with this
 * very `keys`, which must not change: another set is another pointer, as long as the memory lives.
 * `m` NULL: nothing is remembered. Errors of jws_verify. */
must_check enum err jws_memory_verify(struct jws_memory *m, struct arena *a, struct span token,
                                      const struct jws_expect *expect, const struct jwk_set *keys,
                                      struct span *ret_payload);

#endif
