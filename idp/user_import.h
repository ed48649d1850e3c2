/* SPDX-License-Identifier: Apache-2.0
 *
 * One new account from a JSON object (`idpctl user add`; imports): checked whole, written whole. */
#ifndef IDP_USER_IMPORT_H
#define IDP_USER_IMPORT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/idp.h"
#include "idp/user.h"
#include "keys/signer_client.h"

/* Members: username, password | password_hash, type, ial, identifiers{}, claims{}, require_change.
 * Unknown members are an error. Hashes the password (slow), then one batch: account, identifiers,
 * audit row with `actor` ("staff:0"). ERR_SYNTAX / ERR_MISSING / ERR_TOO_LONG / ERR_UNSUPPORTED
 * with
 * `*reterr_text` (in the arena) naming the member; ERR_EXISTS (name or identifier taken). */
must_check enum err user_import(struct idp *idp, struct signer_channel *channel, struct arena *a,
                                const json_t *object, struct span actor, struct user_id *ret_id,
                                const char **reterr_text);

/* Its two halves, for those who write many together: the batch, and what came of it. A dry run
 * neither hashes nor leaves anything behind: could it be added now? `*ret_keys` are texts that no
 * two accounts may share (its name, the indexes of its identifiers), which tell duplicates within
 * one file; the caller owns it. The batch must have been BATCH_INITed with the arena. */
struct user_order {
    struct idp *idp;
    struct signer_channel *channel;
    struct span actor;
    bool is_dry;
};
must_check enum err user_import_build(const struct user_order *order, const json_t *object,
                                      struct batch *b, struct user_id *ret_id, json_t **ret_keys,
                                      const char **reterr_text);
must_check enum err user_import_result(const struct batch *b, const char **reterr_text);

/* The hash to store for a password that staff or a form gave: normalised, peppered, Argon2id. Slow.
 * ERR_SYNTAX and ERR_TOO_LONG are about the password, the others about us. */
must_check enum err user_password_make(struct idp *idp, struct signer_channel *channel,
                                       struct arena *a, struct span typed, struct span *ret_hash);

#endif
