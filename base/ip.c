/* SPDX-License-Identifier: Apache-2.0
 *
 * IP addresses and ranges of them; see ip.h. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"

static unsigned ip_bits(const struct ip *ip) {
    return ip->is_v6 ? 128 : 32;
}

void ip_unmap(struct ip *ip) {
    static const unsigned char prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (!ip->is_v6 || memcmp(ip->b, prefix, sizeof prefix) != 0)
        return;
    struct ip v4 = {0};
    memcpy(v4.b, ip->b + 12, 4);
    *ip = v4;
}

enum err ip_parse(struct span text, struct ip *ret_ip) {
    char copy[IP_TEXT_MAX];
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len))
        return ERR_SYNTAX;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    struct ip ip = {.is_v6 = strchr(copy, ':') != NULL};
    if (inet_pton(ip.is_v6 ? AF_INET6 : AF_INET, copy, ip.b) != 1)
        return ERR_SYNTAX;
    ip_unmap(&ip);
    *ret_ip = ip;
    return ERR_OK;
}

enum err ip_from_sockaddr(const struct sockaddr *addr, struct ip *ret_ip) {
    struct ip ip = {0};
    if (addr->sa_family == AF_INET) {
        memcpy(ip.b, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
    } else if (addr->sa_family == AF_INET6) {
        ip.is_v6 = true;
        memcpy(ip.b, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
        ip_unmap(&ip);
    } else {
        return ERR_UNSUPPORTED;
    }
    *ret_ip = ip;
    return ERR_OK;
}

socklen_t ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *out) {
    *out = (struct sockaddr_storage){0};
    if (ip->is_v6) {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *)out;
        a->sin6_family = AF_INET6;
        a->sin6_port = htons(port);
        memcpy(&a->sin6_addr, ip->b, 16);
        return sizeof *a;
    }
    struct sockaddr_in *a = (struct sockaddr_in *)out;
    a->sin_family = AF_INET;
    a->sin_port = htons(port);
    memcpy(&a->sin_addr, ip->b, 4);
    return sizeof *a;
}

/* ---- ranges ---- */

enum err ip_number_parse(struct span text, unsigned max, unsigned *ret_number) {
    unsigned n = 0;
    if (text.len == 0 || text.len > 5)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return ERR_SYNTAX;
        n = n * 10 + (unsigned)(text.ptr[i] - '0');
    }
    if (n > max)
        return ERR_RANGE;
    *ret_number = n;
    return ERR_OK;
}

void ip_keep_bits(struct ip *ip, unsigned bits) {
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
        if (kept < 8)
            ip->b[i] &= (unsigned char)(0xFF00U >> kept);
    }
}

enum err ip_range_parse(struct span text, struct ip_range *ret_range) {
    struct span bits_text = text;
    struct span address = span_cut(&bits_text, '/');
    struct ip_range r = {0};
    enum err e = ip_parse(address, &r.ip);
    r.bits = ip_bits(&r.ip);
    if (!e && bits_text.ptr)
        e = ip_number_parse(bits_text, r.bits, &r.bits);
    if (e)
        return e;
    ip_keep_bits(&r.ip, r.bits);
    *ret_range = r;
    return ERR_OK;
}

bool ip_range_has(const struct ip_range *range, const struct ip *ip) {
    struct ip masked = *ip;
    ip_keep_bits(&masked, range->bits);
    return range->ip.is_v6 == ip->is_v6 && memcmp(masked.b, range->ip.b, sizeof masked.b) == 0;
}

/* What the world's routers do not carry, or carry to nobody in particular (RFC 6890, the registries
 * of IANA that it began), and prefixes in which an IPv4 address may hide. */
static const struct {
    const char *range;
    const char *spec;
} special[] = {
    {"0.0.0.0/8", "RFC 791 3.2"},
    {"10.0.0.0/8", "RFC 1918"},
    {"100.64.0.0/10", "RFC 6598"},
    {"127.0.0.0/8", "RFC 1122 3.2.1.3"},
    {"169.254.0.0/16", "RFC 3927"},
    {"172.16.0.0/12", "RFC 1918"},
    {"192.0.0.0/24", "RFC 6890 2.1"},
    {"192.0.2.0/24", "RFC 5737"},
    {"192.88.99.0/24", "RFC 7526"},
    {"192.168.0.0/16", "RFC 1918"},
    {"198.18.0.0/15", "RFC 2544"},
    {"198.51.100.0/24", "RFC 5737"},
    {"203.0.113.0/24", "RFC 5737"},
    {"224.0.0.0/4", "RFC 5771"},
    {"240.0.0.0/4", "RFC 1112 4"},
    {"::/96", "RFC 4291 2.5.5.1"},
    {"64:ff9b::/96", "RFC 6052"},
    {"64:ff9b:1::/48", "RFC 8215"},
    {"100::/64", "RFC 6666"},
    {"2001::/23", "RFC 2928; Teredo among them"},
    {"2001:db8::/32", "RFC 3849"},
    {"2002::/16", "RFC 3056"},
    {"fc00::/7", "RFC 4193"},
    {"fe80::/10", "RFC 4291 2.5.6"},
    {"fec0::/10", "RFC 3879"},
    {"ff00::/8", "RFC 4291 2.7"},
};

bool ip_is_public(const struct ip *ip) {
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        struct ip_range range;
        if (ip_range_parse(span_of(special[i].range), &range) || ip_range_has(&range, ip))
            return false;
    }
    return true;
}
