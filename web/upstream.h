/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in through another provider (docs/decisions/0008-federation.md): what the handlers of
 * web/upstream_*.c share.
 *
 *   /upstream/start ──► upstream ──► /upstream/callback/ID ──► person ──► entry ──► session
 *                                                                            │
 *                                          /upstream/choose  /upstream/link ◄┘ (a choice, a proof) */
#ifndef IDP_WEB_UPSTREAM_H
#define IDP_WEB_UPSTREAM_H

#include "idp/connector.h"
#include "idp/flow.h"
#include "idp/linking.h"
#include "idp/request.h"
#include "idp/upstream_person.h"
#include "protocols/rp/rp.h"
#include "web/sign_in_session.h"

struct config;
struct idp;

/* ---- upstream_set.c: the relying parties of one configuration's connectors ---- */

struct upstream_set;

/* What cannot be made of a connector is in the log, and the connector then counts as unknown.
 * ERR_NOMEM. */
must_check enum err upstream_set_new(const struct config *cfg, struct upstream_set **ret_set);
void upstream_set_free(struct upstream_set *set); /* accepts NULL */

/* The enabled connector of that id and its relying party. False: there is none. */
bool upstream_find(const struct request *req, struct span id, const struct connector **ret_connector,
                   struct rp **ret_rp);
/* The last part of "/upstream/callback/ID" and the like, or whose redirect path this is; absent: none. */
struct span upstream_id_of_path(const struct request *req);

/* ---- upstream_state.c: what waits in pending rows, sealed for one browser ---- */

/* Until upstream sends the browser back. The row's key is `state`. */
struct upstream_login {
    struct span connector_id;
    struct span issuer;    /* the connector's at that time */
    struct rp_login login; /* state, nonce, verifier */
    bool is_silent;        /* sent with prompt=none */
    struct span handle;    /* of our own flow */
};
#define UPSTREAM_LOGIN_MAX  12288 /* bytes of such a row */
#define UPSTREAM_PERSON_MAX 24576

/* A new `state`, its key, and the row's content. ERR_TOO_LONG, ERR_NOMEM, ERR_CRYPTO. */
must_check enum err upstream_login_seal(struct request *req, struct upstream_login *login,
                                        unsigned char ret_key[PENDING_KEY_BYTES],
                                        struct span *ret_sealed);
/* ERR_SYNTAX: no state of ours. */
must_check enum err upstream_state_parse(struct span state, unsigned char ret_key[PENDING_KEY_BYTES]);
/* ERR_BAD_SIGNATURE: made for another browser. ERR_SYNTAX. */
must_check enum err upstream_login_open(struct request *req, struct span state, struct span sealed,
                                        struct upstream_login *ret_login);
/* The same for a person who is known but not signed in yet; the key travels in the flow. */
must_check enum err upstream_person_seal(struct request *req, const struct upstream_person *p,
                                         unsigned char ret_key[PENDING_KEY_BYTES],
                                         struct span *ret_sealed);
must_check enum err upstream_person_open(struct request *req, struct span sealed,
                                         struct upstream_person *ret_person);

/* ---- upstream_exchange.c: one exchange with upstream, on the outbound thread ---- */

struct upstream_exchange {
    const struct connector *connector;
    struct rp *rp;
    bool has_turn; /* upstream, down a while ago, may be tried by this request */
    struct rp_exchange ask;
    long status; /* of the answer; 0: none */
    struct span body;
};
/* Before metadata or keys that are due are asked for: STEP_FETCH, with `ask` filled; STEP_RESPOND:
 * nothing is due. False: it cannot be asked (upstream counts as down, or was asked too often). */
bool upstream_exchange_due(struct request *req, struct upstream_exchange *x, bool kid_is_unknown,
                           enum step *ret_step);
/* Before anything else is asked. False: upstream counts as down, and somebody else is trying it. */
bool upstream_exchange_turn(struct request *req, struct upstream_exchange *x);
void upstream_exchange_fetch(struct request *req, const struct upstream_exchange *x); /* handler->fetch */
/* After it: takes status and body over, and tells the connector's health. */
void upstream_exchange_ended(struct request *req, struct upstream_exchange *x);
/* Takes the body out of its envelope, where the dialect has one (the key is unwrapped by idp-signer).
 * ERR_REFUSED, whatever is wrong with it; ERR_UNAVAILABLE: no signer. */
must_check enum err upstream_exchange_open(struct request *req, struct upstream_exchange *x);

/* ---- upstream_entry.c: from the person to an account and a session ---- */

enum upstream_entry_stage {
    ENTRY_LOOK = 0,    /* links and accounts are being looked for */
    ENTRY_REPRESENTED, /* whom the person may act for, likewise */
    ENTRY_RECORDED     /* what was decided is committed */
};
/* What brought the person here: the answer itself, or what they have done since. */
enum upstream_entry_by { ENTRY_BY_UPSTREAM = 0, ENTRY_BY_CHOICE, ENTRY_BY_PROOF };

struct upstream_entry {
    enum upstream_entry_stage stage;
    enum upstream_entry_by by;
    bool is_without_pages; /* upstream was asked in silence: no form was sent there */
    const struct connector *connector;
    struct upstream_person person;
    struct flow flow;
    unsigned char subject_index[SUBJECT_INDEX_BYTES];
    struct linking_found found;
    struct linking_verdict verdict;
    struct session previous;    /* the browser's */
    struct user proven;         /* with ENTRY_BY_PROOF */
    struct user_id chosen;      /* with ENTRY_BY_CHOICE */
    struct user account;        /* that is signed in to */
    bool is_new, is_linked;
    const struct representation *representation; /* by which it is signed in to, or NULL; into found */
    struct user asserted_actor; /* the person of whom upstream says that they act for the enterprise */
    const struct user_id *actor; /* who acts for the account, or NULL */
    unsigned char waits[PENDING_KEY_BYTES]; /* row of a person that waits, taken or made */
    struct span sealed;         /* its content, when it is made now */
    bool takes_row, has_tried_again;
    struct sign_in_session session;
};

/* The person among the linked accounts, who may act for others; NULL: there is none, or the identity is an
 * enterprise's, which acts for itself alone. */
const struct user *upstream_entry_person(const struct upstream_entry *e);
void upstream_entry_load(struct request *req, struct upstream_entry *e);
/* After each load: looks on, or STEP_WRITE, or answered. */
enum step upstream_entry_look(struct request *req, struct upstream_entry *e);
void upstream_entry_write(struct request *req, struct upstream_entry *e);
/* After the write. */
enum step upstream_entry_recorded(struct request *req, struct upstream_entry *e);
void upstream_entry_done(struct upstream_entry *e);

/* Back to the page with the ways of signing in (or, when nothing may be asked, to the client), which
 * says why. */
enum step upstream_fail(struct request *req, struct flow *flow, struct span connector_id,
                        enum flow_failure failure);

#endif
