/* SPDX-License-Identifier: Apache-2.0
 *
 * What waits in pending rows, sealed for one browser; see upstream.h. `state` is the row's key and
 * nothing else, so that it is short and says nothing; that the row opens only together with the
 * browser's flow cookie is what binds the answer to the browser (RFC 9700 4.7.1, U01, U10). */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/random.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "web/upstream.h"

#define LOGIN_VERSION  2
#define LOGIN_PURPOSE  "upstream_login"
#define PERSON_PURPOSE "upstream_person"

static void key_new(int64_t now, unsigned char key[PENDING_KEY_BYTES]) {
    for (unsigned i = 0; i < 4; i++)
        key[i] = (unsigned char)((uint64_t)now >> (24 - 8 * i));
    random_bytes(key + 4, PENDING_KEY_BYTES - 4);
}

static enum err seal(struct request *req, const char *purpose, const struct buf *plain, size_t max,
                     struct span *ret_sealed) {
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(max + 128);
    enum err e = buf_err(plain);
    if (!e)
        e = keyring_seal(request_idp(req)->keyring, purpose, req->browser, buf_span(plain), req->now,
                         &sealed);
    if (!e)
        e = buf_err(&sealed);
    if (e)
        return e;
    *ret_sealed = arena_dup(req->arena, buf_span(&sealed));
    return ret_sealed->ptr ? ERR_OK : ERR_NOMEM;
}

static enum err unseal(struct request *req, const char *purpose, struct span sealed,
                       struct span *ret_plain) {
    req->browser = request_own_cookie(req, "flow");
    if (!req->browser.len)
        return ERR_BAD_SIGNATURE;
    return keyring_unseal(request_idp(req)->keyring, req->arena, purpose, req->browser, sealed, req->now,
                          ret_plain);
}

/* ---- a browser that is away ---- */

enum err upstream_login_seal(struct request *req, struct upstream_login *login,
                             unsigned char ret_key[PENDING_KEY_BYTES], struct span *ret_sealed) {
    CLEANUP(buf_done) struct buf plain = BUF_INIT(UPSTREAM_LOGIN_MAX);
    key_new(req->now, ret_key);
    rp_login_new(&login->login);
    login->login.state[b64url_encode(ret_key, PENDING_KEY_BYTES, login->login.state)] = '\0';
    buf_add_u8(&plain, LOGIN_VERSION);
    buf_add_block(&plain, login->connector_id);
    buf_add_block(&plain, login->issuer);
    buf_add_block(&plain, span_of(login->login.nonce));
    buf_add_block(&plain, span_of(login->login.verifier));
    buf_add_u8(&plain, login->is_silent);
    buf_add_block(&plain, login->handle);
    return seal(req, LOGIN_PURPOSE, &plain, UPSTREAM_LOGIN_MAX, ret_sealed);
}

enum err upstream_state_parse(struct span state, unsigned char ret_key[PENDING_KEY_BYTES]) {
    size_t len;
    enum err e = b64url_decode(state, ret_key, PENDING_KEY_BYTES, &len);
    return e ? e : len == PENDING_KEY_BYTES ? ERR_OK : ERR_SYNTAX;
}

static bool take_text(struct span s, char *out, size_t size) {
    if (s.len >= size)
        return false;
    memcpy(out, s.ptr ? s.ptr : "", s.len);
    out[s.len] = '\0';
    return true;
}

enum err upstream_login_open(struct request *req, struct span state, struct span sealed,
                             struct upstream_login *ret_login) {
    struct span plain;
    enum err e = unseal(req, LOGIN_PURPOSE, sealed, &plain);
    if (e)
        return e;
    struct reader r = READER_INIT(plain);
    struct upstream_login l = {.is_silent = false};
    if (reader_u8(&r) != LOGIN_VERSION)
        return ERR_SYNTAX;
    l.connector_id = reader_block(&r);
    l.issuer = reader_block(&r);
    struct span nonce = reader_block(&r), verifier = reader_block(&r);
    l.is_silent = reader_u8(&r) != 0;
    l.handle = reader_block(&r);
    e = reader_end(&r);
    if (!e && !(take_text(state, l.login.state, sizeof l.login.state) &&
                take_text(nonce, l.login.nonce, sizeof l.login.nonce) &&
                take_text(verifier, l.login.verifier, sizeof l.login.verifier)))
        e = ERR_SYNTAX;
    if (e)
        return e;
    *ret_login = l;
    return ERR_OK;
}

/* ---- a person who is not signed in yet ---- */

enum err upstream_person_seal(struct request *req, const struct upstream_person *p,
                              unsigned char ret_key[PENDING_KEY_BYTES], struct span *ret_sealed) {
    CLEANUP(buf_done) struct buf plain = BUF_INIT(UPSTREAM_PERSON_MAX);
    key_new(req->now, ret_key);
    enum err e = upstream_person_pack(p, &plain);
    return e ? e : seal(req, PERSON_PURPOSE, &plain, UPSTREAM_PERSON_MAX, ret_sealed);
}

enum err upstream_person_open(struct request *req, struct span sealed,
                              struct upstream_person *ret_person) {
    struct span plain;
    enum err e = unseal(req, PERSON_PURPOSE, sealed, &plain);
    return e ? e : upstream_person_unpack(req->arena, plain, ret_person);
}
