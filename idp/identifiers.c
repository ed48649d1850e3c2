/* SPDX-License-Identifier: Apache-2.0
 *
 * Vietnamese identifiers; see identifiers.h. Only ASCII digits and letters count: a look-alike
 * digit of another script is refused, not translated. Pure. */
#include "idp/identifiers.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"

#define PERSONAL_NUMBER_DIGITS 12
#define CMND_DIGITS            9
#define TAX_CODE_DIGITS        10
#define TAX_BRANCH_DIGITS      3
#define AGENCY_CODE_MAX        35
#define E164_DIGITS_MAX        15

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool all_digits(struct span s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.ptr[i]))
            return false;
    return s.len > 0;
}

/* A copy without the characters of `dropped`, which people write to group digits. */
static enum err strip(struct arena *a, struct span text, const char *dropped,
                      struct span *ret_text) {
    char *copy = arena_alloc(a, text.len + 1);
    size_t n = 0;
    if (!copy)
        return ERR_NOMEM;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || !strchr(dropped, text.ptr[i]))
            copy[n++] = text.ptr[i];
    *ret_text = span_bytes(copy, n);
    return ERR_OK;
}

static enum err exact_digits(struct arena *a, struct span text, size_t digits,
                             struct span *ret_text) {
    struct span plain;
    enum err e = strip(a, text, " ", &plain);
    if (e)
        return e;
    if (plain.len != digits || !all_digits(plain))
        return ERR_SYNTAX;
    *ret_text = plain;
    return ERR_OK;
}

static enum err personal_number(struct arena *a, struct span text, struct span *ret_text) {
    return exact_digits(a, text, PERSONAL_NUMBER_DIGITS, ret_text);
}

static enum err old_identity_card(struct arena *a, struct span text, struct span *ret_text) {
    return exact_digits(a, text, CMND_DIGITS, ret_text);
}

static enum err passport(struct arena *a, struct span text, struct span *ret_text) {
    struct span plain;
    enum err e = strip(a, text, " ", &plain);
    if (e)
        return e;
    if (plain.len < 6 || plain.len > 12)
        return ERR_SYNTAX;
    char *upper = (char *)plain.ptr; /* the arena's copy */
    for (size_t i = 0; i < plain.len; i++) {
        if (upper[i] >= 'a' && upper[i] <= 'z')
            upper[i] = (char)(upper[i] - 'a' + 'A');
        if (!is_digit(upper[i]) && !(upper[i] >= 'A' && upper[i] <= 'Z'))
            return ERR_SYNTAX;
    }
    *ret_text = plain;
    return ERR_OK;
}

/* d10 = 10 - (sum of w*d mod 11); a result of 10 is no valid code. */
static bool tax_check_digit(const char *digits) {
    static const int weight[TAX_CODE_DIGITS - 1] = {31, 29, 23, 19, 17, 13, 7, 5, 3};
    int sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(weight); i++)
        sum += weight[i] * (digits[i] - '0');
    return 10 - sum % 11 == digits[TAX_CODE_DIGITS - 1] - '0';
}

/* 10 digits, or 13 with the branch (001-999). */
static enum err enterprise_code(struct arena *a, struct span text, struct span *ret_text) {
    struct span plain;
    enum err e = strip(a, text, " -", &plain);
    if (e)
        return e;
    if (!all_digits(plain) ||
        (plain.len != TAX_CODE_DIGITS && plain.len != TAX_CODE_DIGITS + TAX_BRANCH_DIGITS))
        return ERR_SYNTAX;
    if (!tax_check_digit(plain.ptr))
        return ERR_SYNTAX;
    if (plain.len > TAX_CODE_DIGITS &&
        memcmp(plain.ptr + TAX_CODE_DIGITS, "000", TAX_BRANCH_DIGITS) == 0)
        return ERR_SYNTAX;
    *ret_text = plain;
    return ERR_OK;
}

/* An enterprise's code, or a person's number, which serves as tax code since 01/07/2025. */
static enum err tax_code(struct arena *a, struct span text, struct span *ret_text) {
    if (personal_number(a, text, ret_text) == ERR_OK)
        return ERR_OK;
    return enterprise_code(a, text, ret_text);
}

/* Opaque and case-sensitive: kept as given. */
static enum err technical_id(struct arena *a, struct span text, struct span *ret_text) {
    if (!text.len || !ascii_printable(text) || memchr(text.ptr, ' ', text.len))
        return ERR_SYNTAX;
    struct span copy = arena_dup(a, text);
    if (!copy.ptr)
        return ERR_NOMEM;
    *ret_text = copy;
    return ERR_OK;
}

/* clang-format off */
const struct identifier_kind identifier_kinds[] = {
    /* name             normalise          max  unique  specification                              */
    {"SoDinhDanh",      personal_number,   32,  true,  "personal number: 12 digits"},
    {"SoCMND",          old_identity_card, 32,  true,  "old identity card: 9 digits"},
    {"HoChieu",         passport,          32,  true,  "passport: 6 to 12 letters and digits"},
    {"MaSoThue",        tax_code,          32,  true,  "tax code: 10 or 13 digits with check digit"},
    {"MaSoDoanhNghiep", enterprise_code,   32,  true,  "enterprise code: as the tax code"},
    {"TechID",          technical_id,      128, true,  "technical id of the national portal"},
    {"SoDienThoai",     phone_normalise,   32,  false, "telephone number: E.164; families share one"},
};
/* clang-format on */
const size_t identifier_kinds_count = ARRAY_LEN(identifier_kinds);

