/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is at the other end: socket addresses, the PROXY protocol's second version, and the
 * forwarding fields of peers that the configuration lists. Pure functions, no sockets.
 * An address that a peer which is not listed claims for somebody else is never used (T07). */
#ifndef IDP_WEB_ADDRESS_H
#define IDP_WEB_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/ip.h"
#include "base/span.h"
#include "idp/config.h"
#include "idp/request.h"
#include "idp/transport.h"

struct ip_ranges {
    struct ip_range item[CONFIG_LIST_MAX];
    size_t count;
};
/* CIDRs or single addresses. `list` may be NULL: none. ERR_SYNTAX. */
must_check enum err ip_ranges_parse(const struct config_list *list, struct ip_ranges *ret_ranges);
bool ip_ranges_have(const struct ip_ranges *ranges, const struct ip *ip);

/* "127.0.0.1:8080", "[::1]:8443", "localhost:0". */
must_check enum err listen_address_parse(struct span text, struct sockaddr_storage *ret_addr,
                                         socklen_t *ret_len);

/* `seed`: the process's own, so that nobody can choose addresses that share a number. */
void client_address_fill(const struct ip *ip, uint64_t seed, struct client_address *ret_address);
/* The IPv4 address, or the IPv6 /64, as a number (limits on connections). */
uint64_t ip_hash(const struct ip *ip, unsigned v4_bits, uint64_t seed);

/* The client that a listed peer forwards for: the rightmost address in Forwarded (RFC 7239) or
 * X-Forwarded-For that is not itself listed. The peer's own address when it is not listed, when it
 * names none, and when the two fields contradict each other. */
struct ip client_ip_find(const struct ip *peer, const struct ip_ranges *listed,
                         const struct http_header *header, size_t n_headers);

/* ---- PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt 2.2) ---- */

#define PROXY_FIXED_BYTES 16
#define PROXY_REST_MAX 1024 /* addresses and TLVs */

/* First part: how many bytes follow it. ERR_SYNTAX, ERR_TOO_LONG. */
must_check enum err proxy_fixed_parse(const unsigned char fixed[PROXY_FIXED_BYTES],
                                      size_t *ret_rest);
/* Both parts. `*ret_has_client` is false for LOCAL and for families without an IP address: then
 * the peer speaks for itself. */
must_check enum err proxy_header_parse(const unsigned char fixed[PROXY_FIXED_BYTES],
                                       const unsigned char *rest, size_t rest_len,
                                       bool *ret_has_client, struct ip *ret_ip, uint16_t *ret_port);

#endif
