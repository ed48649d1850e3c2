/* SPDX-License-Identifier: Apache-2.0
 *
 * What one running sample service consists of; made by portal_main.c, used by the handlers of its role:
 * a portal, the dossier-status API, the adapter of the integration platform, or the overview page. */
#ifndef IDP_DEMO_PORTAL_H
#define IDP_DEMO_PORTAL_H

#include <jansson.h>

#include "demo/portal_session.h"
#include "protocols/rp/rp.h"
#include "web/server.h"

struct portal {
    json_t *config; /* the file: see demo.py for its members */
    struct rp *rp;                    /* NULL: the overview page has none */
    struct portal_sessions *sessions; /* of portals */
    unsigned char csrf_key[32];
};

extern const struct handler portal_ready_handler; /* /healthz and /readyz of every role */

extern const struct route portal_routes[], dossiers_routes[], lgsp_routes[], overview_routes[];
extern const size_t portal_routes_count, dossiers_routes_count, lgsp_routes_count,
    overview_routes_count;

#endif
