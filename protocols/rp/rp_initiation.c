/* SPDX-License-Identifier: Apache-2.0
 *
 * Third-party-initiated login (OIDC Core 4), from the relying party's side. Anybody can send a
 * browser here: the provider is ours or none, and the way on afterwards leads to no other site. */
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "protocols/rp/rp_internal.h"

#define HINT_MAX   256
#define TARGET_MAX 2048

/* clang-format off */
static const struct param_def initiation_defs[] = {
    /* name             field                                              parse        max         flags            specification */
    {"iss",             offsetof(struct rp_initiation, iss),             param_ascii, 2048,       PARAM_REQUIRED}, /* OIDC Core 4 */
    {"login_hint",      offsetof(struct rp_initiation, login_hint),      param_span,  HINT_MAX,   0},              /* OIDC Core 4 */
    {"target_link_uri", offsetof(struct rp_initiation, target_link_uri), param_ascii, TARGET_MAX, 0},              /* OIDC Core 4 */
};
/* clang-format on */

enum err rp_initiation_parse(struct arena *a, const struct params *params,
                             struct rp_initiation *ret_initiation) {
    struct rp_initiation i = {.iss = SPAN_NONE};
    const char *name;
    enum err e = params_fill(initiation_defs, ARRAY_LEN(initiation_defs), a, params, &i, &name);
    if (!e)
        *ret_initiation = i;
    return e;
}

/* The origin byte by byte, then nothing or a path, a query or a fragment: no user part, no other
 * port and no longer host can follow. Spaces and backslashes are what browsers and programs read
 * differently. */
static bool is_below(struct span uri, const char *origin) {
    if (!span_starts(uri, origin) || !ascii_printable(uri) || memchr(uri.ptr, ' ', uri.len) ||
        memchr(uri.ptr, '\\', uri.len))
        return false;
    size_t len = strlen(origin);
    return uri.len == len || strchr("/?#", uri.ptr[len]);
}

enum err rp_initiation_check(const struct rp *rp, const struct rp_initiation *i,
                             const char *origin) {
    if (!span_is(i->iss, rp->issuer))
        return ERR_REFUSED;
    //= https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin
    //# RPs MUST verify the value of the target_link_uri to prevent being used as an open redirector
    //# to external sites.
    if (i->target_link_uri.ptr && !is_below(i->target_link_uri, origin))
        return ERR_REFUSED;
    return ERR_OK;
}
