/* SPDX-License-Identifier: Apache-2.0
 *
 * Random bytes from the kernel's generator (getrandom through libsodium). Never fails: a kernel
 * without entropy aborts the process. Small amounts are drawn in advance, a kilobyte at a time for
 * each thread and process, and wiped as they are given out. */
#ifndef IDP_BASE_RANDOM_H
#define IDP_BASE_RANDOM_H

#include <stddef.h>

void random_bytes(void *ptr, size_t len);

#endif
