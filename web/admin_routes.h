/* SPDX-License-Identifier: Apache-2.0
 *
 * For operators: /healthz, /readyz (both listeners) and idpd's /metrics (admin listener only). */
#ifndef IDP_WEB_ADMIN_ROUTES_H
#define IDP_WEB_ADMIN_ROUTES_H

#include "idp/request.h"

extern const struct handler healthz_handler; /* 200 while the process answers; any server may use it */
extern const struct handler readyz_handler;  /* 200 when sign-on can work, else 503 and what is missing */
extern const struct handler metrics_handler; /* Prometheus text */

#endif
