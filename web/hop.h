/* SPDX-License-Identifier: Apache-2.0
 *
 * Going on from a chain of redirects that a form may have begun. */
#ifndef IDP_WEB_HOP_H
#define IDP_WEB_HOP_H

#include "base/span.h"
#include "idp/request.h"

/* Where a browser goes on to another site than the page said on which a form was sent, Chromium stops it:
 * it holds every redirect that follows a form to that page's form-action (CSP 3, 6.4.2). The page may be
 * another provider's, or a service's. So browsers get a page of ours that goes on by itself, without
 * scripts; whoever does not say that it is one (Sec-Fetch-Mode, Sec-Fetch-Dest) gets a redirect. `url` is
 * our own path, or an address that we have made. */
void respond_hop(struct request *req, struct span url);

#endif
