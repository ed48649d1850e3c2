/* SPDX-License-Identifier: Apache-2.0
 *
 * Every URL that idpd answers: included by routes.c only. Body limits in bytes. Discovery takes
 * its endpoints from protocols/oidc/endpoints.tbl.h; a test holds the two together. */
#define KIB 1024
#define PAGE ROUTE_HTML
#define FORM (ROUTE_HTML | ROUTE_FORM | ROUTE_BROWSER)

/* methods                path                                 name               handler                  body      flags                                             specification */
{HTTP_GET,              "/",                                 "home",            &home_handler,            0,        PAGE,                                             "-"},
{HTTP_POST,             "/sign-in",                          "sign_in",         &sign_in_handler,         32 * KIB, FORM,                                             "-"},
{HTTP_POST,             "/sign-in/password",                 "password_forced", &password_forced_handler, 32 * KIB, FORM,                                             "-"},
/* Other providers: connectors. Their callbacks, and the address that their own settings may name. */
{HTTP_GET,              "/upstream/start",                   "upstream_start",  &upstream_start_handler,  0,        PAGE,                                             "-"},
{HTTP_GET,              "/upstream/callback/",               "upstream_callback", &upstream_callback_handler, 0,      PAGE | ROUTE_PREFIX,                              "RFC 6749 4.1.2"},
{HTTP_GET,              "/commonauth",                       "commonauth",      &upstream_callback_handler, 0,      PAGE,                                             "RFC 6749 4.1.2"},
{HTTP_GET,              "/upstream/choose",                  "upstream_choose", &upstream_choose_handler, 0,        PAGE,                                             "-"},
{HTTP_POST,             "/upstream/choose",                  "upstream_chosen", &upstream_choose_handler, 16 * KIB, FORM,                                             "-"},
{HTTP_GET,              "/upstream/link",                    "upstream_link",   &upstream_link_handler,   0,        PAGE,                                             "-"},
{HTTP_GET,              "/upstream/sign-out",                "upstream_sign_out", &upstream_sign_out_handler, 0,    PAGE,                                             "-"},
{HTTP_GET,              "/upstream/signed-out/",             "upstream_signed_out", &upstream_signed_out_handler, 0, PAGE | ROUTE_PREFIX,                             "RP-Initiated Logout 3"},
{HTTP_POST,             "/upstream/backchannel-logout/",     "upstream_backchannel", &upstream_backchannel_handler, 32 * KIB, ROUTE_FORM | ROUTE_PREFIX,             "Back-Channel Logout 2.5"},
{HTTP_GET,              "/account",                          "account",         &account_handler,         0,        PAGE,                                             "-"},
{HTTP_POST,             "/account/end",                      "account_end",     &account_end_handler,     4 * KIB,  FORM,                                             "-"},
{HTTP_GET,              "/account/password",                 "password_page",   &password_page_handler,   0,        PAGE,                                             "-"},
{HTTP_POST,             "/account/password",                 "password_change", &password_change_handler, 32 * KIB, FORM,                                             "-"},
{HTTP_GET | HTTP_POST,  "/authorize",                        "authorize",       &oidc_authorize_handler,  32 * KIB, ROUTE_HTML | ROUTE_FORM | ROUTE_CROSS_SITE_POST,  "RFC 6749 3.1"},
{HTTP_GET,              "/authorize/resume",                 "resume",          &oidc_resume_handler,     0,        PAGE,                                             "-"},
{HTTP_POST,             "/consent",                          "consent",         &oidc_consent_handler,    32 * KIB, FORM,                                             "-"},
{HTTP_GET,              "/client-logo",                      "client_logo",     &oidc_client_logo_handler, 0,       0,                                                "RFC 7591 2"},
{HTTP_POST,             "/token",                            "token",           &oidc_token_handler,      32 * KIB, ROUTE_FORM,                                       "RFC 6749 3.2"},
{HTTP_GET | HTTP_POST,  "/userinfo",                         "userinfo",        &oidc_userinfo_handler,   32 * KIB, 0,                                                "OIDC Core 5.3"},
{HTTP_POST,             "/introspect",                       "introspect",      &oidc_introspection_handler, 32 * KIB, ROUTE_FORM,                                    "RFC 7662 2"},
{HTTP_POST,             "/revoke",                           "revoke",          &oidc_revocation_handler, 32 * KIB, ROUTE_FORM,                                       "RFC 7009 2"},
{HTTP_POST,             "/register",                         "register",        &oidc_registration_handler, 64 * KIB, 0,                                               "RFC 7591 3"},
{HTTP_GET | HTTP_PUT | HTTP_DELETE, "/register",             "register_manage", &oidc_management_handler, 64 * KIB, 0,                                                 "RFC 7592 2"},
{HTTP_GET,              "/jwks",                             "jwks",            &oidc_jwks_handler,       0,        ROUTE_ANY_ORIGIN,                                 "RFC 7517 5"},
{HTTP_GET | HTTP_POST,  "/logout",                           "logout",          &oidc_logout_handler,     32 * KIB, ROUTE_HTML | ROUTE_FORM | ROUTE_CROSS_SITE_POST,  "RP-Initiated Logout 2"},
{HTTP_GET,              "/.well-known/openid-configuration", "discovery",       &oidc_discovery_handler,  0,        ROUTE_ANY_ORIGIN,                                 "OIDC Discovery 4"},
{HTTP_GET,              "/.well-known/oauth-authorization-server", "as_metadata", &oidc_discovery_handler, 0,       ROUTE_ANY_ORIGIN,                                 "RFC 8414 3"},
/* The addresses that portals of the national portal's dialect know: the same endpoints. */
{HTTP_GET | HTTP_POST,  "/oauth2/authorize",                 "alias_authorize", &oidc_authorize_handler,  32 * KIB, ROUTE_HTML | ROUTE_FORM | ROUTE_CROSS_SITE_POST,  "-"},
{HTTP_POST,             "/oauth2/token",                     "alias_token",     &oidc_token_handler,      32 * KIB, ROUTE_FORM,                                       "-"},
{HTTP_GET | HTTP_POST,  "/oauth2/userinfo",                  "alias_userinfo",  &oidc_userinfo_handler,   32 * KIB, 0,                                                "-"},
{HTTP_POST,             "/oauth2/introspect",                "alias_introspect", &oidc_introspection_handler, 32 * KIB, ROUTE_FORM,                                   "-"},
{HTTP_POST,             "/oauth2/revoke",                    "alias_revoke",    &oidc_revocation_handler, 32 * KIB, ROUTE_FORM,                                       "-"},
{HTTP_GET,              "/oauth2/jwks",                      "alias_jwks",      &oidc_jwks_handler,       0,        ROUTE_ANY_ORIGIN,                                 "-"},
{HTTP_GET | HTTP_POST,  "/oidc/logout",                      "alias_logout",    &oidc_logout_handler,     32 * KIB, ROUTE_HTML | ROUTE_FORM | ROUTE_CROSS_SITE_POST,  "-"},
/* Preflight requests of pages that are public clients; never for what a person's browser opens. */
{HTTP_OPTIONS,          "/token",                            "preflight_token", &oidc_preflight_handler,  0,        0,                                                "Fetch 4.8"},
{HTTP_OPTIONS,          "/userinfo",                         "preflight_userinfo", &oidc_preflight_handler,  0,        0,                                                "Fetch 4.8"},
{HTTP_OPTIONS,          "/revoke",                           "preflight_revoke", &oidc_preflight_handler,  0,        0,                                                "Fetch 4.8"},
{HTTP_OPTIONS,          "/oauth2/token",                     "alias_preflight_token", &oidc_preflight_handler,  0,        0,                                                "Fetch 4.8"},
{HTTP_OPTIONS,          "/oauth2/userinfo",                  "alias_preflight_userinfo", &oidc_preflight_handler,  0,        0,                                                "Fetch 4.8"},
{HTTP_OPTIONS,          "/oauth2/revoke",                    "alias_preflight_revoke", &oidc_preflight_handler,  0,        0,                                                "Fetch 4.8"},
{HTTP_OPTIONS,          "/jwks",                             "preflight_jwks",  &oidc_public_preflight_handler, 0,   ROUTE_ANY_ORIGIN,                                 "Fetch 4.8"},
{HTTP_OPTIONS,          "/oauth2/jwks",                      "alias_preflight_jwks", &oidc_public_preflight_handler, 0,   ROUTE_ANY_ORIGIN,                                 "Fetch 4.8"},
{HTTP_OPTIONS,          "/.well-known/openid-configuration", "preflight_discovery", &oidc_public_preflight_handler, 0,   ROUTE_ANY_ORIGIN,                                 "Fetch 4.8"},
{HTTP_OPTIONS,          "/.well-known/oauth-authorization-server", "preflight_as_metadata", &oidc_public_preflight_handler, 0,   ROUTE_ANY_ORIGIN,                                 "Fetch 4.8"},
{HTTP_GET,              "/static/",                          "static",          &static_handler,          0,        ROUTE_PREFIX,                                     "-"},
{HTTP_GET,              "/healthz",                          "healthz",         &healthz_handler,         0,        ROUTE_PROBE,                                      "-"},
{HTTP_GET,              "/readyz",                           "readyz",          &readyz_handler,          0,        ROUTE_PROBE,                                      "-"},
{HTTP_GET,              "/metrics",                          "metrics",         &metrics_handler,         0,        ROUTE_ADMIN,                                      "-"},

#undef KIB
#undef PAGE
#undef FORM
