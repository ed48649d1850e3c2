/* SPDX-License-Identifier: Apache-2.0
 *
 * IP addresses as values, and ranges of them. An IPv4 address that comes as an IPv4-mapped IPv6 one
 * is the IPv4 address, so that no rule can be passed by in the other spelling. Pure. */
#ifndef IDP_BASE_IP_H
#define IDP_BASE_IP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/span.h"

#define IP_TEXT_MAX 46 /* characters of an address, and a NUL */

struct ip {
    bool is_v6;
    unsigned char b[16]; /* network order; IPv4 in the first four */
};

/* "203.0.113.7", "2001:db8::1". ERR_SYNTAX. */
must_check enum err ip_parse(struct span text, struct ip *ret_ip);
/* ERR_UNSUPPORTED: another family. */
must_check enum err ip_from_sockaddr(const struct sockaddr *addr, struct ip *ret_ip);
/* ::ffff:a.b.c.d, the IPv4 client of a dual-stack socket, becomes a.b.c.d. */
void ip_unmap(struct ip *ip);
/* Length of the sockaddr. */
socklen_t ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *out);
/* Clears what lies behind the first `bits`: the network of an address. */
void ip_keep_bits(struct ip *ip, unsigned bits);
/* Bits of a network or a port: up to five digits. ERR_SYNTAX, ERR_RANGE (above `max`). */
must_check enum err ip_number_parse(struct span text, unsigned max, unsigned *ret_number);
/* Reachable from anywhere: not private, local, multicast, reserved, or a disguise of one of them. */
bool ip_is_public(const struct ip *ip);

struct ip_range {
    struct ip ip;
    unsigned bits;
};
/* "10.0.0.0/8", or a single address. ERR_SYNTAX, ERR_RANGE. */
must_check enum err ip_range_parse(struct span text, struct ip_range *ret_range);
bool ip_range_has(const struct ip_range *range, const struct ip *ip);

#endif
