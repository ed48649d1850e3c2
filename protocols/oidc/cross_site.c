/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms posted by other sites; see cross_site.h. */
#include "protocols/oidc/cross_site.h"

#include "idp/config.h"
#include "idp/idp.h"
#include "protocols/oidc/redirect.h"

bool cross_site_post(const struct request *req) {
    struct span site = request_header(req, "Sec-Fetch-Site");
    if (site.len)
        return span_is(site, "cross-site");
    struct span origin = request_header(req, "Origin");
    return origin.len && !span_eq(origin, redirect_form_action(request_config(req)->issuer));
}

bool cross_site_redirect(struct request *req, const char *path, const struct buf *query) {
    if (buf_err(query))
        return false;
    char *location = arena_printf(req->arena, "%s?%.*s", path, SPAN_FMT(buf_span(query)));
    if (!location)
        return false;
    respond_redirect(req, span_of(location));
    return true;
}
