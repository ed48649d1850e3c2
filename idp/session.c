/* SPDX-License-Identifier: Apache-2.0
 *
 * Cookie, key, life and level of a session; see session.h. */
#include "idp/session.h"

#include <string.h>

#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/sha256.h"

#define TIME_BYTES 4

static void key_of(const unsigned char raw[SESSION_COOKIE_BYTES], struct session_key *ret_key) {
    unsigned char digest[SHA256_BYTES];
    sha256(span_bytes(raw, SESSION_COOKIE_BYTES), digest);
    memcpy(ret_key->b, raw, TIME_BYTES);
    memcpy(ret_key->b + TIME_BYTES, digest, SESSION_KEY_BYTES - TIME_BYTES);
}

void session_cookie_new(int64_t now, char cookie[SESSION_COOKIE_CHARS + 1],
                        struct session_key *ret_key) {
    unsigned char raw[SESSION_COOKIE_BYTES];
    for (int i = 0; i < TIME_BYTES; i++)
        raw[i] = (unsigned char)((uint64_t)now >> (8 * (TIME_BYTES - 1 - i)));
    random_bytes(raw + TIME_BYTES, sizeof raw - TIME_BYTES);
    key_of(raw, ret_key);
    cookie[b64url_encode(raw, sizeof raw, cookie)] = '\0';
    wipe(raw, sizeof raw);
}

enum err session_cookie_parse(struct span cookie, struct session_key *ret_key) {
    unsigned char raw[SESSION_COOKIE_BYTES];
    size_t len;
    if (cookie.len != SESSION_COOKIE_CHARS || b64url_decode(cookie, raw, sizeof raw, &len) ||
        len != sizeof raw)
        return ERR_SYNTAX;
    key_of(raw, ret_key);
    wipe(raw, sizeof raw);
    return ERR_OK;
}

bool session_is_live(const struct session *s, int64_t now, int64_t idle_seconds) {
    return s->found && s->ended_at == 0 && now < s->expires_at &&
           now - s->last_seen < idle_seconds && s->user.status == USER_ACTIVE;
}

int session_loa(const struct session *s) {
    if (s->user.ial >= 2 && s->aal >= 3)
        return 3;
    if (s->user.ial >= 2 && s->aal >= 2)
        return 2;
    return s->user.ial >= 1 && s->aal >= 1 ? 1 : 0;
}
