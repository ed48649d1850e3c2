/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a library ran out of memory. jansson calls that an error of syntax, or drops characters of
 * a string without a word; OpenSSL calls it a signature that does not verify. Both allocate through
 * here, so that a caller can tell "this is bad" from "this could not be looked at". */
#ifndef IDP_BASE_SHORTAGE_H
#define IDP_BASE_SHORTAGE_H

#include <stdbool.h>

/* Both concern the calling thread alone. */
void shortage_clear(void);
/* An allocation of jansson or OpenSSL failed since shortage_clear(). */
bool shortage_met(void);

#endif
