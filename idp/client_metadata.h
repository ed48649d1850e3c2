/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of RFC 7591 metadata and their typed values, shared by client.c and client_metadata.c. */
#ifndef IDP_CLIENT_METADATA_H
#define IDP_CLIENT_METADATA_H

#include <jansson.h>
#include <stddef.h>

#include "base/span.h"

#define CLIENT_METADATA_MAX 65536 /* bytes of the object */

struct client_word {
    const char *text;
    unsigned value; /* never 0 */
};
extern const struct client_word client_auth_words[];
extern const size_t client_auth_words_count;
extern const struct client_word client_grant_words[];
extern const size_t client_grant_words_count;

/* Takes out what only staff may set: the rest a client is told about itself. */
void client_metadata_hide(json_t *metadata);

#endif
