/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenID Connect and OAuth 2.0: the handlers that the route table names. Each stands in the file
 * called after it. */
#ifndef IDP_PROTOCOLS_OIDC_OIDC_H
#define IDP_PROTOCOLS_OIDC_OIDC_H

#include "idp/request.h"

extern const struct handler oidc_authorize_handler; /* GET and POST /authorize */
extern const struct handler oidc_resume_handler;    /* GET /authorize/resume?flow=HANDLE */
extern const struct handler oidc_consent_handler;   /* POST /consent */
extern const struct handler oidc_token_handler;     /* POST /token */
extern const struct handler oidc_userinfo_handler;  /* GET and POST /userinfo */
extern const struct handler oidc_introspection_handler; /* POST /introspect */
extern const struct handler oidc_revocation_handler; /* POST /revoke */
extern const struct handler oidc_preflight_handler; /* OPTIONS of what pages call */
extern const struct handler oidc_public_preflight_handler; /* OPTIONS of what anybody may read */
extern const struct handler oidc_jwks_handler;      /* GET /jwks */
extern const struct handler oidc_discovery_handler; /* GET both /.well-known documents */
extern const struct handler oidc_registration_handler; /* POST /register */
extern const struct handler oidc_management_handler; /* GET, PUT and DELETE /register */
extern const struct handler oidc_client_logo_handler; /* GET /client-logo */
extern const struct handler oidc_logout_handler;    /* GET and POST /logout */

#endif
