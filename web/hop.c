/* SPDX-License-Identifier: Apache-2.0
 *
 * See hop.h. */
#include "web/hop.h"

#include <jansson.h>

void respond_hop(struct request *req, struct span url) {
    bool is_browser = span_is(request_header(req, "Sec-Fetch-Mode"), "navigate") &&
                      span_is(request_header(req, "Sec-Fetch-Dest"), "document");
    if (!is_browser) {
        respond_redirect(req, url);
        return;
    }
    respond_page(req, 200, "hop", json_pack("{ss%}", "url", url.ptr ? url.ptr : "", url.len));
    /* HTML, 7.4.6: as <meta http-equiv="refresh">, which no template could hold safely. */
    const char *refresh = arena_printf(req->arena, "0; url=%.*s", SPAN_FMT(url));
    if (refresh)
        respond_header(req, "Refresh", span_of(refresh));
}
