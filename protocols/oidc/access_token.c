/* SPDX-License-Identifier: Apache-2.0
 *
 * Access tokens as JWTs; see access_token.h. */
#include "protocols/oidc/access_token.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json_members.h"
#include "base/random.h"
#include "base/sha256.h"
#include "idp/config.h"
#include "idp/keyring.h"
#include "keys/jws_memory.h"

#define NONCE_BYTES 8
#define JTI_BYTES   (NONCE_BYTES + GRANT_KEY_BYTES)
#define NO_GRANT    0xff

_Static_assert(B64URL_LEN(JTI_BYTES) == ACCESS_TOKEN_JTI_CHARS, "length of the text form");

/* Masks and unmasks. */
static void jti_mask(const struct keyring *k, unsigned char bytes[JTI_BYTES]) {
    unsigned char mac[32];
    keyring_mac(k, "jti", span_bytes(bytes, NONCE_BYTES), mac);
    for (size_t i = 0; i < GRANT_KEY_BYTES; i++)
        bytes[NONCE_BYTES + i] ^= mac[i];
}

void access_token_jti_build(const struct keyring *k, const struct grant_key *key,
                            char out[ACCESS_TOKEN_JTI_CHARS + 1]) {
    unsigned char bytes[JTI_BYTES];
    random_bytes(bytes, sizeof bytes);
    if (key) {
        bytes[0] &= 0x7f;
        memcpy(bytes + NONCE_BYTES, key->b, GRANT_KEY_BYTES);
        jti_mask(k, bytes);
    } else {
        bytes[0] = NO_GRANT;
    }
    out[b64url_encode(bytes, sizeof bytes, out)] = '\0';
}

static bool jti_parse(const struct keyring *k, struct span jti, struct grant_key *ret_key) {
    unsigned char bytes[JTI_BYTES];
    size_t len;
    if (b64url_decode(jti, bytes, sizeof bytes, &len) || len != sizeof bytes ||
        bytes[0] == NO_GRANT)
        return false;
    jti_mask(k, bytes);
    memcpy(ret_key->b, bytes + NONCE_BYTES, GRANT_KEY_BYTES);
    return true;
}

void access_token_revocation_key(const struct access_token *t,
                                 unsigned char ret_key[PENDING_KEY_BYTES]) {
    unsigned char hash[32];
    for (unsigned i = 0; i < 4; i++)
        ret_key[i] = (unsigned char)((uint64_t)t->expires_at >> (24 - 8 * i));
    sha256(t->jti, hash);
    memcpy(ret_key + 4, hash, PENDING_KEY_BYTES - 4);
}

/* Into the arena; a claim that is missing stays absent. */
static enum err take_texts(struct arena *a, const struct json_members *claims,
                           struct access_token *t) {
    const struct {
        const char *name;
        struct span *field;
        bool is_required; /* RFC 9068 2.2 */
    } texts[] = {
        {"sub", &t->sub, true},   {"client_id", &t->client_id, true}, {"aud", &t->aud, true},
        {"jti", &t->jti, true},   {"scope", &t->scope, false},        {"acr", &t->acr, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct span text = json_members_str(claims, texts[i].name);
        *texts[i].field = arena_dup(a, text);
        if (!texts[i].field->ptr && (text.ptr || texts[i].is_required))
            return text.ptr ? ERR_NOMEM : ERR_SYNTAX;
    }
    return ERR_OK;
}

enum err access_token_verify(struct arena *a, const struct config *cfg,
                             const struct keyring *k, struct jws_memory *memory,
                             struct span token, int64_t now, struct access_token *ret_token) {
    //= https://www.rfc-editor.org/rfc/rfc9068#section-4
    //# The resource server MUST verify that the "typ" header value is "at+jwt" or
    //# "application/at+jwt" and reject tokens carrying any other value.
    static const char *const typ[] = {"at+jwt", NULL};
    const struct jws_expect expect = {.typ = typ};
    struct span payload;
    enum err e = jws_memory_verify(memory, a, token, &expect, &keyring_snapshot(k)->verify, &payload);
    if (e)
        return e;
    CLEANUP(json_members_done) struct json_members claims = {.parsed = NULL};
    e = json_members_read(payload, JWS_MAX_BYTES, &claims);
    if (e)
        return e;
    if (!span_eq(json_members_str(&claims, "iss"), cfg->issuer))
        return ERR_REFUSED;

    struct access_token t = {0};
    e = json_members_int(&claims, "exp", &t.expires_at);
    if (!e)
        e = json_members_int(&claims, "iat", &t.issued_at);
    if (e)
        return e;
    if (now >= t.expires_at)
        return ERR_EXPIRED;
    t.has_grant = jti_parse(k, json_members_str(&claims, "jti"), &t.grant);
    if (json_members_int(&claims, "auth_time", &t.auth_time))
        t.auth_time = 0;
    e = take_texts(a, &claims, &t);
    if (!e)
        *ret_token = t;
    return e;
}
