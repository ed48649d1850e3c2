/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are compiled into the program, as embed.py writes them: templates, and static files
 * whose URL carries a hash of their content, so that browsers may keep them for good. */
#ifndef IDP_WEB_ASSETS_H
#define IDP_WEB_ASSETS_H

#include <stddef.h>

#include "base/span.h"

struct asset {
    const char *name;         /* file name: "sign_in.html", "site.css" */
    const char *url;          /* "/static/site.0123456789abcdef.css"; NULL for templates */
    const char *content_type; /* NULL for templates */
    const unsigned char *bytes;
    size_t len;
};

struct asset_table {
    const struct asset *item;
    size_t count;
};

/* The provider's own. */
extern const struct asset_table web_templates;
extern const struct asset_table web_statics;

static inline struct span asset_span(const struct asset *a) {
    return span_bytes(a->bytes, a->len);
}

static inline const struct asset *asset_find(const struct asset_table *table, struct span name) {
    for (size_t i = 0; i < table->count; i++)
        if (span_is(name, table->item[i].name))
            return &table->item[i];
    return NULL;
}

#endif
