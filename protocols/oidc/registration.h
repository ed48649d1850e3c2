/* SPDX-License-Identifier: Apache-2.0
 *
 * What registration (RFC 7591) and its management (RFC 7592) share: their refusals, the body that is
 * read, and the answer that describes a client to itself. */
#ifndef IDP_PROTOCOLS_OIDC_REGISTRATION_H
#define IDP_PROTOCOLS_OIDC_REGISTRATION_H

#include <jansson.h>

#include "idp/request.h"
#include "idp/store/store.h"

/* 401 with the challenge of RFC 6750 3; `error` NULL: the request shows no token. */
enum step registration_unauthorized(struct request *req, const char *error);
/* 400 with RFC 7591 3.2.2's form; texts static or in the request's arena. */
enum step registration_refuse(struct request *req, const char *code, const char *text);

/* The request's body as an object; false: answered. The caller owns it. */
bool registration_body(struct request *req, json_t **ret_body);

/* What a client is told about itself. */
struct registration_answer {
    struct span metadata; /* as stored */
    struct span access_token;
    struct span secret; /* absent: there is none, or it has been shown before */
    int64_t issued_at;
};
void registration_respond(struct request *req, unsigned status,
                          const struct registration_answer *answer);

#endif
