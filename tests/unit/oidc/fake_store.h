/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for the store: what pure code asks it to write is kept for the test to look at. */
#ifndef IDP_TESTS_UNIT_OIDC_FAKE_STORE_H
#define IDP_TESTS_UNIT_OIDC_FAKE_STORE_H

#include "idp/store/store.h"

extern unsigned char fake_once_key[PENDING_KEY_BYTES];
extern int64_t fake_once_expires_at;

#endif
