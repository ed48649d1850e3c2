/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be registered about a client (RFC 7591 2, OIDC Registration 2): the object as given is
 * checked and made into the object that is stored. Its typed form is client.h's. */
#ifndef IDP_CLIENT_METADATA_H
#define IDP_CLIENT_METADATA_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

#define CLIENT_METADATA_MAX 65536 /* bytes of the object that is stored */

/* Who registers: staff may say more about a client than the client about itself. */
enum client_registrar { REGISTRAR_CLIENT = 0, REGISTRAR_STAFF };

/* Validates RFC 7591 metadata as given by staff or at registration and applies the defaults of
 * OIDC Registration 2 and of this product. `ret_normal` is the object to store, owned by the
 * caller. ERR_SYNTAX, ERR_NOMEM; then `*reterr_code` is invalid_redirect_uri or
 * invalid_client_metadata (RFC 7591 3.2.2) and `*reterr_text` says what is wrong (in the arena, or
 * static). */
must_check enum err client_metadata_check(struct arena *a, enum client_registrar registrar,
                                          const json_t *metadata, json_t **ret_normal,
                                          const char **reterr_code, const char **reterr_text);

/* Takes out what only staff may set: the rest a client is told about itself. */
void client_metadata_hide(json_t *metadata);

#endif
