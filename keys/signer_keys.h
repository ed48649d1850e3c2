/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys that idp-signer holds: shared by its threads, each of which keeps prepared signing
 * contexts of its own. idp-signer only. */
#ifndef IDP_KEYS_SIGNER_KEYS_H
#define IDP_KEYS_SIGNER_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "keys/jws.h"
#include "keys/signer_client.h"

#define SIGNER_KEYS_MAX 256
#define SYMMETRIC_BYTES 32
#define CHAIN_BYTES 32

struct signer_keys;
/* One thread's prepared contexts. */
struct signer_contexts;

must_check enum err signer_keys_new(struct signer_keys **ret_keys);
must_check enum err signer_contexts_new(struct signer_contexts **ret_contexts);

/* Keys with a private and a public half: sig, envelope. */
bool signer_use_is_pair(enum key_use use);
/* Takes over what it needs: `jwk` (sig, envelope; referenced) and `bytes` (all but sig; copied; of an
 * envelope key, what its false answers are made of). ERR_EXISTS, ERR_TOO_LONG (table full). */
must_check enum err signer_keys_add(struct signer_keys *keys, struct span kid, enum key_use use,
                                    struct jwk *jwk, struct span bytes);
must_check enum err signer_keys_remove(struct signer_keys *keys, struct span kid);
/* A reference to a signing key (ERR_NOT_FOUND; ERR_REFUSED: of another use). */
must_check enum err signer_keys_find_jwk(struct signer_keys *keys, struct span kid, struct jwk **ret_jwk);
/* A copy of a symmetric key of that use; KEY_USE_NONE: any but pepper (RELEASE). */
must_check enum err signer_keys_copy(struct signer_keys *keys, struct span kid, enum key_use use,
                                     struct secret *ret_bytes);
/* Signs with this thread's context of the key, counts, and extends the key's chain. */
must_check enum err signer_keys_sign(struct signer_keys *keys, struct signer_contexts *contexts,
                                     struct span kid, const char *typ, struct span payload,
                                     struct buf *out);
/* Opens a wrapped key with an envelope key, counts, and extends the key's chain. ERR_NOT_FOUND;
 * ERR_REFUSED: a key of another use. Of what was wrapped wrongly see rsa15.h. */
must_check enum err signer_keys_unwrap(struct signer_keys *keys, struct signer_contexts *contexts,
                                       struct span kid, struct span wrapped,
                                       unsigned char out[UNWRAPPED_BYTES]);
/* [{"kid","use","alg","signatures" or "unwrapped","chain"}, ...] */
void signer_keys_report(struct signer_keys *keys, struct buf *out);

#endif
