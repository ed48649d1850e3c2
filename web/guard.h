/* SPDX-License-Identifier: Apache-2.0
 *
 * What libmicrohttpd lets through and must not run: smuggled bodies, ambiguous hosts, lines that
 * another parser would read differently. Pure checks on what the library shows in its first
 * callback; a request that fails one is answered at once and its connection closed, which drops
 * whatever was pipelined behind it.
 *
 * obs-fold, NUL and bare LF do not show in the library's API. In the versions named by
 * guard_layout_is_known() they show in the layout: all pointers lead into the read buffer in wire
 * order, and each line end was overwritten with as many NULs as it had bytes. Not visible even so,
 * and left to the proxy in deploy/: a line that begins with NUL (the library takes it for an empty
 * one), a line that begins with a colon next to a bare LF (the same: the colon was overwritten too), and
 * a value whose last byte is NUL before a bare LF. */
#ifndef IDP_WEB_GUARD_H
#define IDP_WEB_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "idp/transport.h"

#define GUARD_TARGET_MAX 12288 /* bytes; a sealed flow in a URL has about 9000 */
#define GUARD_HEADER_MAX 16384 /* bytes of request line and fields together */

struct guard_input {
    const char *method;  /* where the request begins in the read buffer */
    struct span target;  /* as received: its address in the read buffer, its length up to NUL */
    const char *target_text; /* a copy of those bytes, since the library decodes in place */
    const char *version; /* "HTTP/1.1" */
    const struct http_header *header;
    size_t n_headers;    /* may be larger than HTTP_HEADERS_MAX: only so many are in `header` */
    size_t header_bytes; /* from `method` to the first byte of the body */
    bool is_layout_known;
};

struct guard_refusal {
    unsigned status;
    const char *reason; /* for the log and the answer */
};

/* NULL: nothing is wrong. */
const struct guard_refusal *guard_check(const struct guard_input *in);

/* Whether `mhd_version` (MHD_get_version: the running one) lays out its read buffer as above. */
bool guard_layout_is_known(const char *mhd_version);

#endif
