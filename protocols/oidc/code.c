/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed authorization codes; see code.h. */
#include "protocols/oidc/code.h"


#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "idp/keyring.h"

#define CODE_VERSION    4
#define CODE_TIME_BYTES 4
#define VERIFIER_MIN    43 /* RFC 7636 4.1 */
#define VERIFIER_MAX    128

/* 4 bytes time || 16 bytes SHA-256 of the id: the row tells nobody the id. */
static struct grant_key key_of(const unsigned char head[CODE_HEAD_BYTES]) {
    struct grant_key key;
    unsigned char hash[32];
    sha256(span_bytes(head + CODE_TIME_BYTES, CODE_HEAD_BYTES - CODE_TIME_BYTES), hash);
    memcpy(key.b, head, CODE_TIME_BYTES);
    memcpy(key.b + CODE_TIME_BYTES, hash, GRANT_KEY_BYTES - CODE_TIME_BYTES);
    return key;
}

static void content_build(const struct code_content *c, struct buf *out) {
    unsigned char hash[32];
    sha256(c->redirect_uri, hash);
    buf_add_u8(out, CODE_VERSION);
    buf_add_block(out, c->client_id);
    buf_add(out, hash, sizeof hash);
    buf_add_u8(out, c->has_challenge);
    if (c->has_challenge)
        buf_add(out, c->challenge, sizeof c->challenge);
    buf_add(out, c->user_id.b, USER_ID_BYTES);
    buf_add(out, c->session_key.b, SESSION_KEY_BYTES);
    buf_add_u64(out, (uint64_t)c->session_expires_at);
    buf_add_u8(out, c->has_actor);
    if (c->has_actor)
        buf_add(out, c->actor.b, USER_ID_BYTES);
    buf_add_u64(out, (uint64_t)c->auth_time);
    buf_add_u32(out, c->amr);
    buf_add_block(out, c->acr);
    buf_add_block(out, c->nonce);
    buf_add_block(out, c->scope);
    buf_add_block(out, c->claims);
    buf_add_block(out, c->resource);
}

static void take(struct reader *r, void *out, size_t len) {
    struct span s = reader_bytes(r, len);
    if (s.len == len)
        memcpy(out, s.ptr, len);
}

/* A text that may be absent. */
static struct span take_text(struct reader *r) {
    struct span s = reader_block(r);
    return s.len ? s : SPAN_NONE;
}

static enum err content_parse(struct span plain, struct code_content *ret_content) {
    struct reader r = READER_INIT(plain);
    if (reader_u8(&r) != CODE_VERSION)
        return ERR_SYNTAX;
    struct code_content c = {0};
    c.client_id = reader_block(&r);
    take(&r, c.redirect_uri_hash, sizeof c.redirect_uri_hash);
    c.has_challenge = reader_u8(&r) != 0;
    if (c.has_challenge)
        take(&r, c.challenge, sizeof c.challenge);
    take(&r, c.user_id.b, USER_ID_BYTES);
    take(&r, c.session_key.b, SESSION_KEY_BYTES);
    c.session_expires_at = (int64_t)reader_u64(&r);
    c.has_actor = reader_u8(&r) != 0;
    if (c.has_actor)
        take(&r, c.actor.b, USER_ID_BYTES);
    c.auth_time = (int64_t)reader_u64(&r);
    c.amr = reader_u32(&r);
    c.acr = take_text(&r);
    c.nonce = take_text(&r);
    c.scope = reader_block(&r);
    c.claims = take_text(&r);
    c.resource = take_text(&r);
    enum err e = reader_end(&r);
    if (e)
        return e;
    *ret_content = c;
    return ERR_OK;
}

static enum err encode(struct arena *a, const struct buf *bytes, struct span *ret_text) {
    char *text = arena_alloc(a, B64URL_LEN(bytes->len) + 1);
    if (!text)
        return ERR_NOMEM;
    *ret_text = span_bytes(text, b64url_encode(bytes->data, bytes->len, text));
    return ERR_OK;
}

