/* SPDX-License-Identifier: Apache-2.0
 *
 * What registration (RFC 7591) and its management (RFC 7592) share: their refusals, the body that is
 * read, the answer that describes a client to itself, turns, and the sector document. */
#ifndef IDP_PROTOCOLS_OIDC_REGISTRATION_H
#define IDP_PROTOCOLS_OIDC_REGISTRATION_H

#include <jansson.h>

#include "idp/request.h"
#include "idp/store/store.h"

/* 401 with the challenge of RFC 6750 3; `error` NULL: the request shows no token. */
enum step registration_unauthorized(struct request *req, const char *error);
enum step registration_too_many(struct request *req); /* 429 */
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

/* Adds to req->write the gate (ERR_BUSY) that keeps one network, or one client, from filling the store
 * and from having all clients read again without end. */
#define REGISTRATION_OF_NETWORK 'r'
#define REGISTRATION_OF_CLIENT  'u'
void registration_take_turn(struct request *req, char kind, struct span who);

/* ---- the sector document (registration_sector.c) ---- */

/* What has to be read before `metadata` is stored, in the arena; absent: it names none. ERR_NOMEM. */
must_check enum err registration_sector_find(struct arena *a, const json_t *metadata,
                                             struct span *ret_uri);
/* For handler->fetch. */
void registration_sector_fetch(struct request *req, struct span uri);
/* When that was fetched: STEP_WRITE if it lists all redirect URIs of the metadata; else answered. */
enum step registration_sector_decide(struct request *req, struct span metadata);

#endif
