/* SPDX-License-Identifier: Apache-2.0
 *
 * See history.h. */
#include "idp/history.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

static const char purpose[] = "history";

struct context {
    char bytes[sizeof purpose + USER_ID_BYTES]; /* with the NUL between them */
};

static struct context context_of(const struct user_id *id) {
    struct context c;
    memcpy(c.bytes, purpose, sizeof purpose);
    memcpy(c.bytes + sizeof purpose, id->b, USER_ID_BYTES);
    return c;
}

enum err history_seal(const struct keyring *k, const struct user_id *id, const json_t *changes,
                      struct buf *out) {
    CLEANUP(buf_done) struct buf plain = BUF_INIT(HISTORY_JSON_MAX);
    struct json_out o = JSON_OUT(&plain);
    const struct context context = context_of(id);
    json_add_value(&o, NULL, changes);
    enum err e = buf_err(&plain);
    return e ? e
             : keyring_data_seal(k, span_bytes(context.bytes, sizeof context.bytes),
                                 buf_span(&plain), out);
}

enum err history_open(const struct keyring *k, struct arena *a, const struct history_item *item,
                      json_t **ret_changes) {
    const struct context context = context_of(&item->user);
    struct span plain;
    enum err e = keyring_data_open(k, a, span_bytes(context.bytes, sizeof context.bytes),
                                   item->sealed, &plain);
    return e ? e : json_parse_object(plain, HISTORY_JSON_MAX, ret_changes);
}
