/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /jwks: the public keys (RFC 7517 5), as the keyring has them ready. */
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "protocols/oidc/oidc.h"

static enum step jwks_parse(struct request *req) {
    const struct key_snapshot *keys = keyring_snapshot(request_idp(req)->keyring);
    long long max_age = (long long)request_config(req)->jwks_max_age;
    req->response.cacheable = true;
    respond_header(req, "Cache-Control",
                   span_of(arena_printf(req->arena, "public, max-age=%lld", max_age)));
    respond_header(req, "ETag", keys->jwks_etag);
    struct span known = request_header(req, "If-None-Match");
    if (known.len && span_eq(known, keys->jwks_etag))
        respond_body(req, 304, NULL, SPAN_NONE);
    else
        respond_body(req, 200, "application/jwk-set+json", keys->jwks_json);
    return STEP_RESPOND;
}

const struct handler oidc_jwks_handler = {.parse = jwks_parse};
