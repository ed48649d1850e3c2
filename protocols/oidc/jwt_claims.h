/* SPDX-License-Identifier: Apache-2.0
 *
 * The registered claims of JWTs that others made for us: client assertions (RFC 7523) and request
 * objects (RFC 9101). Pure. The signature is jws_verify()'s business; this is RFC 7519 4.1. */
#ifndef IDP_PROTOCOLS_OIDC_JWT_CLAIMS_H
#define IDP_PROTOCOLS_OIDC_JWT_CLAIMS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define JWT_SKEW_SECONDS 60 /* how far another's clock may be ahead of ours: nbf, iat */

struct jwt_times {
    bool needs_expiry;
    int64_t longest; /* how far ahead exp may lie, seconds */
};
/* exp, nbf and iat. `ret_expires_at` is 0 when there is no exp. ERR_MISSING, ERR_SYNTAX, ERR_RANGE
 * (too far ahead), ERR_EXPIRED. */
must_check enum err jwt_times_check(const json_t *claims, const struct jwt_times *rules,
                                    int64_t now, int64_t *ret_expires_at);

/* aud, a string or an array of strings, names us and nobody else: ERR_MISSING, ERR_SYNTAX,
 * ERR_REFUSED. A token that others may present as well could come from them (B14). */
must_check enum err jwt_audience_check(const json_t *claims, const struct span *ours,
                                       size_t n_ours);

#endif
