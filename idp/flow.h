/* SPDX-License-Identifier: Apache-2.0
 *
 * A sign-in in progress. Its whole state is sealed into an opaque handle that travels through the
 * pages' forms and links, bound to the browser by the `flow` cookie: a handle of browser A with
 * the cookie of B does not open (A61, F16). Nothing is stored. */
#ifndef IDP_FLOW_H
#define IDP_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/request.h"
#include "idp/user.h"

/* Where a finished sign-in goes: a fixed list, so that no handle can be an open redirector (F18). */
enum flow_target { FLOW_NONE = 0, FLOW_AUTHORIZE, FLOW_ACCOUNT };

/* What a way of signing in that was tried ended with. */
enum flow_failure {
    FLOW_NO_FAILURE = 0,
    FLOW_UPSTREAM_DOWN,     /* it does not answer */
    FLOW_UPSTREAM_FAILED,   /* it answered what cannot be believed */
    FLOW_UPSTREAM_DECLINED, /* the person, or it, said no */
    FLOW_UPSTREAM_UNKNOWN,  /* nobody here has this identity, and none is made */
    FLOW_LEVEL_TOO_LOW,
    FLOW_NOT_FRESH,         /* it did not ask the person anew, as it had to */
    FLOW_FAILURES
};

#define FLOW_PAYLOAD_MAX 6000 /* bytes; the handle must still fit into a URL */
#define FLOW_HANDLE_MAX 9000  /* characters */
#define FLOW_PROOF_BYTES 16

struct flow {
    enum flow_target target;
    int64_t started_at;
    bool must_authenticate;   /* the session must have auth_time >= started_at (prompt=login) */
    int64_t max_age;          /* seconds, -1: none */
    int min_loa;              /* the least that will do; 0: any */
    int asked_loa;            /* the one that the client would like; 0: any */
    struct span client_id;
    struct span client_name;  /* for the page's "sign in to reach ..." */
    struct span form_action;  /* CSP: the one foreign origin or scheme that the flow may end at */
    struct span login_hint;
    struct span payload;      /* the target's own: the authorization request's parameters, encoded */
    bool is_proven;           /* the right password was given, but something must come first: a new one
                               * has to be chosen, or an upstream identity linked */
    struct user_id proven_user;
    int64_t proven_at;
    unsigned char proven_with[FLOW_PROOF_BYTES]; /* digest of the stored hash that it matched */
    unsigned char shown[FLOW_PROOF_BYTES]; /* digest of what the consent page asks for; zeros: none */
    bool is_silent;               /* the client forbade pages (prompt=none) */
    struct span connectors;       /* that the client's people may come through; absent: all */
    struct span upstream_pending; /* key of the pending row with an upstream_person that is to be linked
                                   * or chosen for (web/upstream.h); absent: none */
    enum flow_failure failure;    /* why the person is asked again, for the page */
    struct span failed_connector; /* with it: which was tried in vain, so that nothing goes in circles */
};

/* Seals into base64url text in the arena, bound to the browser's flow cookie. ERR_TOO_LONG. */
enum err flow_seal(struct request *req, const struct flow *f, struct span *ret_handle)
    __attribute__((warn_unused_result));
/* ERR_SYNTAX, ERR_EXPIRED (config flow_seconds), ERR_BAD_SIGNATURE (other browser, edited). */
enum err flow_open(struct request *req, struct span handle, struct flow *ret_flow)
    __attribute__((warn_unused_result));
/* "/authorize/resume" or "/account" with ?flow=HANDLE: where to go after a step of the flow; while an
 * upstream identity waits for it, "/upstream/link". */
struct span flow_resume_url(struct request *req, const struct flow *f, struct span handle);
/* The right password of the account was given just now. Counts for FLOW_PROOF_SECONDS, and as long as
 * the account is active and has that password: what follows is bound to it. */
#define FLOW_PROOF_SECONDS 600
void flow_prove(struct flow *f, const struct user *user, int64_t now);
bool flow_proof_stands(const struct flow *f, const struct user *user, int64_t now);
/* Form token: MAC over the browser cookie (or session) and the form's name; checked in constant
 * time. Every state-changing form carries one (F15). */
struct span csrf_token(struct request *req, const char *form);
enum verdict csrf_check(struct request *req, const char *form, struct span token);

#endif