const struct identifier_kind *identifier_kind_find(struct span name) {
    for (size_t i = 0; i < identifier_kinds_count; i++)
        if (span_is(name, identifier_kinds[i].name))
            return &identifier_kinds[i];
    return NULL;
}

/* Digits 4-6 are century and sex (19xx: 0 male, 1 female; 20xx: 2, 3; ...) and year of birth. */
bool personal_number_agrees(struct span number, int sex, int birth_year) {
    if (number.len != PERSONAL_NUMBER_DIGITS || !all_digits(number))
        return false;
    int century_and_sex = number.ptr[3] - '0';
    int year =
        1900 + century_and_sex / 2 * 100 + (number.ptr[4] - '0') * 10 + (number.ptr[5] - '0');
    int number_sex = century_and_sex % 2 == 0 ? 1 : 2;
    return (sex == 0 || sex == number_sex) && (birth_year == 0 || birth_year == year);
}

/* ^[A-Y][0-9]{2}(\.[0-9A-Z]+)*$ */
enum err agency_code_check(struct span code) {
    if (code.len > AGENCY_CODE_MAX)
        return ERR_TOO_LONG;
    struct span rest = code, first = span_cut(&rest, '.');
    if (first.len != 3 || first.ptr[0] < 'A' || first.ptr[0] > 'Y' || !is_digit(first.ptr[1]) ||
        !is_digit(first.ptr[2]))
        return ERR_SYNTAX;
    while (rest.ptr) {
        struct span part = span_cut(&rest, '.');
        for (size_t i = 0; i < part.len; i++)
            if (!is_digit(part.ptr[i]) && !(part.ptr[i] >= 'A' && part.ptr[i] <= 'Z'))
                return ERR_SYNTAX;
        if (part.len == 0)
            return ERR_SYNTAX;
    }
    return ERR_OK;
}

/* National significant number: mobiles 3,5,7,8,9 with 9 digits, fixed lines 2 with 10. */
static bool national_good(struct span digits) {
    if (!all_digits(digits))
        return false;
    return digits.ptr[0] == '2' ? digits.len == 10
                                : digits.len == 9 && strchr("35789", digits.ptr[0]) != NULL;
}

enum err phone_normalise(struct arena *a, struct span text, struct span *ret_e164) {
    struct span plain;
    enum err e = strip(a, text, " .-()", &plain);
    if (e)
        return e;
    bool is_vietnamese = true;
    if (span_starts(plain, "+84")) {
        plain = span_bytes(plain.ptr + 3, plain.len - 3);
        if (span_starts(plain, "0")) /* +84 (0)912 ... */
            plain = span_bytes(plain.ptr + 1, plain.len - 1);
    } else if (span_starts(plain, "+")) {
        is_vietnamese = false;
        plain = span_bytes(plain.ptr + 1, plain.len - 1);
    } else if (span_starts(plain, "0")) {
        plain = span_bytes(plain.ptr + 1, plain.len - 1);
    } else {
        return ERR_SYNTAX;
    }
    if (is_vietnamese ? !national_good(plain)
                      : !all_digits(plain) || plain.ptr[0] == '0' || plain.len < 7 ||
                            plain.len > E164_DIGITS_MAX)
        return ERR_SYNTAX;
    char *e164 = arena_printf(a, "+%s%.*s", is_vietnamese ? "84" : "", SPAN_FMT(plain));
    if (!e164)
        return ERR_NOMEM;
    *ret_e164 = span_of(e164);
    return ERR_OK;
}

static enum err check_one(struct arena *a, struct span name, const json_t *value,
                          struct span *ret_text) {
    const struct identifier_kind *kind = identifier_kind_find(name);
    if (!kind)
        return ERR_UNSUPPORTED;
    if (!json_is_string(value))
        return ERR_SYNTAX;
    struct span text = span_bytes(json_string_value(value), json_string_length(value));
    return text.len > kind->max ? ERR_TOO_LONG : kind->normalise(a, text, ret_text);
}

enum err identifiers_check(struct arena *a, const json_t *given, json_t **ret_normal,
                           const char **reterr_name) {
    json_t *normal = json_object();
    if (!normal)
        return ERR_NOMEM;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)given, name, value) {
        struct span text = SPAN_NONE;
        enum err e = check_one(a, span_of(name), value, &text);
        if (e == ERR_OK && json_object_set_new(normal, name, json_stringn(text.ptr, text.len)))
            e = ERR_NOMEM;
        if (e) {
            *reterr_name = arena_strdup(a, name);
            json_decref(normal);
            return e;
        }
    }
    *ret_normal = normal;
    return ERR_OK;
}
