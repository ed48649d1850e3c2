/* SPDX-License-Identifier: Apache-2.0
 *
 * See device_name.h. The tables are searched in order: almost every browser also claims to be
 * Chrome or Safari, and Android to be Linux. */
#include "web/device_name.h"

#include "base/cleanup.h"

struct device_word {
    const char *word; /* in the User-Agent header */
    const char *name; /* on the page */
};

static const struct device_word browsers[] = {
    {"coc_coc_browser", "Cốc Cốc"},
    {"Zalo", "Zalo"},
    {"Edg", "Edge"},
    {"OPR/", "Opera"},
    {"SamsungBrowser", "Samsung Internet"},
    {"Firefox/", "Firefox"},
    {"FxiOS/", "Firefox"},
    {"CriOS/", "Chrome"},
    {"Chrome/", "Chrome"},
    {"Safari/", "Safari"},
};

static const struct device_word systems[] = {
    {"iPhone", "iPhone"},   {"iPad", "iPad"},       {"Android", "Android"},
    {"Windows", "Windows"}, {"Mac OS X", "macOS"},  {"CrOS", "ChromeOS"},
    {"Linux", "Linux"},
};

static const char *word_find(struct span text, const struct device_word *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (text.len && memmem(text.ptr, text.len, table[i].word, strlen(table[i].word)))
            return table[i].name;
    return NULL;
}

struct span device_name(struct arena *a, struct span user_agent) {
    const char *browser = word_find(user_agent, browsers, ARRAY_LEN(browsers));
    const char *system = word_find(user_agent, systems, ARRAY_LEN(systems));
    if (!browser || !system)
        return span_of(browser ? browser : system ? system : "");
    const char *both = arena_printf(a, "%s, %s", browser, system);
    return span_of(both ? both : "");
}
