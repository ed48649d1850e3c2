/* SPDX-License-Identifier: Apache-2.0
 *
 * Building of redirects; see redirect.h. */
#include "protocols/oidc/redirect.h"

#include <ctype.h>

#include "base/cleanup.h"
#include "base/encode.h"

size_t redirect_param_count(const struct params *params, const char *name) {
    size_t n = 0;
    for (size_t i = 0; i < params->count; i++)
        n += span_is(params->item[i].name, name);
    return n;
}

static bool is_unreserved(char c) {
    return isalnum((unsigned char)c) || strchr("-._~", c);
}

static bool is_escape(struct span s, size_t i) {
    return s.ptr[i] == '%' && i + 2 < s.len && isxdigit((unsigned char)s.ptr[i + 1]) &&
           isxdigit((unsigned char)s.ptr[i + 2]);
}

static bool goes_back_as_received(struct span raw, size_t i) {
    char c = raw.ptr[i];
    return c && (is_unreserved(c) || strchr("+/=", c) || is_escape(raw, i));
}

void redirect_add_octets(struct buf *b, struct span raw) {
    for (size_t i = 0; i < raw.len; i++) {
        if (goes_back_as_received(raw, i))
            buf_add_char(b, raw.ptr[i]);
        else
            percent_add(b, span_bytes(&raw.ptr[i], 1));
    }
}

static size_t octets_len(struct span raw) {
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++)
        len += goes_back_as_received(raw, i) ? 1 : sizeof "%XX" - 1;
    return len;
}

struct span redirect_state(const struct params *params) {
    if (redirect_param_count(params, "state") != 1)
        return SPAN_NONE;
    for (size_t i = 0; i < params->count; i++) {
        const struct param *p = &params->item[i];
        if (span_is(p->name, "state") && p->value.len && octets_len(p->raw) <= STATE_MAX)
            return p->raw;
    }
    return SPAN_NONE;
}

enum err redirect_build(struct arena *a, struct span uri, const struct redirect_param *params,
                        size_t n, struct span *ret_location) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(REDIRECT_MAX);
    buf_add_span(&b, uri);
    bool has_query = memchr(uri.ptr, '?', uri.len) != NULL;
    char separator = has_query ? '&' : '?';
    if (has_query && (uri.ptr[uri.len - 1] == '?' || uri.ptr[uri.len - 1] == '&'))
        separator = '\0';
    for (size_t i = 0; i < n; i++) {
        if (!params[i].value.ptr)
            continue;
        if (separator)
            buf_add_char(&b, separator);
        separator = '&';
        buf_add_str(&b, params[i].name);
        buf_add_char(&b, '=');
        if (params[i].is_raw)
            redirect_add_octets(&b, params[i].value);
        else
            percent_add(&b, params[i].value);
    }
    enum err e = buf_err(&b);
    if (e)
        return e;
    *ret_location = arena_dup(a, buf_span(&b));
    return ret_location->ptr ? ERR_OK : ERR_NOMEM;
}

struct span redirect_form_action(struct span uri) {
    size_t colon = 0;
    while (colon < uri.len &&
           (isalnum((unsigned char)uri.ptr[colon]) || strchr("+-.", uri.ptr[colon])))
        colon++;
    if (colon == 0 || colon == uri.len || uri.ptr[colon] != ':')
        return SPAN_NONE;
    if (!span_starts(uri, "https://") && !span_starts(uri, "http://"))
        return span_bytes(uri.ptr, colon + 1);
    size_t end = colon + 3;
    while (end < uri.len && !strchr("/?#", uri.ptr[end]))
        end++;
    return span_bytes(uri.ptr, end);
}
