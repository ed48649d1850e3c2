/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed request objects (RFC 9101, OIDC Core 6): an authorization request as a JWT by the client's
 * own key. Pure. */
#ifndef IDP_PROTOCOLS_OIDC_REQUEST_OBJECT_H
#define IDP_PROTOCOLS_OIDC_REQUEST_OBJECT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/params.h"
#include "base/span.h"
#include "idp/client.h"

struct config;

#define REQUEST_OBJECT_MAX         16384 /* bytes */
#define REQUEST_OBJECT_SECONDS_MAX 3600  /* how far ahead it may expire */

/* Signed by one of `keys` (the client's own), with the algorithm it registered or, without one, the
 * key's; made by `client`, for us. `ret_params` is the request that it carries, in the form of a
 * query: nothing from outside of it. ERR_NOT_FOUND: no key of that name; ERR_REFUSED, ERR_EXPIRED,
 * ERR_SYNTAX and those of jws_verify. */
must_check enum err request_object_open(struct arena *a, const struct config *cfg,
                                        const struct client *client, const struct jwk_set *keys,
                                        struct span token, int64_t now, struct params *ret_params);

#endif
