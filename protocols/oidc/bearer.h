/* SPDX-License-Identifier: Apache-2.0
 *
 * Bearer tokens in requests (RFC 6750 2.1). */
#ifndef IDP_PROTOCOLS_OIDC_BEARER_H
#define IDP_PROTOCOLS_OIDC_BEARER_H

#include "base/err.h"
#include "idp/request.h"

/* The token of the Authorization header, part of the request. ERR_MISSING, ERR_REPEATED,
 * ERR_SYNTAX (another scheme, or nothing behind it). */
must_check enum err bearer_find(const struct request *req, struct span *ret_token);

#endif
