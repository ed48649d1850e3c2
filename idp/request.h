/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP request in the form that protocols see it, and the small functions that make a
 * handler. No HTTP library's header is needed to write one.
 *
 *   parse ──► load ──► decide ──► (sign) ──► respond
 *                 ▲      │ ▲
 *                 └──────┤ └── work (pool) · write (writer thread)
 *
 * parse names the first step; after every load, work and write the engine calls decide, which
 * names the next step, until STEP_RESPOND. Then, unless an answer stands already, sign says what the
 * signer is asked for; what all requests of one turn of the I/O thread ask goes in one message. The
 * engine suspends the connection around anything that waits. All functions run on the request's I/O
 * thread, but `work`, which runs on a pool thread. */
#ifndef IDP_REQUEST_H
#define IDP_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/params.h"
#include "base/span.h"
#include "idp/outbound.h"
#include "idp/store/batch.h"
#include "keys/signer_client.h"

enum http_method { HTTP_GET = 1, HTTP_POST = 2, HTTP_PUT = 4, HTTP_DELETE = 8, HTTP_OPTIONS = 16, HTTP_HEAD = 32 };
enum lang { LANG_VI, LANG_EN };

enum step {
    STEP_RESPOND = 0,
    STEP_LOAD,  /* run req->load as built by handler->load, then decide */
    STEP_WORK,  /* run handler->work in the pool, then decide */
    STEP_WRITE, /* run handler->write's batch through the writer, then decide */
    STEP_FETCH, /* ask for req->fetch as filled by handler->fetch, then decide */
};

struct request;

struct handler {
    size_t state_size; /* bytes of req->state, zeroed */
    enum step (*parse)(struct request *req);
    void (*load)(struct request *req);   /* builds req->load */
    enum step (*decide)(struct request *req);
    void (*work)(struct request *req);
    void (*write)(struct request *req);  /* builds req->write */
    void (*fetch)(struct request *req);  /* fills req->fetch: purpose, url, only_public */
    void (*sign)(struct request *req);   /* fills req->signing.ask; respond finds the answers */
    void (*respond)(struct request *req);
    void (*done)(struct request *req);   /* gives back what the state owns outside the arena */
};

struct client_address {
    char text[46];       /* "203.0.113.7", "2001:db8::1" */
    char network[50];    /* the prefix that throttling uses: IPv4 /24, IPv6 /64 */
    uint64_t network_id; /* hash of it, for the pool's quota; never 0 */
    bool is_loopback;
};

/* What belongs to the I/O thread that a request lives on. */
struct store_reader;
struct signer_channel;
struct client_cache;
struct jws_memory;
struct thread_services {
    unsigned index;
    struct store_reader *reader;
    struct signer_channel *channel;
    struct client_cache *clients;
    struct jws_memory *access_tokens; /* ours that were verified before */
};

#define SIGNING_MAX 2
struct signing {
    struct signer_request ask[SIGNING_MAX]; /* texts in the request's arena */
    struct signer_answer answer[SIGNING_MAX];
    size_t n;
    enum err result; /* of the exchange with the signer as a whole */
};

#define RESPONSE_HEADERS_MAX 24
#define RESPONSE_MAX (1024 * 1024)

struct response_header {
    const char *name;
    struct span value;
};

struct response {
    unsigned status;
    const char *content_type; /* with charset where one belongs */
    struct response_header header[RESPONSE_HEADERS_MAX];
    size_t n_headers;
    struct span body;         /* in the arena or static */
    /* A page instead of a body: web/ renders template `page` with `model` in the request's
     * language and adds the page headers (CSP, frame-ancestors, no-store, ...: A34, A35). */
    const char *page;         /* "sign_in", "consent", "error", ... */
    json_t *model;            /* an object; owned by the response */
    struct span form_action;  /* absent, or the one origin/scheme that CSP form-action also allows */
    bool cacheable;           /* the handler set Cache-Control itself; else no-store */
    bool is_broken;           /* a header could not be added: whatever else is set, a 500 */
};

struct request {
    struct arena *arena;         /* freed after the answer was sent */
    void *app;                   /* struct idp * in idpd */
    struct thread_services *thread;
    const struct handler *handler;
    void *state;
    enum http_method method;
    struct span path;            /* decoded, without query */
    struct span query_text;      /* raw, after '?' */
    struct span target;          /* raw path and query as received */
    struct params query;
    struct params form;          /* only for application/x-www-form-urlencoded bodies */
    struct span body;
    struct span content_type;    /* raw header value */
    struct client_address client;
    enum lang lang;              /* ui_locales/lang parameter, cookie, Accept-Language; vi first */
    char id[33];                 /* request id: hex; from traceparent's trace-id when there is one */
    int64_t now;                 /* seconds, taken once */
    struct batch load;           /* handler->load fills it; run by the engine */
    struct batch write;          /* handler->write likewise; result in write.result */
    bool wrote;                  /* a write has been run (look at write.result) */
    struct signing signing;      /* handler->sign fills it */
    enum err work_result;        /* ERR_OK, or ERR_BUSY when the pool had no room: answer 503 */
    struct outbound_job fetch;   /* the answer's body lives until the next fetch */
    unsigned rounds;             /* decide calls so far; the engine stops at 16 */
    struct span browser;         /* idp/flow.c's: the flow cookie's value, once it is known */
    const struct transport *transport; /* idp/transport.h: header and cookie look-up */
    struct response response;
};

/* First header of that name (case-insensitive), absent when there is none. */
struct span request_header(const struct request *req, const char *name);
/* How many there are. */
size_t request_header_count(const struct request *req, const char *name);

/* ---- answering ------------------------------------------------------------------------------- */

/* Adds a header; CR, LF and NUL in a value make the answer a 500 instead (T09). */
void respond_header(struct request *req, const char *name, struct span value);
/* Status, content type and body bytes (borrowed: arena or static). */
void respond_body(struct request *req, unsigned status, const char *content_type, struct span body);
/* A buf whose bytes are copied into the arena. */
void respond_buf(struct request *req, unsigned status, const char *content_type, const struct buf *b);
/* 303 See Other (RFC 9700 4.12: never 307), Location taken as it is. */
void respond_redirect(struct request *req, struct span location);
/* A page; takes over `model` (may be NULL). */
void respond_page(struct request *req, unsigned status, const char *page, json_t *model);
/* The error page: `key` names texts error.KEY.title / error.KEY.text in the catalogue. The page
 * also shows the request id and the contact. Plain JSON for clients that accept no HTML. */
void respond_error_page(struct request *req, unsigned status, const char *key);

struct cookie_options {
    int64_t max_age;   /* seconds; 0: session cookie; -1: delete */
    bool script_visible;
};
/* Set-Cookie with the name that the issuer demands (DESIGN 8: __Host- on https, suffix of 6 hex
 * digits), Path=/, HttpOnly, SameSite=Lax, Secure on https. `base` is "session", "flow", "lang",
 * "device". */
void respond_cookie(struct request *req, const char *base, struct span value,
                    const struct cookie_options *opt);
/* The cookie that respond_cookie(base) set. */
struct span request_own_cookie(const struct request *req, const char *base);
/* {"error": code, "error_description": text} (RFC 6749 5.2's shape); `text` may repeat what was sent. */
void respond_error_json(struct request *req, unsigned status, const char *code, const char *text);
/* Whether the client takes HTML: no Accept field, or one that covers text/html. */
bool request_accepts_html(const struct request *req);
/* Gives back what the answer owns (its model) and empties it. */
void response_done(struct response *r);

#endif
