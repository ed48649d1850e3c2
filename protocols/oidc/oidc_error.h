/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors as the wire knows them (RFC 6749 4.1.2.1 and 5.2, OIDC Core 3.1.2.6, RFC 8707 2), each
 * with the status it has where it is answered directly. Descriptions are static text: nothing of
 * the request is repeated in them. */
#ifndef IDP_PROTOCOLS_OIDC_ERROR_H
#define IDP_PROTOCOLS_OIDC_ERROR_H

#include "idp/request.h"

#define OIDC_ERROR_ENTRIES(X)                                                                    \
    X(OIDC_NO_ERROR, "", 200)                                                                    \
    X(OIDC_INVALID_REQUEST, "invalid_request", 400)                                              \
    X(OIDC_INVALID_CLIENT, "invalid_client", 401)                                                \
    X(OIDC_INVALID_GRANT, "invalid_grant", 400)                                                  \
    X(OIDC_UNAUTHORIZED_CLIENT, "unauthorized_client", 400)                                      \
    X(OIDC_UNSUPPORTED_GRANT_TYPE, "unsupported_grant_type", 400)                                \
    X(OIDC_UNSUPPORTED_RESPONSE_TYPE, "unsupported_response_type", 400)                          \
    X(OIDC_INVALID_SCOPE, "invalid_scope", 400)                                                  \
    X(OIDC_INVALID_TARGET, "invalid_target", 400)                                                \
    X(OIDC_ACCESS_DENIED, "access_denied", 403)                                                  \
    X(OIDC_LOGIN_REQUIRED, "login_required", 400)                                                \
    X(OIDC_CONSENT_REQUIRED, "consent_required", 400)                                            \
    X(OIDC_INTERACTION_REQUIRED, "interaction_required", 400)                                    \
    X(OIDC_UNMET_AUTHENTICATION_REQUIREMENTS, "unmet_authentication_requirements", 400)          \
    X(OIDC_INVALID_REQUEST_OBJECT, "invalid_request_object", 400)                                \
    X(OIDC_INVALID_REQUEST_URI, "invalid_request_uri", 400)                                      \
    X(OIDC_REGISTRATION_NOT_SUPPORTED, "registration_not_supported", 400)                        \
    X(OIDC_TOO_MANY_REQUESTS, "temporarily_unavailable", 429)                                    \
    X(OIDC_SERVER_ERROR, "server_error", 500)                                                    \
    X(OIDC_TEMPORARILY_UNAVAILABLE, "temporarily_unavailable", 503)

enum oidc_error {
#define OIDC_ERROR_ENUM(name, code, status) name,
    OIDC_ERROR_ENTRIES(OIDC_ERROR_ENUM)
#undef OIDC_ERROR_ENUM
};

struct oidc_failure {
    enum oidc_error error; /* OIDC_NO_ERROR: none */
    const char *description; /* static, ASCII without quotes (RFC 6749 5.2), or NULL */
};

#define OIDC_FAILURE(error_, text_) ((struct oidc_failure){(error_), (text_)})

const char *oidc_error_code(enum oidc_error e);

/* The JSON answer of RFC 6749 5.2, with Retry-After on 429 and 503. */
void oidc_error_respond(struct request *req, struct oidc_failure failure);
/* That with temporarily_unavailable; STEP_RESPOND, for a handler to end with. */
enum step oidc_unavailable(struct request *req);
/* `mistake`, unless it was for want of memory, or of a place to wait in, that nothing was found out. */
enum oidc_error oidc_error_of(enum err e, enum oidc_error mistake);
/* The same with its description, which is of the mistake only. */
struct oidc_failure oidc_failure_of(enum err e, enum oidc_error mistake, const char *description);
/* "duplicate parameter" and the like, for what params_fill says. */
struct oidc_failure oidc_param_failure(enum err e, const char *name, struct arena *a);

#endif
