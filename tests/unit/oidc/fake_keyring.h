/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for idp/keyring.c; see fake_keyring.c. */
#ifndef IDP_TESTS_UNIT_OIDC_FAKE_KEYRING_H
#define IDP_TESTS_UNIT_OIDC_FAKE_KEYRING_H

#include "idp/keyring.h"

/* What keyring_snapshot() gives. */
extern const struct key_snapshot *fake_keys;

#endif
