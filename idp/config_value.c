/* SPDX-License-Identifier: Apache-2.0
 *
 * One setting's text into its field, strictly: `80x80` is no number, `maybe` no truth value, and
 * `30` no time, since nobody can tell its unit. Pure. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/config_schema.h"

static bool parse_digits(struct span text, int64_t *ret_number) {
    int64_t n = 0;
    if (text.len == 0 || text.len > 15)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        n = n * 10 + (text.ptr[i] - '0');
    }
    if (text.len > 1 && text.ptr[0] == '0')
        return false;
    *ret_number = n;
    return true;
}

struct unit {
    const char *suffix;
    int64_t factor;
};
static const struct unit time_units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
static const struct unit memory_units[] = {{"KiB", 1}, {"MiB", 1024}, {"GiB", 1024 * 1024}};

static bool parse_with_unit(struct span text, const struct unit *units, size_t n_units,
                            int64_t *ret_number) {
    for (size_t i = 0; i < n_units; i++) {
        size_t suffix = strlen(units[i].suffix);
        if (text.len <= suffix ||
            !span_is(span_bytes(text.ptr + text.len - suffix, suffix), units[i].suffix))
            continue;
        int64_t n;
        if (!parse_digits(span_bytes(text.ptr, text.len - suffix), &n) || n > INT32_MAX)
            return false;
        *ret_number = n * units[i].factor;
        return true;
    }
    return false;
}

/* The largest unit that divides it: 300 -> "5m". */
static const char *with_unit(struct arena *a, int64_t n, const struct unit *units, size_t n_units) {
    size_t best = 0;
    for (size_t i = 0; i < n_units; i++)
        if (n != 0 && n % units[i].factor == 0)
            best = i;
    return arena_printf(a, "%" PRId64 "%s", n / units[best].factor, units[best].suffix);
}

static const char *number_text(struct arena *a, enum setting_type t, int64_t n) {
    if (t == SETTING_DURATION)
        return with_unit(a, n, time_units, ARRAY_LEN(time_units));
    if (t == SETTING_MEMORY)
        return with_unit(a, n, memory_units, ARRAY_LEN(memory_units));
    return arena_printf(a, "%" PRId64, n);
}

static bool parse_number(struct arena *a, const struct setting *s, struct span text,
                         int64_t *ret_number, const char **ret_why) {
    bool ok = s->type == SETTING_DURATION
                  ? parse_with_unit(text, time_units, ARRAY_LEN(time_units), ret_number)
              : s->type == SETTING_MEMORY
                  ? parse_with_unit(text, memory_units, ARRAY_LEN(memory_units), ret_number)
                  : parse_digits(text, ret_number);
    if (!ok) {
        *ret_why = s->type == SETTING_DURATION
                       ? "must be a time with its unit, like 30s, 5m, 12h or 90d"
                   : s->type == SETTING_MEMORY ? "must be memory with its unit, like 19MiB"
                                               : "must be a whole number";
        return false;
    }
    if (*ret_number < s->min || *ret_number > s->max) {
        *ret_why = arena_printf(a, "must be between %s and %s", number_text(a, s->type, s->min),
                                number_text(a, s->type, s->max));
        return false;
    }
    return true;
}

static bool check_text(struct arena *a, const struct setting *s, struct span text,
                       const char **ret_why) {
    if ((int64_t)text.len < s->min || (int64_t)text.len > s->max) {
        *ret_why = arena_printf(a, "must have %" PRId64 " to %" PRId64 " bytes", s->min, s->max);
        return false;
    }
    bool clean = utf8_valid(text);
    for (size_t i = 0; i < text.len; i++)
        clean = clean && (unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7F;
    if (!clean)
        *ret_why = "must be one line of UTF-8 text";
    return clean;
}

/* "127.0.0.1:8080" or "[::1]:8080". */
static bool address_good(struct span text) {
    char host[INET6_ADDRSTRLEN];
    unsigned char binary[16];
    struct span port = text, ip;
    bool is_v6 = span_starts(text, "[");
    if (is_v6) {
        ip = span_cut(&port, ']');
        ip.ptr++;
        ip.len--;
        if (!span_starts(port, ":"))
            return false;
        port.ptr++;
        port.len--;
    } else {
        ip = span_cut(&port, ':');
    }
    int64_t number;
    if (ip.len == 0 || ip.len >= sizeof host || !parse_digits(port, &number) || number < 1 ||
        number > 65535)
        return false;
    snprintf(host, sizeof host, "%.*s", SPAN_FMT(ip));
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, host, binary) == 1;
}

static bool cidr_good(struct span text) {
    char host[INET6_ADDRSTRLEN];
    unsigned char binary[16] = {0};
    struct span rest = text, ip = span_cut(&rest, '/');
    int64_t bits;
    if (ip.len == 0 || ip.len >= sizeof host || !parse_digits(rest, &bits))
        return false;
    snprintf(host, sizeof host, "%.*s", SPAN_FMT(ip));
    bool is_v4 = inet_pton(AF_INET, host, binary) == 1;
    if (!is_v4 && inet_pton(AF_INET6, host, binary) != 1)
        return false;
    if (bits > (is_v4 ? 32 : 128))
        return false;
    for (int64_t bit = bits; bit < (is_v4 ? 32 : 128); bit++) /* 10.1.2.3/8 is a slip of the pen */
        if (binary[bit / 8] & (0x80 >> (bit % 8)))
            return false;
    return true;
}

