/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be reached, and what not; see outbound.h. */
#include <strings.h>

#include "base/cleanup.h"
#include "base/ip.h"
#include "idp/client_uri.h"
#include "idp/config.h"
#include "idp/outbound.h"

#define PUBLIC_WORD "public"

static const struct config_list *list_of(const struct config *cfg, enum outbound_purpose purpose) {
    const struct config_list *const lists[OUTBOUND_PURPOSES] = {
        [OUTBOUND_JWKS] = &cfg->outbound_jwks,
        [OUTBOUND_SECTOR] = &cfg->outbound_sector,
        [OUTBOUND_REQUEST_URI] = &cfg->outbound_request_uri,
        [OUTBOUND_LOGO] = &cfg->outbound_logo,
        [OUTBOUND_UPSTREAM] = &cfg->outbound_upstream,
        [OUTBOUND_LOGOUT] = &cfg->outbound_logout,
    };
    return lists[purpose];
}

static bool is_network(struct span item, struct ip_range *ret_range) {
    return memchr(item.ptr, '/', item.len) && !ip_range_parse(item, ret_range);
}

enum err outbound_url_check(const struct config *cfg, enum outbound_purpose purpose,
                            struct span url, struct span *ret_host) {
    static const struct uri_rules rules = {.allow_loopback_http = true};
    const struct config_list *list = list_of(cfg, purpose);
    struct uri_parts p;
    if (url.len > OUTBOUND_URL_MAX || client_uri_check(url, &rules, &p))
        return ERR_SYNTAX;
    *ret_host = p.host;
    for (size_t i = 0; i < list->count; i++) {
        struct ip_range ignored;
        if (span_is(list->item[i], PUBLIC_WORD) || span_eq(list->item[i], p.host) ||
            is_network(list->item[i], &ignored))
            return ERR_OK; /* the address will tell */
    }
    return ERR_REFUSED;
}

bool outbound_host_is_named(const struct config *cfg, enum outbound_purpose purpose, struct span host) {
    const struct config_list *list = list_of(cfg, purpose);
    for (size_t i = 0; i < list->count; i++)
        if (span_eq(list->item[i], host) && !span_is(host, PUBLIC_WORD))
            return true;
    return false;
}

/* A host that is listed by its name may be anywhere: whoever listed it knew where it is. */
enum verdict outbound_address_decide(const struct config *cfg, enum outbound_purpose purpose,
                                     struct span host, bool is_https, bool only_public,
                                     const struct sockaddr *address) {
    const struct config_list *list = list_of(cfg, purpose);
    struct ip ip;
    if (ip_from_sockaddr(address, &ip))
        return DENY;
    bool is_public = ip_is_public(&ip);
    if ((only_public && !is_public) || (!is_https && is_public))
        return DENY;
    for (size_t i = 0; i < list->count; i++) {
        struct ip_range range;
        if (span_is(list->item[i], PUBLIC_WORD) ? is_public : span_eq(list->item[i], host))
            return ALLOW;
        if (is_network(list->item[i], &range) && ip_range_has(&range, &ip))
            return ALLOW;
    }
    return DENY;
}
