/* SPDX-License-Identifier: Apache-2.0
 *
 * See fake_store.h. */
#include "fake_store.h"

unsigned char fake_once_key[PENDING_KEY_BYTES];
int64_t fake_once_expires_at;

void store_once(struct batch *b, const unsigned char key[PENDING_KEY_BYTES], int64_t expires_at) {
    (void)b;
    memcpy(fake_once_key, key, sizeof fake_once_key);
    fake_once_expires_at = expires_at;
}
