/* SPDX-License-Identifier: Apache-2.0
 *
 * Registered claims of JWTs that others made; see jwt_claims.h. */
#include "protocols/oidc/jwt_claims.h"

#include "base/json.h"

#define TIME_MAX_SECONDS 253402300799.0 /* the end of the year 9999 */

/* A NumericDate, seconds; a fraction is dropped. ERR_MISSING, ERR_SYNTAX (no number), ERR_RANGE. */
static enum err claim_time(const json_t *claims, const char *name, int64_t *ret_time) {
    const json_t *value = json_object_get(claims, name);
    if (!value)
        return ERR_MISSING;
    if (!json_is_number(value))
        return ERR_SYNTAX;
    double seconds = json_number_value(value);
    if (!(seconds >= 0 && seconds <= TIME_MAX_SECONDS)) /* also what is no number at all */
        return ERR_RANGE;
    *ret_time = json_is_integer(value) ? (int64_t)json_integer_value(value) : (int64_t)seconds;
    return ERR_OK;
}

/* Absent, or not later than a clock that is a little ahead of ours would say. */
static enum err past_check(const json_t *claims, const char *name, int64_t now) {
    int64_t at = 0;
    enum err e = claim_time(claims, name, &at);
    if (e == ERR_MISSING)
        return ERR_OK;
    if (e)
        return e;
    return at > now + JWT_SKEW_SECONDS ? ERR_RANGE : ERR_OK;
}

enum err jwt_times_check(const json_t *claims, const struct jwt_times *rules, int64_t now,
                         int64_t *ret_expires_at) {
    int64_t expires_at = 0;
    enum err e = claim_time(claims, "exp", &expires_at);
    bool is_absent = e == ERR_MISSING && !rules->needs_expiry;
    if (e && !is_absent)
        return e;
    //= https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
    //# The processing of the "exp" claim requires that the current date/time MUST be before the
    //# expiration date/time listed in the "exp" claim.
    if (!is_absent && now >= expires_at)
        return ERR_EXPIRED;
    if (!is_absent && expires_at > now + rules->longest)
        return ERR_RANGE;
    e = past_check(claims, "nbf", now);
    if (!e)
        e = past_check(claims, "iat", now);
    if (!e)
        *ret_expires_at = expires_at;
    return e;
}

static bool is_one_of(const json_t *value, const struct span *ours, size_t n_ours) {
    struct span text = {json_string_value(value), json_string_length(value)};
    for (size_t i = 0; i < n_ours; i++)
        if (json_is_string(value) && span_eq(text, ours[i]))
            return true;
    return false;
}

enum err jwt_audience_check(const json_t *claims, const struct span *ours, size_t n_ours) {
    const json_t *aud = json_object_get(claims, "aud");
    if (!aud)
        return ERR_MISSING;
    if (json_is_string(aud))
        return is_one_of(aud, ours, n_ours) ? ERR_OK : ERR_REFUSED;
    if (!json_is_array(aud) || !json_array_size(aud))
        return ERR_SYNTAX;
    for (size_t i = 0; i < json_array_size(aud); i++)
        if (!is_one_of(json_array_get(aud, i), ours, n_ours))
            return ERR_REFUSED;
    return ERR_OK;
}
