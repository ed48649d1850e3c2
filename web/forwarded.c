/* SPDX-License-Identifier: Apache-2.0
 *
 * Forwarded (RFC 7239), X-Forwarded-For and PROXY protocol v2; see address.h. Fields are read from
 * the right, since only what the listed proxy itself appended can be believed: what a client put
 * in stands to the left of it. */
#include "web/address.h"

#include "base/cleanup.h"

#define HOPS_MAX 16

/* Takes the last `sep`-separated part off `*rest`. */
static struct span cut_last(struct span *rest, char sep) {
    size_t i = rest->len;
    while (i && rest->ptr[i - 1] != sep)
        i--;
    struct span last = {rest->ptr + i, rest->len - i};
    *rest = i ? (struct span){rest->ptr, i - 1} : SPAN_NONE;
    return field_trim(last);
}

/* "203.0.113.7", "203.0.113.7:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711". */
static enum err node_parse(struct span node, struct ip *ret_ip) {
    if (node.len && node.ptr[0] == '[') {
        const char *end = memchr(node.ptr, ']', node.len);
        if (!end)
            return ERR_SYNTAX;
        return ip_parse((struct span){node.ptr + 1, (size_t)(end - node.ptr) - 1}, ret_ip);
    }
    const char *colon = node.len ? memchr(node.ptr, ':', node.len) : NULL;
    if (colon && !memchr(colon + 1, ':', node.len - (size_t)(colon + 1 - node.ptr)))
        node.len = (size_t)(colon - node.ptr);
    return ip_parse(node, ret_ip);
}

/* The node of one element: for X-Forwarded-For itself, for Forwarded its `for` parameter. */
static struct span element_node(struct span element, bool is_forwarded) {
    if (!is_forwarded)
        return element;
    while (element.ptr) {
        struct span value = field_trim(span_cut(&element, ';'));
        struct span name = field_trim(span_cut(&value, '='));
        value = field_trim(value);
        if (!field_is(name, "for"))
            continue;
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = (struct span){value.ptr + 1, value.len - 2};
        return value;
    }
    return SPAN_NONE;
}

struct walk {
    const struct ip_ranges *listed;
    struct ip client;
    unsigned hops;
    bool is_over;
};

static void walk_field(struct walk *w, struct span field, bool is_forwarded) {
    while (field.ptr && !w->is_over) {
        struct span element = cut_last(&field, ',');
        if (!element.len)
            continue;
        struct ip ip;
        if (w->hops++ == HOPS_MAX || node_parse(element_node(element, is_forwarded), &ip)) {
            w->is_over = true; /* "unknown", "_hidden": the last proxy stands for the client */
            return;
        }
        w->client = ip;
        w->is_over = !ip_ranges_have(w->listed, &ip);
    }
}

static bool walk_all(const char *name, const struct ip *peer, const struct ip_ranges *listed,
                     const struct http_header *header, size_t n, struct ip *ret_client) {
    struct walk w = {.listed = listed, .client = *peer};
    bool is_there = false;
    for (size_t i = n; i > 0; i--) {
        if (!field_is(header[i - 1].name, name))
            continue;
        is_there = true;
        walk_field(&w, header[i - 1].value, field_is(span_of(name), "Forwarded"));
    }
    *ret_client = w.client;
    return is_there;
}

struct ip client_ip_find(const struct ip *peer, const struct ip_ranges *listed,
                         const struct http_header *header, size_t n_headers) {
    if (!ip_ranges_have(listed, peer))
        return *peer;
    struct ip by_forwarded, by_x;
    bool has_forwarded = walk_all("Forwarded", peer, listed, header, n_headers, &by_forwarded);
    bool has_x = walk_all("X-Forwarded-For", peer, listed, header, n_headers, &by_x);
    /* A proxy that sets one field and passes the other on would let its clients choose. */
    if (has_forwarded && has_x && memcmp(&by_forwarded, &by_x, sizeof by_x) != 0)
        return *peer;
    return has_forwarded ? by_forwarded : has_x ? by_x : *peer;
}

/* ---- PROXY protocol ---- */

static const unsigned char proxy_signature[12] = "\r\n\r\n\0\r\nQUIT\n";
enum { PROXY_LOCAL = 0x20, PROXY_PROXY = 0x21 };           /* version and command */
enum { PROXY_TCP4 = 0x11, PROXY_TCP6 = 0x21 };             /* family and transport */
enum { PROXY_ADDRESSES_V4 = 12, PROXY_ADDRESSES_V6 = 36 }; /* bytes */

enum err proxy_fixed_parse(const unsigned char fixed[PROXY_FIXED_BYTES], size_t *ret_rest) {
    if (memcmp(fixed, proxy_signature, sizeof proxy_signature) != 0)
        return ERR_SYNTAX;
    if (fixed[12] != PROXY_LOCAL && fixed[12] != PROXY_PROXY)
        return ERR_SYNTAX;
    size_t rest = (size_t)fixed[14] << 8 | fixed[15];
    if (rest > PROXY_REST_MAX)
        return ERR_TOO_LONG;
    *ret_rest = rest;
    return ERR_OK;
}

enum err proxy_header_parse(const unsigned char fixed[PROXY_FIXED_BYTES], const unsigned char *rest,
                            size_t rest_len, bool *ret_has_client, struct ip *ret_ip,
                            uint16_t *ret_port) {
    struct ip ip = {.is_v6 = fixed[13] == PROXY_TCP6};
    bool is_tcp = fixed[13] == PROXY_TCP4 || fixed[13] == PROXY_TCP6;
    if (fixed[12] == PROXY_LOCAL || !is_tcp) {
        *ret_has_client = false;
        return ERR_OK;
    }
    if (rest_len < (ip.is_v6 ? (size_t)PROXY_ADDRESSES_V6 : (size_t)PROXY_ADDRESSES_V4))
        return ERR_SYNTAX;
    size_t port_at = ip.is_v6 ? 32 : 8; /* after both addresses */
    memcpy(ip.b, rest, ip.is_v6 ? 16 : 4);
    *ret_port = (uint16_t)(rest[port_at] << 8 | rest[port_at + 1]);
    *ret_has_client = true;
    ip_unmap(&ip);
    *ret_ip = ip;
    return ERR_OK;
}
