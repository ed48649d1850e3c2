/* SPDX-License-Identifier: Apache-2.0
 *
 * From method and path to a row of the route table, and what a row says about bodies. Pure. */
#ifndef IDP_WEB_ROUTER_H
#define IDP_WEB_ROUTER_H

#include "base/arena.h"
#include "base/err.h"
#include "web/server.h"

#define ROUTES_MAX 256

struct router {
    const struct route *routes;                 /* the caller's table; indexes count in it */
    size_t n_routes;
    unsigned short by_path[ROUTES_MAX];         /* exact paths, sorted */
    size_t n_exact;
    unsigned short prefixes[ROUTES_MAX];        /* longest first */
    size_t n_prefixes;
};

/* ERR_TOO_LONG, or ERR_EXISTS when two rows take the same method and path. */
must_check enum err router_init(struct router *r, const struct route *routes, size_t n_routes);

/* 0: no method of ours. HEAD has a bit of its own. */
unsigned http_method_find(const char *name);
/* "-" for none of ours. */
const char *http_method_name(unsigned bit);

struct routing {
    unsigned status;       /* 0: routed; 404; 405 */
    const struct route *route;
    unsigned index;        /* in the table */
    unsigned allow;        /* methods of the path, for 405 */
    unsigned flags;        /* of the path's rows, also when the method is wrong */
};
/* `is_admin`: the admin listener shows only the rows that are meant for it. HEAD is taken as GET. */
void router_find(const struct router *r, unsigned method, struct span path, bool is_admin,
                 struct routing *ret_routing);

/* "GET, HEAD, POST"; at least 64 bytes of room. */
void http_methods_format(unsigned methods, char *out, size_t size);

/* What the request says about its body, before a byte of it was read. */
struct body_claim {
    bool has_length;
    uint64_t length;
    struct span content_type, content_encoding, expect;
};
/* 0, 413, 415 or 417. */
unsigned router_check_body(const struct route *route, unsigned method,
                           const struct body_claim *claim);
/* application/x-www-form-urlencoded, with or without parameters. */
bool content_type_is_form(struct span content_type);

/* Decodes %XX. ERR_SYNTAX: broken escapes, control characters, bytes that are not UTF-8. */
must_check enum err path_decode(struct arena *a, struct span raw, struct span *ret_path);

/* F15: a browser's own statement about where a state-changing request comes from. Sec-Fetch-Site
 * decides when it is there; else Origin must be absent, or this origin's. Pages send no referrer,
 * therefore an honest form's Origin is "null"; then the form's token decides alone. */
bool origin_is_acceptable(struct span sec_fetch_site, struct span origin, bool is_https,
                          struct span host);

#endif
