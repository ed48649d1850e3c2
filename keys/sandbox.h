/* SPDX-License-Identifier: Apache-2.0
 *
 * What idp-signer gives up once it is ready. */
#ifndef IDP_KEYS_SANDBOX_H
#define IDP_KEYS_SANDBOX_H

#include <stdbool.h>

#include "base/err.h"

/* Before any secret is read: no core dumps, not dumpable, no new privileges, dies with its parent,
 * memory locked where the limits allow. */
void sandbox_prepare(void);
/* After all threads were created. Landlock (best effort: old kernels have none; `ret_landlock` tells)
 * and a seccomp allow-list for every thread; a call outside it kills the process. */
must_check enum err sandbox_enter(bool *ret_landlock);

#endif
