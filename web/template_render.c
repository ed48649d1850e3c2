/* SPDX-License-Identifier: Apache-2.0
 *
 * See template.h: from nodes and a model to bytes. Every value passes html_add(); what the model
 * lacks is an error, not an empty place: a form without its token must not go out. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "web/template_node.h"

/* common, model, and what open sections added; the parser bounds both depths. */
#define SCOPES_MAX (2 + TEMPLATE_SECTION_DEPTH_MAX * (TEMPLATE_PARTIAL_DEPTH_MAX + 1))

struct render {
    const struct template_set *set;
    enum lang lang;
    const json_t *scope[SCOPES_MAX];
    size_t depth;
    struct buf *out;
    struct span missing;
};

static const json_t *member(const json_t *object, struct span name) {
    return json_object_getn(object, name.ptr, name.len);
}

/* NULL when there is no such value. The scope that has the first word decides. */
static const json_t *value_find(const struct render *r, struct span name) {
    if (span_is(name, "."))
        return r->scope[r->depth - 1];
    struct span first = span_cut(&name, '.');
    const json_t *value = NULL;
    for (size_t i = r->depth; i-- > 0 && !value;)
        value = member(r->scope[i], first);
    while (value && name.ptr)
        value = member(value, span_cut(&name, '.'));
    return value;
}

static bool value_is_true(const json_t *v) {
    if (json_is_string(v))
        return json_string_length(v) > 0;
    if (json_is_integer(v))
        return json_integer_value(v) != 0;
    if (json_is_array(v))
        return json_array_size(v) > 0;
    return v && !json_is_false(v) && !json_is_null(v);
}

#define NUMBER_SIZE 24 /* bytes: a 64-bit number in decimal */

/* A value's text, not yet escaped; `number` is room for integers. ERR_MISSING when it has none. */
static enum err value_text(struct render *r, struct span name, char number[NUMBER_SIZE],
                           struct span *ret_text) {
    const json_t *v = value_find(r, name);
    if (json_is_string(v)) {
        *ret_text = span_bytes(json_string_value(v), json_string_length(v));
        return ERR_OK;
    }
    if (json_is_integer(v)) {
        int n = snprintf(number, NUMBER_SIZE, "%lld", (long long)json_integer_value(v));
        *ret_text = span_bytes(number, (size_t)n);
        return ERR_OK;
    }
    if (json_is_null(v)) {
        *ret_text = SPAN("");
        return ERR_OK;
    }
    r->missing = name;
    return ERR_MISSING;
}

static enum err value_render(struct render *r, struct span name) {
    char number[NUMBER_SIZE];
    struct span text;
    enum err e = value_text(r, name, number, &text);
    if (!e)
        html_add(r->out, text);
    return e;
}

static enum err link_render(struct render *r, struct span name) {
    char number[NUMBER_SIZE];
    struct span text;
    enum err e = value_text(r, name, number, &text);
    if (!e)
        html_add(r->out, template_link_is_safe(text) ? text : SPAN("#"));
    return e;
}

