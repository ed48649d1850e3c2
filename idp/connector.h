/* SPDX-License-Identifier: Apache-2.0
 *
 * A connector: one upstream provider that people may sign in through, as its configuration file says
 * (docs/FEDERATION.md). Data only; immutable once loaded, part of struct config. */
#ifndef IDP_CONNECTOR_H
#define IDP_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/config_list.h"

#define CONNECTORS_MAX       16
#define CONNECTOR_ID_MAX     32 /* [a-z0-9-]: stands in URLs, tables and audit */
#define CONNECTOR_PAIRS_MAX  CONFIG_LIST_MAX
#define CONNECTOR_LEVELS_MAX 8

enum connector_dialect {
    DIALECT_NONE = 0,
    DIALECT_OIDC,         /* by the standards: identity from the ID token, more from userinfo */
    DIALECT_DVCQG,        /* WSO2: client_secret_post, identity from userinfo, fetched by us; no nonce */
    DIALECT_VNEID,        /* the ministry's Keycloak: RS256, sid, acr "1" */
    DIALECT_VNEID_PARTNER /* form-encoded request, encrypted envelope, no ID token (vneid_envelope.h) */
};

/* What of a request of ours is passed on to upstream. */
enum {
    PASS_ACR_VALUES = 1,
    PASS_LOGIN_HINT = 2,
    PASS_UI_LOCALES = 4,
    PASS_PROMPT_LOGIN = 8,
    PASS_MAX_AGE = 16
};

enum connector_unknown { UNKNOWN_CREATE = 0, UNKNOWN_REFUSE }; /* nobody here has this identity */

struct connector_pair {
    struct span ours, theirs;
};

struct connector_level {
    struct span theirs; /* value of acr, IAL, loAs or accountLevel */
    int level;          /* 1..3 */
};

struct connector {
    struct span id;
    struct span name, name_en; /* on the sign-in page's button */
    enum connector_dialect dialect;
    bool is_enabled;
    /* where it is; discovery for what is not given here (oidc and vneid only) */
    struct span issuer;
    struct span authorization_endpoint, token_endpoint, userinfo_endpoint, jwks_uri,
        end_session_endpoint;
    /* who we are there */
    struct span client_id, client_secret; /* the secret from client.secret_file, 0600 */
    bool secret_in_body;                  /* client_secret_post */
    struct span id_token_alg;             /* "RS256" ... */
    struct span redirect_path;            /* "/upstream/callback/ID", or "/commonauth" */
    struct span envelope_kid;             /* vneid-partner: our decryption key, in idp-signer */
    /* what we ask */
    struct span scope, acr_values;
    unsigned passes;       /* PASS_* */
    bool is_silent_first;  /* prompt=none before a page, for deep links and on request */
    /* what we make of the answer */
    struct span subject;       /* claim that identifies the person there: "sub", "TechID" */
    bool identity_from_userinfo;
    struct span level_claim;   /* "acr", "IAL", "loAs", "accountLevel" */
    struct connector_level level[CONNECTOR_LEVELS_MAX];
    size_t n_levels;
    struct span acr_for[4];    /* by level 1..3: upstream names that are worth at least it; absent: none */
    int most_level;            /* no answer is worth more */
    bool proves_identity;      /* a level 2 or 3 answer makes the account's ial 2 */
    struct connector_pair claim[CONNECTOR_PAIRS_MAX]; /* account's claim, identifier
                                                  * or LoaiTaiKhoan = their name */
    size_t n_claims;
    enum connector_unknown on_unknown;
    /* how our session hangs on theirs */
    bool session_within_upstream; /* ends no later than their ID token's or session's end */
    bool takes_backchannel_logout;
    bool logs_out_upstream;       /* our sign-out goes on to logoutUri or end_session */
    /* network */
    int64_t connections;     /* at most, at once */
    int64_t failures_to_open; /* consecutive failures after which it counts as down */
    int64_t retry_seconds;   /* how long until one is tried again */
    int64_t quiet_seconds;   /* heard nothing for so long: asked before people are sent there */
};

/* Reads one connector's file; errors as config_load reports them. Strings in `a`. ERR_SYNTAX,
 * ERR_NOMEM. */
must_check enum err connector_load(const char *path, bool issuer_is_https, struct arena *a,
                                   struct buf *report, struct connector *ret_connector);
/* Markdown table of every setting of a connector, generated from the schema. */
void connector_document(struct buf *out);
/* Letters a-z, digits and '-', not first or last, at most CONNECTOR_ID_MAX. */
bool connector_id_good(struct span id);

/* What an upstream level is worth, 1..3; 0: nothing that is known. Never above most_level. */
int connector_level_of(const struct connector *c, struct span theirs);
/* The upstream names for at least `level`, the least first, spaces between (acr_values); absent: none. */
struct span connector_acr_for(const struct connector *c, int level);

#endif
