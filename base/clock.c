/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks and how times are written; see clock.h. */
#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

#define VN_OFFSET_SECONDS (7 * 3600)
/* Years of four digits: what RFC 3339 can write and what fits the callers' room. */
#define YEAR_0_SECONDS (-62167219200)
#define YEAR_10000_SECONDS 253402300800

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
    if (size == 0)
        return false;
    out[0] = '\0';
    return seconds >= YEAR_0_SECONDS && seconds < YEAR_10000_SECONDS && gmtime_r(&t, ret_tm);
}

void clock_format_utc(int64_t seconds, char *out, size_t size) {
    struct tm tm;
    if (broken_down(seconds, out, size, &tm) && strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
}

void clock_format_vn(int64_t seconds, char *out, size_t size) {
    struct tm tm;
    int64_t local = seconds < YEAR_10000_SECONDS ? seconds + VN_OFFSET_SECONDS : seconds;
    if (broken_down(local, out, size, &tm) &&
        strftime(out, size, "%d/%m/%Y %H:%M", &tm) == 0)
        out[0] = '\0';
}
