/* SPDX-License-Identifier: Apache-2.0
 *
 * The token endpoint's request as its grant types see it (RFC 6749 3.2). A grant type is a row of
 * the table in token.c and a file grant_*.c. */
#ifndef IDP_PROTOCOLS_OIDC_TOKEN_H
#define IDP_PROTOCOLS_OIDC_TOKEN_H

#include "idp/grant.h"
#include "idp/request.h"
#include "idp/store/store.h"
#include "protocols/oidc/client_login.h"
#include "protocols/oidc/code.h"
#include "protocols/oidc/refresh_token.h"
#include "protocols/oidc/tokens.h"

enum grant_stage { GRANT_BEGIN, GRANT_LOADED, GRANT_WRITTEN, GRANT_REVOKED };

struct token_request {
    /* the form */
    struct span grant_type, code, redirect_uri, code_verifier, refresh_token, scope;
    struct resource_list resource;
    struct client_login login;
    /* what came of it */
    const struct token_grant_type *type;
    enum grant_stage grant_stage;
    struct code_text code_text;
    struct code_content code_content;
    struct pending pending;
    struct refresh_token refresh;
    bool has_looked_again; /* a rotation lost a race */
    struct grant grant;
    bool has_asked_person; /* whose single claims go into the ID token */
    struct user person;
    /* the answer */
    struct token_order order;
    struct token_set tokens;
    bool has_refresh;
    int64_t refresh_generation;
};

/* What a grant type does once the client is authenticated. begin, loaded and written are called as
 * grant_stage says, name the next step and may set the next stage; STEP_RESPOND ends it: either
 * answered (an error), or t->order filled for issuing. After GRANT_REVOKED the answer is
 * invalid_grant. What a type has no use for is NULL: one that sets no stage ends in begin. */
struct token_grant_type {
    const char *name;
    unsigned bit; /* GRANT_*, as registered */
    enum step (*begin)(struct request *req, struct token_request *t);
    void (*load)(struct request *req, struct token_request *t);
    enum step (*loaded)(struct request *req, struct token_request *t);
    void (*write)(struct request *req, struct token_request *t);
    enum step (*written)(struct request *req, struct token_request *t);
    const char *spec;
};
extern const struct token_grant_type grant_code, grant_refresh, grant_client_credentials;
/* All, for metadata. */
extern const struct token_grant_type *const token_grant_types[];
extern const size_t token_grant_types_count;

/* What of `scope` the access token is for, and whom (audience.h), before anything is written. False:
 * answered. */
bool token_audience_decide(struct request *req, struct token_request *t, struct span scope);
/* Answers and ends the request. */
enum step token_refuse(struct request *req, enum oidc_error error, const char *description);
enum step token_invalid_grant(struct request *req);

#endif
