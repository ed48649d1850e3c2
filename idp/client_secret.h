/* SPDX-License-Identifier: Apache-2.0
 *
 * Client secrets: made here, shown once, kept as hashes. A client has at most two at a time, so
 * that a new one can be brought out before the old one ends. When each was last used is noted in
 * memory and written in batches. */
#ifndef IDP_CLIENT_SECRET_H
#define IDP_CLIENT_SECRET_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define CLIENT_SECRETS_MAX       2
#define CLIENT_SECRET_HASH_BYTES 32 /* SHA-256: a secret has 256 random bits */

struct store;

struct client_secret {
    unsigned char hash[CLIENT_SECRET_HASH_BYTES];
    int64_t created_at;
    int64_t expires_at;   /* 0: never */
    int64_t last_used_at; /* 0: never, or not written yet */
};

/* A new secret as text, in the arena, and what is kept of it: its SHA-256. ERR_NOMEM. */
must_check enum err client_secret_make(struct arena *a, int64_t now, int64_t expires_at,
                                       struct client_secret *ret_secret, struct span *ret_text);

/* ---- last use -------------------------------------------------------------------------------- */

struct client_secret_use;
must_check enum err client_secret_use_new(struct client_secret_use **ret_use);
void client_secret_use_free(struct client_secret_use *u); /* accepts NULL */
/* From any thread; `thread_index` spreads the locks. Cheap, and it may forget when memory is short:
 * the next use is noted again. */
void client_secret_use_note(struct client_secret_use *u, unsigned thread_index,
                            const struct client_secret *secret, int64_t now);
/* Writes what was noted since the last flush. */
must_check enum err client_secret_use_flush(struct client_secret_use *u, struct store *s);

#endif
