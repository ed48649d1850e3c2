/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifiers at rest: encrypted under the data key with the account's id bound to them, so that a
 * row's identifiers cannot be moved to another row. */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/identifiers.h"
#include "idp/user.h"

#define IDENTIFIERS_JSON_MAX 4096

enum err identifiers_seal(const struct keyring *k, const struct user_id *id, const json_t *normal,
                          struct buf *out) {
    CLEANUP(buf_done) struct buf plain = BUF_INIT(IDENTIFIERS_JSON_MAX);
    struct json_out o = JSON_OUT(&plain);
    json_add_value(&o, NULL, normal);
    enum err e = buf_err(&plain);
    return e ? e : keyring_data_seal(k, span_bytes(id->b, sizeof id->b), buf_span(&plain), out);
}

enum err identifiers_open(const struct keyring *k, struct arena *a, const struct user *u,
                          json_t **ret_identifiers) {
    if (!u->identifiers.len) {
        json_t *none = json_object();
        if (!none)
            return ERR_NOMEM;
        *ret_identifiers = none;
        return ERR_OK;
    }
    struct span plain;
    enum err e =
        keyring_data_open(k, a, span_bytes(u->id.b, sizeof u->id.b), u->identifiers, &plain);
    return e ? e : json_parse_object(plain, IDENTIFIERS_JSON_MAX, ret_identifiers);
}
