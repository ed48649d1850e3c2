/* SPDX-License-Identifier: Apache-2.0
 *
 * Scope lists (RFC 6749 3.3): what was asked for, cut down to what the client may have. */
#ifndef IDP_PROTOCOLS_OIDC_SCOPE_H
#define IDP_PROTOCOLS_OIDC_SCOPE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define SCOPE_MAX       1024 /* bytes of a list */
#define SCOPE_WORDS_MAX 64   /* words of a list */

/* The words of `requested` that stand in `allowed`, once each, in the order of the request.
 * ERR_SYNTAX (characters outside NQCHAR), ERR_TOO_LONG (bytes or words), ERR_REFUSED (nothing is
 * left), ERR_NOMEM. */
must_check enum err scope_reduce(struct arena *a, struct span requested, struct span allowed,
                                 struct span *ret_scope);
/* The list without one word. In the arena. */
must_check enum err scope_without(struct arena *a, struct span scope, struct span word,
                                  struct span *ret_scope);
/* All words of both, those of `first` first. In the arena. */
must_check enum err scope_union(struct arena *a, struct span first, struct span second,
                                struct span *ret_scope);
/* Whether every word of `scope` stands in `in`. */
bool scope_covered(struct span scope, struct span in);

#endif
