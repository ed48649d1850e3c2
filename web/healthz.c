/* SPDX-License-Identifier: Apache-2.0
 *
 * Alive: the answer itself is the message. Apart from admin_routes.c, since every program with a
 * server of ours has it. */
#include "web/admin_routes.h"

static enum step healthz_parse(struct request *req) {
    respond_body(req, 200, "text/plain; charset=utf-8", SPAN("ok\n"));
    return STEP_RESPOND;
}

const struct handler healthz_handler = {.parse = healthz_parse};
