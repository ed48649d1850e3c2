/* SPDX-License-Identifier: Apache-2.0
 *
 * See trace.h; https://www.w3.org/TR/trace-context/ 3.2. */
#include "web/trace.h"

#define PARENT_ID_CHARS 16
#define FIELD_CHARS     55 /* "00-" trace-id "-" parent-id "-" flags */

static bool is_lower_hex(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
            return false;
    return true;
}

static bool is_zero(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (s[i] != '0')
            return false;
    return true;
}

bool trace_parse(struct span f, char trace_id[TRACE_ID_CHARS + 1], char flags[3]) {
    if (f.len < FIELD_CHARS || f.ptr[2] != '-' || f.ptr[35] != '-' || f.ptr[52] != '-')
        return false;
    /* Later versions may append fields; version 00 ends here, version ff is none. */
    bool is_first_version = memcmp(f.ptr, "00", 2) == 0;
    if (is_first_version ? f.len != FIELD_CHARS : f.len > FIELD_CHARS && f.ptr[FIELD_CHARS] != '-')
        return false;
    const char *id = f.ptr + 3, *parent = f.ptr + 36, *flag = f.ptr + 53;
    if (!is_lower_hex(f.ptr, 2) || memcmp(f.ptr, "ff", 2) == 0 ||
        !is_lower_hex(id, TRACE_ID_CHARS) || !is_lower_hex(parent, PARENT_ID_CHARS) ||
        !is_lower_hex(flag, 2) || is_zero(id, TRACE_ID_CHARS) || is_zero(parent, PARENT_ID_CHARS))
        return false;
    memcpy(trace_id, id, TRACE_ID_CHARS);
    trace_id[TRACE_ID_CHARS] = '\0';
    memcpy(flags, flag, 2);
    flags[2] = '\0';
    return true;
}
