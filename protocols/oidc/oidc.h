/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenID Connect and OAuth 2.0: the handlers that the route table names, each with the file that
 * it stands in. */
#ifndef IDP_PROTOCOLS_OIDC_OIDC_H
#define IDP_PROTOCOLS_OIDC_OIDC_H

#include "idp/request.h"

/* GET and POST /authorize: authorize.c */
extern const struct handler oidc_authorize_handler;
/* GET /authorize/resume?flow=HANDLE: authorize.c */
extern const struct handler oidc_resume_handler;
/* POST /consent: consent.c */
extern const struct handler oidc_consent_handler;
/* POST /token: token.c */
extern const struct handler oidc_token_handler;
/* GET and POST /userinfo: userinfo.c */
extern const struct handler oidc_userinfo_handler;
/* POST /introspect: introspection.c */
extern const struct handler oidc_introspection_handler;
/* POST /revoke: revocation.c */
extern const struct handler oidc_revocation_handler;
/* OPTIONS of what pages call: cors.c */
extern const struct handler oidc_preflight_handler;
/* OPTIONS of what anybody may read: cors.c */
extern const struct handler oidc_public_preflight_handler;
/* GET /jwks: jwks.c */
extern const struct handler oidc_jwks_handler;
/* GET both /.well-known documents: discovery.c */
extern const struct handler oidc_discovery_handler;
/* POST /register: registration.c */
extern const struct handler oidc_registration_handler;
/* GET, PUT and DELETE /register: registration_management.c */
extern const struct handler oidc_management_handler;
/* GET /client-logo: client_logo.c */
extern const struct handler oidc_client_logo_handler;
/* GET and POST /logout: logout.c */
extern const struct handler oidc_logout_handler;

#endif
