/* SPDX-License-Identifier: Apache-2.0
 *
 * A parsed template: between template.c, which parses, and template_render.c. */
#ifndef IDP_WEB_TEMPLATE_NODE_H
#define IDP_WEB_TEMPLATE_NODE_H

#include "web/template.h"

enum node_kind {
    NODE_LITERAL,      /* text: bytes of the template, or a static file's URL */
    NODE_VALUE,        /* text: name */
    NODE_LINK,         /* text: name; behind href=" and the like */
    NODE_SECTION,      /* text: name; end */
    NODE_INVERTED,     /* text: name; end */
    NODE_PARTIAL,      /* partial */
    NODE_MESSAGE,      /* row */
    NODE_MESSAGE_HOLE, /* text: name of the value; before and after: the rest of the key */
};

struct node {
    enum node_kind kind;
    struct span text;
    struct span before, after;
    const struct text_row *row;
    size_t partial; /* index into the set */
    size_t end;     /* index of the first node behind the section */
};

struct template {
    struct span name; /* without ".html" */
    struct span source;
    struct node *node;
    size_t n_nodes;
};

struct template_set {
    struct template_sources sources;
    struct template *item;
    size_t count;
};

const struct template *template_find(const struct template_set *set, struct span name);

#endif
