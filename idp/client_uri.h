/* SPDX-License-Identifier: Apache-2.0
 *
 * URIs that others give us: which may be registered (by clients, for resources) or fetched
 * (outbound.h), and how a redirect URI is compared. Pure. */
#ifndef IDP_CLIENT_URI_H
#define IDP_CLIENT_URI_H

#include <stdbool.h>

#include "base/span.h"

struct uri_rules {
    bool allow_loopback_http;  /* http on 127.0.0.1, [::1] and localhost */
    bool allow_private_scheme; /* com.example.app:/callback, for native public clients */
};

struct uri_parts {
    struct span scheme;
    struct span host; /* absent for private schemes; with brackets for IPv6 */
    struct span port; /* absent when not given */
    struct span rest; /* path and query */
};

/* What is wrong with the URI (static text), or NULL. `ret_parts` may be NULL. */
const char *client_uri_check(struct span uri, const struct uri_rules *rules,
                             struct uri_parts *ret_parts);
/* http on a loopback IP literal: any port may be asked for (RFC 8252 7.3). */
bool client_uri_is_loopback(struct span uri);
/* Whether the two differ in nothing but the port; both are loopback. */
bool client_uri_same_but_port(struct span registered, struct span asked);

#endif
