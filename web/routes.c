/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider's route table; see routes.tbl.h. */
#include "web/routes.h"

#include "base/cleanup.h"
#include "protocols/oidc/oidc.h"
#include "web/admin_routes.h"
#include "web/handlers.h"
#include "web/static.h"

const struct route idp_routes[] = {
#include "web/routes.tbl.h"
};
const size_t idp_routes_count = ARRAY_LEN(idp_routes);
