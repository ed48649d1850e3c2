/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed sign-in flows and form tokens; see flow.h. Called by the handlers of pages. */
#include "idp/flow.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/session.h"

#define BROWSER_BYTES 16
#define BROWSER_CHARS B64URL_LEN(BROWSER_BYTES)
#define FLOW_VERSION 3
#define FLOW_SEALED_MAX 6800
#define CSRF_BYTES 16
#define FORM_NAME_MAX 64

static const char *const target_path[] = {
    [FLOW_AUTHORIZE] = "/authorize/resume",
    [FLOW_ACCOUNT] = "/account",
};

static void flow_build(const struct flow *f, struct buf *out) {
    buf_add_u8(out, FLOW_VERSION);
    buf_add_u8(out, (uint8_t)f->target);
    buf_add_u64(out, (uint64_t)f->started_at);
    buf_add_u8(out, f->must_authenticate);
    buf_add_u64(out, (uint64_t)f->max_age);
    buf_add_u8(out, (uint8_t)f->min_loa);
    buf_add_u8(out, (uint8_t)f->asked_loa);
    buf_add_block(out, f->client_id);
    buf_add_block(out, f->client_name);
    buf_add_block(out, f->form_action);
    buf_add_block(out, f->login_hint);
    buf_add_block(out, f->payload);
    buf_add_u8(out, f->is_proven);
    buf_add(out, f->proven_user.b, USER_ID_BYTES);
    buf_add_u64(out, (uint64_t)f->proven_at);
    buf_add(out, f->proven_with, FLOW_PROOF_BYTES);
    buf_add(out, f->shown, FLOW_PROOF_BYTES);
    buf_add_u8(out, f->is_silent);
    buf_add_block(out, f->connectors);
    buf_add_block(out, f->upstream_pending);
    buf_add_u8(out, (uint8_t)f->failure);
    buf_add_block(out, f->failed_connector);
}

static void take_digest(struct reader *r, unsigned char out[FLOW_PROOF_BYTES]) {
    struct span digest = reader_bytes(r, FLOW_PROOF_BYTES);
    if (digest.len == FLOW_PROOF_BYTES)
        memcpy(out, digest.ptr, FLOW_PROOF_BYTES);
}

static enum err flow_parse(struct span plain, struct flow *ret_flow) {
    struct reader r = READER_INIT(plain);
    if (reader_u8(&r) != FLOW_VERSION)
        return ERR_SYNTAX;
    struct flow f = {0};
    unsigned target = reader_u8(&r);
    if (target == FLOW_NONE || target >= ARRAY_LEN(target_path))
        return ERR_SYNTAX;
    f.target = (enum flow_target)target;
    f.started_at = (int64_t)reader_u64(&r);
    f.must_authenticate = reader_u8(&r) != 0;
    f.max_age = (int64_t)reader_u64(&r);
    f.min_loa = reader_u8(&r);
    f.asked_loa = reader_u8(&r);
    f.client_id = reader_block(&r);
    f.client_name = reader_block(&r);
    f.form_action = reader_block(&r);
    f.login_hint = reader_block(&r);
    f.payload = reader_block(&r);
    f.is_proven = reader_u8(&r) != 0;
    struct span user = reader_bytes(&r, USER_ID_BYTES);
    if (user.len == USER_ID_BYTES)
        memcpy(f.proven_user.b, user.ptr, USER_ID_BYTES);
    f.proven_at = (int64_t)reader_u64(&r);
    take_digest(&r, f.proven_with);
    take_digest(&r, f.shown);
    f.is_silent = reader_u8(&r) != 0;
    f.connectors = reader_block(&r);
    f.upstream_pending = reader_block(&r);
    unsigned failure = reader_u8(&r);
    if (failure >= FLOW_FAILURES)
        return ERR_SYNTAX;
    f.failure = (enum flow_failure)failure;
    f.failed_connector = reader_block(&r);
    enum err e = reader_end(&r);
    if (e)
        return e;
    *ret_flow = f;
    return ERR_OK;
}

static bool browser_is_ours(struct span cookie) {
    unsigned char bytes[BROWSER_BYTES];
    size_t len;
    return b64url_decode(cookie, bytes, sizeof bytes, &len) == ERR_OK && len == BROWSER_BYTES;
}

/* The browser's flow cookie, made and set on the response when it has none. Same value for the
 * whole request. */
static struct span flow_browser(struct request *req) {
    if (req->browser.len)
        return req->browser;
    struct span cookie = request_own_cookie(req, "flow");
    if (browser_is_ours(cookie)) {
        req->browser = cookie;
        return cookie;
    }
    unsigned char bytes[BROWSER_BYTES];
    random_bytes(bytes, sizeof bytes);
    char text[BROWSER_CHARS];
    struct span fresh = arena_dup(req->arena, span_bytes(text, b64url_encode(bytes, sizeof bytes, text)));
    respond_cookie(req, "flow", fresh, &(struct cookie_options){0});
    req->browser = fresh;
    return fresh;
}

