/* SPDX-License-Identifier: Apache-2.0
 *
 * What changed in an account, and by whose word, as it lies in the store: sealed with the data key for
 * the account that it was written for, apart from the account's identifiers. */
#ifndef IDP_HISTORY_H
#define IDP_HISTORY_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "idp/keyring.h"
#include "idp/store/store.h"

#define HISTORY_JSON_MAX 49152 /* bytes: every claim and identifier of an account, old and new */

/* `changes`: {name: [old, new]}, as upstream_person_merge() makes it. Appends to `out`; ERR_TOO_LONG. */
must_check enum err history_seal(const struct keyring *k, const struct user_id *id,
                                 const json_t *changes, struct buf *out);
/* The caller owns `ret_changes`. */
must_check enum err history_open(const struct keyring *k, struct arena *a,
                                 const struct history_item *item, json_t **ret_changes);

#endif
