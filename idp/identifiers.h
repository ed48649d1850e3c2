/* SPDX-License-Identifier: Apache-2.0
 *
 * Vietnamese identifiers: checked and brought into one form before they are stored or
 * looked up. */
#ifndef IDP_IDENTIFIERS_H
#define IDP_IDENTIFIERS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/keyring.h"

struct identifier_kind {
    const char *name; /* "SoDinhDanh", "SoCMND", "HoChieu", "MaSoThue", "MaSoDoanhNghiep", "TechID", "SoDienThoai" */
    enum err (*normalise)(struct arena *a, struct span text, struct span *ret_text);
    size_t max;
    bool is_unique; /* one account of that type at most */
    const char *spec;
};
extern const struct identifier_kind identifier_kinds[];
extern const size_t identifier_kinds_count;
const struct identifier_kind *identifier_kind_find(struct span name);

/* Does a personal number agree with a declared sex (0 unknown, 1 male, 2 female) and year of birth?
 * Disagreement is worth a warning, never a refusal. */
bool personal_number_agrees(struct span number, int sex, int birth_year);
/* QĐ 20/2020. */
enum err agency_code_check(struct span code) __attribute__((warn_unused_result));
/* E.164 from +84 / 0-prefixed forms. */
enum err phone_normalise(struct arena *a, struct span text, struct span *ret_e164)
    __attribute__((warn_unused_result));
/* Normalises all members of an object of identifiers; unknown kinds are ERR_UNSUPPORTED; on
 * failure `*reterr_name` is the member. */
enum err identifiers_check(struct arena *a, const json_t *given, json_t **ret_normal,
                           const char **reterr_name) __attribute__((warn_unused_result));

/* Encrypts an object from identifiers_check for the account's row, and back. The caller owns what
 * identifiers_open returns: an empty object when the account has none. */
enum err identifiers_seal(const struct keyring *k, const struct user_id *id, const json_t *normal,
                          struct buf *out) __attribute__((warn_unused_result));
enum err identifiers_open(const struct keyring *k, struct arena *a, const struct user *u,
                          json_t **ret_identifiers) __attribute__((warn_unused_result));

#endif
