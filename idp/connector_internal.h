/* SPDX-License-Identifier: Apache-2.0
 *
 * A connector's file while it is read; for connector*.c and config.c only. */
#ifndef IDP_CONNECTOR_INTERNAL_H
#define IDP_CONNECTOR_INTERNAL_H

#include "idp/config_schema.h"
#include "idp/connector.h"

#define DIALECTS (DIALECT_VNEID_PARTNER + 1)

/* What the table fills: the connector itself, and what is still words. */
struct connector_draft {
    struct connector c;
    struct span dialect, auth, unknown, secret_file;
    struct config_list passes, claims, levels;
    int64_t most_level;
    /* not from the file */
    struct arena *arena;
    bool issuer_is_https; /* ours */
};

extern const struct config_schema connector_schema; /* of struct connector_draft */

/* What a setting is where the file does not say, by dialect. */
struct connector_default {
    const char *path;
    const char *value[DIALECTS]; /* NULL: nothing */
};
extern const struct connector_default connector_defaults[];
extern const size_t connector_defaults_count;

extern const char *const connector_dialects[DIALECTS];

/* Rules between a connector's settings, and its typed form. `base` is a struct connector_draft. */
config_rules_fn connector_check;

/* Loads the files that `c` lists; ERR_SYNTAX, ERR_NOMEM. */
must_check enum err connector_list_load(struct config *c, struct buf *report);

#endif
