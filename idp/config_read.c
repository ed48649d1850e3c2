/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a file of settings: libyaml's events against a table (config_schema.h). The events' marks
 * give line and column of each error. Refused besides what the table refuses: duplicate and unknown
 * keys, aliases, anchors, tags, a second document. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "idp/config_schema.h"

#define CONFIG_FILE_MAX (256 * 1024)
#define DEPTH_MAX       16 /* of what is skipped after an error */
#define SETTINGS_MAX    128
#define SECTIONS_MAX    32

struct config_reader {
    const char *file;
    struct span folder; /* of the file, with the slash; empty: the working directory */
    struct buf *report;
    const struct config_schema *schema;
    struct arena *arena; /* of the values */
    void *base;          /* the struct that the table's offsets are of */
    yaml_parser_t yaml;
    size_t errors;
    bool broken;                    /* not even YAML: nothing more can be read */
    yaml_mark_t seen[SETTINGS_MAX]; /* where each setting stands */
    bool is_seen[SETTINGS_MAX];
    struct span section[SECTIONS_MAX];
    size_t n_sections;
};

static void complain_at(struct config_reader *r, yaml_mark_t at, struct span key, const char *why) {
    r->errors++;
    buf_addf(r->report, "%s:%zu:%zu: ", r->file, at.line + 1, at.column + 1);
    if (key.len)
        buf_addf(r->report, "%.*s: ", SPAN_FMT(key));
    buf_addf(r->report, "%s\n", why);
}

/* Its index, or the table's count. */
static size_t find_setting(const struct config_schema *s, struct span path) {
    size_t i = 0;
    while (i < s->count && !span_is(path, s->settings[i].path))
        i++;
    return i;
}

/* ---- "did you mean" ---- */

#define NAME_MAX_COMPARED 40

/* Edits (insert, delete, replace) from one name to the other. */
static size_t edit_distance(struct span a, struct span b) {
    size_t row[NAME_MAX_COMPARED + 1];
    if (a.len > NAME_MAX_COMPARED || b.len > NAME_MAX_COMPARED)
        return NAME_MAX_COMPARED;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b.len];
}

static struct span last_part(struct span path) {
    const char *dot = path.len ? memrchr(path.ptr, '.', path.len) : NULL;
    return dot ? span_bytes(dot + 1, (size_t)(path.ptr + path.len - dot - 1)) : path;
}

/* The nearest setting or section, or NULL; the same key in another section counts as near. */
static const char *suggest(const struct config_schema *s, struct arena *a, struct span path) {
    const char *best = NULL;
    size_t least = 1 + path.len / 4;
    if (least > 3)
        least = 3;
    for (size_t i = 0; i < s->count; i++) {
        struct span known = span_of(s->settings[i].path), rest = known;
        struct span section = span_cut(&rest, '.');
        size_t distance = edit_distance(path, known);
        if (distance > 1 && span_eq(last_part(path), last_part(known)))
            distance = 1;
        if (distance <= least && (!best || distance < least)) {
            best = s->settings[i].path;
            least = distance;
        }
        distance = edit_distance(path, section);
        if (rest.ptr && distance <= least && (!best || distance < least)) {
            best = arena_strndup(a, section.ptr, section.len);
            least = distance;
        }
    }
    return best;
}

static void complain_unknown(struct config_reader *r, yaml_mark_t at, struct span path) {
    if (find_setting(r->schema, path) < r->schema->count) { /* `times.code: 30s` at the top */
        complain_at(r, at, path, "must stand indented under its section");
        return;
    }
    const char *near = suggest(r->schema, r->arena, path);
    const char *why = near ? arena_printf(r->arena, "unknown setting (did you mean %s?)", near)
                           : "unknown setting";
    complain_at(r, at, path, why ? why : "unknown setting");
}

/* ---- events ---- */

