/* SPDX-License-Identifier: Apache-2.0
 *
 * What one running sample portal consists of; made by portal_main.c, used by portal_handlers.c. */
#ifndef IDP_DEMO_PORTAL_H
#define IDP_DEMO_PORTAL_H

#include <jansson.h>

#include "demo/portal_session.h"
#include "protocols/rp/rp.h"
#include "web/server.h"

struct portal {
    json_t *config; /* the file: see demo.py for its members */
    struct rp *rp;
    struct portal_sessions *sessions;
    unsigned char csrf_key[32];
};

extern const struct route portal_routes[];
extern const size_t portal_routes_count;

#endif
