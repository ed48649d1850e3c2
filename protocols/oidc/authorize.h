/* SPDX-License-Identifier: Apache-2.0
 *
 * What the three handlers of the authorization endpoint share: /authorize, /authorize/resume (back
 * from signing in) and /consent decide about the same request by the same rules, each time anew,
 * so that no step can be jumped over (A61, F24).
 *
 *   client and redirect URI ─► request ─► person ─► consent ─► code */
#ifndef IDP_PROTOCOLS_OIDC_AUTHORIZE_H
#define IDP_PROTOCOLS_OIDC_AUTHORIZE_H

#include "base/params.h"
#include "idp/flow.h"
#include "idp/request.h"
#include "idp/session.h"
#include "idp/store/store.h"
#include "protocols/oidc/authz_request.h"
#include "protocols/oidc/client_keys.h"
#include "protocols/oidc/client_lookup.h"
#include "protocols/oidc/id_token_hint.h"

enum authorize_stage {
    AUTHORIZE_REQUEST, /* client and session have been looked for */
    AUTHORIZE_CONSENT, /* what the person agreed to before, likewise */
    AUTHORIZE_STORED   /* what had to be written is committed */
};

struct authorize {
    enum authorize_stage stage;
    const struct params *params; /* the request's: the query, or `joined` */
    struct params joined;
    struct span object_jwt; /* the request object, by value or as fetched */
    bool is_fetching_object;
    struct client_keys_turn keys;       /* it is signed with */
    struct oidc_failure object_failure; /* what was wrong with it */
    struct params object;   /* of a signed request object, which takes the place of the others */
    bool is_signed_request; /* this request, or the one that its flow began with, was signed */
    struct client_lookup lookup;
    struct authz_request request; /* redirect_uri is set only when it may be redirected to */
    struct id_token_hint hint;    /* with request.id_token_hint */
    struct session session;
    struct consent consent;
    struct flow flow;             /* target FLOW_NONE: not in a flow */
    unsigned char shown[FLOW_PROOF_BYTES]; /* for the flow of the consent page */
    struct span acr; /* the level that the answer will name */
    struct span code;
    struct grant_key pending_key; /* with `pending`: what did not fit into the code */
    struct span pending;
};

/* Takes the request out of an opened flow. False: answered with an error page. */
bool authorize_params_from_flow(struct request *req, struct authorize *a);
/* Looks at the client id; STEP_LOAD, or answered. */
enum step authorize_start(struct request *req, struct authorize *a);
/* handler->load of all three. */
void authorize_load_all(struct request *req, struct authorize *a);
/* Known and enabled. False: answered. */
bool authorize_client_is_good(struct request *req, struct authorize *a);
/* Redirect URI, request object, request, hint, of a good client. False: answered. */
bool authorize_request_is_good(struct request *req, struct authorize *a);
/* Somebody is signed in, recently enough, and is whom the client means. False: answered with the
 * sign-in page or an error. */
bool authorize_person_is_good(struct request *req, struct authorize *a);
/* Makes the code. False: answered with an error. */
bool authorize_code_build(struct request *req, struct authorize *a);
/* Adds the pending row, if there is one, to req->write. */
void authorize_pending_write(struct request *req, const struct authorize *a);
/* Seals the request, as a new flow or as the one it is in already. */
enum err authorize_flow_seal(struct request *req, struct authorize *a, struct span *ret_handle);

/* authorize_sign_in.c: somebody has to sign in, or better than they did. All answer. */
/* The page with the ways, or at once to the provider that the request hints at; without pages
 * (prompt=none) the error login_required, unless that provider can be asked silently. */
void authorize_sign_in(struct request *req, struct authorize *a);
/* The session is below the level that is binding: back to the choice when there is a way up, also for
 * who has just signed in with a password. Nothing is tried there without the person. */
void authorize_level_is_too_low(struct request *req, struct authorize *a);
/* Ids that the client's people may come through, for its flows: space-separated; left absent: all. */
must_check enum err authorize_connectors(struct request *req, const struct client *client,
                                         struct span *ret_ids);
/* The least level that the client, its resources or an essential acr bind; 0: any. */
int authorize_level_needed(const struct request *req, const struct authorize *a);

/* authorize_object.c: puts the parameters of a request object in the place of those around it, or
 * sets `object_failure`. False: STEP_FETCH has to come first, then again. */
bool authorize_object_take(struct request *req, struct authorize *a);
void authorize_object_fetch(struct request *req, struct authorize *a); /* for handler->fetch */

/* authorize_answer.c: at the client's redirect URI, with iss and state, in its response mode */
enum step authorize_give_code(struct request *req, const struct authorize *a);
enum step authorize_fail(struct request *req, const struct authorize *a, struct oidc_failure f);
enum step authorize_error_page(struct request *req, unsigned status, const char *key);

/* consent.c */
bool consent_is_due(const struct authorize *a);
enum step consent_page(struct request *req, struct authorize *a);

#endif
