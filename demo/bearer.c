/* SPDX-License-Identifier: Apache-2.0
 *
 * See bearer.h. */
#include "demo/bearer.h"

#include <string.h>
#include <strings.h>

#include "base/encode.h"

#define CODE_MAX 64 /* characters of a dossier code */

struct span bearer_token(const struct request *req) {
    static const char scheme[] = "Bearer ";
    struct span field = request_header(req, "Authorization");
    size_t n = sizeof scheme - 1;
    if (request_header_count(req, "Authorization") != 1 || field.len <= n || field.len > n + BEARER_MAX ||
        strncasecmp(field.ptr, scheme, n) != 0)
        return SPAN_NONE;
    struct span token = span_bytes(field.ptr + n, field.len - n);
    return ascii_printable(token) && !memchr(token.ptr, ' ', token.len) ? token : SPAN_NONE;
}

void bearer_refuse(struct request *req, enum err e) {
    if (e == ERR_UNAVAILABLE || e == ERR_NOMEM) {
        respond_error_json(req, 503, "temporarily_unavailable", "the token cannot be checked now");
        return;
    }
    respond_error_json(req, 401, "invalid_token", "an access token for this service is needed");
    //= https://www.rfc-editor.org/rfc/rfc6750#section-3
    //# If the protected resource request does not include authentication credentials or does not
    //# contain an access token that enables access to the protected resource, the resource server
    //# MUST include the HTTP "WWW-Authenticate" response header field
    respond_header(req, "WWW-Authenticate",
                   e == ERR_MISSING ? SPAN("Bearer") : SPAN("Bearer error=\"invalid_token\""));
}

void bearer_lacks_scope(struct request *req, const char *scope) {
    respond_error_json(req, 403, "insufficient_scope", "the access token is not for this");
    respond_header(req, "WWW-Authenticate",
                   span_of(arena_printf(req->arena, "Bearer error=\"insufficient_scope\", scope=\"%s\"",
                                        scope)));
}

struct span dossier_code(const struct request *req, const char *prefix) {
    size_t n = strlen(prefix);
    if (!span_starts(req->path, prefix) || req->path.len == n || req->path.len > n + CODE_MAX)
        return SPAN_NONE;
    struct span code = span_bytes(req->path.ptr + n, req->path.len - n);
    for (size_t i = 0; i < code.len; i++) {
        char c = code.ptr[i];
        bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '-';
        if (!good)
            return SPAN_NONE;
    }
    return code;
}
