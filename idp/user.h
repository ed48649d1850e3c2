/* SPDX-License-Identifier: Apache-2.0
 *
 * A person, an enterprise or an official who can sign in. */
#ifndef IDP_USER_H
#define IDP_USER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define USER_ID_BYTES 16
#define USERNAME_MAX 128 /* bytes after NFKC and case folding */

enum user_type { USER_CITIZEN = 1, USER_ENTERPRISE = 2, USER_OFFICIAL = 3 };
enum user_status { USER_NONE = 0, USER_ACTIVE, USER_LOCKED, USER_DISABLED, USER_ERASED };

struct user_id {
    unsigned char b[USER_ID_BYTES];
};

struct user {
    bool found;
    struct user_id id;
    struct span username;      /* as folded for look-up */
    enum user_type type;
    enum user_status status;
    int ial;                   /* 1 or 2: how well the identity is proven */
    struct span password_hash; /* PHC or crypt string; absent: no password */
    bool require_change;       /* must choose a new password at the next sign-in */
    struct span claims;        /* JSON object: OIDC and Vietnamese claim names, no identifiers */
    struct span identifiers;   /* sealed JSON object {SoDinhDanh, ...}; identifiers_open() */
    int64_t created_at;
    int64_t updated_at;
};

const char *user_type_name(enum user_type t); /* "citizen" ... */
enum err user_type_find(struct span name, enum user_type *ret_type) __attribute__((warn_unused_result));
const char *user_status_name(enum user_status s);

/* NFKC, case folding, surrounding white space refused: "  A" and "a" cannot be two accounts (F03).
 * ERR_SYNTAX (control characters, spaces inside), ERR_TOO_LONG. Result in the arena. */
enum err username_fold(struct arena *a, struct span typed, struct span *ret_username)
    __attribute__((warn_unused_result));

#endif