static bool next_event(struct config_reader *r, yaml_event_t *event) {
    if (r->broken)
        return false;
    if (yaml_parser_parse(&r->yaml, event))
        return true;
    r->broken = true;
    complain_at(r, r->yaml.problem_mark, SPAN_NONE,
                r->yaml.problem ? r->yaml.problem : "not readable as YAML");
    return false;
}

/* Anchors, aliases and tags make one text mean two things. */
static const char *forbidden(const yaml_event_t *e) {
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return "aliases are not allowed";
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor ? "anchors are not allowed"
               : e->data.scalar.tag  ? "tags are not allowed"
                                     : NULL;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor ? "anchors are not allowed"
               : e->data.mapping_start.tag  ? "tags are not allowed"
                                            : NULL;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor ? "anchors are not allowed"
               : e->data.sequence_start.tag  ? "tags are not allowed"
                                             : NULL;
    default:
        return NULL;
    }
}

/* Reads past what `first` opened. */
static void skip_rest(struct config_reader *r, const yaml_event_t *first) {
    size_t depth =
        first->type == YAML_MAPPING_START_EVENT || first->type == YAML_SEQUENCE_START_EVENT;
    while (depth > 0) {
        CLEANUP(yaml_event_delete) yaml_event_t e;
        memset(&e, 0, sizeof e);
        if (!next_event(r, &e))
            return;
        if (e.type == YAML_MAPPING_START_EVENT || e.type == YAML_SEQUENCE_START_EVENT)
            depth++;
        if (depth > DEPTH_MAX) { /* the library's time grows with the square of it */
            r->broken = true;
            complain_at(r, e.start_mark, SPAN_NONE, "is nested too deep");
        }
        if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT)
            depth--;
    }
}

/* A scalar's text in the arena, NUL behind it. Absent for `key:` with nothing behind it. */
static struct span scalar_text(struct config_reader *r, const yaml_event_t *e) {
    struct span text = span_bytes(e->data.scalar.value, e->data.scalar.length);
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (text.len == 0 || span_is(text, "~") || span_is(text, "null")))
        return SPAN_NONE;
    return text.len ? arena_dup(r->arena, text) : SPAN("");
}

static void take_scalar(struct config_reader *r, const struct setting *s, const yaml_event_t *e) {
    struct span path = span_of(s->path), text = scalar_text(r, e);
    const char *why = NULL;
    if (!text.ptr) {
        complain_at(r, e->start_mark, path, "has no value (leave the line out for the default)");
        return;
    }
    if ((s->type == SETTING_PATH || s->type == SETTING_PATHS) && text.len && text.ptr[0] != '/' && r->folder.len)
        text = span_of(arena_printf(r->arena, "%.*s%.*s", SPAN_FMT(r->folder), SPAN_FMT(text)));
    if (!setting_parse(r->arena, s, text, r->base, &why))
        complain_at(r, e->start_mark, path, why ? why : "out of memory");
}

static void take_list(struct config_reader *r, const struct setting *s) {
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t e;
        memset(&e, 0, sizeof e);
        if (!next_event(r, &e) || e.type == YAML_SEQUENCE_END_EVENT)
            return;
        const char *why = forbidden(&e);
        if (!why && e.type != YAML_SCALAR_EVENT)
            why = "must be a list of plain values";
        if (why) {
            complain_at(r, e.start_mark, span_of(s->path), why);
            skip_rest(r, &e);
        } else {
            take_scalar(r, s, &e);
        }
    }
}

static void take_value(struct config_reader *r, size_t index) {
    const struct setting *s = &r->schema->settings[index];
    CLEANUP(yaml_event_delete) yaml_event_t e;
    memset(&e, 0, sizeof e);
    if (!next_event(r, &e))
        return;
    const char *why = forbidden(&e);
    if (!why && setting_is_list(s) && e.type != YAML_SEQUENCE_START_EVENT)
        why = "must be a list";
    if (!why && !setting_is_list(s) && e.type != YAML_SCALAR_EVENT)
        why = "must be a single value";
    if (why) {
        complain_at(r, e.start_mark, span_of(s->path), why);
        skip_rest(r, &e);
    } else if (setting_is_list(s)) {
        take_list(r, s);
    } else {
        take_scalar(r, s, &e);
    }
}

