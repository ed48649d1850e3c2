/* SPDX-License-Identifier: Apache-2.0
 *
 * The route table's look-up and its rules on bodies; see router.h. */
#include "web/router.h"

#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/transport.h"

/* ---- table ---- */

static const struct route *row(const struct router *r, size_t position) {
    return &r->routes[r->by_path[position]];
}

/* Insertion keeps this free of a comparison function with a hidden table; it runs once. */
static void insert(unsigned short *list, size_t *n, unsigned short index,
                   const struct route *routes,
                   bool (*goes_before)(const struct route *a, const struct route *b)) {
    size_t i = (*n)++;
    while (i > 0 && goes_before(&routes[index], &routes[list[i - 1]])) {
        list[i] = list[i - 1];
        i--;
    }
    list[i] = index;
}

static bool path_before(const struct route *a, const struct route *b) {
    return strcmp(a->path, b->path) < 0;
}

static bool longer_before(const struct route *a, const struct route *b) {
    return strlen(a->path) > strlen(b->path);
}

enum err router_init(struct router *r, const struct route *routes, size_t n_routes) {
    *r = (struct router){.routes = routes, .n_routes = n_routes};
    if (n_routes > ROUTES_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < n_routes; i++) {
        for (size_t j = 0; j < i; j++)
            if (strcmp(routes[i].path, routes[j].path) == 0 &&
                routes[i].methods & routes[j].methods)
                return ERR_EXISTS;
        if (routes[i].flags & ROUTE_PREFIX)
            insert(r->prefixes, &r->n_prefixes, (unsigned short)i, routes, longer_before);
        else
            insert(r->by_path, &r->n_exact, (unsigned short)i, routes, path_before);
    }
    return ERR_OK;
}

static int path_compare(struct span path, const char *with) {
    size_t len = strlen(with);
    size_t shorter = path.len < len ? path.len : len;
    int c = shorter ? memcmp(path.ptr, with, shorter) : 0;
    return c ? c : (path.len > len) - (path.len < len);
}

/* First position whose path is not below `path`. */
static size_t lower_bound(const struct router *r, struct span path) {
    size_t low = 0, high = r->n_exact;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (path_compare(path, row(r, middle)->path) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_shown(const struct route *route, bool is_admin) {
    if (is_admin)
        return route->flags & (ROUTE_ADMIN | ROUTE_PROBE);
    return !(route->flags & ROUTE_ADMIN);
}

static void consider(const struct router *r, unsigned index, unsigned method, bool is_admin,
                     struct routing *routing) {
    const struct route *route = &r->routes[index];
    if (!is_shown(route, is_admin))
        return;
    unsigned methods = route->methods | (route->methods & HTTP_GET ? HTTP_HEAD : 0);
    routing->allow |= methods;
    routing->flags |= route->flags;
    if (methods & method) {
        routing->route = route;
        routing->index = index;
    }
}

void router_find(const struct router *r, unsigned method, struct span path, bool is_admin,
                 struct routing *ret_routing) {
    struct routing routing = {0};
    for (size_t i = lower_bound(r, path); i < r->n_exact && span_is(path, row(r, i)->path); i++)
        consider(r, r->by_path[i], method, is_admin, &routing);
    for (size_t i = 0; i < r->n_prefixes && !routing.allow; i++)
        if (span_starts(path, r->routes[r->prefixes[i]].path))
            consider(r, r->prefixes[i], method, is_admin, &routing);
    routing.status = routing.route ? 0 : routing.allow ? 405 : 404;
    *ret_routing = routing;
}

/* ---- methods ---- */

static const struct {
    unsigned bit;
    const char *name;
} methods[] = {
    {HTTP_GET, "GET"}, {HTTP_HEAD, "HEAD"},     {HTTP_POST, "POST"},
    {HTTP_PUT, "PUT"}, {HTTP_DELETE, "DELETE"}, {HTTP_OPTIONS, "OPTIONS"},
};

unsigned http_method_find(const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(name, methods[i].name) == 0)
            return methods[i].bit;
    return 0;
}

const char *http_method_name(unsigned bit) {
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (bit == methods[i].bit)
            return methods[i].name;
    return "-";
}

void http_methods_format(unsigned bits, char *out, size_t size) {
    struct buf b = BUF_INIT(size - 1);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (bits & methods[i].bit)
            buf_addf(&b, "%s%s", b.len ? ", " : "", methods[i].name);
    out[0] = '\0';
    if (!buf_err(&b) && b.data)
        memcpy(out, b.data, b.len + 1);
    buf_done(&b);
}

/* ---- bodies ---- */

bool content_type_is_form(struct span content_type) {
    return field_is(field_trim(span_cut(&content_type, ';')), "application/x-www-form-urlencoded");
}

unsigned router_check_body(const struct route *route, unsigned method,
                           const struct body_claim *claim) {
    bool takes_body = method & (HTTP_POST | HTTP_PUT);
    //= https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
    //# A server that receives an Expect field value containing a member other than 100-continue MAY
    //# respond with a 417 (Expectation Failed) status code to indicate that the unexpected
    //# expectation cannot be met.
    if (claim->expect.ptr && !field_is(claim->expect, "100-continue"))
        return 417;
    if (claim->length > (takes_body ? route->body_max : 0))
        return 413;
    if (claim->content_encoding.len)
        return 415;
    bool has_body = claim->length > 0 || claim->content_type.len > 0;
    if (takes_body && has_body && route->flags & ROUTE_FORM &&
        !content_type_is_form(claim->content_type))
        return 415;
    return 0;
}

/* ---- paths ---- */

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err path_decode(struct arena *a, struct span raw, struct span *ret_path) {
    char *out = arena_alloc(a, raw.len + 1);
    if (!out)
        return ERR_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];
        if (c == '%') {
            int high = raw.len - i > 2 ? hex_value(raw.ptr[i + 1]) : -1;
            int low = raw.len - i > 2 ? hex_value(raw.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERR_SYNTAX;
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7F)
            return ERR_SYNTAX;
        out[n++] = (char)c;
    }
    struct span path = {out, n};
    if (!utf8_valid(path))
        return ERR_SYNTAX;
    *ret_path = path;
    return ERR_OK;
}

/* ---- origin ---- */

bool origin_is_acceptable(struct span sec_fetch_site, struct span origin, bool is_https,
                          struct span host) {
    if (sec_fetch_site.ptr && !span_is(sec_fetch_site, "same-origin") &&
        !span_is(sec_fetch_site, "none"))
        return false;
    if (!origin.ptr || span_is(origin, "null"))
        return true;
    const char *scheme = is_https ? "https://" : "http://";
    if (!span_starts(origin, scheme))
        return false;
    struct span authority = {origin.ptr + strlen(scheme), origin.len - strlen(scheme)};
    return !host.len ||
           (authority.len == host.len && strncasecmp(authority.ptr, host.ptr, host.len) == 0);
}
