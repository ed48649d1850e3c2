/* SPDX-License-Identifier: Apache-2.0
 *
 * The code flow from the relying party's side: authorization URL, answer, exchange, refresh,
 * userinfo, logout. */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/params.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "protocols/rp/rp_internal.h"

#define RANDOM_BYTES 32 /* 43 characters: within RFC 7636 4.1 for the verifier */
#define FORM_MAX     32768

static void random_text(char out[44]) {
    unsigned char bytes[RANDOM_BYTES];
    random_bytes(bytes, sizeof bytes);
    out[b64url_encode(bytes, sizeof bytes, out)] = '\0';
}

void rp_login_new(struct rp_login *login) {
    random_text(login->state);
    random_text(login->nonce);
    random_text(login->verifier);
}

static void add_param(struct buf *out, const char *name, struct span value) {
    if (!value.ptr)
        return;
    buf_add_char(out, '&');
    buf_add_str(out, name);
    buf_add_char(out, '=');
    percent_add(out, value);
}

static void challenge_of(const char *verifier, char out[44]) {
    unsigned char digest[SHA256_BYTES];
    sha256(span_of(verifier), digest);
    out[b64url_encode(digest, sizeof digest, out)] = '\0';
}

/* `url`, then its first parameter after '?' or, when it has a query already, '&'. */
static void add_url(struct buf *out, const char *url, const char *name, struct span value) {
    buf_add_str(out, url);
    buf_add_char(out, strchr(url, '?') ? '&' : '?');
    buf_add_str(out, name);
    buf_add_char(out, '=');
    percent_add(out, value);
}

enum err rp_authorize_url(const struct rp *rp, const struct rp_login *login, const char *extra,
                          struct buf *out) {
    char challenge[44];
    if (!rp_is_ready(rp))
        return ERR_UNAVAILABLE;
    challenge_of(login->verifier, challenge);
    add_url(out, rp->at.authorization, "response_type", SPAN("code"));
    add_param(out, "client_id", span_of(rp->client_id));
    add_param(out, "redirect_uri", span_of(rp->redirect_uri));
    add_param(out, "scope", span_of(rp->scope));
    add_param(out, "state", span_of(login->state));
    add_param(out, "nonce", span_of(login->nonce));
    add_param(out, "code_challenge", span_of(challenge));
    add_param(out, "code_challenge_method", SPAN("S256"));
    if (extra)
        buf_add_str(out, extra);
    return buf_err(out);
}

/* ---- the answer ---- */

/* clang-format off */
static const struct param_def callback_defs[] = {
    /* name               field                                             parse       max   flags  specification */
    {"code",              offsetof(struct rp_callback, code),              param_ascii, 4096, 0}, /* RFC 6749 4.1.2 */
    {"state",             offsetof(struct rp_callback, state),             param_ascii, 256,  0}, /* RFC 6749 4.1.2 */
    {"iss",               offsetof(struct rp_callback, iss),               param_ascii, 2048, 0}, /* RFC 9207 2 */
    {"error",             offsetof(struct rp_callback, error),             param_ascii, 256,  0}, /* RFC 6749 4.1.2.1 */
    {"error_description", offsetof(struct rp_callback, error_description), param_span,  4096, 0}, /* RFC 6749 4.1.2.1 */
};
/* clang-format on */

enum err rp_callback_parse(struct arena *a, struct span query, struct rp_callback *ret_callback) {
    struct rp_callback callback = {.code = SPAN_NONE};
    struct params params = {.count = 0};
    const char *name;
    enum err e = params_split(a, query, &params);
    if (!e)
        e = params_fill(callback_defs, ARRAY_LEN(callback_defs), a, &params, &callback, &name);
    if (e)
        return e;
    *ret_callback = callback;
    return ERR_OK;
}

enum err rp_callback_check(const struct rp *rp, const struct rp_login *login,
                           const struct rp_callback *callback) {
    if (!rp_is_ready(rp))
        return ERR_UNAVAILABLE; /* whether iss must come is not known yet */
    if (!login->state[0] || !ct_equal(callback->state, span_of(login->state)))
        return ERR_REFUSED;
    //= https://www.rfc-editor.org/rfc/rfc9207#section-2.4
    //# If the value does not match the expected issuer identifier, clients MUST reject the
    //authorization response and MUST NOT proceed with the authorization grant.
    if (callback->iss.ptr ? !span_is(callback->iss, rp->issuer) : rp->at.iss_in_answer)
        return ERR_REFUSED;
    if (callback->error.len)
        return ERR_NOT_FOUND;
    return callback->code.len ? ERR_OK : ERR_REFUSED;
}

/* ---- token endpoint ---- */

static enum err form_encoded(struct arena *a, const char *text, const char **ret_text) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
    percent_add(&b, span_of(text));
    *ret_text = buf_err(&b) ? NULL : arena_strndup(a, b.data ? b.data : "", b.len);
    return *ret_text ? ERR_OK : ERR_NOMEM;
}

/* RFC 6749 2.3.1: id and secret are form-encoded before they go into Basic. */
static enum err authenticate(const struct rp *rp, struct arena *a, struct buf *form,
                             struct rp_http_request *q) {
    if (rp->auth != RP_AUTH_BASIC) {
        add_param(form, "client_id", span_of(rp->client_id));
        if (rp->auth == RP_AUTH_POST)
            add_param(form, "client_secret", span_of(rp->client_secret));
        return ERR_OK;
    }
    enum err e = form_encoded(a, rp->client_id, &q->user);
    return e ? e : form_encoded(a, rp->client_secret ? rp->client_secret : "", &q->password);
}

