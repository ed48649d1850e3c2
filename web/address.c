/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses, ranges and who is counted as one client; see address.h. */
#include "web/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define V4_NETWORK_BITS 24
#define V6_NETWORK_BITS 64

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
    enum err e = ip_number_parse(port_text, UINT16_MAX, &port);
    if (!e)
        e = ip_parse(span_is(host, "localhost") ? SPAN("127.0.0.1") : host, &ip);
    if (e)
        return e;
    *ret_len = ip_to_sockaddr(&ip, (uint16_t)port, ret_addr);
    return ERR_OK;
}

/* ---- ranges ---- */

enum err ip_ranges_parse(const struct config_list *list, struct ip_ranges *ret_ranges) {
    struct ip_ranges ranges = {.count = 0};
    for (size_t i = 0; list && i < list->count; i++) {
        enum err e = ip_range_parse(list->item[i], &ranges.item[ranges.count++]);
        if (e)
            return e;
    }
    *ret_ranges = ranges;
    return ERR_OK;
}

bool ip_ranges_have(const struct ip_ranges *ranges, const struct ip *ip) {
    for (size_t i = 0; i < ranges->count; i++)
        if (ip_range_has(&ranges->item[i], ip))
            return true;
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
    ip_keep_bits(&network, ip->is_v6 ? V6_NETWORK_BITS : v4_bits);
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
    ip_keep_bits(&network, bits);
    char text[IP_TEXT_MAX] = "";
    (void)inet_ntop(family, ip->b, a.text, sizeof a.text);
    (void)inet_ntop(family, network.b, text, sizeof text);
    (void)snprintf(a.network, sizeof a.network, "%s/%u", text, bits);
    uint64_t id = ip_hash(ip, V4_NETWORK_BITS, seed);
    a.network_id = id ? id : 1; /* 0 would mean: no quota */
    *ret_address = a;
}
