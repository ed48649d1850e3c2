/* SPDX-License-Identifier: Apache-2.0
 *
 * Random bytes; see random.h. */
#include "base/random.h"

#include <sodium.h>

void random_bytes(void *ptr, size_t len) {
    if (len)
        randombytes_buf(ptr, len);
}
