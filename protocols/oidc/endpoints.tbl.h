/* SPDX-License-Identifier: Apache-2.0
 *
 * The endpoints that metadata announces: include with ENDPOINT(name, path, metadata_key) defined.
 * `name` is the route's name in web/routes.tbl.h; a test holds the two tables together. */
ENDPOINT("authorize", "/authorize", "authorization_endpoint")
ENDPOINT("token", "/token", "token_endpoint")
ENDPOINT("userinfo", "/userinfo", "userinfo_endpoint")
ENDPOINT("introspect", "/introspect", "introspection_endpoint")
ENDPOINT("revoke", "/revoke", "revocation_endpoint")
ENDPOINT("jwks", "/jwks", "jwks_uri")
ENDPOINT("register", "/register", "registration_endpoint") /* unless the policy is closed */
ENDPOINT("logout", "/logout", "end_session_endpoint")
