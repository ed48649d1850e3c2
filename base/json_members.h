/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of one JSON object, for those who only look at a few of them: the claims of a token. The
 * plain form that json_out writes (no white space, no escapes, nothing nested but lists of plain
 * values) is read in place; any other text goes through json_parse. Both accept the same texts and
 * find the same in them. */
#ifndef IDP_BASE_JSON_MEMBERS_H
#define IDP_BASE_JSON_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define JSON_MEMBERS_PLAIN_MAX 32 /* an object of more is parsed */

enum json_member_kind { JSON_MEMBER_OTHER = 0, JSON_MEMBER_TEXT, JSON_MEMBER_INTEGER };

struct json_member {
    struct span name, text;
    int64_t integer;
    enum json_member_kind kind;
};

struct json_members {
    json_t *parsed; /* NULL: `plain` has them */
    size_t n;
    struct json_member plain[JSON_MEMBERS_PLAIN_MAX];
};

/* Borrows `text` until json_members_done. Errors of json_parse_object; then there is nothing to end. */
must_check enum err json_members_read(struct span text, size_t max, struct json_members *ret_members);
/* Also of one that was never filled and is {.parsed = NULL}. */
void json_members_done(struct json_members *m);

/* Borrowed; absent when missing or no string. */
struct span json_members_str(const struct json_members *m, const char *name);
/* ERR_MISSING, ERR_SYNTAX (no integer; 1.0 is none) */
must_check enum err json_members_int(const struct json_members *m, const char *name, int64_t *ret_value);
bool json_members_has(const struct json_members *m, const char *name);

#endif
