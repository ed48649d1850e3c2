/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings as data: one row each. Used by config.c (reading, document) and config_check.c
 * (rules between settings) only; everybody else reads the typed struct config. */
#ifndef IDP_CONFIG_SCHEMA_H
#define IDP_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "idp/config.h"

enum setting_type {
    SETTING_TEXT,     /* one line; min and max are bytes */
    SETTING_INT,      /* decimal digits */
    SETTING_DURATION, /* 30s, 5m, 12h, 90d; min and max in seconds */
    SETTING_MEMORY,   /* 512KiB, 19MiB, 1GiB; min and max in KiB */
    SETTING_BOOL,     /* true or false, nothing else */
    SETTING_CHOICE,   /* one of the words in `choices` */
    SETTING_ADDRESS,  /* 127.0.0.1:8080 or [::1]:8080 */
    SETTING_PATH,     /* relative to the folder of the configuration file */
    SETTING_URL,      /* the issuer */
    SETTING_CIDRS,    /* list of 10.0.0.0/8, 2001:db8::/32 */
    SETTING_UIDS,     /* list of numeric user ids */
    SETTING_PLACES    /* list of networks, host names, or the word public */
};

struct setting {
    const char *path; /* "times.code": section and key */
    enum setting_type type;
    size_t field; /* offset in struct config */
    bool is_required;
    int64_t min, max;
    const char *fallback; /* as it would stand in the file; NULL: absent */
    const char *choices;  /* space-separated, SETTING_CHOICE only */
    const char *about;
};

extern const struct setting settings[];
extern const size_t settings_count;

/* Parses one scalar into its field. On failure `ret_why` is what is wrong, in `a` or static. */
bool setting_parse(struct arena *a, const struct setting *s, struct span text, struct config *c,
                   const char **ret_why);
bool setting_is_list(const struct setting *s);
const char *setting_type_name(enum setting_type t);

/* Which setting a broken rule is about, and what is wrong. */
typedef void config_complain_fn(void *ctx, const char *path, const char *why);
/* Rules between settings, and what follows from them (host, cookie suffix, counts of threads). */
void config_check(struct config *c, config_complain_fn *complain, void *ctx);

#endif
