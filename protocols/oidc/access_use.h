/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a verified access token may be used at this moment: what its signature cannot say. Every
 * endpoint that takes one asks here, each time, so that a revocation shows at once everywhere.
 *   access_use_read()  what it says
 *   access_use_load()  in handler->load
 *   access_use_check() in handler->decide, after it ran */
#ifndef IDP_PROTOCOLS_OIDC_ACCESS_USE_H
#define IDP_PROTOCOLS_OIDC_ACCESS_USE_H

#include "base/err.h"
#include "idp/grant.h"
#include "idp/request.h"
#include "protocols/oidc/access_token.h"
#include "protocols/oidc/client_lookup.h"

struct access_use {
    struct access_token token; /* access_use_read()'s, before load */
    struct grant grant;        /* with token.has_grant */
    bool is_revoked;           /* this token alone (RFC 7009) */
    struct client_lookup lookup;
};

/* In either form. Whom it is for is the caller's to compare. Errors of access_token_verify and
 * opaque_token_open; ERR_UNAVAILABLE: no memory, so nothing is known of it, and whoever was told
 * that it is not good, or that it is revoked, would be told wrong. */
must_check enum err access_use_read(struct request *req, struct span token,
                                    struct access_token *ret_token);
void access_use_load(struct request *req, struct access_use *u);
/* ERR_OK: it stands. ERR_REFUSED: revoked, or its grant, person or client has fallen. ERR_STORE,
 * ERR_NOMEM: nothing is known. */
must_check enum err access_use_check(struct request *req, struct access_use *u);

#endif