static bool is_section(const struct config_schema *s, struct span name) {
    for (size_t i = 0; i < s->count; i++) {
        struct span rest = span_of(s->settings[i].path);
        if (span_eq(span_cut(&rest, '.'), name) && rest.ptr)
            return true;
    }
    return false;
}

static void take_mapping(struct config_reader *r, struct span section);

static void take_section(struct config_reader *r, struct span name, yaml_mark_t at) {
    for (size_t i = 0; i < r->n_sections; i++)
        if (span_eq(r->section[i], name))
            complain_at(r, at, name, "stands in the file twice");
    if (r->n_sections < SECTIONS_MAX)
        r->section[r->n_sections++] = name;

    CLEANUP(yaml_event_delete) yaml_event_t e;
    memset(&e, 0, sizeof e);
    if (!next_event(r, &e))
        return;
    const char *why = forbidden(&e);
    if (!why && e.type != YAML_MAPPING_START_EVENT)
        why = "is a section: its settings follow, indented";
    if (why) {
        complain_at(r, e.start_mark, name, why);
        skip_rest(r, &e);
    } else {
        take_mapping(r, name);
    }
}

static void skip_value(struct config_reader *r) {
    CLEANUP(yaml_event_delete) yaml_event_t e;
    memset(&e, 0, sizeof e);
    if (next_event(r, &e))
        skip_rest(r, &e);
}

static void take_key(struct config_reader *r, struct span section, const yaml_event_t *e) {
    struct span key = span_bytes(e->data.scalar.value, e->data.scalar.length);
    struct span path = span_of(
        section.len ? arena_printf(r->arena, "%.*s.%.*s", SPAN_FMT(section), SPAN_FMT(key))
                    : arena_strndup(r->arena, key.ptr, key.len));
    size_t index = memchr(key.ptr, '.', key.len) ? r->schema->count : find_setting(r->schema, path);
    if (index < r->schema->count) {
        if (r->is_seen[index])
            complain_at(r, e->start_mark, path, "stands in the file twice");
        r->is_seen[index] = true;
        r->seen[index] = e->start_mark;
        take_value(r, index);
    } else if (section.len == 0 && is_section(r->schema, path)) {
        take_section(r, path, e->start_mark);
    } else {
        complain_unknown(r, e->start_mark, path);
        skip_value(r);
    }
}

/* The keys of the file (no section) or of a section, up to the end of the mapping. */
static void take_mapping(struct config_reader *r, struct span section) {
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t e;
        memset(&e, 0, sizeof e);
        if (!next_event(r, &e) || e.type == YAML_MAPPING_END_EVENT)
            return;
        const char *why = forbidden(&e);
        if (!why && e.type != YAML_SCALAR_EVENT)
            why = "a key must be a word";
        if (why) {
            complain_at(r, e.start_mark, section, why);
            skip_rest(r, &e);
            skip_value(r);
        } else {
            take_key(r, section, &e);
        }
    }
}

static void take_stream(struct config_reader *r) {
    size_t documents = 0;
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t e;
        memset(&e, 0, sizeof e);
        if (!next_event(r, &e) || e.type == YAML_STREAM_END_EVENT)
            break;
        if (e.type == YAML_DOCUMENT_START_EVENT && ++documents == 2) {
            complain_at(r, e.start_mark, SPAN_NONE, "only one document is allowed");
            return;
        }
        if (e.type == YAML_MAPPING_START_EVENT && !forbidden(&e)) {
            take_mapping(r, SPAN_NONE);
        } else if (e.type == YAML_SCALAR_EVENT || e.type == YAML_SEQUENCE_START_EVENT ||
                   e.type == YAML_MAPPING_START_EVENT || e.type == YAML_ALIAS_EVENT) {
            complain_at(r, e.start_mark, SPAN_NONE, "must be settings of the form `key: value`");
            skip_rest(r, &e);
        }
    }
}

