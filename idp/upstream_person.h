/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upstream provider said of a person, in our vocabulary: the connector's mapping applied to
 * the claims of its ID token and userinfo. Pure, but for the bytes that pack and unpack carry. */
#ifndef IDP_UPSTREAM_PERSON_H
#define IDP_UPSTREAM_PERSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/connector.h"
#include "idp/user.h"

#define UPSTREAM_SUBJECT_MAX 255
#define UPSTREAM_URI_MAX     2048

struct upstream_person {
    struct span connector_id, issuer;
    struct span subject;
    enum user_type type;  /* LoaiTaiKhoan: 1 person, 2 enterprise; a person when it is silent */
    int level;            /* 1..3, of this answer; 1 where it says nothing that is known */
    int64_t auth_time;    /* upstream's; 0: it does not say */
    int64_t session_ends_at; /* upstream's; 0: it does not say */
    json_t *claims;       /* account claims, checked and normalised (idp/claims.h); owned */
    json_t *identifiers;  /* likewise (idp/identifiers.h); TechID among them; owned */
    struct span sid;      /* of its session, or absent */
    struct span id_token; /* for its end_session; absent: none */
    struct span logout_uri; /* dvcqg: carries a token; sealed at rest, never logged */
    /* An enterprise's account: who acts for it, as upstream asserts. The person's own numbers are not
     * among the enterprise's identifiers. */
    struct span actor_number; /* that person's SoDinhDanh, normalised, or absent */
};

/* `id_claims` or `userinfo` may be NULL. What the mapping does not name is dropped. A value that is
 * malformed is dropped too, and named in `ret_dropped` (space-separated, for the log: names only);
 * ERR_REFUSED: no subject, or one of the wrong kind or size, or an account that is neither a person's
 * nor an enterprise's; ERR_TOO_LONG: more than an account can hold; ERR_NOMEM. Strings in the arena;
 * `id_token` is the caller's to set. */
must_check enum err upstream_person_build(const struct connector *c, struct arena *a,
                                          const json_t *id_claims, const json_t *userinfo,
                                          struct upstream_person *ret_person,
                                          struct span *ret_dropped);
void upstream_person_done(struct upstream_person *p);

/* To bytes for a pending row, and back. ERR_TOO_LONG; ERR_SYNTAX. */
must_check enum err upstream_person_pack(const struct upstream_person *p, struct buf *out);
must_check enum err upstream_person_unpack(struct arena *a, struct span packed,
                                           struct upstream_person *ret_person);

/* What changes in an account when this answer is taken over: the account's claims and identifiers
 * (NULL: none) with those of the answer over them, and a JSON object {name: [old, new]} of the
 * differences (NULL: none), for the history. Claims that upstream does not send stay, but for those
 * that say in other words what has changed, or that it was verified. The caller owns all three.
 * ERR_TOO_LONG: more than an account can hold. */
must_check enum err upstream_person_merge(const struct upstream_person *p, const json_t *claims,
                                          const json_t *identifiers, json_t **ret_claims,
                                          json_t **ret_identifiers, json_t **ret_changes);

#endif
