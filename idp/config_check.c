/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules between settings, and values that follow from others. */
#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/sha256.h"
#include "idp/config_schema.h"

#define THREADS_AUTO_MAX 64

struct check {
    struct config *c;
    struct config_reader *reader;
};

static void complain(const struct check *k, const char *path, const char *why) {
    config_complain(k->reader, path, why);
}

static bool ipv6_good(struct span host) {
    char text[INET6_ADDRSTRLEN];
    unsigned char binary[16];
    struct span rest = host, ip = span_cut(&rest, ']');
    if (!rest.ptr || (rest.len && rest.ptr[0] != ':') || ip.len - 1 >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)ip.len - 1, ip.ptr + 1);
    return inet_pton(AF_INET6, text, binary) == 1;
}

/* A name in lower-case letters, digits, '-' and '.', as browsers send it, or an address. */
static bool host_good(struct span host) {
    if (span_starts(host, "["))
        return ipv6_good(host);
    struct span rest = host, name = span_cut(&rest, ':');
    for (struct span label; name.ptr;) {
        label = span_cut(&name, '.');
        if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
            label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label.ptr[i]))
                return false;
    }
    return true;
}

static bool port_good(struct span host, bool is_https) {
    const char *end = host.len && host.ptr[0] == '[' ? memchr(host.ptr, ']', host.len) : host.ptr;
    const char *colon = end ? memchr(end, ':', (size_t)(host.ptr + host.len - end)) : NULL;
    if (!colon)
        return true;
    struct span port = {colon + 1, (size_t)(host.ptr + host.len - colon - 1)};
    int number = 0;
    for (size_t i = 0; i < port.len; i++) {
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return false;
        number = number * 10 + (port.ptr[i] - '0');
        if (number > 65535)
            return false;
    }
    /* Browsers leave the default port out, so the Host check and `iss` comparison would fail. */
    return port.len > 0 && port.ptr[0] != '0' && number != (is_https ? 443 : 80);
}

static bool host_is_loopback(struct span host) {
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_is(host, names[i]) ||
            (span_starts(host, names[i]) && host.ptr[strlen(names[i])] == ':'))
            return true;
    return false;
}

static void check_issuer(const struct check *k) {
    struct config *c = k->c;
    struct span host = c->issuer;
    if (!host.ptr)
        return;
    c->is_https = span_starts(host, "https://");
    if (!c->is_https && !span_starts(host, "http://")) {
        complain(k, "issuer", "must begin with https://");
        return;
    }
    size_t scheme = c->is_https ? 8 : 7;
    host.ptr += scheme;
    host.len -= scheme;
    if (host.len && host.ptr[host.len - 1] == '/')
        complain(k, "issuer", "must not end in a slash");
    else if (host.len && strcspn(host.ptr, "/?#") < host.len)
        complain(k, "issuer", "must have no path, query or fragment");
    else if (!host.len || !host_good(host))
        complain(k, "issuer", "must name a host in lower case, as browsers send it");
    else if (!port_good(host, c->is_https))
        complain(k, "issuer", "must have a port between 1 and 65535, and none that is the default");
    else if (!c->is_https && !host_is_loopback(host))
        complain(k, "issuer", "may be http:// only on localhost, 127.0.0.1 and [::1]");
    c->host = host;
}

static void check_tls(const struct check *k) {
    const struct config *c = k->c;
    bool has_tls = c->tls_certificate.ptr && c->tls_key.ptr;
    if (c->tls_certificate.ptr && !c->tls_key.ptr)
        complain(k, "listen.tls_certificate", "needs listen.tls_key too");
    if (!c->tls_certificate.ptr && c->tls_key.ptr)
        complain(k, "listen.tls_key", "needs listen.tls_certificate too");
    if (has_tls && c->issuer.ptr && !c->is_https)
        complain(k, "listen.tls_certificate", "does not go with an issuer that is http://");
    if (c->is_https && !has_tls && !c->tls_key.ptr && !c->tls_certificate.ptr &&
        c->trusted_proxies.count == 0)
        complain(k, "issuer",
                 "is https://: serve TLS here (listen.tls_certificate, listen.tls_key) or name the "
                 "proxy that does (listen.trusted_proxies)");
    if (c->proxy_protocol && c->trusted_proxies.count == 0)
        complain(k, "listen.proxy_protocol", "needs listen.trusted_proxies");
}

