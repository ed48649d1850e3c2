/* SPDX-License-Identifier: Apache-2.0
 *
 * How a request came in, as far as idp/request.c must know it to look up headers and cookies and
 * to name cookies. Filled by the web server (or by a test) and borrowed by struct request; handlers
 * do not look into it. */
#ifndef IDP_TRANSPORT_H
#define IDP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

#include "base/span.h"

#define HTTP_HEADERS_MAX 64 /* fields in one request */

struct http_header {
    struct span name;
    struct span value;
};

/* Field names and media types compare without case. */
static inline bool field_is(struct span s, const char *wanted) {
    size_t len = strlen(wanted);
    return s.len == len && strncasecmp(s.ptr, wanted, len) == 0;
}

/* Without blanks at both ends (RFC 9110 5.6.3, OWS). */
static inline struct span field_trim(struct span s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct server;

struct transport {
    const struct http_header *header; /* in wire order */
    size_t n_headers;
    bool is_https;             /* as the browser sees it: __Host- and Secure cookies */
    const char *cookie_suffix; /* 6 hex digits, or NULL */
    const struct server *server; /* NULL in tests */
};

#endif