/* A network, or what could stand as the host of a URI. */
static bool place_good(struct span text) {
    if (memchr(text.ptr, '/', text.len))
        return cidr_good(text);
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.-[]:", text.ptr[i]))
            return false;
    return text.len > 0;
}

#define PAIR_MAX 300 /* bytes */

/* Something on both sides of a '='; which one parts them is for the setting to say. */
static bool pair_good(struct span text) {
    return text.len >= 3 && text.len <= PAIR_MAX && ascii_printable(text) &&
           !memchr(text.ptr, ' ', text.len) && memchr(text.ptr + 1, '=', text.len - 2);
}

#define YEAR_MIN    2000
#define YEAR_MAX    2199
#define VN_SECONDS  (7 * 3600) /* UTC+7, no daylight saving */

/* The day as it stands on the calendar: 2026-02-30 is none. */
static bool parse_date(struct span text, int64_t *ret_seconds) {
    char copy[sizeof "2026-12-31"], again[sizeof copy];
    struct tm tm = {0};
    if (text.len != sizeof copy - 1 || memchr(text.ptr, ' ', text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    const char *end = strptime(copy, "%Y-%m-%d", &tm);
    if (!end || *end)
        return false;
    time_t midnight = timegm(&tm);
    if (strftime(again, sizeof again, "%Y-%m-%d", &tm) == 0 || strcmp(copy, again) != 0 ||
        tm.tm_year + 1900 < YEAR_MIN || tm.tm_year + 1900 > YEAR_MAX)
        return false;
    *ret_seconds = (int64_t)midnight - VN_SECONDS;
    return true;
}

static bool parse_item(struct arena *a, const struct setting *s, struct span text,
                       struct config_list *list, const char **ret_why) {
    int64_t uid;
    if (s->type == SETTING_CIDRS && !cidr_good(text)) {
        *ret_why =
            "must be a network, like 10.0.0.0/8 or 2001:db8::/32, with no bits beyond its prefix";
        return false;
    }
    if (s->type == SETTING_UIDS && (!parse_digits(text, &uid) || uid > UINT32_MAX - 1)) {
        *ret_why = "must be a numeric user id";
        return false;
    }
    if (s->type == SETTING_WORDS && !(text.len && span_list_has(span_of(s->choices), text))) {
        *ret_why = arena_printf(a, "must be a list of: %s", s->choices);
        return false;
    }
    if (s->type == SETTING_PAIRS && !pair_good(text)) {
        *ret_why = "must be a pair, like one=other, with no spaces";
        return false;
    }
    if (s->type == SETTING_PATHS && text.len == 0) {
        *ret_why = "must be a path";
        return false;
    }
    if (s->type == SETTING_PLACES && !place_good(text)) {
        *ret_why = "must be a network, a host name in lower case, or the word public";
        return false;
    }
    if (list->count >= (size_t)s->max) {
        *ret_why = "has too many items";
        return false;
    }
    list->item[list->count++] = text;
    return true;
}

static bool word_good(struct arena *a, const struct setting *s, struct span text,
                      const char **ret_why) {
    switch (s->type) {
    case SETTING_CHOICE:
        *ret_why = arena_printf(a, "must be one of: %s", s->choices);
        return span_list_has(span_of(s->choices), text);
    case SETTING_ADDRESS:
        *ret_why = "must be an address and a port, like 127.0.0.1:8080 or [::1]:8080";
        return address_good(text);
    default:
        return check_text(a, s, text, ret_why);
    }
}

bool setting_parse(struct arena *a, const struct setting *s, struct span text, void *base,
                   const char **ret_why) {
    void *field = (char *)base + s->field;
    switch (s->type) {
    case SETTING_INT:
    case SETTING_DURATION:
    case SETTING_MEMORY: {
        int64_t number;
        if (!parse_number(a, s, text, &number, ret_why))
            return false;
        *(int64_t *)field = number;
        return true;
    }
    case SETTING_BOOL:
        *ret_why = "must be true or false";
        *(bool *)field = span_is(text, "true");
        return span_is(text, "true") || span_is(text, "false");
    case SETTING_CIDRS:
    case SETTING_UIDS:
    case SETTING_PLACES:
    case SETTING_PATHS:
    case SETTING_WORDS:
    case SETTING_PAIRS:
        return parse_item(a, s, text, field, ret_why);
    case SETTING_DATE:
        *ret_why = "must be a day, like 2026-12-31";
        return parse_date(text, field);
    default:
        if (!word_good(a, s, text, ret_why))
            return false;
        *(struct span *)field = text;
        return true;
    }
}
