/* SPDX-License-Identifier: Apache-2.0
 *
 * Access tokens at the door of a sample API (RFC 6750). */
#ifndef IDP_DEMO_BEARER_H
#define IDP_DEMO_BEARER_H

#include "base/err.h"
#include "base/span.h"
#include "idp/request.h"

#define BEARER_MAX 8192 /* characters of a token */

/* The token of the Authorization field; absent when there is none of that kind, or more than one. */
struct span bearer_token(const struct request *req);
/* What the request gets instead of an answer, after `e`: 503 when nobody could tell, else 401. */
void bearer_refuse(struct request *req, enum err e);
/* 403: the token is good, but not for this. */
void bearer_lacks_scope(struct request *req, const char *scope);
/* What follows `prefix` in the path, when it is a dossier code (letters, digits, '.', '-'); else absent. */
struct span dossier_code(const struct request *req, const char *prefix);

#endif
