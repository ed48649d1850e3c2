/* SPDX-License-Identifier: Apache-2.0
 *
 * Text form of refresh tokens; see refresh_token.h. */
#include "protocols/oidc/refresh_token.h"

#include "base/encode.h"
#include "base/secret.h"
#include "idp/keyring.h"

#define VERSION    1
#define MAC_BYTES  16
#define BODY_BYTES (GRANT_KEY_BYTES + 4)

_Static_assert(B64URL_LEN(REFRESH_TOKEN_BYTES) == REFRESH_TOKEN_CHARS, "length of the text form");

static void body_build(const struct grant_key *key, int64_t generation,
                       unsigned char out[BODY_BYTES]) {
    memcpy(out, key->b, GRANT_KEY_BYTES);
    for (unsigned i = 0; i < 4; i++)
        out[GRANT_KEY_BYTES + i] = (unsigned char)((uint64_t)generation >> (24 - 8 * i));
}

static void mac_compute(const struct keyring *k, const struct grant *g,
                        const unsigned char body[BODY_BYTES], unsigned char out[32]) {
    unsigned char input[GRANT_SALT_BYTES + BODY_BYTES];
    memcpy(input, g->salt, GRANT_SALT_BYTES);
    memcpy(input + GRANT_SALT_BYTES, body, BODY_BYTES);
    keyring_mac(k, "refresh", span_bytes(input, sizeof input), out);
}

void refresh_token_build(const struct keyring *k, const struct grant *g, int64_t generation,
                         char out[REFRESH_TOKEN_CHARS + 1]) {
    unsigned char bytes[REFRESH_TOKEN_BYTES] = {VERSION}, mac[32];
    body_build(&g->key, generation, bytes + 1);
    mac_compute(k, g, bytes + 1, mac);
    memcpy(bytes + 1 + BODY_BYTES, mac, MAC_BYTES);
    out[b64url_encode(bytes, sizeof bytes, out)] = '\0';
}

enum err refresh_token_parse(struct span text, struct refresh_token *ret_token) {
    unsigned char bytes[REFRESH_TOKEN_BYTES];
    size_t len;
    if (text.len != REFRESH_TOKEN_CHARS || b64url_decode(text, bytes, sizeof bytes, &len) ||
        len != sizeof bytes || bytes[0] != VERSION)
        return ERR_SYNTAX;
    struct refresh_token t = {0};
    memcpy(t.key.b, bytes + 1, GRANT_KEY_BYTES);
    for (unsigned i = 0; i < 4; i++)
        t.generation = t.generation << 8 | bytes[1 + GRANT_KEY_BYTES + i];
    memcpy(t.mac, bytes + 1 + BODY_BYTES, MAC_BYTES);
    *ret_token = t;
    return ERR_OK;
}

enum verdict refresh_token_verify(const struct keyring *k, const struct grant *g,
                                  const struct refresh_token *t) {
    unsigned char body[BODY_BYTES], mac[32];
    body_build(&t->key, t->generation, body);
    mac_compute(k, g, body, mac);
    bool matches = memcmp(t->key.b, g->key.b, GRANT_KEY_BYTES) == 0 &&
                   ct_equal(span_bytes(mac, MAC_BYTES), span_bytes(t->mac, MAC_BYTES));
    return matches ? ALLOW : DENY;
}
