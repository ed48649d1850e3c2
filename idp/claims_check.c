/* SPDX-License-Identifier: Apache-2.0
 *
 * The claims object of a new account: known names, right kinds, texts in NFC. */
#include <stdlib.h>
#include <uninorm.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/claims_internal.h"
#include "idp/identifiers.h"

#define LIST_MAX 64 /* members of an address or list of roles */

/* One line of text in NFC: names are compared after it, marks are never stripped. */
static enum err take_text(const json_t *value, json_t **ret_value) {
    if (!json_is_string(value))
        return ERR_SYNTAX;
    struct span text = span_bytes(json_string_value(value), json_string_length(value));
    if (text.len > CLAIM_TEXT_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
            return ERR_SYNTAX;
    if (text.len == 0 || !utf8_valid(text))
        return ERR_SYNTAX;
    size_t len = 0;
    AUTO_FREE uint8_t *normal =
        u8_normalize(UNINORM_NFC, (const uint8_t *)text.ptr, text.len, NULL, &len);
    *ret_value = normal ? json_stringn((const char *)normal, len) : NULL;
    return *ret_value ? ERR_OK : ERR_NOMEM;
}

static bool digits(const char *s, size_t n, int *ret_number) {
    int number = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        number = number * 10 + (s[i] - '0');
    }
    *ret_number = number;
    return true;
}

static bool date_good(int year, int month, int day) {
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
        return false;
    bool is_leap = year == 0 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    return month != 2 || day < 29 || is_leap;
}

static bool iso_date_good(struct span s) {
    int year, month, day;
    if (s.len == 4)
        return digits(s.ptr, 4, &year);
    return s.len == 10 && s.ptr[4] == '-' && s.ptr[7] == '-' && digits(s.ptr, 4, &year) &&
           digits(s.ptr + 5, 2, &month) && digits(s.ptr + 8, 2, &day) &&
           date_good(year, month, day);
}

static bool plain_date_good(struct span s) {
    int year, month, day;
    return s.len == 8 && digits(s.ptr, 4, &year) && digits(s.ptr + 4, 2, &month) &&
           digits(s.ptr + 6, 2, &day) && year > 0 && date_good(year, month, day);
}

/* One @ with something on both sides, no white space: more is for the mail server to say. */
static bool email_good(struct span s) {
    const char *at = memchr(s.ptr, '@', s.len);
    size_t before = at ? (size_t)(at - s.ptr) : 0;
    return before > 0 && before + 1 < s.len && !memchr(at + 1, '@', s.len - before - 1) &&
           !memchr(s.ptr, ' ', s.len);
}

static bool text_good(enum claim_kind kind, struct span s) {
    switch (kind) {
    case CLAIM_EMAIL:
        return email_good(s);
    case CLAIM_ISO_DATE:
        return iso_date_good(s);
    case CLAIM_PLAIN_DATE:
        return plain_date_good(s);
    case CLAIM_AGENCY:
        return agency_code_check(s) == ERR_OK;
    default:
        return true;
    }
}

static enum err take_phone(struct arena *a, const json_t *value, json_t **ret_value) {
    struct span e164;
    if (!json_is_string(value))
        return ERR_SYNTAX;
    enum err e =
        phone_normalise(a, span_bytes(json_string_value(value), json_string_length(value)), &e164);
    if (e)
        return e;
    *ret_value = json_stringn(e164.ptr, e164.len);
    return *ret_value ? ERR_OK : ERR_NOMEM;
}

static enum err take_texts(const json_t *given, json_t **ret_value) {
    if (!json_is_object(given) || json_object_size(given) > LIST_MAX)
        return ERR_SYNTAX;
    AUTO_JSON json_t *normal = json_object();
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)given, name, member) {
        json_t *text;
        enum err e = take_text(member, &text);
        if (e)
            return e;
        if (json_object_set_new(normal, name, text))
            return ERR_NOMEM;
    }
    *ret_value = TAKE(normal);
    return *ret_value ? ERR_OK : ERR_NOMEM;
}

static enum err take_words(const json_t *given, json_t **ret_value) {
    if (!json_is_array(given) || json_array_size(given) > LIST_MAX)
        return ERR_SYNTAX;
    AUTO_JSON json_t *normal = json_array();
    for (size_t i = 0; i < json_array_size(given); i++) {
        json_t *text;
        enum err e = take_text(json_array_get(given, i), &text);
        if (e)
            return e;
        if (json_array_append_new(normal, text))
            return ERR_NOMEM;
    }
    *ret_value = TAKE(normal);
    return *ret_value ? ERR_OK : ERR_NOMEM;
}

static enum err take_value(struct arena *a, enum claim_kind kind, const json_t *value,
                           json_t **ret_value) {
    switch (kind) {
    case CLAIM_DERIVED:
    case CLAIM_IDENTIFIER:
        return ERR_UNSUPPORTED;
    case CLAIM_BOOL:
        *ret_value = json_is_boolean(value) ? json_incref((json_t *)value) : NULL;
        return *ret_value ? ERR_OK : ERR_SYNTAX;
    case CLAIM_INT:
        *ret_value = json_is_integer(value) ? json_incref((json_t *)value) : NULL;
        return *ret_value ? ERR_OK : ERR_SYNTAX;
    case CLAIM_PHONE:
        return take_phone(a, value, ret_value);
    case CLAIM_TEXTS:
        return take_texts(value, ret_value);
    case CLAIM_WORDS:
        return take_words(value, ret_value);
    default: {
        if (json_is_string(value) &&
            !text_good(kind, span_bytes(json_string_value(value), json_string_length(value))))
            return ERR_SYNTAX;
        return take_text(value, ret_value);
    }
    }
}

static const struct claim_def *claim_def_find(const char *name) {
    for (size_t i = 0; i < claim_defs_count; i++)
        if (strcmp(claim_defs[i].name, name) == 0)
            return &claim_defs[i];
    return NULL;
}

enum err claims_check(struct arena *a, const json_t *given, json_t **ret_normal,
                      const char **reterr_name) {
    AUTO_JSON json_t *normal = json_object();
    const char *name;
    json_t *value;
    *reterr_name = NULL;
    json_object_foreach((json_t *)given, name, value) {
        const struct claim_def *d = claim_def_find(name);
        json_t *taken = NULL;
        enum err e = d ? take_value(a, d->kind, value, &taken) : ERR_UNSUPPORTED;
        if (!e && json_object_set_new(normal, name, taken))
            e = ERR_NOMEM;
        if (e) {
            *reterr_name = arena_strdup(a, name);
            return e;
        }
    }
    if (!normal)
        return ERR_NOMEM;
    *ret_normal = TAKE(normal);
    return ERR_OK;
}
