/* SPDX-License-Identifier: Apache-2.0
 *
 * See static.h. */
#include "web/static.h"

#include "web/pages.h"

static enum step static_parse(struct request *req) {
    const struct asset *file = pages_static_find(req->path);
    if (!file) {
        respond_body(req, 404, "text/plain; charset=utf-8", SPAN("not found\n"));
        return STEP_RESPOND;
    }
    respond_body(req, 200, file->content_type, asset_span(file));
    respond_header(req, "Cache-Control", SPAN("public, max-age=31536000, immutable"));
    req->response.cacheable = true;
    return STEP_RESPOND;
}

const struct handler static_handler = {.parse = static_parse};
