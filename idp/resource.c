/* SPDX-License-Identifier: Apache-2.0
 *
 * The metadata of a resource as a table: what staff may register, and its typed form. The names are
 * those of RFC 9728 where it has one and otherwise those of client metadata. Unknown members are
 * refused: only staff write them, and a slip in `minimum_level` must not pass silently. */
#include "idp/resource.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "idp/claims.h"
#include "idp/client_uri.h"

#define NAME_MAX_BYTES  200
#define SCOPE_MAX_BYTES 128
#define SECTOR_MAX      512

struct parse {
    struct arena *a;
    struct resource *r;
    const char *text; /* what is wrong */
};

static bool refuse(struct parse *p, const char *name, const char *why) {
    p->text = arena_printf(p->a, "%s %s", name, why);
    if (!p->text)
        p->text = "out of memory";
    return false;
}

static bool one_line(struct span text, size_t max) {
    if (text.len == 0 || text.len > max || !utf8_valid(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
            return false;
    return true;
}

/* RFC 6749 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
static bool one_word(struct span text, size_t max) {
    return text.len && text.len <= max && ascii_printable(text) &&
           !memchr(text.ptr, ' ', text.len) && !memchr(text.ptr, '"', text.len) &&
           !memchr(text.ptr, '\\', text.len);
}

/* ---- members ---- */

//= https://www.rfc-editor.org/rfc/rfc8707#section-2
//# Its value MUST be an absolute URI, as specified by Section 4.3 of [RFC3986].
static bool take_identifier(struct parse *p, const char *name, const json_t *value) {
    static const struct uri_rules rules = {.allow_loopback_http = true};
    struct span text = json_text(value);
    const char *why = "must be a string";
    if (text.len > RESOURCE_IDENTIFIER_MAX)
        why = "is too long";
    else if (span_starts(text, "urn:"))
        why = text.len > strlen("urn:") && one_word(text, RESOURCE_IDENTIFIER_MAX) &&
                      !memchr(text.ptr, '#', text.len)
                  ? NULL
                  : "must be a URI without fragment";
    else if (text.ptr)
        why = client_uri_check(text, &rules, NULL);
    p->r->identifier = text;
    return !why || refuse(p, name, why);
}

static bool take_name(struct parse *p, const char *name, const json_t *value) {
    struct span text = json_text(value);
    if (!one_line(text, NAME_MAX_BYTES))
        return refuse(p, name, "must be one short line of text");
    if (span_is(span_of(name), "resource_name"))
        p->r->name = text;
    else if (span_is(span_of(name), "resource_name#en"))
        p->r->name_en = text;
    return true;
}

/* An array of different words into `out`. */
static bool take_words(struct parse *p, const char *name, const json_t *value, struct span *out,
                       size_t most, size_t *ret_n) {
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > most)
        return refuse(p, name, arena_printf(p->a, "must be an array of at most %zu words", most));
    for (size_t i = 0; i < n; i++) {
        out[i] = json_text(json_array_get(value, i));
        for (size_t k = 0; k < i; k++)
            if (span_eq(out[i], out[k]))
                return refuse(p, name, "names one twice");
        if (!one_word(out[i], most == RESOURCE_SCOPES_MAX ? SCOPE_MAX_BYTES : CLIENT_ID_MAX))
            return refuse(p, name, "must have words without spaces, quotes and backslashes");
    }
    *ret_n = n;
    return true;
}

/* A scope that says something of a person belongs to the provider itself. */
static bool take_scopes(struct parse *p, const char *name, const json_t *value) {
    struct resource *r = p->r;
    if (!take_words(p, name, value, r->scope, RESOURCE_SCOPES_MAX, &r->n_scopes))
        return false;
    for (size_t i = 0; i < r->n_scopes; i++)
        if (scope_def_find(r->scope[i]) || span_is(r->scope[i], "offline_access"))
            return refuse(
                p, name,
                arena_printf(p->a, "has %.*s, which is the provider's own", SPAN_FMT(r->scope[i])));
    return true;
}

static bool take_introspectors(struct parse *p, const char *name, const json_t *value) {
    return take_words(p, name, value, p->r->introspector, RESOURCE_CLIENTS_MAX,
                      &p->r->n_introspectors);
}

static bool take_number(struct parse *p, const char *name, const json_t *value, int64_t least,
                        int64_t most, int64_t *ret_number) {
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < least || n > most)
        return refuse(p, name,
                      arena_printf(p->a, "must be a number between %lld and %lld", (long long)least,
                                   (long long)most));
    *ret_number = n;
    return true;
}

