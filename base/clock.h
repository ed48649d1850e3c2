/* SPDX-License-Identifier: Apache-2.0
 *
 * Wall time for what others see (iat, exp, expiry of rows), monotonic time for waiting. */
#ifndef IDP_BASE_CLOCK_H
#define IDP_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Seconds since 1970, UTC. */
int64_t clock_now(void);
/* Monotonic, in microseconds. */
int64_t clock_mono_us(void);
/* "2026-11-23T09:50:00Z" (logs); at least 21 bytes of room. A time outside the years 0 to 9999, or
 * too little room, gives the empty string; likewise below. */
void clock_format_utc(int64_t seconds, char *out, size_t size);
/* "23/11/2026 16:50" in Asia/Ho_Chi_Minh (UTC+7, no daylight saving): pages. 17 bytes. */
void clock_format_vn(int64_t seconds, char *out, size_t size);

#endif
