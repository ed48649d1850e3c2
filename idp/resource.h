/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected resources (RFC 8707): the services that access tokens are for, as staff registered
 * them with `idpctl resource add`; the table in resource.c names the members.
 *
 * All of them are held in memory as one immutable set. The control thread publishes a new set
 * after each change; handlers look things up without a load step. What a handler found stays valid
 * while its request lives. */
#ifndef IDP_RESOURCE_H
#define IDP_RESOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/client.h"
#include "keys/alg.h"

#define RESOURCE_IDENTIFIER_MAX 512 /* bytes */
#define RESOURCE_SCOPES_MAX     64
#define RESOURCE_CLIENTS_MAX    64    /* that may introspect */
#define RESOURCE_METADATA_MAX   65536 /* bytes of the object */
#define RESOURCES_MAX           1000

struct request;
struct store;

struct resource {
    struct span identifier; /* absolute URI without fragment: the `aud` of its tokens */
    struct span name;       /* resource_name, else the identifier */
    struct span name_en;    /* resource_name#en, else name */
    bool is_enabled;
    struct span scope[RESOURCE_SCOPES_MAX];
    size_t n_scopes;
    int minimum_level;                              /* 0: none; else the least level (1..3) */
    enum access_token_format access_token_format;   /* never ACCESS_TOKEN_BY_RESOURCE */
    const struct jose_alg *access_token_alg;        /* ES256 when the metadata is silent */
    int64_t access_token_seconds;                   /* 0: as for the client; else a ceiling */
    struct span sector;                             /* of the pairwise sub in its tokens */
    struct span introspector[RESOURCE_CLIENTS_MAX]; /* client ids that act for it */
    size_t n_introspectors;
    json_t *metadata; /* the registered object; owned, and what the spans point into */
};

/* ---- for handlers ---- */

struct resource_set;

/* The set of this moment; NULL (an empty set) when there is none. */
const struct resource_set *request_resources(const struct request *req);
/* An enabled resource, or NULL. Identifiers are compared byte for byte. */
const struct resource *resource_find(const struct resource_set *set, struct span identifier);
/* The enabled resource that owns the scope, or NULL; a scope has one owner at most. */
const struct resource *resource_of_scope(const struct resource_set *set, struct span scope);
bool resource_has_scope(const struct resource *r, struct span scope);
/* Whether the client may introspect tokens of this resource (RFC 7662). */
bool resource_introspector_allowed(const struct resource *r, struct span client_id);

/* ---- for staff's side ---- */

/* Typed form of a registered object, validated; takes `metadata` over on success. Otherwise
 * `*reterr_text` says what is wrong (in the arena or static). */
must_check enum err resource_parse(struct arena *a, json_t *metadata, bool is_enabled,
                                   struct resource *ret_resource, const char **reterr_text);
void resource_done(struct resource *r);
/* Takes the resources of `item` over, also on failure. ERR_EXISTS: two have one identifier, or own
 * one scope. */
must_check enum err resource_set_new(const struct resource *item, size_t count,
                                     struct resource_set **ret_set);
void resource_set_free(struct resource_set *set); /* accepts NULL */
size_t resource_set_count(const struct resource_set *set);
/* Also of disabled ones. */
const struct resource *resource_of_scope_even_disabled(const struct resource_set *set,
                                                       struct span scope);

/* ---- life ---- */

struct resource_registry;
must_check enum err resource_registry_new(struct resource_registry **ret_registry);
void resource_registry_free(struct resource_registry *g); /* accepts NULL */
/* Reads all resources and publishes them; the set before stays valid for requests that look at it.
 * One thread at a time: at start, then the control thread. On failure nothing changes. */
must_check enum err resource_registry_load(struct resource_registry *g, struct store *s);
const struct resource_set *resource_registry_current(const struct resource_registry *g);

#endif
