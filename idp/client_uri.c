/* SPDX-License-Identifier: Apache-2.0
 *
 * The URIs of a registration; see client_uri.h. A strict subset of RFC 3986: what two parsers could
 * read differently is refused, so that comparison can be byte for byte. */
#include "idp/client_uri.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define HOST_MAX 253

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int hex_value(char c) {
    return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Characters of RFC 3986 without those that readers disagree about. Escaped controls are refused,
 * and in the path also escaped dots and slashes. */
static const char *characters_check(struct span uri) {
    bool in_query = false;
    for (size_t i = 0; i < uri.len; i++) {
        char c = uri.ptr[i];
        if (c == '#')
            return "must have no fragment";
        if (c == '*')
            return "must have no wildcard";
        if (c == '\\' || c <= 0x20 || c > 0x7E || strchr("\"<>^`{|}", c))
            return "has a character that no URI may have";
        in_query = in_query || c == '?';
        if (c != '%')
            continue;
        if (i + 2 >= uri.len || !is_hex(uri.ptr[i + 1]) || !is_hex(uri.ptr[i + 2]))
            return "has a broken % escape";
        int byte = hex_value(uri.ptr[i + 1]) * 16 + hex_value(uri.ptr[i + 2]);
        if (byte < 0x20 || byte == 0x7F || (!in_query && strchr("./\\%", byte)))
            return "escapes a character that must not be escaped";
    }
    return NULL;
}

static bool dot_segments(struct span path) {
    struct span rest = path;
    struct span only_path = span_cut(&rest, '?');
    while (only_path.ptr) {
        struct span segment = span_cut(&only_path, '/');
        if (span_is(segment, ".") || span_is(segment, ".."))
            return true;
    }
    return false;
}

static bool ip_good(int family, struct span text) {
    char copy[INET6_ADDRSTRLEN];
    unsigned char binary[16];
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%.*s", SPAN_FMT(text));
    return inet_pton(family, copy, binary) == 1;
}

/* Lower-case name or IP literal: what browsers and libraries turn it into anyway. A name whose
 * last label is a number would be read as an address by some. */
static bool host_good(struct span host) {
    if (host.len > HOST_MAX || host.len == 0)
        return false;
    if (host.ptr[0] == '[')
        return host.len > 2 && host.ptr[host.len - 1] == ']' &&
               ip_good(AF_INET6, span_bytes(host.ptr + 1, host.len - 2));
    struct span rest = host, label = SPAN_NONE;
    while (rest.ptr) {
        label = span_cut(&rest, '.');
        if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
            label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_lower(label.ptr[i]) && !is_digit(label.ptr[i]) && label.ptr[i] != '-')
                return false;
    }
    return !is_digit(label.ptr[0]) || ip_good(AF_INET, host);
}

static bool port_good(struct span port) {
    int number = 0;
    if (port.len == 0 || port.len > 5 || port.ptr[0] == '0')
        return false;
    for (size_t i = 0; i < port.len; i++) {
        if (!is_digit(port.ptr[i]))
            return false;
        number = number * 10 + (port.ptr[i] - '0');
    }
    return number <= 65535;
}

static bool scheme_good(struct span scheme) {
    if (scheme.len == 0 || !is_lower(scheme.ptr[0]))
        return false;
    for (size_t i = 0; i < scheme.len; i++)
        if (!is_lower(scheme.ptr[i]) && !is_digit(scheme.ptr[i]) && !strchr("+-.", scheme.ptr[i]))
            return false;
    return true;
}

