/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings as data, one row each, and the engine that reads a file by such a table into a struct:
 * idpd's own file (config.c) and a connector's (connector.c). Everybody else reads the typed struct
 * config and struct connector. */
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
    SETTING_PLACES,   /* list of networks, host names, or the word public */
    SETTING_PATHS,    /* list of paths; relative as SETTING_PATH */
    SETTING_WORDS,    /* list of words in `choices` */
    SETTING_PAIRS,    /* list of one=other, printable ASCII without spaces */
    SETTING_DATE      /* 2026-12-31: where that day begins in Viet Nam, in seconds since 1970 */
};

struct setting {
    const char *path; /* "times.code": section and key */
    enum setting_type type;
    size_t field; /* offset in the struct */
    bool is_required;
    int64_t min, max;     /* of lists: max is the number of items */
    const char *fallback; /* as it would stand in the file; NULL: absent, as for every list */
    const char *choices;  /* space-separated, SETTING_CHOICE and SETTING_WORDS only */
    const char *about;
};

struct config_schema {
    const struct setting *settings;
    size_t count;
};
extern const struct config_schema config_schema; /* of struct config */

/* Parses one scalar into its field of the struct at `base`; a list's item is appended. On failure
 * `ret_why` is what is wrong, in `a` or static. */
bool setting_parse(struct arena *a, const struct setting *s, struct span text, void *base,
                   const char **ret_why);
bool setting_is_list(const struct setting *s);
const char *setting_type_name(enum setting_type t);

/* A file that is being read. */
struct config_reader;
/* Rules between settings, and what follows from them; called once the whole file is read. */
typedef void config_rules_fn(struct config_reader *r, void *base);
/* Which setting a broken rule is about, and what is wrong (copied). */
void config_complain(struct config_reader *r, const char *path, const char *why);
/* A default that follows from other settings (lists: spaces between the items); nothing where the
 * file has its own value. */
void config_default(struct config_reader *r, const char *path, const char *text);

/* Reads the file into the zeroed struct at `base`, strings in `a`; errors into `report` as
 * config_load says. ERR_SYNTAX, ERR_NOMEM. */
must_check enum err config_file_read(const char *path, const struct config_schema *schema,
                                     struct arena *a, void *base, config_rules_fn *rules,
                                     struct buf *report);
/* The table as Markdown. */
void config_schema_document(const struct config_schema *schema, struct buf *out);

/* The rules of idpd's own file (host, cookie suffix, counts of threads follow). */
config_rules_fn config_check;

#endif