static bool take_level(struct parse *p, const char *name, const json_t *value) {
    int64_t level = 0;
    bool good = take_number(p, name, value, 1, 3, &level);
    p->r->minimum_level = (int)level;
    return good;
}

static bool take_seconds(struct parse *p, const char *name, const json_t *value) {
    return take_number(p, name, value, 60, CLIENT_ACCESS_SECONDS_MAX, &p->r->access_token_seconds);
}

static bool take_format(struct parse *p, const char *name, const json_t *value) {
    struct span text = json_text(value);
    if (!span_is(text, "jwt") && !span_is(text, "opaque"))
        return refuse(p, name, "must be one of: jwt opaque");
    p->r->access_token_format = span_is(text, "jwt") ? ACCESS_TOKEN_JWT : ACCESS_TOKEN_OPAQUE;
    return true;
}

static bool take_alg(struct parse *p, const char *name, const json_t *value) {
    p->r->access_token_alg = jose_alg_find(json_text(value));
    return (p->r->access_token_alg && p->r->access_token_alg->signs_tokens) ||
           refuse(p, name, "must be one of: RS256 ES256 PS256 EdDSA");
}

static bool take_sector(struct parse *p, const char *name, const json_t *value) {
    p->r->sector = json_text(value);
    return one_word(p->r->sector, SECTOR_MAX) || refuse(p, name, "must be one word");
}

static const struct {
    const char *name;
    bool (*take)(struct parse *p, const char *name, const json_t *value);
    const char *spec;
} members[] = {
    {"resource", take_identifier, "RFC 8707 2, RFC 9728 2: https, http on loopback, or urn:"},
    {"resource_name", take_name, "RFC 9728 2; resource_name#en in English"},
    {"scopes_supported", take_scopes, "RFC 9728 2: scopes that this resource alone owns"},
    {"minimum_level", take_level, "least acr of the session behind a token"},
    {"access_token_format", take_format, "jwt (RFC 9068, the default) or opaque"},
    {"access_token_signed_response_alg", take_alg, "RFC 9068 2.1; ES256 by default"},
    {"access_token_seconds", take_seconds, "ceiling of the life of its tokens"},
    {"sector", take_sector, "of the pairwise sub; by default the identifier's host"},
    {"introspection_clients", take_introspectors, "RFC 7662 2.1: client ids that act for it"},
};

static bool take_member(struct parse *p, const char *name, const json_t *value) {
    struct span tag = span_of(name);
    struct span base = span_cut(&tag, '#');
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (span_is(base, members[i].name) && (!tag.ptr || members[i].take == take_name))
            return members[i].take(p, name, value);
    return refuse(p, name, "is not a known member");
}

/* ---- the whole ---- */

static void apply_defaults(struct resource *r) {
    static const struct uri_rules rules = {.allow_loopback_http = true};
    struct uri_parts parts;
    if (!r->name.ptr)
        r->name = r->identifier;
    if (!r->name_en.ptr)
        r->name_en = r->name;
    if (!r->access_token_format)
        r->access_token_format = ACCESS_TOKEN_JWT;
    if (!r->access_token_alg)
        r->access_token_alg = jose_alg_find(SPAN("ES256"));
    if (!r->sector.ptr)
        r->sector = client_uri_check(r->identifier, &rules, &parts) ? r->identifier : parts.host;
}

enum err resource_parse(struct arena *a, json_t *metadata, bool is_enabled,
                        struct resource *ret_resource, const char **reterr_text) {
    struct resource r = {.is_enabled = is_enabled};
    struct parse p = {.a = a, .r = &r};
    const char *name;
    json_t *value;
    bool good = json_is_object(metadata) || refuse(&p, "the resource", "must be a JSON object");
    json_object_foreach(metadata, name, value) {
        good = good && take_member(&p, name, value);
    }
    if (good && !r.identifier.len)
        good = refuse(&p, "resource", "is missing");
    if (!good) {
        *reterr_text = p.text;
        return ERR_SYNTAX;
    }
    apply_defaults(&r);
    r.metadata = metadata;
    *ret_resource = r;
    return ERR_OK;
}

void resource_done(struct resource *r) {
    json_cleanup(&r->metadata);
    *r = (struct resource){0};
}

bool resource_has_scope(const struct resource *r, struct span scope) {
    return span_among(r->scope, r->n_scopes, scope);
}

bool resource_introspector_allowed(const struct resource *r, struct span client_id) {
    return span_among(r->introspector, r->n_introspectors, client_id);
}