enum err code_seal(const struct keyring *k, struct arena *a, const struct code_content *c,
                   int64_t now, struct span *ret_code, struct grant_key *ret_key,
                   struct span *ret_pending) {
    unsigned char id[CODE_HEAD_BYTES - CODE_TIME_BYTES];
    random_bytes(id, sizeof id);
    CLEANUP(buf_done) struct buf whole = BUF_INIT(CODE_CONTENT_MAX);
    buf_add_u32(&whole, (uint32_t)now);
    buf_add(&whole, id, sizeof id);

    CLEANUP(buf_done) struct buf plain = BUF_INIT(CODE_CONTENT_MAX);
    content_build(c, &plain);
    enum err e = buf_err(&plain);
    if (!e)
        e = buf_err(&whole);
    if (e)
        return e;
    unsigned char head[CODE_HEAD_BYTES];
    memcpy(head, whole.data, sizeof head);
    e = keyring_seal(k, "code", span_bytes(head, sizeof head), buf_span(&plain), now, &whole);
    if (!e)
        e = buf_err(&whole);
    if (e)
        return e;

    struct span pending = SPAN_NONE;
    if (whole.len > CODE_SEALED_MAX) {
        pending =
            arena_dup(a, span_bytes(whole.data + CODE_HEAD_BYTES, whole.len - CODE_HEAD_BYTES));
        if (!pending.ptr)
            return ERR_NOMEM;
        whole.len = CODE_HEAD_BYTES;
    }
    e = encode(a, &whole, ret_code);
    if (e)
        return e;
    *ret_key = key_of(head);
    *ret_pending = pending;
    return ERR_OK;
}

enum err code_parse(struct arena *a, struct span text, struct code_text *ret_code) {
    if (text.len > CODE_TEXT_MAX)
        return ERR_TOO_LONG;
    struct span bytes;
    enum err e = b64url_decode_arena(a, text, &bytes);
    if (e)
        return e;
    if (bytes.len < CODE_HEAD_BYTES)
        return ERR_SYNTAX;
    struct reader r = READER_INIT(bytes);
    struct code_text c = {.issued_at = reader_u32(&r)};
    memcpy(c.head, bytes.ptr, CODE_HEAD_BYTES);
    c.key = key_of(c.head);
    if (bytes.len > CODE_HEAD_BYTES)
        c.sealed = span_bytes(bytes.ptr + CODE_HEAD_BYTES, bytes.len - CODE_HEAD_BYTES);
    *ret_code = c;
    return ERR_OK;
}

enum err code_open(const struct keyring *k, struct arena *a, const struct code_text *code,
                   struct span sealed, int64_t now, struct code_content *ret_content) {
    struct span plain;
    enum err e =
        keyring_unseal(k, a, "code", span_bytes(code->head, CODE_HEAD_BYTES), sealed, now, &plain);
    return e ? e : content_parse(plain, ret_content);
}

bool code_redirect_uri_matches(const struct code_content *c, struct span redirect_uri) {
    unsigned char hash[32];
    sha256(redirect_uri, hash);
    return redirect_uri.len && ct_equal(span_bytes(hash, 32), span_bytes(c->redirect_uri_hash, 32));
}

static bool is_verifier(struct span v) {
    if (v.len < VERIFIER_MIN || v.len > VERIFIER_MAX)
        return false;
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < v.len; i++)
        if (!memchr(unreserved, v.ptr[i], sizeof unreserved - 1))
            return false;
    return true;
}

bool code_verifier_matches(const struct code_content *c, struct span verifier) {
    if (!c->has_challenge)
        return verifier.len == 0;
    //= https://www.rfc-editor.org/rfc/rfc7636#section-4.6
    //# If the values are not equal, an error response indicating "invalid_grant" as described in
    //# Section 5.2 of [RFC6749] MUST be returned.
    unsigned char hash[32];
    sha256(verifier, hash);
    return is_verifier(verifier) && ct_equal(span_bytes(hash, 32), span_bytes(c->challenge, 32));
}
