/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims of logout tokens; see logout_token.h. */
#include "protocols/oidc/logout_token.h"

#include "base/encode.h"
#include "base/json.h"
#include "base/random.h"
#include "idp/config.h"
#include "protocols/oidc/tokens.h"

#define LOGOUT_TOKEN_SECONDS 120 /* Back-Channel Logout 4: "preferably at most two minutes" */
#define JTI_BYTES            16
#define LOGOUT_EVENT         "http://schemas.openid.net/event/backchannel-logout"

/* sid is that of the ID tokens that the client got in this session, also when the session was renewed
 * since (struct grant's sid_key); a client that saw two is sent two tokens. */
enum err logout_token_build(struct idp *idp, const struct client *client,
                            const struct logout_delivery *d, int64_t now, struct buf *out) {
    unsigned char random[JTI_BYTES];
    char sub[SUB_CHARS + 1], sid[SID_CHARS + 1], jti[B64URL_LEN(JTI_BYTES) + 1];
    tokens_sub(idp->keyring, client, &d->user_id, sub);
    tokens_sid(idp->keyring, client, &d->session_key, sid);
    random_bytes(random, sizeof random);
    jti[b64url_encode(random, sizeof random, jti)] = '\0';

    struct json_out o = JSON_OUT(out);
    json_open_object(&o, NULL);
    json_add_str(&o, "iss", idp_config(idp)->issuer);
    json_add_str(&o, "aud", client->client_id);
    json_add_i64(&o, "iat", now);
    json_add_i64(&o, "exp", now + LOGOUT_TOKEN_SECONDS);
    json_add_str(&o, "jti", span_of(jti));
    //= https://openid.net/specs/openid-connect-backchannel-1_0.html#section-2.4
    //# A Logout Token MUST contain either a sub or a sid Claim, and MAY contain both.
    json_add_str(&o, "sub", span_of(sub));
    json_add_str(&o, "sid", span_of(sid));
    json_open_object(&o, "events");
    json_open_object(&o, LOGOUT_EVENT);
    json_close_object(&o);
    json_close_object(&o);
    json_close_object(&o);
    return buf_err(out);
}
