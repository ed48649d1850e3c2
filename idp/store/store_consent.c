/* SPDX-License-Identifier: Apache-2.0
 *
 * What a user agreed to for a client. */
#include "idp/store/internal.h"

static enum err consent_row(struct arena *a, const struct db_row *row, void *ret) {
    struct consent *c = ret;
    c->found = true;
    c->scope = col_span(a, row, 0);
    c->granted_at = col_int(row, 1);
    return ERR_OK;
}

void store_consent_find(struct batch *b, const struct user_id *id, struct span client_id,
                        struct consent *ret) {
    struct op *op =
        BATCH_ADD(b, STMT_CONSENT_FIND, v_bytes(id->b, USER_ID_BYTES), v_text(client_id));
    op->row = consent_row;
    op->ret = ret;
}

void store_consent_save(struct batch *b, const struct user_id *id, struct span client_id,
                        struct span scope, int64_t now) {
    BATCH_ADD(b, STMT_CONSENT_SAVE, v_bytes(id->b, USER_ID_BYTES), v_text(client_id), v_text(scope),
              v_int(now));
}
