/* SPDX-License-Identifier: Apache-2.0
 *
 * idp/client_uri.c: what may be registered has one reading only, and what is allowed at a request is
 * the registered URI, or differs in nothing but the port of a loopback address. Input: a registered
 * URI, LF, an asked one. */
#include "idp/client.h"
#include "idp/client_uri.h"
#include "tests/fuzz/fuzz.h"

static const struct uri_rules any = {.allow_loopback_http = true, .allow_private_scheme = true};

static void one_reading(struct span uri) {
    struct uri_parts p;
    if (client_uri_check(uri, &any, &p))
        return;
    for (size_t i = 0; i < uri.len; i++)
        FUZZ_CHECK(uri.ptr[i] > 0x20 && uri.ptr[i] < 0x7F && uri.ptr[i] != '\\' && uri.ptr[i] != '#' &&
                   uri.ptr[i] != '*');
    if (!p.host.len)
        return;
    FUZZ_CHECK(span_is(p.scheme, "https") || span_is(p.scheme, "http"));
    FUZZ_CHECK(!memchr(p.host.ptr, '@', p.host.len) && !memchr(p.host.ptr, '%', p.host.len));
    size_t whole = p.scheme.len + 3 + p.host.len + (p.port.ptr ? 1 + p.port.len : 0) + p.rest.len;
    FUZZ_CHECK(whole == uri.len); /* the parts are all of it */
    FUZZ_CHECK(!p.rest.len || p.rest.ptr[0] == '/' || p.rest.ptr[0] == '?');
}

static void comparison(struct span registered, struct span asked) {
    struct uri_parts a, b;
    if (client_uri_check(registered, &any, &a))
        return;
    struct client c = {.n_redirect_uris = 1};
    c.redirect_uri[0] = (struct client_uri){registered, client_uri_is_loopback(registered)};
    if (!client_redirect_uri_allowed(&c, asked) || span_eq(registered, asked))
        return;
    FUZZ_CHECK(client_uri_check(asked, &any, &b) == NULL);
    FUZZ_CHECK(span_is(a.scheme, "http") && span_is(b.scheme, "http"));
    FUZZ_CHECK(span_is(a.host, "127.0.0.1") || span_is(a.host, "[::1]"));
    FUZZ_CHECK(span_eq(a.host, b.host) && span_eq(a.rest, b.rest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span asked = span_bytes(data, size), registered = span_cut(&asked, '\n');
    one_reading(registered);
    one_reading(asked);
    comparison(registered, asked);
    return 0;
}