static enum err ask_token(struct rp *rp, struct arena *a, struct buf *form, json_t **ret_answer) {
    struct rp_http_request q = {
        .url = rp->at.token, .ca_file = rp->ca_file, .https_only = rp->is_https};
    struct span body;
    long status;
    enum err e = authenticate(rp, a, form, &q);
    if (!e)
        e = buf_err(form);
    if (e)
        return e;
    q.form = buf_span(form);
    e = rp_http(&q, a, &status, &body);
    if (e)
        return e;
    if (status != 200)
        return status >= 500 ? ERR_UNAVAILABLE : ERR_REFUSED;
    return json_parse_object(body, RP_HTTP_MAX, ret_answer);
}

static enum err tokens_read(const json_t *answer, struct arena *a, struct rp_tokens *t) {
    static const char bearer[] = "bearer";
    struct span type = json_str(answer, "token_type");
    if (type.len != sizeof bearer - 1 || strncasecmp(type.ptr, bearer, type.len) != 0)
        return ERR_REFUSED;
    t->id_token = arena_dup(a, json_str(answer, "id_token"));
    t->access_token = arena_dup(a, json_str(answer, "access_token"));
    t->refresh_token = arena_dup(a, json_str(answer, "refresh_token"));
    if (json_int(answer, "expires_in", &t->expires_in))
        t->expires_in = 0;
    /* RFC 6749 A.12: tokens are visible ASCII; anything else could not be sent as a bearer. */
    return t->access_token.len && ascii_printable(t->access_token) ? ERR_OK : ERR_REFUSED;
}

enum err rp_finish(struct rp *rp, const struct rp_login *login, const struct rp_callback *callback,
                   struct arena *a, struct rp_tokens *ret_tokens) {
    enum err e = rp_callback_check(rp, login, callback);
    if (e)
        return e;
    CLEANUP(buf_done) struct buf form = BUF_INIT(FORM_MAX);
    buf_add_str(&form, "grant_type=authorization_code");
    add_param(&form, "code", callback->code);
    add_param(&form, "redirect_uri", span_of(rp->redirect_uri));
    add_param(&form, "code_verifier", span_of(login->verifier));
    AUTO_JSON json_t *answer = NULL;
    struct rp_tokens t = {.claims = NULL};
    e = ask_token(rp, a, &form, &answer);
    if (!e)
        e = tokens_read(answer, a, &t);
    if (!e && !t.id_token.len)
        e = ERR_REFUSED;
    const struct rp_id_token_expect expect = {
        .nonce = span_of(login->nonce), .access_token = t.access_token, .now = clock_now()};
    if (!e)
        e = rp_id_token_check(rp, a, t.id_token, &expect, &t.claims);
    if (e)
        return e;
    *ret_tokens = t;
    return ERR_OK;
}

enum err rp_refresh(struct rp *rp, struct span refresh_token, struct span sub, struct arena *a,
                    struct rp_tokens *ret_tokens) {
    CLEANUP(buf_done) struct buf form = BUF_INIT(FORM_MAX);
    buf_add_str(&form, "grant_type=refresh_token");
    add_param(&form, "refresh_token", refresh_token);
    AUTO_JSON json_t *answer = NULL;
    struct rp_tokens t = {.claims = NULL};
    enum err e = rp_is_ready(rp) ? ask_token(rp, a, &form, &answer) : ERR_UNAVAILABLE;
    if (!e)
        e = tokens_read(answer, a, &t);
    const struct rp_id_token_expect expect = {
        .access_token = t.access_token, .sub = sub, .now = clock_now()};
    if (!e && t.id_token.len)
        e = rp_id_token_check(rp, a, t.id_token, &expect, &t.claims);
    if (e)
        return e;
    *ret_tokens = t;
    return ERR_OK;
}

/* ---- userinfo, logout ---- */

enum err rp_userinfo(struct rp *rp, struct span access_token, struct span sub, struct arena *a,
                     json_t **ret_claims) {
    if (!rp_is_ready(rp))
        return ERR_UNAVAILABLE;
    if (!rp->at.userinfo)
        return ERR_UNSUPPORTED;
    const struct rp_http_request q = {.url = rp->at.userinfo,
                                      .ca_file = rp->ca_file,
                                      .https_only = rp->is_https,
                                      .bearer = access_token};
    AUTO_JSON json_t *claims = NULL;
    struct span body;
    long status;
    enum err e = rp_http(&q, a, &status, &body);
    if (!e && status != 200)
        e = status >= 500 ? ERR_UNAVAILABLE : ERR_REFUSED;
    if (!e)
        e = json_parse_object(body, RP_HTTP_MAX, &claims);
    if (e)
        return e;
    //= https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse
    //# The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in
    //the ID Token; if they do not match, the UserInfo Response values MUST NOT be used.
    if (!span_eq(json_str(claims, "sub"), sub))
        return ERR_REFUSED;
    *ret_claims = TAKE(claims);
    return ERR_OK;
}

enum err rp_logout_url(const struct rp *rp, struct span id_token, const char *state,
                       struct buf *out) {
    if (!rp_is_ready(rp) || !rp->at.end_session)
        return ERR_UNAVAILABLE;
    add_url(out, rp->at.end_session, "client_id", span_of(rp->client_id));
    add_param(out, "id_token_hint", id_token);
    add_param(out, "post_logout_redirect_uri", span_of(rp->post_logout_redirect_uri));
    add_param(out, "state", span_of(state));
    return buf_err(out);
}
