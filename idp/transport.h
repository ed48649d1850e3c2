/* SPDX-License-Identifier: Apache-2.0
 *
 * How a request came in, as far as idp/request.c must know it to look up headers and cookies and
 * to name cookies. Filled by the web server (or by a test) and borrowed by struct request; handlers
 * do not look into it. */
#ifndef IDP_TRANSPORT_H
#define IDP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

#define HTTP_HEADERS_MAX 64 /* fields in one request */

struct http_header {
    struct span name;
    struct span value;
};

struct server;

struct transport {
    const struct http_header *header; /* in wire order */
    size_t n_headers;
    bool is_https;             /* as the browser sees it: __Host- and Secure cookies */
    const char *cookie_suffix; /* 6 hex digits, or NULL */
    const struct server *server; /* NULL in tests */
};

#endif
