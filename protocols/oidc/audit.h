/* SPDX-License-Identifier: Apache-2.0
 *
 * Audit rows of this folder: who, which client, from where. No names, numbers or tokens. */
#ifndef IDP_PROTOCOLS_OIDC_AUDIT_H
#define IDP_PROTOCOLS_OIDC_AUDIT_H

#include "idp/request.h"
#include "idp/user.h"

/* Adds the row to req->write. `user` NULL: no person; `detail`: a small JSON object, or absent. */
void oidc_audit(struct request *req, const char *event, const struct user_id *user,
                struct span client_id, struct span detail);

#endif
