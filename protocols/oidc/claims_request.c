/* SPDX-License-Identifier: Apache-2.0
 *
 * The claims parameter; see claims_request.h. */
#include "protocols/oidc/claims_request.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/claims.h"

#define NAMES_MAX    2048 /* bytes of a list of names */
#define ACR_LIST_MAX 512

/* One request in progress. */
struct reading {
    struct arena *arena;
    struct span allowed_scope;
    struct claims_request request;
};

/* Adds a word to a list that is in the arena, once. */
static enum err add_word(struct arena *a, struct span *list, struct span word, size_t max) {
    if (span_list_has(*list, word))
        return ERR_OK;
    if (list->len + 1 + word.len > max)
        return ERR_TOO_LONG;
    char *text = arena_printf(a, "%.*s%s%.*s", SPAN_FMT(*list), list->len ? " " : "", SPAN_FMT(word));
    if (!text)
        return ERR_NOMEM;
    *list = span_of(text);
    return ERR_OK;
}

/* ---- the two claims that bind ---- */

static enum err add_acr(struct reading *r, const json_t *value) {
    struct span word = json_text(value);
    if (!word.len || memchr(word.ptr, ' ', word.len))
        return ERR_SYNTAX;
    return add_word(r->arena, &r->request.acr_values, word, ACR_LIST_MAX);
}

static enum err read_acr(struct reading *r, const json_t *how) {
    const json_t *value = json_object_get(how, "value"), *values = json_object_get(how, "values");
    enum err e = value ? add_acr(r, value) : ERR_OK;
    for (size_t i = 0; !e && i < json_array_size(values); i++)
        e = add_acr(r, json_array_get(values, i));
    r->request.is_acr_essential =
        r->request.acr_values.len && json_is_true(json_object_get(how, "essential"));
    return e;
}

static enum err read_sub(struct reading *r, const json_t *how) {
    const json_t *value = json_object_get(how, "value");
    if (!value)
        return ERR_OK;
    struct span sub = arena_dup(r->arena, json_text(value));
    if (!sub.len || (r->request.sub.len && !span_eq(sub, r->request.sub)))
        return ERR_SYNTAX;
    r->request.sub = sub;
    return ERR_OK;
}

/* ---- all others ---- */

static enum err read_claim(struct reading *r, struct span *list, struct span name) {
    const char *scope = claims_scope_of(name);
    if (!scope || !span_list_has(r->allowed_scope, span_of(scope)))
        return ERR_OK;
    enum err e = add_word(r->arena, list, name, NAMES_MAX);
    return e ? e : add_word(r->arena, &r->request.scope, span_of(scope), NAMES_MAX);
}

/* 5.5.1: null, or an object whose `essential` is a Boolean and whose `values` is an array. */
static bool is_how(const json_t *how) {
    const json_t *essential = json_object_get(how, "essential");
    const json_t *values = json_object_get(how, "values");
    return json_is_null(how) ||
           (json_is_object(how) && (!essential || json_is_boolean(essential)) &&
            (!values || json_array_size(values) > 0));
}

static enum err read_part(struct reading *r, const json_t *part, struct span *list) {
    const char *name;
    json_t *how;
    if (!part || json_is_null(part))
        return ERR_OK;
    if (!json_is_object(part))
        return ERR_SYNTAX;
    json_object_foreach((json_t *)part, name, how) {
        enum err e = is_how(how) ? ERR_OK : ERR_SYNTAX;
        if (!e && strcmp(name, "acr") == 0)
            e = read_acr(r, how);
        else if (!e && strcmp(name, "sub") == 0)
            e = read_sub(r, how);
        else if (!e)
            e = read_claim(r, list, span_of(name));
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err claims_request_parse(struct arena *a, struct span text, struct span allowed_scope,
                              struct claims_request *ret_request) {
    AUTO_JSON json_t *json = NULL;
    struct reading r = {.arena = a, .allowed_scope = allowed_scope};
    enum err e = json_parse_object(text, CLAIMS_REQUEST_MAX, &json);
    if (!e)
        e = read_part(&r, json_object_get(json, "userinfo"), &r.request.userinfo);
    if (!e)
        e = read_part(&r, json_object_get(json, "id_token"), &r.request.id_token);
    if (!e)
        *ret_request = r.request;
    return e;
}

/* ---- on its way ---- */

enum err claims_request_build(struct arena *a, const struct claims_request *r,
                              struct span *ret_text) {
    *ret_text = SPAN_NONE;
    if (!r->userinfo.len && !r->id_token.len)
        return ERR_OK;
    *ret_text =
        span_of(arena_printf(a, "%.*s|%.*s", SPAN_FMT(r->userinfo), SPAN_FMT(r->id_token)));
    return ret_text->ptr ? ERR_OK : ERR_NOMEM;
}

struct span claims_request_userinfo(struct span text) {
    return span_cut(&text, '|');
}

struct span claims_request_id_token(struct span text) {
    (void)span_cut(&text, '|');
    return text;
}
