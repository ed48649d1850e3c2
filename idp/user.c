/* SPDX-License-Identifier: Apache-2.0
 *
 * User names and the names of types and states. */
#include "idp/user.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/secret.h"

#define TYPED_NAME_MAX (4 * USERNAME_MAX)

static const char *const type_names[] = {
    [USER_CITIZEN] = "citizen", [USER_ENTERPRISE] = "enterprise", [USER_OFFICIAL] = "official"};
static const char *const status_names[] = {[USER_NONE] = "none",
                                           [USER_ACTIVE] = "active",
                                           [USER_LOCKED] = "locked",
                                           [USER_DISABLED] = "disabled",
                                           [USER_ERASED] = "erased"};

const char *user_type_name(enum user_type t) {
    return (size_t)t < ARRAY_LEN(type_names) && type_names[t] ? type_names[t] : "unknown";
}

enum err user_type_find(struct span name, enum user_type *ret_type) {
    for (size_t i = USER_CITIZEN; i < ARRAY_LEN(type_names); i++)
        if (span_is(name, type_names[i])) {
            *ret_type = (enum user_type)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

const char *user_status_name(enum user_status s) {
    return (size_t)s < ARRAY_LEN(status_names) ? status_names[s] : "unknown";
}

/* Letters, marks, numbers, punctuation and symbols. Nothing that is invisible, reorders the text,
 * or has no meaning (yet): no controls, formats (zero width, bidirectional), spaces, surrogates,
 * private use, unassigned. */
static bool character_good(ucs4_t c) {
    static const uint32_t refused = UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Z;
    return !uc_is_general_category_withtable(c, refused) &&
           !uc_is_property(c, UC_PROPERTY_OTHER_DEFAULT_IGNORABLE_CODE_POINT) &&
           !uc_is_property(c, UC_PROPERTY_VARIATION_SELECTOR);
}

static bool characters_good(const uint8_t *text, size_t len) {
    for (size_t i = 0; i < len;) {
        ucs4_t c;
        int n = u8_mbtouc(&c, text + i, len - i);
        if (n <= 0 || !character_good(c))
            return false;
        i += (size_t)n;
    }
    return true;
}

enum err username_fold(struct arena *a, struct span typed, struct span *ret_username) {
    if (typed.len > TYPED_NAME_MAX)
        return ERR_TOO_LONG;
    if (typed.len == 0 || !utf8_valid(typed) ||
        !characters_good((const uint8_t *)typed.ptr, typed.len))
        return ERR_SYNTAX;

    /* The library normalises before it folds and after it, so that the result is a fixed point
     * (Unicode 3.13, NFKC_Casefold). */
    size_t len = 0;
    AUTO_FREE uint8_t *folded =
        u8_casefold((const uint8_t *)typed.ptr, typed.len, NULL, UNINORM_NFKC, NULL, &len);
    if (!folded)
        return ERR_NOMEM;
    if (len > USERNAME_MAX)
        return ERR_TOO_LONG;
    if (len == 0 || !characters_good(folded, len)) /* NFKC makes spaces of some characters */
        return ERR_SYNTAX;
    struct span copy = arena_dup(a, span_bytes(folded, len));
    if (!copy.ptr)
        return ERR_NOMEM;
    *ret_username = copy;
    return ERR_OK;
}