static void check_order(const struct check *k) {
    const struct config *c = k->c;
    static const struct {
        const char *path;
        size_t lower, upper;
        const char *why;
    } orders[] = {
#define ORDER(path, lower, upper, why)                                                             \
    {path, offsetof(struct config, lower), offsetof(struct config, upper), why}
        ORDER("times.session_idle", session_idle_seconds, session_absolute_seconds,
              "must not be longer than times.session"),
        ORDER("times.refresh_idle", refresh_idle_seconds, refresh_absolute_seconds,
              "must not be longer than times.refresh"),
        ORDER("throttle.first_wait", throttle_base_seconds, throttle_max_seconds,
              "must not be longer than throttle.longest_wait"),
        ORDER("throttle.longest_wait", throttle_max_seconds, throttle_memory_seconds,
              "must not be longer than throttle.memory"),
        ORDER("throttle.account_free", throttle_account_free, throttle_account_hard,
              "must not be more than throttle.account_hard"),
#undef ORDER
    };
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        const int64_t *lower = (const int64_t *)((const char *)c + orders[i].lower);
        const int64_t *upper = (const int64_t *)((const char *)c + orders[i].upper);
        if (*lower > *upper)
            complain(k, orders[i].path, orders[i].why);
    }
}

static void check_levels(const struct check *k) {
    const struct config *c = k->c;
    const struct span acr[] = {c->acr_1, c->acr_2, c->acr_3};
    static const char *const paths[] = {"levels.loa1", "levels.loa2", "levels.loa3"};
    for (size_t i = 0; i < ARRAY_LEN(acr); i++) {
        if (acr[i].len && memchr(acr[i].ptr, ' ', acr[i].len))
            complain(k, paths[i], "must have no space, since acr_values is a list of words");
        for (size_t j = 0; j < i; j++)
            if (acr[i].len && span_eq(acr[i], acr[j]))
                complain(k, paths[i], "must differ from the other levels");
    }
}

static void derive(const struct check *k) {
    struct config *c = k->c;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t threads = cores < 1 ? 1 : cores > THREADS_AUTO_MAX ? THREADS_AUTO_MAX : cores;
    if (c->io_threads == 0)
        c->io_threads = threads > 3 ? (threads + 1) / 2 : 2;
    if (c->work_threads == 0)
        c->work_threads = threads;
    if (!c->brand_name_en.ptr)
        c->brand_name_en = c->brand_name;
    if (!c->contact_en.ptr)
        c->contact_en = c->contact;
    unsigned char digest[32];
    sha256(c->issuer, digest);
    if (c->issuer.ptr)
        hex_encode(digest, 3, c->cookie_suffix);
    if (!c->signer_binary.ptr) {
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof self);
        const char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;
        if (slash)
            c->signer_binary =
                span_of(arena_printf(&c->arena, "%.*s/idp-signer", (int)(slash - self), self));
        if (!c->signer_binary.ptr)
            complain(k, "signer.binary", "is not set, and the program's own folder is not known");
    }
}

/* A date that decides nothing, and a door that is shut while there is no other. */
static void check_local_login(const struct check *k) {
    const struct config *c = k->c;
    const struct {
        const char *path, *from_path;
        struct span rule;
        int64_t from;
    } rules[] = {
        {"local_login.citizen", "local_login.citizen_from", c->local_login_citizen,
         c->local_login_citizen_from},
        {"local_login.enterprise", "local_login.enterprise_from", c->local_login_enterprise,
         c->local_login_enterprise_from},
        {"local_login.official", "local_login.official_from", c->local_login_official,
         c->local_login_official_from},
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        bool allows = span_is(rules[i].rule, "allow");
        if (allows && rules[i].from)
            complain(k, rules[i].from_path,
                     arena_printf(&k->c->arena, "changes nothing while %s is allow", rules[i].path));
        if (!allows && c->connector_files.count == 0)
            complain(k, rules[i].path, "leaves nobody a way in: there is no federation.connectors");
    }
}

void config_check(struct config_reader *r, void *base) {
    struct config *c = base;
    const struct check k = {c, r};
    check_issuer(&k);
    check_tls(&k);
    if (c->listen_address.ptr && span_eq(c->listen_address, c->admin_address))
        complain(&k, "admin.address", "must differ from listen.address");
    check_order(&k);
    check_levels(&k);
    check_local_login(&k);
    if (c->connector_files.count && !c->outbound_upstream.count)
        complain(&k, "federation.connectors", "cannot be reached: outbound.upstream lists no place");
    derive(&k);
}
