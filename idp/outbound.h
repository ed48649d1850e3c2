/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP that this server sends: for keys, request objects, sector documents and logos of clients, to
 * upstream providers, and logout tokens. Nothing may be reached unless the configuration lists it for
 * the purpose (`outbound.*`: networks, host names, or the word `public`), and the address is looked at
 * when it is connected to, after the name was resolved (D12). One thread with its own event loop: a
 * slow peer holds up nobody, since what is under way and what waits is bounded for each purpose, and
 * within it for each host or group.
 *
 * GET and POST over https only (plain http to loopback, where a list names it); no redirects, no
 * cookies, no compression; OUTBOUND_SECONDS in all, OUTBOUND_BODY_MAX bytes. GETs of the same URL that
 * are under way at the same time become one. */
#ifndef IDP_OUTBOUND_H
#define IDP_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct idp;
struct config;

#define OUTBOUND_URL_MAX  2048         /* bytes */
#define OUTBOUND_BODY_MAX (256 * 1024) /* bytes */
#define OUTBOUND_SECONDS  5
/* Requests not yet answered, of one purpose, or of one group where they have a group; more of them get
 * ERR_BUSY. */
#define OUTBOUND_WAITING_MAX 256
#define OUTBOUND_GROUP_MOST  64 /* what group_max may be at most */
#define OUTBOUND_AUTHORIZATION_MAX 4096 /* bytes */

/* Each with its list in the configuration. */
enum outbound_purpose {
    OUTBOUND_JWKS = 0,    /* outbound.jwks: jwks_uri */
    OUTBOUND_SECTOR,      /* outbound.sector: sector_identifier_uri */
    OUTBOUND_REQUEST_URI, /* outbound.request_uri: request objects by reference */
    OUTBOUND_LOGO,        /* outbound.logo: logo_uri */
    OUTBOUND_UPSTREAM,    /* outbound.upstream: endpoints of connectors */
    OUTBOUND_LOGOUT,      /* outbound.logout: backchannel_logout_uri */
    OUTBOUND_PURPOSES
};

struct outbound_job {
    enum outbound_purpose purpose;
    struct span url;
    bool joins_only;  /* only if the URL is being fetched already; else ERR_NOT_FOUND */
    bool only_public; /* whoever chose the URL is not trusted with private networks */
    /* One with a body, authorization or any_status is a request of its own, which joins no other. Their
     * bytes are the owner's, to be wiped when done was called; copies of ours are wiped. */
    struct span form;          /* body of a POST (application/x-www-form-urlencoded); absent: GET */
    struct span authorization; /* value of the Authorization field; absent: none */
    bool any_status;           /* ERR_OK whatever the status is, with its body */
    struct span group;         /* at most group_max of this name (64 bytes at most) are under way; the
                                * rest wait their turn within their own OUTBOUND_SECONDS */
    int64_t group_max;         /* 1 .. OUTBOUND_GROUP_MOST, where there is a group */
    unsigned status; /* of the answer; 0: none */
    /* The answer. ERR_OK only for status 200 (or any_status); ERR_REFUSED: not listed; ERR_SYNTAX: no
     * URL to send anybody to; ERR_NOT_FOUND: nothing to join; ERR_TIMEOUT; ERR_TOO_LONG; ERR_NOMEM;
     * ERR_UNAVAILABLE: no answer, or another one. */
    enum err result;
    char *body; /* the owner's, for outbound_job_done; NULL unless ERR_OK */
    size_t body_len;
    int64_t max_age; /* seconds; -1: the answer does not say */
    void (*done)(struct outbound_job *job); /* on the outbound thread; must not block */
    struct outbound_job *next;              /* the thread's own */
};

struct outbound;

/* `idp` for its configuration, which may change. ERR_NOMEM, ERR_INTERNAL. */
must_check enum err outbound_new(struct idp *idp, struct outbound **ret_outbound);
/* The job, with what it points to, must stay alive until done was called. ERR_BUSY, ERR_SYNTAX (a URL,
 * group or authorization that is none of the above): done will not be called. */
must_check enum err outbound_submit(struct outbound *o, struct outbound_job *job);
/* Wipes and frees the answer. */
void outbound_job_done(struct outbound_job *job);
/* Ends what is under way (ERR_UNAVAILABLE) and joins the thread. Accepts NULL. */
void outbound_free(struct outbound *o);

/* ---- what may be reached (outbound_rules.c); pure ---- */

struct sockaddr;

/* Whether a host by this name may be asked for at all: ERR_SYNTAX for URLs that nobody should be
 * sent to, ERR_REFUSED. `ret_host` is part of `url`. */
must_check enum err outbound_url_check(const struct config *cfg, enum outbound_purpose purpose,
                                       struct span url, struct span *ret_host);
/* Whether the list has the host by its own name (or address, written as it is in the URL): all of its
 * addresses may then be connected to, unless only_public. */
bool outbound_host_is_named(const struct config *cfg, enum outbound_purpose purpose, struct span host);
/* Whether its address may be connected to. */
enum verdict outbound_address_decide(const struct config *cfg, enum outbound_purpose purpose,
                                     struct span host, bool is_https, bool only_public,
                                     const struct sockaddr *address);

#endif
