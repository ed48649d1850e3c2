/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses, ranges and who is counted as one client; see address.h. */
#include "web/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define TEXT_MAX        46
#define V4_NETWORK_BITS 24
#define V6_NETWORK_BITS 64

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
    char copy[TEXT_MAX];
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

static enum err number_parse(struct span text, unsigned max, unsigned *ret_number) {
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

enum err listen_address_parse(struct span text, struct sockaddr_storage *ret_addr,
                              socklen_t *ret_len) {
    size_t colon = text.len;
    while (colon && text.ptr[colon - 1] != ':')
        colon--;
    if (!colon)
        return ERR_SYNTAX;
    struct span host = {text.ptr, colon - 1};
    struct span port_text = {text.ptr + colon, text.len - colon};
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct span){host.ptr + 1, host.len - 2};
    unsigned port;
    struct ip ip;
    enum err e = number_parse(port_text, UINT16_MAX, &port);
    if (!e)
        e = ip_parse(span_is(host, "localhost") ? SPAN("127.0.0.1") : host, &ip);
    if (e)
        return e;
    *ret_len = ip_to_sockaddr(&ip, (uint16_t)port, ret_addr);
    return ERR_OK;
}

/* ---- ranges ---- */

static void keep_bits(struct ip *ip, unsigned bits) {
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
        if (kept < 8)
            ip->b[i] &= (unsigned char)(0xFF00U >> kept);
    }
}

static enum err range_parse(struct span text, struct ip_range *ret_range) {
    struct span bits_text = text;
    struct span address = span_cut(&bits_text, '/');
    struct ip_range r = {0};
    enum err e = ip_parse(address, &r.ip);
    r.bits = ip_bits(&r.ip);
    if (!e && bits_text.ptr)
        e = number_parse(bits_text, r.bits, &r.bits);
    if (e)
        return e;
    keep_bits(&r.ip, r.bits);
    *ret_range = r;
    return ERR_OK;
}

enum err ip_ranges_parse(const struct config_list *list, struct ip_ranges *ret_ranges) {
    struct ip_ranges ranges = {.count = 0};
    for (size_t i = 0; list && i < list->count; i++) {
        enum err e = range_parse(list->item[i], &ranges.item[ranges.count++]);
        if (e)
            return e;
    }
    *ret_ranges = ranges;
    return ERR_OK;
}

bool ip_ranges_have(const struct ip_ranges *ranges, const struct ip *ip) {
    for (size_t i = 0; i < ranges->count; i++) {
        const struct ip_range *r = &ranges->item[i];
        struct ip masked = *ip;
        keep_bits(&masked, r->bits);
        if (r->ip.is_v6 == ip->is_v6 && memcmp(masked.b, r->ip.b, sizeof masked.b) == 0)
            return true;
    }
    return false;
}

/* ---- one client ---- */

/* FNV-1a with a seed, and a last mix so that all bits count. */
static uint64_t hash_bytes(const unsigned char *p, size_t n, uint64_t seed) {
    uint64_t h = seed ^ 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3ULL;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    return h ^ (h >> 32);
}

uint64_t ip_hash(const struct ip *ip, unsigned v4_bits, uint64_t seed) {
    struct ip network = *ip;
    keep_bits(&network, ip->is_v6 ? V6_NETWORK_BITS : v4_bits);
    return hash_bytes(network.b, sizeof network.b, seed + ip->is_v6);
}

static bool ip_is_loopback(const struct ip *ip) {
    static const unsigned char v6_loopback[16] = {[15] = 1};
    return ip->is_v6 ? memcmp(ip->b, v6_loopback, 16) == 0 : ip->b[0] == 127;
}

void client_address_fill(const struct ip *ip, uint64_t seed, struct client_address *ret_address) {
    struct client_address a = {.is_loopback = ip_is_loopback(ip)};
    int family = ip->is_v6 ? AF_INET6 : AF_INET;
    unsigned bits = ip->is_v6 ? V6_NETWORK_BITS : V4_NETWORK_BITS;
    struct ip network = *ip;
    keep_bits(&network, bits);
    char text[TEXT_MAX] = "";
    (void)inet_ntop(family, ip->b, a.text, sizeof a.text);
    (void)inet_ntop(family, network.b, text, sizeof text);
    (void)snprintf(a.network, sizeof a.network, "%s/%u", text, bits);
    uint64_t id = ip_hash(ip, V4_NETWORK_BITS, seed);
    a.network_id = id ? id : 1; /* 0 would mean: no quota */
    *ret_address = a;
}
