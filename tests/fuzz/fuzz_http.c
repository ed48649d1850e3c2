/* SPDX-License-Identifier: Apache-2.0
 *
 * What web/ itself parses of a request: forwarding fields, PROXY v2, traceparent, languages, paths,
 * cookies. A peer that is not listed is never replaced; a decoded path holds no control character;
 * what was written as a trace id is one. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "tests/fuzz/fuzz.h"
#include "web/address.h"
#include "web/language.h"
#include "web/router.h"
#include "web/trace.h"

static void forwarded(struct span text) {
    struct ip peer = {.b = {10, 0, 0, 1}};
    struct config_list list = {.item = {SPAN("10.0.0.0/8"), SPAN("fd00::/8")}, .count = 2};
    struct ip_ranges listed, nobody = {.count = 0};
    FUZZ_CHECK(ip_ranges_parse(&list, &listed) == ERR_OK);
    struct span second = text, first = span_cut(&second, '\n');
    const struct http_header h[] = {
        {SPAN("Forwarded"), first}, {SPAN("X-Forwarded-For"), second}, {SPAN("Forwarded"), second}};
    for (size_t n = 0; n <= ARRAY_LEN(h); n++) {
        struct ip found = client_ip_find(&peer, &nobody, h, n);
        FUZZ_CHECK(memcmp(&found, &peer, sizeof peer) == 0);
        found = client_ip_find(&peer, &listed, h, n);
        struct client_address a;
        client_address_fill(&found, 1, &a);
        FUZZ_CHECK(a.text[0] && a.network[0] && a.network_id);
    }
    list = (struct config_list){.item = {first}, .count = 1};
    (void)!ip_ranges_parse(&list, &listed);
    struct sockaddr_storage addr;
    socklen_t len;
    (void)!listen_address_parse(text, &addr, &len);
}

static void proxy(struct span text) {
    size_t rest;
    bool has_client;
    struct ip ip;
    uint16_t port;
    const unsigned char *p = (const unsigned char *)text.ptr;
    if (text.len < PROXY_FIXED_BYTES || proxy_fixed_parse(p, &rest))
        return;
    FUZZ_CHECK(rest <= PROXY_REST_MAX);
    if (rest <= text.len - PROXY_FIXED_BYTES)
        (void)!proxy_header_parse(p, p + PROXY_FIXED_BYTES, rest, &has_client, &ip, &port);
}

static void wishes(struct span text) {
    bool is_asked;
    char id[TRACE_ID_CHARS + 1], flags[3], bytes[TRACE_ID_CHARS / 2];
    size_t len;
    (void)language_choose(&(struct language_wishes){.ui_locales = text, .accept_language = text},
                          &is_asked);
    (void)language_choose(&(struct language_wishes){.accept_language = text}, &is_asked);
    if (trace_parse(text, id, flags))
        FUZZ_CHECK(hex_decode(span_of(id), bytes, sizeof bytes, &len) == ERR_OK &&
                   len == sizeof bytes);
}

static void path_and_cookies(struct span text) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span path;
    if (path_decode(&a, text, &path) == ERR_OK) {
        FUZZ_CHECK(path.len <= text.len && utf8_valid(path));
        for (size_t i = 0; i < path.len; i++)
            FUZZ_CHECK((unsigned char)path.ptr[i] >= 0x20 && path.ptr[i] != 0x7F);
    }
    const struct http_header h[] = {{SPAN("Cookie"), text}, {SPAN("Accept"), text}};
    const struct transport t = {.header = h, .n_headers = ARRAY_LEN(h), .cookie_suffix = "a1b2c3"};
    static struct request req;
    req.transport = &t;
    struct span cookie = request_own_cookie(&req, "session");
    FUZZ_CHECK(!cookie.ptr || (cookie.len && !memchr(cookie.ptr, ';', cookie.len)));
    (void)request_accepts_html(&req);
    (void)content_type_is_form(text);
    (void)origin_is_acceptable(SPAN_NONE, text, true, SPAN("sso.example.gov.vn"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = span_bytes(data, size);
    forwarded(text);
    proxy(text);
    wishes(text);
    path_and_cookies(text);
    return 0;
}
