/* SPDX-License-Identifier: Apache-2.0
 *
 * Between keyring.c (which keys there are) and keyring_seal.c (what is sealed with them). */
#ifndef IDP_KEYRING_INTERNAL_H
#define IDP_KEYRING_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/mac.h"
#include "idp/keyring.h"

#define KEY_BYTES 32
#define KID_MAX   128

struct snapshot;
struct day_keys;

struct keyring {
    _Atomic(struct snapshot *) current;
    pthread_mutex_t changing;
    char pepper_kid[KID_MAX + 1];
    struct secret released[KEY_USE_COUNT]; /* data, index, code, pairwise */
    struct mac_key mac[KEY_USE_COUNT];     /* the same, ready for use */
    struct day_keys *days;
};

must_check enum err keyring_days_new(struct day_keys **ret_days);
void keyring_days_free(struct day_keys *days); /* accepts NULL */

#endif
