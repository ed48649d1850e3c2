/* SPDX-License-Identifier: Apache-2.0
 *
 * Files for `idpctl import`: our own form (docs/IMPORT.md) and Keycloak's realm export. Reading
 * one gives a list of entries in our form, each with what was not taken and why. Used by idpctl
 * only; it never shows the daemon a secret or a password. */
#ifndef IDP_CTL_IMPORT_FORM_H
#define IDP_CTL_IMPORT_FORM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define IMPORT_FORMAT        "idp-export"
#define IMPORT_VERSION       1
#define IMPORT_FILE_MAX      (64 * 1024 * 1024) /* bytes; some 15 times as much memory while it runs */
#define IMPORT_BATCH_ENTRIES 200                /* a message to the daemon */

struct import_item {
    const char *kind; /* "client", "user" */
    size_t index;     /* within its array of the file, from 0 */
    json_t *name;     /* as the file writes it; NULL: none */
    json_t *entry;    /* in our form; NULL: refused already */
    json_t *notes;    /* array of texts: what was not taken; NULL: none */
    json_t *error;    /* why it was refused */
};

struct import_list {
    struct import_item *item;
    size_t count, room;
    json_t *notes; /* about the file as a whole */
};

/* The form is known by its members. ERR_SYNTAX with a static sentence: neither form, or a list that
 * is none. Wrong entries are no error: they are items that have one. */
must_check enum err import_read(const json_t *document, struct import_list *ret_list,
                                const char **reterr_text);
void import_list_done(struct import_list *list);

__attribute__((format(printf, 2, 3))) void import_note(struct import_item *item, const char *fmt, ...);
/* The first reason stays. */
__attribute__((format(printf, 2, 3))) void import_refuse(struct import_item *item, const char *fmt, ...);

/* ---- Keycloak (import_keycloak.c) ---- */

void import_keycloak_client(const json_t *given, struct import_item *item);
void import_keycloak_user(const json_t *given, struct import_item *item);
/* Names the members of a realm that hold something and are not read. */
void import_keycloak_realm(const json_t *realm, struct import_list *list);

#endif
