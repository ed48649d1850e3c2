/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed access tokens; see opaque_token.h. */
#include "protocols/oidc/opaque_token.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/keyring.h"

#define PREFIX        "idp_at_"
#define PURPOSE       "access token"
#define TOKEN_VERSION 1

bool opaque_token_is(struct span token) {
    return span_starts(token, PREFIX);
}

static void content_build(const struct access_token *t, struct buf *out) {
    buf_add_u8(out, TOKEN_VERSION);
    buf_add_u8(out, t->has_grant);
    if (t->has_grant)
        buf_add(out, t->grant.b, GRANT_KEY_BYTES);
    buf_add_u64(out, (uint64_t)t->issued_at);
    buf_add_u64(out, (uint64_t)t->expires_at);
    buf_add_u64(out, (uint64_t)t->auth_time);
    buf_add_block(out, t->jti);
    buf_add_block(out, t->sub);
    buf_add_block(out, t->client_id);
    buf_add_block(out, t->aud);
    buf_add_block(out, t->scope);
    buf_add_block(out, t->acr);
}

static struct span take_text(struct reader *r) {
    struct span s = reader_block(r);
    return s.len ? s : SPAN_NONE;
}

static enum err content_parse(struct span plain, struct access_token *ret_content) {
    struct reader r = READER_INIT(plain);
    if (reader_u8(&r) != TOKEN_VERSION)
        return ERR_SYNTAX;
    struct access_token t = {.has_grant = reader_u8(&r) != 0};
    struct span key = t.has_grant ? reader_bytes(&r, GRANT_KEY_BYTES) : SPAN_NONE;
    if (key.len == GRANT_KEY_BYTES)
        memcpy(t.grant.b, key.ptr, GRANT_KEY_BYTES);
    t.issued_at = (int64_t)reader_u64(&r);
    t.expires_at = (int64_t)reader_u64(&r);
    t.auth_time = (int64_t)reader_u64(&r);
    t.jti = take_text(&r);
    t.sub = take_text(&r);
    t.client_id = take_text(&r);
    t.aud = take_text(&r);
    t.scope = take_text(&r);
    t.acr = take_text(&r);
    enum err e = reader_end(&r);
    if (!e)
        *ret_content = t;
    return e;
}

enum err opaque_token_seal(const struct keyring *k, struct arena *a,
                           const struct access_token *content, struct span *ret_token) {
    CLEANUP(buf_done) struct buf plain = BUF_INIT(OPAQUE_TOKEN_MAX), sealed = BUF_INIT(OPAQUE_TOKEN_MAX),
                                 text = BUF_INIT(2 * OPAQUE_TOKEN_MAX);
    content_build(content, &plain);
    enum err e = buf_err(&plain);
    if (!e)
        e = keyring_seal(k, PURPOSE, SPAN_NONE, buf_span(&plain), content->issued_at, &sealed);
    if (e)
        return e;
    buf_add_str(&text, PREFIX);
    b64url_add(&text, sealed.data, sealed.len);
    if (buf_err(&text))
        return buf_err(&text);
    *ret_token = arena_dup(a, buf_span(&text));
    return ret_token->ptr ? ERR_OK : ERR_NOMEM;
}

enum err opaque_token_open(const struct keyring *k, struct arena *a, struct span token, int64_t now,
                           struct access_token *ret_content) {
    const size_t skip = strlen(PREFIX);
    struct span sealed, plain;
    struct access_token t;
    if (!opaque_token_is(token) || token.len > 2 * OPAQUE_TOKEN_MAX)
        return ERR_SYNTAX;
    enum err e = b64url_decode_arena(a, (struct span){token.ptr + skip, token.len - skip}, &sealed);
    if (!e)
        e = keyring_unseal(k, a, PURPOSE, SPAN_NONE, sealed, now, &plain);
    if (!e)
        e = content_parse(plain, &t);
    if (e)
        return e;
    if (now >= t.expires_at)
        return ERR_EXPIRED;
    *ret_content = t;
    return ERR_OK;
}
