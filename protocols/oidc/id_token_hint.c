/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification of id_token_hint; see id_token_hint.h. */
#include "protocols/oidc/id_token_hint.h"

#include "base/json.h"
#include "idp/config.h"
#include "idp/keyring.h"
#include "keys/jws.h"

enum err id_token_hint_verify(struct arena *a, const struct config *cfg,
                              const struct key_snapshot *keys, struct span token,
                              struct id_token_hint *ret_hint) {
    static const char *const typ[] = {"JWT", NULL};
    const struct jws_expect expect = {.typ = typ};
    struct jws jws;
    if (token.len > ID_TOKEN_HINT_MAX)
        return ERR_TOO_LONG;
    enum err e = jws_verify(a, token, &expect, &keys->verify, &jws);
    if (e)
        return e;
    AUTO_JSON json_t *claims = NULL;
    e = json_parse_object(jws.payload, JWS_MAX_BYTES, &claims);
    if (e)
        return e;
    if (!span_eq(json_str(claims, "iss"), cfg->issuer))
        return ERR_REFUSED;
    struct span sub = json_str(claims, "sub"), aud = json_str(claims, "aud");
    if (!sub.len || !aud.len)
        return ERR_SYNTAX;
    struct id_token_hint hint = {.sub = arena_dup(a, sub), .client_id = arena_dup(a, aud)};
    if (!hint.sub.ptr || !hint.client_id.ptr)
        return ERR_NOMEM;
    *ret_hint = hint;
    return ERR_OK;
}