enum err flow_seal(struct request *req, const struct flow *f, struct span *ret_handle) {
    if (f->payload.len > FLOW_PAYLOAD_MAX)
        return ERR_TOO_LONG;
    struct span browser = flow_browser(req);
    if (!browser.len)
        return ERR_NOMEM;

    CLEANUP(buf_done) struct buf plain = BUF_INIT(FLOW_SEALED_MAX);
    flow_build(f, &plain);
    enum err e = buf_err(&plain);
    if (e)
        return e;

    CLEANUP(buf_done) struct buf sealed = BUF_INIT(FLOW_SEALED_MAX);
    e = keyring_seal(request_idp(req)->keyring, "flow", browser, buf_span(&plain), req->now, &sealed);
    if (e)
        return e;

    char *text = arena_alloc(req->arena, B64URL_LEN(sealed.len) + 1);
    if (!text)
        return ERR_NOMEM;
    *ret_handle = span_bytes(text, b64url_encode(sealed.data, sealed.len, text));
    return ERR_OK;
}

enum err flow_open(struct request *req, struct span handle, struct flow *ret_flow) {
    if (handle.len > FLOW_HANDLE_MAX)
        return ERR_TOO_LONG;
    struct span browser = request_own_cookie(req, "flow");
    if (!browser_is_ours(browser))
        return ERR_BAD_SIGNATURE;
    req->browser = browser;

    struct span sealed, plain;
    enum err e = b64url_decode_arena(req->arena, handle, &sealed);
    if (e)
        return e;
    e = keyring_unseal(request_idp(req)->keyring, req->arena, "flow", browser, sealed, req->now, &plain);
    if (e)
        return e;
    struct flow f;
    e = flow_parse(plain, &f);
    if (e)
        return e;
    if (req->now < f.started_at || req->now - f.started_at > request_config(req)->flow_seconds)
        return ERR_EXPIRED;
    *ret_flow = f;
    return ERR_OK;
}

/* Which stored hash a proof was given for: when staff set another password, or a change in another
 * window did, it counts no more. */
static void proof_digest(const struct user *user, unsigned char out[FLOW_PROOF_BYTES]) {
    unsigned char digest[SHA256_BYTES];
    sha256(user->password_hash, digest);
    memcpy(out, digest, FLOW_PROOF_BYTES);
}

void flow_prove(struct flow *f, const struct user *user, int64_t now) {
    f->is_proven = true;
    f->proven_user = user->id;
    f->proven_at = now;
    proof_digest(user, f->proven_with);
}

bool flow_proof_stands(const struct flow *f, const struct user *user, int64_t now) {
    unsigned char with[FLOW_PROOF_BYTES];
    proof_digest(user, with);
    return f->is_proven && user->found && user->status == USER_ACTIVE &&
           memcmp(user->id.b, f->proven_user.b, USER_ID_BYTES) == 0 &&
           now - f->proven_at <= FLOW_PROOF_SECONDS &&
           memcmp(with, f->proven_with, sizeof with) == 0;
}

struct span flow_resume_url(struct request *req, const struct flow *f, struct span handle) {
    const char *path = f->upstream_pending.len ? "/upstream/link" : target_path[f->target];
    char *url = arena_printf(req->arena, "%s?flow=%.*s", path, SPAN_FMT(handle));
    return span_of(url);
}

/* The token covers the browser's flow cookie and its session cookie, so that it is of no use in
 * another browser, nor in this one after signing in or out. */
static bool csrf_compute(struct request *req, const char *form, struct span browser,
                         unsigned char out[32]) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(1024);
    buf_add_block(&b, span_of(form));
    buf_add_block(&b, browser);
    struct span session = request_own_cookie(req, "session");
    buf_add_block(&b, session.len == SESSION_COOKIE_CHARS ? session : SPAN_NONE);
    if (buf_err(&b) || strlen(form) > FORM_NAME_MAX)
        return false;
    keyring_mac(request_idp(req)->keyring, "csrf", buf_span(&b), out);
    return true;
}

struct span csrf_token(struct request *req, const char *form) {
    unsigned char mac[32];
    if (!csrf_compute(req, form, flow_browser(req), mac))
        return SPAN_NONE;
    char text[B64URL_LEN(CSRF_BYTES)];
    return arena_dup(req->arena, span_bytes(text, b64url_encode(mac, CSRF_BYTES, text)));
}

enum verdict csrf_check(struct request *req, const char *form, struct span token) {
    struct span browser = request_own_cookie(req, "flow");
    unsigned char given[CSRF_BYTES], mac[32];
    size_t len;
    if (!browser_is_ours(browser) || b64url_decode(token, given, sizeof given, &len) ||
        len != CSRF_BYTES || !csrf_compute(req, form, browser, mac))
        return DENY;
    return ct_equal(span_bytes(given, len), span_bytes(mac, CSRF_BYTES)) ? ALLOW : DENY;
}
