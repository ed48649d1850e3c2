/* SPDX-License-Identifier: Apache-2.0
 *
 * acr and amr; see acr.h. */
#include "protocols/oidc/acr.h"

#include "base/cleanup.h"
#include "idp/config.h"
#include "idp/session.h"

enum vocabulary { VOCABULARY_URI, VOCABULARY_LOA, VOCABULARY_DIGIT, VOCABULARIES };

static struct span name_of(const struct config *cfg, int level, enum vocabulary v) {
    const struct span names[ACR_LEVELS][VOCABULARIES] = {
        {cfg->acr_1, SPAN("LoA1"), SPAN("1")},
        {cfg->acr_2, SPAN("LoA2"), SPAN("2")},
        {cfg->acr_3, SPAN("LoA3"), SPAN("3")},
    };
    return names[level - 1][v];
}

static int find(const struct config *cfg, struct span name, enum vocabulary *ret_vocabulary) {
    for (int level = 1; level <= ACR_LEVELS; level++)
        for (int v = 0; v < VOCABULARIES; v++)
            if (name.len && span_eq(name_of(cfg, level, (enum vocabulary)v), name)) {
                *ret_vocabulary = (enum vocabulary)v;
                return level;
            }
    return 0;
}

int acr_level(const struct config *cfg, struct span name) {
    enum vocabulary ignored;
    return find(cfg, name, &ignored);
}

struct span acr_name(const struct config *cfg, struct span acr_values, int loa) {
    if (loa < 1 || loa > ACR_LEVELS)
        return SPAN_NONE;
    enum vocabulary v = VOCABULARY_URI;
    for (struct span word; (word = span_word(&acr_values)).len;)
        if (find(cfg, word, &v))
            break;
    return name_of(cfg, loa, v);
}

struct span acr_highest(const struct config *cfg, struct span acr_values, int loa) {
    struct span highest = SPAN_NONE;
    int best = 0;
    for (struct span word; (word = span_word(&acr_values)).len;) {
        int level = acr_level(cfg, word);
        if (level > best && level <= loa) {
            best = level;
            highest = word;
        }
    }
    return highest;
}

int acr_first(const struct config *cfg, struct span acr_values) {
    int level = 0;
    for (struct span word; !level && (word = span_word(&acr_values)).len;)
        level = acr_level(cfg, word);
    return level;
}

int acr_lowest(const struct config *cfg, struct span acr_values) {
    int lowest = 0;
    for (struct span word; (word = span_word(&acr_values)).len;) {
        int level = acr_level(cfg, word);
        if (level && (!lowest || level < lowest))
            lowest = level;
    }
    return lowest;
}

void acr_list(const struct config *cfg, struct json_out *o, const char *member) {
    json_open_array(o, member);
    for (int v = 0; v < VOCABULARIES; v++)
        for (int level = 1; level <= ACR_LEVELS; level++)
            json_add_str(o, NULL, name_of(cfg, level, (enum vocabulary)v));
    json_close_array(o);
}

static const struct {
    unsigned bit;
    const char *name;
    const char *spec;
} amr_names[] = {
    {AMR_PWD, "pwd", "RFC 8176 2"},   {AMR_OTP, "otp", "RFC 8176 2"},
    {AMR_HWK, "hwk", "RFC 8176 2"},   {AMR_SWK, "swk", "RFC 8176 2"},
    {AMR_USER, "user", "RFC 8176 2"}, {AMR_FED, "fed", "signed in at another provider"},
};

/* What a person knows beside what a person has. */
static bool is_multi_factor(unsigned amr) {
    return (amr & AMR_PWD && amr & (AMR_OTP | AMR_HWK | AMR_SWK)) ||
           (amr & AMR_USER && amr & (AMR_HWK | AMR_SWK));
}

void amr_add(struct json_out *o, unsigned amr) {
    if (!amr)
        return;
    json_open_array(o, "amr");
    for (size_t i = 0; i < ARRAY_LEN(amr_names); i++)
        if (amr & amr_names[i].bit)
            json_add_str(o, NULL, span_of(amr_names[i].name));
    if (is_multi_factor(amr))
        json_add_str(o, NULL, SPAN("mfa"));
    json_close_array(o);
}