static enum err message_render(struct render *r, const struct text_row *row) {
    struct span rest = span_of(i18n_row_text(row, r->lang));
    while (rest.ptr) {
        html_add(r->out, span_cut(&rest, '{'));
        if (!rest.ptr)
            break;
        enum err e = value_render(r, span_cut(&rest, '}'));
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err message_hole_render(struct render *r, const struct node *n) {
    char number[NUMBER_SIZE], bytes[TEMPLATE_NAME_MAX];
    struct span value;
    enum err e = value_text(r, n->text, number, &value);
    if (e)
        return e;

    size_t len = n->before.len + value.len + n->after.len;
    if (len <= sizeof bytes) {
        char *end = mempcpy(bytes, n->before.ptr, n->before.len);
        end = mempcpy(end, value.ptr, value.len);
        memcpy(end, n->after.ptr, n->after.len);
        for (size_t i = 0; i < TEMPLATE_TABLES_MAX; i++) {
            const struct text_table *table = r->set->sources.texts[i];
            const struct text_row *row = table ? i18n_find(table, span_bytes(bytes, len)) : NULL;
            if (row)
                return message_render(r, row);
        }
    }
    html_add(r->out, value);
    return ERR_OK;
}

static enum err nodes_render(struct render *r, const struct template *t, size_t from, size_t to);

static enum err scope_render(struct render *r, const struct template *t, size_t from, size_t to,
                             const json_t *scope) {
    r->scope[r->depth++] = scope;
    enum err e = nodes_render(r, t, from, to);
    r->depth--;
    return e;
}

static enum err section_render(struct render *r, const struct template *t, size_t at) {
    const struct node *n = &t->node[at];
    const json_t *v = value_find(r, n->text);
    if (n->kind == NODE_INVERTED)
        return value_is_true(v) ? ERR_OK : nodes_render(r, t, at + 1, n->end);
    if (!value_is_true(v))
        return ERR_OK;
    if (!json_is_array(v))
        return scope_render(r, t, at + 1, n->end, v);
    for (size_t i = 0; i < json_array_size(v) && i < TEMPLATE_ITEMS_MAX; i++) {
        enum err e = scope_render(r, t, at + 1, n->end, json_array_get(v, i));
        if (!e)
            e = buf_err(r->out);
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err node_render(struct render *r, const struct template *t, size_t at) {
    const struct node *n = &t->node[at];
    switch (n->kind) {
    case NODE_LITERAL:
        buf_add_span(r->out, n->text);
        return ERR_OK;
    case NODE_VALUE:
        return value_render(r, n->text);
    case NODE_LINK:
        return link_render(r, n->text);
    case NODE_SECTION:
    case NODE_INVERTED:
        return section_render(r, t, at);
    case NODE_PARTIAL: {
        const struct template *partial = &r->set->item[n->partial];
        return nodes_render(r, partial, 0, partial->n_nodes);
    }
    case NODE_MESSAGE:
        return message_render(r, n->row);
    case NODE_MESSAGE_HOLE:
        return message_hole_render(r, n);
    }
    return ERR_INTERNAL;
}

/* Recursion is as deep as sections and partials nest: bounded when the set was parsed. */
static enum err nodes_render(struct render *r, const struct template *t, size_t from, size_t to) {
    for (size_t at = from; at < to;) {
        const struct node *n = &t->node[at];
        enum err e = node_render(r, t, at);
        if (e)
            return e;
        bool is_section = n->kind == NODE_SECTION || n->kind == NODE_INVERTED;
        at = is_section ? n->end : at + 1;
    }
    return ERR_OK;
}

enum err template_render(const struct template_set *set, struct span name, enum lang lang,
                         const json_t *common, const json_t *model, struct buf *out,
                         struct span *reterr_name) {
    const struct template *t = template_find(set, name);
    if (!t)
        return ERR_NOT_FOUND;
    struct render r = {.set = set, .lang = lang, .scope = {common, model}, .depth = 2, .out = out};
    enum err e = nodes_render(&r, t, 0, t->n_nodes);
    if (e == ERR_MISSING && reterr_name)
        *reterr_name = r.missing;
    return e ? e : buf_err(out);
}

/* ---- links ---- */

/* RFC 3986 2: unreserved, reserved and "%". */
static bool uri_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~:/?#[]@!$&'()*+,;=%", c));
}

bool template_link_is_safe(struct span url) {
    for (size_t i = 0; i < url.len; i++)
        if (!uri_char(url.ptr[i]))
            return false;
    if (url.len && url.ptr[0] == '/')
        return url.len == 1 || url.ptr[1] != '/';
    if (span_starts(url, "https://") || span_starts(url, "http://"))
        return true;
    struct span rest = url, scheme = span_cut(&rest, ':');
    if (!rest.ptr || !memchr(scheme.ptr, '.', scheme.len))
        return false;
    for (size_t i = 0; i < scheme.len; i++)
        if (strchr("/?#[]@", scheme.ptr[i]))
            return false;
    return true;
}
