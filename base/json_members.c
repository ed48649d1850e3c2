/* SPDX-License-Identifier: Apache-2.0
 *
 * See json_members.h. The scanner takes no text that json_parse would refuse: what it does not know it
 * leaves to that. */
#include "base/json_members.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"

#define DIGITS_MAX 18 /* always fits an int64_t */

/* Takes one character off the front; false, and nothing taken, when it is another. */
static bool take(struct span *rest, char c) {
    if (!rest->len || rest->ptr[0] != c)
        return false;
    rest->ptr++;
    rest->len--;
    return true;
}

static bool take_word(struct span *rest, const char *word) {
    size_t len = strlen(word);
    if (!span_starts(*rest, word))
        return false;
    rest->ptr += len;
    rest->len -= len;
    return true;
}

static bool take_text(struct span *rest, struct span *ret_text) {
    if (!take(rest, '"'))
        return false;
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != '"') {
        unsigned char c = (unsigned char)rest->ptr[n];
        if (c < 0x20 || c == '\\')
            return false;
        n++;
    }
    *ret_text = (struct span){rest->ptr, n};
    rest->ptr += n;
    rest->len -= n;
    return take(rest, '"');
}

/* 0, or digits that begin with another; no sign, fraction or exponent. */
static bool take_integer(struct span *rest, int64_t *ret_integer) {
    size_t n = 0;
    int64_t value = 0;
    while (n < rest->len && rest->ptr[n] >= '0' && rest->ptr[n] <= '9') {
        if (n == DIGITS_MAX)
            return false;
        value = value * 10 + (rest->ptr[n++] - '0');
    }
    if (n == 0 || (n > 1 && rest->ptr[0] == '0'))
        return false;
    rest->ptr += n;
    rest->len -= n;
    *ret_integer = value;
    return true;
}

static bool take_plain(struct span *rest, struct json_member *ret_value) {
    static const char *const words[] = {"true", "false", "null"};
    ret_value->kind = JSON_MEMBER_TEXT;
    if (take_text(rest, &ret_value->text))
        return true;
    ret_value->kind = JSON_MEMBER_INTEGER;
    if (take_integer(rest, &ret_value->integer))
        return true;
    ret_value->kind = JSON_MEMBER_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (take_word(rest, words[i]))
            return true;
    return false;
}

static bool take_value(struct span *rest, struct json_member *ret_value) {
    struct json_member item;
    if (!take(rest, '['))
        return take_plain(rest, ret_value);
    ret_value->kind = JSON_MEMBER_OTHER;
    if (take(rest, ']'))
        return true;
    do
        if (!take_plain(rest, &item))
            return false;
    while (take(rest, ','));
    return take(rest, ']');
}

static const struct json_member *find(const struct json_member *members, size_t n, struct span name) {
    for (size_t i = 0; i < n; i++)
        if (span_eq(members[i].name, name))
            return &members[i];
    return NULL;
}

/* False: not of the plain form. Whether it is UTF-8 is asked once, of the whole. */
static bool read_plain(struct span text, struct json_members *m) {
    m->n = 0;
    if (!utf8_valid(text) || !take(&text, '{'))
        return false;
    do {
        struct json_member *one = &m->plain[m->n];
        if (m->n == ARRAY_LEN(m->plain) || !take_text(&text, &one->name) ||
            find(m->plain, m->n, one->name) || !take(&text, ':') || !take_value(&text, one))
            return false;
        m->n++;
    } while (take(&text, ','));
    return take(&text, '}') && !text.len;
}

enum err json_members_read(struct span text, size_t max, struct json_members *ret_members) {
    ret_members->parsed = NULL;
    if (text.len <= max && read_plain(text, ret_members))
        return ERR_OK;
    return json_parse_object(text, max, &ret_members->parsed);
}

void json_members_done(struct json_members *m) {
    json_decref(m->parsed);
    m->parsed = NULL;
}

struct span json_members_str(const struct json_members *m, const char *name) {
    if (m->parsed)
        return json_str(m->parsed, name);
    const struct json_member *found = find(m->plain, m->n, span_of(name));
    return found && found->kind == JSON_MEMBER_TEXT ? found->text : SPAN_NONE;
}

enum err json_members_int(const struct json_members *m, const char *name, int64_t *ret_value) {
    if (m->parsed)
        return json_int(m->parsed, name, ret_value);
    const struct json_member *found = find(m->plain, m->n, span_of(name));
    if (!found)
        return ERR_MISSING;
    if (found->kind != JSON_MEMBER_INTEGER)
        return ERR_SYNTAX;
    *ret_value = found->integer;
    return ERR_OK;
}

bool json_members_has(const struct json_members *m, const char *name) {
    return m->parsed ? json_object_get(m->parsed, name) != NULL
                     : find(m->plain, m->n, span_of(name)) != NULL;
}
