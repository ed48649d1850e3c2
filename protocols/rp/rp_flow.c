/* SPDX-License-Identifier: Apache-2.0
 *
 * The code flow from the relying party's side: authorization URL, answer, exchange, refresh,
 * userinfo. Requests are made and answers read here; who carries them is rp_blocking.c, or a
 * program's own event loop. */
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

void rp_param_add(struct buf *out, const char *name, struct span value) {
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

void rp_url_add(struct buf *out, const char *url, const char *name, struct span value) {
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
    rp_url_add(out, rp->at.authorization, "response_type", SPAN("code"));
    rp_param_add(out, "client_id", span_of(rp->client_id));
    rp_param_add(out, "redirect_uri", span_of(rp->redirect_uri));
    rp_param_add(out, "scope", span_of(rp->scope));
    rp_param_add(out, "state", span_of(login->state));
    if (!rp->no_id_token)
        rp_param_add(out, "nonce", span_of(login->nonce));
    rp_param_add(out, "code_challenge", span_of(challenge));
    rp_param_add(out, "code_challenge_method", SPAN("S256"));
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

/* So that decoding leaves each '+' what it is. */
static enum err plus_escaped(struct arena *a, struct span query, struct span *ret_query) {
    size_t plus = 0, len = 0;
    for (size_t i = 0; i < query.len; i++)
        plus += query.ptr[i] == '+';
    char *text = arena_alloc(a, query.len + 2 * plus + 1);
    if (!text)
        return ERR_NOMEM;
    for (size_t i = 0; i < query.len; i++) {
        if (query.ptr[i] == '+') {
            memcpy(text + len, "%2B", 3);
            len += 3;
        } else {
            text[len++] = query.ptr[i];
        }
    }
    *ret_query = span_bytes(text, len);
    return ERR_OK;
}

enum err rp_callback_parse(const struct rp *rp, struct arena *a, struct span query,
                           struct rp_callback *ret_callback) {
    struct rp_callback callback = {.code = SPAN_NONE};
    struct params params = {.count = 0};
    const char *name;
    enum err e = rp->raw_plus ? plus_escaped(a, query, &query) : ERR_OK;
    if (!e)
        e = params_split(a, query, &params);
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

/* RFC 6749 2.3.1: id and secret are form-encoded before they go into Basic. */
static enum err basic_of(const struct rp *rp, struct arena *a, struct span *ret_authorization) {
    CLEANUP(buf_done) struct buf pair = BUF_INIT(8192);
    CLEANUP(buf_done) struct buf value = BUF_INIT(16384);
    percent_add(&pair, span_of(rp->client_id));
    buf_add_char(&pair, ':');
    percent_add(&pair, span_of(rp->client_secret));
    enum err e = buf_err(&pair);
    if (e)
        return e;
    buf_add_str(&value, "Basic ");
    b64_add(&value, pair.data, pair.len);
    e = buf_err(&value);
    if (e)
        return e;
    *ret_authorization = arena_dup(a, buf_span(&value));
    return ret_authorization->ptr ? ERR_OK : ERR_NOMEM;
}

static enum err token_exchange(const struct rp *rp, struct arena *a, struct buf *form,
                               struct rp_exchange *ret_exchange) {
    struct rp_exchange x = {.url = arena_dup(a, span_of(rp->at.token))};
    enum err e = ERR_OK;
    if (rp->auth == RP_AUTH_BASIC)
        e = basic_of(rp, a, &x.authorization);
    else
        rp_param_add(form, "client_id", span_of(rp->client_id));
    if (rp->auth == RP_AUTH_POST)
        rp_param_add(form, "client_secret", span_of(rp->client_secret));
    if (!e)
        e = buf_err(form);
    if (e)
        return e;
    x.form = arena_dup(a, buf_span(form));
    if (!x.url.ptr || !x.form.ptr)
        return ERR_NOMEM;
    *ret_exchange = x;
    return ERR_OK;
}

static enum err answer_read(long status, struct span body, json_t **ret_answer) {
    if (status != 200)
        return status >= 500 || status == 0 ? ERR_UNAVAILABLE : ERR_REFUSED;
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

enum err rp_code_exchange(const struct rp *rp, const struct rp_login *login,
                          const struct rp_callback *callback, struct arena *a,
                          struct rp_exchange *ret_exchange) {
    CLEANUP(buf_done) struct buf form = BUF_INIT(FORM_MAX);
    enum err e = rp_callback_check(rp, login, callback);
    if (e)
        return e;
    buf_add_str(&form, "grant_type=authorization_code");
    rp_param_add(&form, "code", callback->code);
    rp_param_add(&form, "redirect_uri", span_of(rp->redirect_uri));
    rp_param_add(&form, "code_verifier", span_of(login->verifier));
    return token_exchange(rp, a, &form, ret_exchange);
}

enum err rp_code_take(struct rp *rp, const struct rp_login *login, struct arena *a, long status,
                      struct span body, struct rp_tokens *ret_tokens) {
    AUTO_JSON json_t *answer = NULL;
    struct rp_tokens t = {.claims = NULL};
    enum err e = rp_is_ready(rp) ? answer_read(status, body, &answer) : ERR_UNAVAILABLE;
    if (!e)
        e = tokens_read(answer, a, &t);
    if (!e && !rp->no_id_token && (!t.id_token.len || !login->nonce[0]))
        e = ERR_REFUSED;
    const struct rp_id_token_expect expect = {
        .nonce = span_of(login->nonce), .access_token = t.access_token, .now = clock_now()};
    if (!e && !rp->no_id_token)
        e = rp_id_token_check(rp, a, t.id_token, &expect, &t.claims);
    if (!e)
        *ret_tokens = t;
    return e;
}

enum err rp_refresh_exchange(const struct rp *rp, struct span refresh_token, struct arena *a,
                             struct rp_exchange *ret_exchange) {
    CLEANUP(buf_done) struct buf form = BUF_INIT(FORM_MAX);
    if (!rp_is_ready(rp))
        return ERR_UNAVAILABLE;
    buf_add_str(&form, "grant_type=refresh_token");
    rp_param_add(&form, "refresh_token", refresh_token);
    return token_exchange(rp, a, &form, ret_exchange);
}

enum err rp_refresh_take(struct rp *rp, struct span sub, struct arena *a, long status,
                         struct span body, struct rp_tokens *ret_tokens) {
    AUTO_JSON json_t *answer = NULL;
    struct rp_tokens t = {.claims = NULL};
    enum err e = answer_read(status, body, &answer);
    if (!e)
        e = tokens_read(answer, a, &t);
    const struct rp_id_token_expect expect = {
        .access_token = t.access_token, .sub = sub, .now = clock_now()};
    if (!e && !rp->no_id_token && t.id_token.len)
        e = rp_id_token_check(rp, a, t.id_token, &expect, &t.claims);
    if (!e)
        *ret_tokens = t;
    return e;
}

/* ---- userinfo ---- */

enum err rp_userinfo_exchange(const struct rp *rp, struct span access_token, struct arena *a,
                              struct rp_exchange *ret_exchange) {
    if (!rp_is_ready(rp))
        return ERR_UNAVAILABLE;
    if (!rp->at.userinfo)
        return ERR_UNSUPPORTED;
    if (!access_token.len || !ascii_printable(access_token))
        return ERR_SYNTAX;
    const struct rp_exchange x = {
        .url = arena_dup(a, span_of(rp->at.userinfo)),
        .authorization = span_of(arena_printf(a, "Bearer %.*s", SPAN_FMT(access_token))),
    };
    if (!x.url.ptr || !x.authorization.ptr)
        return ERR_NOMEM;
    *ret_exchange = x;
    return ERR_OK;
}

enum err rp_userinfo_take(struct span sub, long status, struct span body, json_t **ret_claims) {
    AUTO_JSON json_t *claims = NULL;
    enum err e = answer_read(status, body, &claims);
    if (e)
        return e;
    //= https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse
    //# The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in
    //the ID Token; if they do not match, the UserInfo Response values MUST NOT be used.
    if (sub.ptr && (!sub.len || !span_eq(json_str(claims, "sub"), sub)))
        return ERR_REFUSED;
    *ret_claims = TAKE(claims);
    return ERR_OK;
}
