/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys at rest: AES-256-GCM under the key-encryption key, with kid, use, algorithm and issuer as
 * associated data, so that a row whose labels were edited does not open. idp-signer only. */
#ifndef IDP_KEYS_WRAP_H
#define IDP_KEYS_WRAP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "keys/signer_client.h"

#define KEK_BYTES 32
#define WRAP_OVERHEAD (1 + 12 + 16) /* version, nonce, tag */

struct wrap_label {
    struct span kid;
    enum key_use use;
    struct span alg;
    struct span issuer;
};

must_check enum err key_wrap(const struct secret *kek, const struct wrap_label *label,
                             struct span key, struct buf *out);
/* ERR_SYNTAX (too short, other version), ERR_BAD_SIGNATURE (other KEK or label, edited). */
must_check enum err key_unwrap(const struct secret *kek, const struct wrap_label *label,
                               struct span wrapped, struct secret *ret_key);

#endif
