/* SPDX-License-Identifier: Apache-2.0
 *
 * See language.h. */
#include "web/language.h"

#include <strings.h>

#include "base/cleanup.h"
#include "idp/transport.h"

#define QUALITY_MAX 1000

static const struct {
    enum lang lang;
    const char *code;
} languages[] = {{LANG_VI, "vi"}, {LANG_EN, "en"}};

const char *language_code(enum lang lang) {
    return languages[lang == LANG_EN].code;
}

/* "en" and "en-GB" are English; "eng" is nothing we know. */
static bool tag_find(struct span tag, enum lang *ret_lang) {
    for (size_t i = 0; i < ARRAY_LEN(languages); i++)
        if (tag.len >= 2 && strncasecmp(tag.ptr, languages[i].code, 2) == 0 &&
            (tag.len == 2 || tag.ptr[2] == '-')) {
            *ret_lang = languages[i].lang;
            return true;
        }
    return false;
}

/* "q=0.8" as 800; what is no quality counts as none. */
static unsigned quality(struct span params) {
    params = field_trim(params);
    if (!params.len)
        return QUALITY_MAX;
    if (params.len < 3 || (params.ptr[0] | 0x20) != 'q' || params.ptr[1] != '=')
        return 0;
    if (params.ptr[2] == '1')
        return QUALITY_MAX;
    unsigned q = 0, unit = 100;
    for (size_t i = 4; i < params.len && unit; i++, unit /= 10) {
        if (params.ptr[i] < '0' || params.ptr[i] > '9')
            return 0;
        q += (unsigned)(params.ptr[i] - '0') * unit;
    }
    return q;
}

static bool accept_find(struct span field, enum lang *ret_lang) {
    unsigned best = 0;
    while (field.ptr) {
        struct span params = span_cut(&field, ',');
        struct span tag = field_trim(span_cut(&params, ';'));
        unsigned q = quality(params);
        enum lang lang;
        if (q > best && tag_find(tag, &lang)) {
            best = q;
            *ret_lang = lang;
        }
    }
    return best > 0;
}

static bool locales_find(struct span locales, enum lang *ret_lang) {
    for (struct span word = span_word(&locales); word.ptr; word = span_word(&locales))
        if (tag_find(word, ret_lang))
            return true;
    return false;
}

enum lang language_choose(const struct language_wishes *w, bool *ret_is_asked) {
    enum lang lang = LANG_VI;
    *ret_is_asked = tag_find(w->lang, &lang) || locales_find(w->ui_locales, &lang);
    if (!*ret_is_asked && !tag_find(w->cookie, &lang))
        (void)accept_find(w->accept_language, &lang);
    return lang;
}
