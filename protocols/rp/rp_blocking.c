/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls of rp.h that say "network": drivers that carry out the exchanges of the pure steps, one
 * after the other, on the caller's thread. */
#include "base/cleanup.h"
#include "protocols/rp/rp_internal.h"

#define ARENA_BYTES (2 * ARENA_LIMIT_DEFAULT)

/* The next fetch that is due, or the end of the one that another thread is at. */
static enum err fetch(struct rp *rp, bool kid_is_unknown) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_exchange x;
    struct span body = SPAN_NONE;
    long status = 0;
    enum err e = rp_fetch_due(rp, kid_is_unknown, &a, &x);
    if (e)
        return e;
    if (x.is_joined)
        return rp_flight_wait(&rp->flight[x.fetch], x.turn);
    (void)!rp_http(rp, &x, &a, &status, &body); /* a failure is status 0, and ends the fetch too */
    return rp_fetch_take(rp, &x, status, body);
}

enum err rp_discover(struct rp *rp) {
    enum err e = ERR_OK;
    for (int i = 0; !e && !rp_is_ready(rp) && i < RP_FETCH_COUNT; i++)
        e = fetch(rp, false);
    if (rp_is_ready(rp))
        return ERR_OK;
    return !e || e == ERR_BUSY || e == ERR_NOT_FOUND ? ERR_UNAVAILABLE : e;
}

/* ---- tokens ---- */

struct token_answer {
    const struct rp_login *login; /* NULL: of a refresh */
    struct span sub;              /* of a refresh */
    long status;
    struct span body;
};

static enum err take_once(struct rp *rp, const struct token_answer *t, struct arena *a,
                          struct rp_tokens *ret_tokens) {
    return t->login ? rp_code_take(rp, t->login, a, t->status, t->body, ret_tokens)
                    : rp_refresh_take(rp, t->sub, a, t->status, t->body, ret_tokens);
}

static enum err exchange_tokens(struct rp *rp, const struct rp_exchange *x, struct token_answer *t,
                                struct arena *a, struct rp_tokens *ret_tokens) {
    enum err e = rp_http(rp, x, a, &t->status, &t->body);
    if (e)
        return e;
    (void)!fetch(rp, false); /* whether keys are too old to go on with is judged when they are used */
    e = take_once(rp, t, a, ret_tokens);
    if (e != ERR_UNKNOWN_KEY)
        return e;
    (void)!fetch(rp, true);
    e = take_once(rp, t, a, ret_tokens);
    return e == ERR_UNKNOWN_KEY ? ERR_BAD_SIGNATURE : e;
}

enum err rp_finish(struct rp *rp, const struct rp_login *login, const struct rp_callback *callback,
                   struct arena *a, struct rp_tokens *ret_tokens) {
    struct rp_exchange x;
    struct token_answer t = {.login = login};
    enum err e = rp_code_exchange(rp, login, callback, a, &x);
    return e ? e : exchange_tokens(rp, &x, &t, a, ret_tokens);
}

enum err rp_refresh(struct rp *rp, struct span refresh_token, struct span sub, struct arena *a,
                    struct rp_tokens *ret_tokens) {
    struct rp_exchange x;
    struct token_answer t = {.sub = sub};
    enum err e = rp_refresh_exchange(rp, refresh_token, a, &x);
    return e ? e : exchange_tokens(rp, &x, &t, a, ret_tokens);
}

/* ---- userinfo, logout ---- */

enum err rp_userinfo(struct rp *rp, struct span access_token, struct span sub, struct arena *a,
                     json_t **ret_claims) {
    struct rp_exchange x;
    struct span body;
    long status;
    enum err e = rp_userinfo_exchange(rp, access_token, a, &x);
    if (!e && !sub.ptr && !rp->no_id_token)
        e = ERR_REFUSED; /* whoever has an ID token compares */
    if (!e)
        e = rp_http(rp, &x, a, &status, &body);
    return e ? e : rp_userinfo_take(sub, status, body, ret_claims);
}

enum err rp_logout_receive(struct rp *rp, struct arena *a, struct span logout_token,
                           struct rp_logout_token *ret_token) {
    enum err e = rp_discover(rp);
    if (e)
        return e;
    (void)!fetch(rp, false);
    e = rp_logout_token_check(rp, a, logout_token, ret_token);
    if (e != ERR_UNKNOWN_KEY)
        return e;
    (void)!fetch(rp, true);
    e = rp_logout_token_check(rp, a, logout_token, ret_token);
    return e == ERR_UNKNOWN_KEY ? ERR_BAD_SIGNATURE : e;
}

/* ---- as a resource server ---- */

enum err rp_access_token_receive(struct rp *rp, struct arena *a, struct span token,
                                 const char *audience, struct rp_access_token *ret_token) {
    enum err e = rp_discover(rp);
    if (e)
        return e;
    (void)!fetch(rp, false);
    e = rp_access_token_check(rp, a, token, audience, ret_token);
    if (e != ERR_UNKNOWN_KEY)
        return e;
    (void)!fetch(rp, true);
    e = rp_access_token_check(rp, a, token, audience, ret_token);
    return e == ERR_UNKNOWN_KEY ? ERR_BAD_SIGNATURE : e;
}

enum err rp_send(const struct rp *rp, const struct rp_exchange *exchange, struct arena *a,
                 long *ret_status, struct span *ret_body) {
    *ret_status = 0;
    *ret_body = SPAN_NONE;
    return rp_http(rp, exchange, a, ret_status, ret_body);
}
