/* SPDX-License-Identifier: Apache-2.0
 *
 * The first page of the demo: what runs, and where to click. What it lists is in its configuration. */
#include "base/cleanup.h"
#include "base/json.h"
#include "demo/portal.h"
#include "web/static.h"

static enum step overview_parse(struct request *req) {
    const struct portal *p = req->app;
    respond_page(req, 200, "overview",
                 json_incref(json_object_get(p->config, req->lang == LANG_EN ? "page_en" : "page")));
    return STEP_RESPOND;
}

static const struct handler overview_handler = {.parse = overview_parse};

/* clang-format off */
const struct route overview_routes[] = {
    /* methods   path         name        handler                body flags         specification */
    {HTTP_GET,  "/",         "overview", &overview_handler,     0,   ROUTE_HTML,   "-"},
    {HTTP_GET,  "/static/",  "static",   &static_handler,       0,   ROUTE_PREFIX, "-"},
    {HTTP_GET,  "/healthz",  "healthz",  &portal_ready_handler, 0,   0,            "-"},
    {HTTP_GET,  "/readyz",   "readyz",   &portal_ready_handler, 0,   0,            "-"},
};
/* clang-format on */
const size_t overview_routes_count = ARRAY_LEN(overview_routes);
