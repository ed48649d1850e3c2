/* SPDX-License-Identifier: Apache-2.0
 *
 * JWT access tokens as a service that they are for checks them (RFC 9068 4), by the provider's
 * published keys. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "protocols/rp/rp_internal.h"

static bool is_for(const json_t *claims, struct span audience) {
    const json_t *aud = json_object_get(claims, "aud"), *one;
    size_t i;
    if (json_is_string(aud))
        return span_eq(json_str(claims, "aud"), audience);
    json_array_foreach(aud, i, one) {
        if (json_is_string(one) && span_is(audience, json_string_value(one)))
            return true;
    }
    return false;
}

enum err rp_access_claims_check(const struct rp *rp, const json_t *claims, const char *audience,
                                int64_t now, struct arena *a, struct rp_access_token *ret_token) {
    struct span sub = json_str(claims, "sub"), client_id = json_str(claims, "client_id"),
                scope = json_str(claims, "scope");
    struct rp_access_token t;
    if (!span_is(json_str(claims, "iss"), rp->issuer))
        return ERR_REFUSED;
    //= https://www.rfc-editor.org/rfc/rfc9068#section-4
    //# The resource server MUST validate that the "aud" claim contains a resource indicator value
    //# corresponding to an identifier the resource server expects for itself.
    if (!audience || !is_for(claims, span_of(audience)))
        return ERR_REFUSED;
    //= https://www.rfc-editor.org/rfc/rfc9068#section-4
    //# The current time MUST be before the time represented by the "exp" claim.
    if (json_int(claims, "exp", &t.expires_at) || now >= t.expires_at)
        return ERR_EXPIRED;
    if (!sub.len || sub.len > RP_SUB_MAX || !client_id.len)
        return ERR_REFUSED;
    t.sub = arena_dup(a, sub);
    t.client_id = arena_dup(a, client_id);
    t.scope = scope.len ? arena_dup(a, scope) : SPAN_NONE;
    if (!t.sub.ptr || !t.client_id.ptr || (scope.len && !t.scope.ptr))
        return ERR_NOMEM;
    *ret_token = t;
    return ERR_OK;
}

enum err rp_access_token_check(struct rp *rp, struct arena *a, struct span token,
                               const char *audience, struct rp_access_token *ret_token) {
    //= https://www.rfc-editor.org/rfc/rfc9068#section-4
    //# The resource server MUST verify that the "typ" header value is "at+jwt" or
    //# "application/at+jwt" and reject tokens carrying any other value.
    static const char *const typ[] = {"at+jwt", NULL};
    AUTO_JSON json_t *claims = NULL;
    enum err e = rp_token_open(rp, a, token, typ, &claims);
    return e ? e : rp_access_claims_check(rp, claims, audience, clock_now(), a, ret_token);
}
