/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks and how times are written; see clock.h. */
#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

#define VN_OFFSET_SECONDS (7 * 3600)

int64_t clock_now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec;
}

int64_t clock_mono_us(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static bool broken_down(int64_t seconds, char *out, size_t size, struct tm *ret_tm) {
    time_t t = (time_t)seconds;
    if (size)
        out[0] = '\0';
    return size && gmtime_r(&t, ret_tm) != NULL;
}

void clock_format_utc(int64_t seconds, char *out, size_t size) {
    struct tm tm;
    if (broken_down(seconds, out, size, &tm) && strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
}

void clock_format_vn(int64_t seconds, char *out, size_t size) {
    struct tm tm;
    if (broken_down(seconds + VN_OFFSET_SECONDS, out, size, &tm) &&
        strftime(out, size, "%d/%m/%Y %H:%M", &tm) == 0)
        out[0] = '\0';
}
