/* SPDX-License-Identifier: Apache-2.0
 *
 * What a thread tells the scheduler of itself. */
#ifndef IDP_BASE_THREAD_H
#define IDP_BASE_THREAD_H

/* For threads that answer others and then sleep: asks for a short time slice, so that on waking they
 * go before threads that compute (Linux 6.12 and newer; without effect elsewhere). Otherwise a wake-up
 * may wait for the end of a hashing thread's slice, some 2 ms, whatever its nice value. */
void thread_prefer_latency(void);

#endif
