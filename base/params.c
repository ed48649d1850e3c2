/* SPDX-License-Identifier: Apache-2.0
 *
 * From name/value pairs to a struct, by table; see params.h. */
#include "base/params.h"

#include "base/encode.h"

enum err params_split(struct arena *a, struct span text, struct params *params) {
    while (text.ptr && text.len) {
        struct span pair = span_cut(&text, '&');
        if (pair.len == 0)
            continue;
        if (params->count == PARAMS_MAX)
            return ERR_TOO_LONG;
        struct param *p = &params->item[params->count];
        struct span value = pair;
        struct span name = span_cut(&value, '=');
        p->raw = value;
        enum err e = form_decode(a, name, &p->name);
        if (!e)
            e = form_decode(a, value, &p->value);
        if (e)
            return e;
        params->count++;
    }
    return ERR_OK;
}

struct span params_find(const struct params *params, const char *name) {
    for (size_t i = 0; i < params->count; i++)
        if (params->item[i].value.len && span_is(params->item[i].name, name))
            return params->item[i].value;
    return SPAN_NONE;
}

size_t params_count(const struct params *params, const char *name) {
    size_t n = 0;
    for (size_t i = 0; i < params->count; i++)
        n += params->item[i].value.len && span_is(params->item[i].name, name);
    return n;
}

static const struct param_def *find_def(const struct param_def *defs, size_t n_defs,
                                        struct span name) {
    for (size_t i = 0; i < n_defs; i++)
        if (span_is(name, defs[i].name))
            return &defs[i];
    return NULL;
}

static bool stood_before(const struct params *params, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (params->item[i].value.len &&
            span_eq(params->item[i].name, params->item[index].name))
            return true;
    return false;
}

static enum err fill_one(const struct param_def *def, struct arena *a, struct span value,
                         void *target) {
    if (value.len > def->max)
        return ERR_TOO_LONG;
    return def->parse(a, value, (char *)target + def->field);
}

enum err params_fill(const struct param_def *defs, size_t n_defs, struct arena *a,
                     const struct params *params, void *target, const char **reterr_name) {
    for (size_t i = 0; i < params->count; i++) {
        const struct param *p = &params->item[i];
        const struct param_def *def = find_def(defs, n_defs, p->name);
        //= https://www.rfc-editor.org/rfc/rfc6749#section-3.1
        //# Parameters sent without a value MUST be treated as if they were omitted from the request.
        if (p->value.len == 0)
            continue;
        //= https://www.rfc-editor.org/rfc/rfc6749#section-3.1
        //# Request and response parameters MUST NOT be included more than once.
        if (!(def && def->flags & PARAM_MULTIPLE) && stood_before(params, i)) {
            *reterr_name = def ? def->name : "";
            return ERR_REPEATED;
        }
        if (!def)
            continue;
        enum err e = fill_one(def, a, p->value, target);
        if (e) {
            *reterr_name = def->name;
            return e;
        }
    }
    for (size_t i = 0; i < n_defs; i++)
        if (defs[i].flags & PARAM_REQUIRED && !params_find(params, defs[i].name).len) {
            *reterr_name = defs[i].name;
            return ERR_MISSING;
        }
    return ERR_OK;
}

enum err param_span(struct arena *a, struct span value, void *field) {
    (void)a;
    *(struct span *)field = value;
    return ERR_OK;
}

enum err param_ascii(struct arena *a, struct span value, void *field) {
    return ascii_printable(value) ? param_span(a, value, field) : ERR_SYNTAX;
}

enum err param_seconds(struct arena *a, struct span value, void *field) {
    (void)a;
    int64_t n = 0;
    if (value.len == 0 || value.len > 10)
        return ERR_SYNTAX;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return ERR_SYNTAX;
        n = n * 10 + (value.ptr[i] - '0');
    }
    if (n > INT32_MAX)
        return ERR_RANGE;
    *(int64_t *)field = n;
    return ERR_OK;
}
