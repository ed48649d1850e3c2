/* SPDX-License-Identifier: Apache-2.0
 *
 * See template.h: from text to nodes. The parser looks only at tags and at what stands right in
 * front of them; that the HTML around them is in order is for the tests of the pages. */
#include "web/template.h"

#include "base/cleanup.h"
#include "web/template_node.h"

struct section {
    struct span name;
    size_t node;
};

struct parser {
    struct template_set *set;
    struct template *out;
    size_t cap; /* nodes allocated */
    size_t at;  /* first byte not yet consumed */
    struct section open[TEMPLATE_SECTION_DEPTH_MAX];
    size_t depth;
    struct buf *where;
};

/* One tag, as bytes [from, to) of the source. */
struct tag {
    size_t from, to;
    char sigil; /* # ^ / > ! or 0 */
    struct span content;
    bool is_link; /* directly behind href=" and the like */
};

static enum err parser_fail(struct parser *p, size_t at, enum err e, const char *what,
                            struct span which) {
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += p->out->source.ptr[i] == '\n';
    buf_addf(p->where, "%.*s.html: line %zu: %s '%.*s'", SPAN_FMT(p->out->name), line, what,
             SPAN_FMT(which));
    return e;
}

static enum err node_add(struct parser *p, struct node n) {
    struct template *t = p->out;
    if (t->n_nodes == TEMPLATE_NODES_MAX)
        return parser_fail(p, p->at, ERR_RANGE, "too many tags", SPAN_NONE);
    if (t->n_nodes == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 32;
        struct node *more = realloc(t->node, cap * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        t->node = more;
        p->cap = cap;
    }
    t->node[t->n_nodes++] = n;
    return ERR_OK;
}

static enum err literal_add(struct parser *p, size_t from, size_t to) {
    if (from >= to)
        return ERR_OK;
    return node_add(p, (struct node){.kind = NODE_LITERAL,
                                     .text = span_bytes(p->out->source.ptr + from, to - from)});
}

static struct span span_trim(struct span s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\n'))
        s = span_bytes(s.ptr + 1, s.len - 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\n'))
        s.len--;
    return s;
}

static bool name_is_valid(struct span name) {
    if (span_is(name, "."))
        return true;
    if (!name.len || name.len > TEMPLATE_NAME_MAX || name.ptr[0] == '.' ||
        name.ptr[name.len - 1] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'))
            return false;
        if (c == '.' && name.ptr[i - 1] == '.')
            return false;
    }
    return true;
}

static bool ends_with(struct span s, const char *suffix) {
    size_t n = strlen(suffix);
    return s.len >= n && memcmp(s.ptr + s.len - n, suffix, n) == 0;
}

static bool is_link_attribute(struct span before) {
    static const char *const attributes[] = {" href=\"", " src=\"", " action=\"", " formaction=\""};
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (ends_with(before, attributes[i]))
            return true;
    return false;
}

/* The next tag from p->at on; from == to when there is none. Braces within a tag come in pairs. */
static enum err tag_find(struct parser *p, struct tag *ret_tag) {
    struct span s = p->out->source;
    size_t from = p->at;
    while (from + 1 < s.len && !(s.ptr[from] == '{' && s.ptr[from + 1] == '{'))
        from++;
    if (from + 1 >= s.len) {
        *ret_tag = (struct tag){.from = s.len, .to = s.len};
        return ERR_OK;
    }
    int holes = 0;
    for (size_t i = from + 2; i + 1 < s.len; i++) {
        if (s.ptr[i] == '{')
            holes++;
        else if (s.ptr[i] == '}' && holes)
            holes--;
        else if (s.ptr[i] == '}' && s.ptr[i + 1] == '}') {
            struct tag tag = {.from = from, .to = i + 2};
            struct span inner = span_bytes(s.ptr + from + 2, i - from - 2);
            if (inner.len && strchr("#^/>!", inner.ptr[0])) {
                tag.sigil = inner.ptr[0];
                inner = span_bytes(inner.ptr + 1, inner.len - 1);
            }
            tag.content = span_trim(inner);
            tag.is_link = is_link_attribute(span_bytes(s.ptr, from));
            *ret_tag = tag;
            return ERR_OK;
        }
    }
    return parser_fail(p, from, ERR_SYNTAX, "tag has no end", SPAN_NONE);
}

/* Widens a section, partial or remark that is alone on its line to the whole line. */
static void tag_take_line(const struct parser *p, struct tag *tag) {
    struct span s = p->out->source;
    size_t from = tag->from, to = tag->to;
    while (from > p->at && (s.ptr[from - 1] == ' ' || s.ptr[from - 1] == '\t'))
        from--;
    if (from > 0 && s.ptr[from - 1] != '\n')
        return;
    while (to < s.len && (s.ptr[to] == ' ' || s.ptr[to] == '\t'))
        to++;
    if (to < s.len && s.ptr[to] != '\n')
        return;
    tag->from = from;
    tag->to = to < s.len ? to + 1 : to;
}

/* ---- tags ---- */

static enum err section_open(struct parser *p, const struct tag *tag) {
    if (!name_is_valid(tag->content))
        return parser_fail(p, tag->from, ERR_SYNTAX, "no valid name", tag->content);
    if (p->depth == TEMPLATE_SECTION_DEPTH_MAX)
        return parser_fail(p, tag->from, ERR_RANGE, "nested too deeply", tag->content);
    p->open[p->depth++] = (struct section){tag->content, p->out->n_nodes};
    return node_add(p, (struct node){.kind = tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED,
                                     .text = tag->content});
}

static enum err section_close(struct parser *p, const struct tag *tag) {
    if (!p->depth || !span_eq(p->open[p->depth - 1].name, tag->content))
        return parser_fail(p, tag->from, ERR_SYNTAX, "closes what is not open", tag->content);
    p->depth--;
    p->out->node[p->open[p->depth].node].end = p->out->n_nodes;
    return ERR_OK;
}

static enum err partial_add(struct parser *p, const struct tag *tag) {
    const struct template *t = template_find(p->set, tag->content);
    if (!t)
        return parser_fail(p, tag->from, ERR_NOT_FOUND, "no template", tag->content);
    return node_add(p, (struct node){.kind = NODE_PARTIAL, .partial = (size_t)(t - p->set->item)});
}

static const struct text_row *text_find(const struct template_sources *s, struct span key) {
    for (size_t i = 0; i < TEMPLATE_TABLES_MAX; i++) {
        const struct text_row *row = s->texts[i] ? i18n_find(s->texts[i], key) : NULL;
        if (row)
            return row;
    }
    return NULL;
}

static enum err message_add(struct parser *p, const struct tag *tag, struct span key) {
    struct span hole = key, before = span_cut(&hole, '{');
    if (!hole.ptr) {
        const struct text_row *row = text_find(&p->set->sources, key);
        if (!row)
            return parser_fail(p, tag->from, ERR_NOT_FOUND, "no text with key", key);
        return node_add(p, (struct node){.kind = NODE_MESSAGE, .row = row});
    }
    struct span after = hole, name = span_cut(&after, '}');
    if (!name_is_valid(name) || !after.ptr || memchr(after.ptr, '{', after.len))
        return parser_fail(p, tag->from, ERR_SYNTAX, "no valid key", key);
    return node_add(p, (struct node){.kind = NODE_MESSAGE_HOLE,
                                     .text = name,
                                     .before = before,
                                     .after = after});
}

static enum err asset_add(struct parser *p, const struct tag *tag, struct span name) {
    for (size_t i = 0; i < TEMPLATE_TABLES_MAX; i++) {
        const struct asset_table *table = p->set->sources.statics[i];
        const struct asset *asset = table ? asset_find(table, name) : NULL;
        if (asset && asset->url)
            return node_add(p, (struct node){.kind = NODE_LITERAL, .text = span_of(asset->url)});
    }
    return parser_fail(p, tag->from, ERR_NOT_FOUND, "no static file", name);
}

static enum err value_add(struct parser *p, const struct tag *tag) {
    struct span name = tag->content;
    if (span_starts(name, "asset."))
        return asset_add(p, tag, span_bytes(name.ptr + 6, name.len - 6));
    if (span_starts(name, "t.") && !tag->is_link)
        return message_add(p, tag, span_bytes(name.ptr + 2, name.len - 2));
    if (!name_is_valid(name))
        return parser_fail(p, tag->from, ERR_SYNTAX, "no valid name", name);
    return node_add(p, (struct node){.kind = tag->is_link ? NODE_LINK : NODE_VALUE, .text = name});
}

static enum err tag_add(struct parser *p, const struct tag *tag) {
    /* Where a value could leave its attribute, or a link's first part could come from elsewhere. */
    if (tag->from > 0 && p->out->source.ptr[tag->from - 1] == '=')
        return parser_fail(p, tag->from, ERR_SYNTAX, "attribute without quotes", tag->content);
    if (tag->is_link && tag->sigil)
        return parser_fail(p, tag->from, ERR_SYNTAX, "a link starts with this", tag->content);
    switch (tag->sigil) {
    case '#':
    case '^':
        return section_open(p, tag);
    case '/':
        return section_close(p, tag);
    case '>':
        return partial_add(p, tag);
    case '!':
        return ERR_OK;
    default:
        return value_add(p, tag);
    }
}

static enum err template_parse(struct parser *p) {
    for (;;) {
        struct tag tag = {0};
        enum err e = tag_find(p, &tag);
        if (e)
            return e;
        if (tag.sigil)
            tag_take_line(p, &tag);
        if ((e = literal_add(p, p->at, tag.from)))
            return e;
        if (tag.from == tag.to)
            break;
        if ((e = tag_add(p, &tag)))
            return e;
        p->at = tag.to;
    }
    if (p->depth)
        return parser_fail(p, p->out->source.len, ERR_SYNTAX, "section has no end",
                           p->open[p->depth - 1].name);
    return ERR_OK;
}

/* ---- the set ---- */

const struct template *template_find(const struct template_set *set, struct span name) {
    for (size_t i = 0; i < set->count; i++)
        if (span_eq(set->item[i].name, name))
            return &set->item[i];
    return NULL;
}

static enum err set_collect(struct template_set *set) {
    size_t most = 0;
    for (size_t i = 0; i < TEMPLATE_TABLES_MAX; i++)
        most += set->sources.templates[i] ? set->sources.templates[i]->count : 0;
    set->item = calloc(most ? most : 1, sizeof *set->item);
    if (!set->item)
        return ERR_NOMEM;
    for (size_t i = 0; i < TEMPLATE_TABLES_MAX; i++) {
        const struct asset_table *table = set->sources.templates[i];
        for (size_t j = 0; table && j < table->count; j++) {
            struct span rest = span_of(table->item[j].name), name = span_cut(&rest, '.');
            if (!template_find(set, name))
                set->item[set->count++] =
                    (struct template){.name = name, .source = asset_span(&table->item[j])};
        }
    }
    return ERR_OK;
}

/* A partial that contains itself is too deep as well. */
static bool partials_are_shallow(const struct template_set *set, const struct template *t,
                                 unsigned depth) {
    if (depth > TEMPLATE_PARTIAL_DEPTH_MAX)
        return false;
    for (size_t i = 0; i < t->n_nodes; i++)
        if (t->node[i].kind == NODE_PARTIAL &&
            !partials_are_shallow(set, &set->item[t->node[i].partial], depth + 1))
            return false;
    return true;
}

static enum err set_parse(struct template_set *set, struct buf *where) {
    for (size_t i = 0; i < set->count; i++) {
        struct parser p = {.set = set, .out = &set->item[i], .where = where};
        enum err e = template_parse(&p);
        if (e)
            return e;
    }
    for (size_t i = 0; i < set->count; i++)
        if (!partials_are_shallow(set, &set->item[i], 0)) {
            buf_addf(where, "%.*s.html: partials nested too deeply", SPAN_FMT(set->item[i].name));
            return ERR_RANGE;
        }
    return ERR_OK;
}

static void set_cleanup(struct template_set **set) {
    template_set_free(*set);
}

enum err template_set_new(const struct template_sources *sources, struct template_set **ret_set,
                          struct buf *reterr_where) {
    CLEANUP(set_cleanup) struct template_set *set = calloc(1, sizeof *set);
    if (!set)
        return ERR_NOMEM;
    set->sources = *sources;
    enum err e = set_collect(set);
    if (!e)
        e = set_parse(set, reterr_where);
    if (e)
        return e;
    *ret_set = TAKE(set);
    return ERR_OK;
}

void template_set_free(struct template_set *set) {
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        free(set->item[i].node);
    free(set->item);
    free(set);
}