/* ---- what rules between settings may do ---- */

void config_complain(struct config_reader *r, const char *path, const char *why) {
    size_t index = find_setting(r->schema, span_of(path));
    yaml_mark_t at = {0};
    if (index < r->schema->count && r->is_seen[index])
        at = r->seen[index];
    complain_at(r, at, span_of(path), why);
}

/* `text` as it would stand in the file; the items of a list with spaces between them. */
static void set_default(struct config_reader *r, const struct setting *s, const char *text) {
    const char *why = NULL;
    struct span rest = span_of(text), value = rest;
    while (setting_is_list(s) ? (value = span_word(&rest)).len > 0 : rest.ptr != NULL) {
        if (!setting_parse(r->arena, s, value, r->base, &why))
            config_complain(r, s->path, why ? why : "out of memory");
        if (!setting_is_list(s))
            return;
    }
}

void config_default(struct config_reader *r, const char *path, const char *text) {
    size_t index = find_setting(r->schema, span_of(path));
    assert(index < r->schema->count);
    if (!r->is_seen[index])
        set_default(r, &r->schema->settings[index], text);
}

/* ---- the whole ---- */

static void set_defaults(struct config_reader *r) {
    for (size_t i = 0; i < r->schema->count; i++)
        if (r->schema->settings[i].fallback) /* never of a list: the file's items would join it */
            set_default(r, &r->schema->settings[i], r->schema->settings[i].fallback);
}

static void require(struct config_reader *r) {
    for (size_t i = 0; i < r->schema->count; i++)
        if (r->schema->settings[i].is_required && !r->is_seen[i])
            complain_at(r, (yaml_mark_t){0}, span_of(r->schema->settings[i].path), "is missing");
}

static enum err read_file(const char *path, struct buf *out) {
    FILE *f = fopen(path, "re");
    if (!f)
        return ERR_NOT_FOUND;
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(out, chunk, n);
    bool failed = ferror(f) != 0;
    fclose(f);
    return failed ? ERR_IO : buf_err(out);
}

static void report_unreadable(struct buf *report, const char *path, enum err e) {
    buf_addf(report, "%s:1:1: %s\n", path,
             e == ERR_TOO_LONG ? "the file is too long" : "the file cannot be read");
}

enum err config_file_read(const char *path, const struct config_schema *schema, struct arena *a,
                          void *base, config_rules_fn *rules, struct buf *report) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
    enum err e = read_file(path, &text);
    if (e) {
        report_unreadable(report, path, e);
        return ERR_SYNTAX;
    }
    assert(schema->count <= SETTINGS_MAX);
    struct config_reader r = {
        .file = path, .report = report, .schema = schema, .arena = a, .base = base};
    const char *slash = strrchr(path, '/');
    if (slash)
        r.folder = span_bytes(path, (size_t)(slash + 1 - path));
    if (!yaml_parser_initialize(&r.yaml))
        return ERR_NOMEM;
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)(text.data ? text.data : ""),
                                 text.len);
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    set_defaults(&r);
    take_stream(&r);
    if (!r.broken) {
        require(&r);
        rules(&r, base);
    }
    yaml_parser_delete(&r.yaml);
    return r.errors ? ERR_SYNTAX : ERR_OK;
}

void config_schema_document(const struct config_schema *schema, struct buf *out) {
    buf_add_str(out, "| setting | kind | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < schema->count; i++) {
        const struct setting *s = &schema->settings[i];
        buf_addf(out, "| `%s` | %s | ", s->path, setting_type_name(s->type));
        if (s->is_required)
            buf_add_str(out, "**required**");
        else if (s->fallback)
            buf_addf(out, "`%s`", s->fallback);
        buf_addf(out, " | %s", s->about);
        if (s->choices)
            buf_addf(out, " One of `%s`.", s->choices);
        buf_add_str(out, " |\n");
    }
}
