/* SPDX-License-Identifier: Apache-2.0
 *
 * Logout from the relying party's side: sending the browser to the provider's (RP-Initiated Logout
 * 1.0), and being told by the provider (Back-Channel Logout 1.0). */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "protocols/rp/rp_internal.h"

#define LOGOUT_EVENT "http://schemas.openid.net/event/backchannel-logout"
#define SID_MAX      255

enum err rp_logout_url(const struct rp *rp, struct span id_token, const char *state,
                       struct buf *out) {
    if (!rp_is_ready(rp) || !rp->at.end_session)
        return ERR_UNAVAILABLE;
    rp_url_add(out, rp->at.end_session, "client_id", span_of(rp->client_id));
    rp_param_add(out, "id_token_hint", id_token);
    rp_param_add(out, "post_logout_redirect_uri", span_of(rp->post_logout_redirect_uri));
    rp_param_add(out, "state", span_of(state));
    return buf_err(out);
}

/* ---- logout tokens ---- */

/* Absent, or a text of 1 to `max` bytes, into the arena. */
static bool take_text(const json_t *claims, const char *name, size_t max, struct arena *a,
                      struct span *ret) {
    struct span text = json_str(claims, name);
    if (!json_object_get(claims, name))
        return true;
    *ret = arena_dup(a, text);
    return text.len && text.len <= max && ret->ptr;
}

static bool is_logout_event(const json_t *claims) {
    const json_t *events = json_object_get(claims, "events");
    return json_is_object(json_object_get(events, LOGOUT_EVENT));
}

static enum err times_check(const json_t *claims, int64_t now, int64_t *ret_expires_at) {
    int64_t iat, exp;
    if (json_int(claims, "iat", &iat) || json_int(claims, "exp", &exp))
        return ERR_EXPIRED;
    if (iat > now + RP_CLOCK_SKEW || iat < now - RP_LOGOUT_TOKEN_SECONDS)
        return ERR_EXPIRED;
    int64_t last = iat + RP_LOGOUT_TOKEN_SECONDS;
    if (exp < last - RP_CLOCK_SKEW)
        last = exp + RP_CLOCK_SKEW;
    *ret_expires_at = last;
    return now < last ? ERR_OK : ERR_EXPIRED;
}

enum err rp_logout_claims_check(const struct rp *rp, const json_t *claims, int64_t now,
                                struct arena *a, struct rp_logout_token *ret_token) {
    struct rp_logout_token t = {.sub = SPAN_NONE};
    if (!span_is(json_str(claims, "iss"), rp->issuer) || !rp_audience_good(rp, claims))
        return ERR_REFUSED;
    //= https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation
    //# Verify that the Logout Token contains an events Claim whose value is JSON object containing
    //# the member name http://schemas.openid.net/event/backchannel-logout.
    if (!is_logout_event(claims))
        return ERR_REFUSED;
    //= https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation
    //# Verify that the Logout Token does not contain a nonce Claim.
    if (json_object_get(claims, "nonce"))
        return ERR_REFUSED;
    if (!take_text(claims, "sub", RP_SUB_MAX, a, &t.sub) ||
        !take_text(claims, "sid", SID_MAX, a, &t.sid) ||
        !take_text(claims, "jti", RP_JTI_MAX, a, &t.jti))
        return ERR_REFUSED;
    //= https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation
    //# Verify that the Logout Token contains a sub Claim, a sid Claim, or both.
    if ((!t.sub.ptr && !t.sid.ptr) || !t.jti.ptr)
        return ERR_REFUSED;
    enum err e = times_check(claims, now, &t.expires_at);
    if (!e)
        *ret_token = t;
    return e;
}

enum err rp_logout_token_check(struct rp *rp, struct arena *a, struct span logout_token,
                               struct rp_logout_token *ret_token) {
    static const char *const typ[] = {"logout+jwt", "JWT", "", NULL};
    AUTO_JSON json_t *claims = NULL;
    if (!rp_is_ready(rp))
        return ERR_UNAVAILABLE;
    enum err e = rp_token_open(rp, a, logout_token, typ, &claims);
    return e ? e : rp_logout_claims_check(rp, claims, clock_now(), a, ret_token);
}
