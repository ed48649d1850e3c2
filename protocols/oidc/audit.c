/* SPDX-License-Identifier: Apache-2.0
 *
 * Audit rows; see audit.h. */
#include "protocols/oidc/audit.h"

#include "base/encode.h"
#include "idp/store/store.h"

void oidc_audit(struct request *req, const char *event, const struct user_id *user,
                struct span client_id, struct span detail) {
    char hex[2 * USER_ID_BYTES + 1];
    struct span actor = SPAN_NONE;
    if (user) {
        hex_encode(user->b, sizeof user->b, hex);
        actor = span_of(arena_strdup(req->arena, hex));
    }
    store_audit(&req->write, &(struct audit_event){
                                 .at = req->now,
                                 .event = event,
                                 .actor = actor,
                                 .client_id = client_id,
                                 .address = span_of(req->client.text),
                                 .request_id = span_of(req->id),
                                 .detail = detail,
                             });
}