/* Splits "//host:port/path?query"; false when there is no such form. */
static bool split_authority(struct span text, struct uri_parts *p) {
    if (!span_starts(text, "//"))
        return false;
    struct span authority = span_bytes(text.ptr + 2, text.len - 2);
    size_t end = 0;
    while (end < authority.len && authority.ptr[end] != '/' && authority.ptr[end] != '?')
        end++;
    p->rest = span_bytes(authority.ptr + end, authority.len - end);
    authority.len = end;
    size_t host_end = 0;
    if (authority.len && authority.ptr[0] == '[') {
        while (host_end < authority.len && authority.ptr[host_end] != ']')
            host_end++;
        host_end += host_end < authority.len;
    } else {
        while (host_end < authority.len && authority.ptr[host_end] != ':')
            host_end++;
    }
    p->host = span_bytes(authority.ptr, host_end);
    p->port = SPAN_NONE;
    if (host_end == authority.len)
        return true;
    if (authority.ptr[host_end] != ':')
        return false;
    p->port = span_bytes(authority.ptr + host_end + 1, authority.len - host_end - 1);
    return true;
}

static bool is_loopback_ip(struct span host) {
    return span_is(host, "127.0.0.1") || span_is(host, "[::1]");
}

static const char *check_web(const struct uri_parts *p, const struct uri_rules *rules) {
    if (memchr(p->host.ptr, '@', p->host.len) ||
        (p->port.len && memchr(p->port.ptr, '@', p->port.len)))
        return "must have no user name";
    if (!host_good(p->host))
        return "must name a host, in lower case";
    if (p->port.ptr && !port_good(p->port))
        return "must have a port between 1 and 65535";
    if (dot_segments(p->rest))
        return "must have no . or .. in its path";
    if (span_is(p->scheme, "https"))
        return NULL;
    if (!rules->allow_loopback_http || !(is_loopback_ip(p->host) || span_is(p->host, "localhost")))
        return "must be https (http only on 127.0.0.1, [::1] and localhost)";
    return NULL;
}

const char *client_uri_check(struct span uri, const struct uri_rules *rules,
                             struct uri_parts *ret_parts) {
    struct uri_parts p = {0};
    const char *why = uri.len ? characters_check(uri) : "is empty";
    if (why)
        return why;
    struct span rest = uri;
    p.scheme = span_cut(&rest, ':');
    if (!rest.ptr || !scheme_good(p.scheme))
        return "must begin with a scheme in lower case";
    if (span_is(p.scheme, "https") || span_is(p.scheme, "http")) {
        why = split_authority(rest, &p) ? check_web(&p, rules) : "must name a host";
    } else {
        p.rest = rest;
        //= https://www.rfc-editor.org/rfc/rfc8252#section-7.1
        //# apps MUST use a URI scheme based on a domain name under their control, expressed in
        //# reverse order
        if (!memchr(p.scheme.ptr, '.', p.scheme.len))
            why = "must be https, or a scheme that is a domain name in reverse order";
        else if (!rules->allow_private_scheme)
            why = "has a scheme of its own, which only native public clients may use "
                  "(application_type native, token_endpoint_auth_method none)";
        else if (!span_starts(rest, "/") || span_starts(rest, "//"))
            why = "must have one slash behind its scheme";
        else if (dot_segments(rest))
            why = "must have no . or .. in its path";
    }
    if (!why && ret_parts)
        *ret_parts = p;
    return why;
}

static bool split_loopback(struct span uri, struct uri_parts *ret_parts) {
    struct span rest = uri;
    struct uri_parts p = {.scheme = span_cut(&rest, ':')};
    if (!rest.ptr || !span_is(p.scheme, "http") || !split_authority(rest, &p) ||
        !is_loopback_ip(p.host) || (p.port.ptr && !port_good(p.port)))
        return false;
    *ret_parts = p;
    return true;
}

bool client_uri_is_loopback(struct span uri) {
    struct uri_parts p;
    return split_loopback(uri, &p);
}

bool client_uri_same_but_port(struct span registered, struct span asked) {
    struct uri_parts a, b;
    return split_loopback(registered, &a) && split_loopback(asked, &b) && span_eq(a.host, b.host) &&
           span_eq(a.rest, b.rest);
}
