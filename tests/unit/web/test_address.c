/* SPDX-License-Identifier: Apache-2.0
 *
 * address: only a listed peer can speak for somebody else, and only with what it wrote itself
 * (T07); networks are /24 and /64; PROXY headers that are not exactly right are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "web/address.h"

static struct ip ip_of(const char *text) {
    struct ip ip;
    assert_int_equal(ip_parse(span_of(text), &ip), ERR_OK);
    return ip;
}

static const char *text_of(const struct ip *ip) {
    static struct client_address a;
    client_address_fill(ip, 1, &a);
    return a.text;
}

static struct ip_ranges ranges_of(const char *first, const char *second) {
    struct config_list list = {.item = {span_of(first), span_of(second)}, .count = second ? 2 : 1};
    struct ip_ranges r;
    assert_int_equal(ip_ranges_parse(&list, &r), ERR_OK);
    return r;
}

static void addresses_parse_strictly(void **state) {
    (void)state;
    assert_string_equal(text_of(&(struct ip[]){ip_of("203.0.113.7")}[0]), "203.0.113.7");
    assert_string_equal(text_of(&(struct ip[]){ip_of("2001:DB8::1")}[0]), "2001:db8::1");
    assert_string_equal(text_of(&(struct ip[]){ip_of("::ffff:203.0.113.7")}[0]), "203.0.113.7");
    static const char *const bad[] = {
        "",          "1.2.3",
        "1.2.3.4.5", "01.2.3.4",
        "1.2.3.256", " 1.2.3.4",
        "1.2.3.4 ",  "::1%lo",
        "[::1]",     ":::",
        "localhost", "0x7f000001",
        "1.2.3.4/8", "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(ip_parse(span_of(bad[i]), &(struct ip){0}), ERR_SYNTAX);
    assert_int_equal(ip_parse(SPAN("1.2.3.4\0"), &(struct ip){0}), ERR_SYNTAX);
}

static void ranges_hold_what_they_say(void **state) {
    (void)state;
    struct ip_ranges r = ranges_of("10.1.2.99/20", "2001:db8::/33");
    assert_true(ip_ranges_have(&r, &(struct ip[]){ip_of("10.1.15.255")}[0]));
    assert_false(ip_ranges_have(&r, &(struct ip[]){ip_of("10.1.16.0")}[0]));
    assert_true(ip_ranges_have(&r, &(struct ip[]){ip_of("2001:db8:7fff::1")}[0]));
    assert_false(ip_ranges_have(&r, &(struct ip[]){ip_of("2001:db8:8000::1")}[0]));
    assert_true(ip_ranges_have(&r, &(struct ip[]){ip_of("::ffff:10.1.2.3")}[0]));
    r = ranges_of("0.0.0.0/0", NULL);
    assert_true(ip_ranges_have(&r, &(struct ip[]){ip_of("9.9.9.9")}[0]));
    assert_false(ip_ranges_have(&r, &(struct ip[]){ip_of("::1")}[0]));
    r = ranges_of("192.0.2.1", NULL);
    assert_true(ip_ranges_have(&r, &(struct ip[]){ip_of("192.0.2.1")}[0]));
    assert_false(ip_ranges_have(&r, &(struct ip[]){ip_of("192.0.2.2")}[0]));
    static const char *const bad[] = {"",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/8/8",
                                      "10.0.0.0/-1",
                                      "::/129",
                                      "::ffff:10.0.0.0/104",
                                      "proxy.example"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct config_list list = {.item = {span_of(bad[i])}, .count = 1};
        assert_int_not_equal(ip_ranges_parse(&list, &(struct ip_ranges){0}), ERR_OK);
    }
}

static void networks_are_24_and_64(void **state) {
    (void)state;
    struct client_address a, b, c;
    client_address_fill(&(struct ip[]){ip_of("203.0.113.7")}[0], 7, &a);
    client_address_fill(&(struct ip[]){ip_of("203.0.113.200")}[0], 7, &b);
    client_address_fill(&(struct ip[]){ip_of("203.0.114.7")}[0], 7, &c);
    assert_string_equal(a.network, "203.0.113.0/24");
    assert_int_equal(a.network_id, b.network_id);
    assert_int_not_equal(a.network_id, c.network_id);
    client_address_fill(&(struct ip[]){ip_of("2001:db8:1:2:ffff:ffff:ffff:ffff")}[0], 7, &a);
    client_address_fill(&(struct ip[]){ip_of("2001:db8:1:2::1")}[0], 7, &b);
    client_address_fill(&(struct ip[]){ip_of("2001:db8:1:3::1")}[0], 7, &c);
    assert_string_equal(a.network, "2001:db8:1:2::/64");
    assert_int_equal(a.network_id, b.network_id);
    assert_int_not_equal(a.network_id, c.network_id);
    assert_false(a.is_loopback);
    client_address_fill(&(struct ip[]){ip_of("::1")}[0], 7, &a);
    client_address_fill(&(struct ip[]){ip_of("127.9.9.9")}[0], 7, &b);
    assert_true(a.is_loopback && b.is_loopback);
    assert_int_not_equal(a.network_id, 0);
}

static const char *client(const char *peer, const char *name, const char *value) {
    static struct ip found;
    struct ip_ranges listed = ranges_of("10.0.0.0/8", "fd00::/8");
    struct ip from = ip_of(peer);
    struct http_header h[] = {{SPAN("X-Other"), SPAN("6.6.6.6")}, {span_of(name), span_of(value)}};
    found = client_ip_find(&from, &listed, h, ARRAY_LEN(h));
    return text_of(&found);
}

static void T07_a_peer_that_is_not_listed_speaks_for_itself(void **state) {
    (void)state;
    assert_string_equal(client("192.0.2.1", "X-Forwarded-For", "203.0.113.7"), "192.0.2.1");
    assert_string_equal(client("192.0.2.1", "Forwarded", "for=203.0.113.7"), "192.0.2.1");
    assert_string_equal(client("10.0.0.1", "X-Forwarded-For", "203.0.113.7"), "203.0.113.7");
    assert_string_equal(client("10.0.0.1", "Forwarded", "for=203.0.113.7"), "203.0.113.7");
    assert_string_equal(client("10.0.0.1", "X-Real-IP", "203.0.113.7"), "10.0.0.1");
}

static void T07_the_rightmost_address_that_is_not_listed_counts(void **state) {
    (void)state;
    assert_string_equal(client("10.0.0.1", "x-forwarded-for", "6.6.6.6, 203.0.113.7"),
                        "203.0.113.7");
    assert_string_equal(
        client("10.0.0.1", "X-Forwarded-For", "6.6.6.6,203.0.113.7 , 10.9.9.9,fd00::1"),
        "203.0.113.7");
    assert_string_equal(client("10.0.0.1", "X-Forwarded-For", "10.0.0.2, 10.0.0.3"), "10.0.0.2");
    assert_string_equal(client("10.0.0.1", "X-Forwarded-For", "203.0.113.7:4711"), "203.0.113.7");
    assert_string_equal(client("10.0.0.1", "X-Forwarded-For", "[2001:db8::7]:4711"), "2001:db8::7");
    assert_string_equal(client("10.0.0.1", "X-Forwarded-For", "2001:db8::7"), "2001:db8::7");
    assert_string_equal(client("10.0.0.1", "Forwarded",
                               "for=6.6.6.6;by=x, proto=https;For=\"[2001:db8::7]:1\";by=y"),
                        "2001:db8::7");
}

static void T07_what_is_no_address_ends_the_walk_at_the_last_proxy(void **state) {
    (void)state;
    assert_string_equal(client("10.0.0.1", "X-Forwarded-For", "203.0.113.7, unknown"), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", "X-Forwarded-For", "203.0.113.7, x, 10.0.0.2"),
                        "10.0.0.2");
    assert_string_equal(client("10.0.0.1", "Forwarded", "for=203.0.113.7, for=_hidden"),
                        "10.0.0.1");
    assert_string_equal(client("10.0.0.1", "Forwarded", "by=203.0.113.7"), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", "Forwarded", "for=\"203.0.113.7"), "10.0.0.1");
    static const char *const junk[] = {"",  ",", ",,,,", "[",        "[]", ":",
                                       "=", ";", "for=", "for=\"\"", "\"", " , "};
    for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
        assert_string_equal(client("10.0.0.1", "X-Forwarded-For", junk[i]), "10.0.0.1");
        assert_string_equal(client("10.0.0.1", "Forwarded", junk[i]), "10.0.0.1");
    }
    char many[1024] = "203.0.113.7";
    for (size_t i = 0; i < 40; i++)
        strncat(many, ", 10.0.0.9", sizeof many - strlen(many) - 1);
    assert_string_equal(client("10.0.0.1", "X-Forwarded-For", many),
                        "10.0.0.9"); /* so many hops are none */
}

static void T07_two_fields_that_contradict_each_other_are_both_ignored(void **state) {
    (void)state;
    struct ip_ranges listed = ranges_of("10.0.0.0/8", NULL);
    struct ip peer = ip_of("10.0.0.1");
    struct http_header h[] = {{SPAN("X-Forwarded-For"), SPAN("203.0.113.7")},
                              {SPAN("Forwarded"), SPAN("for=6.6.6.6")}};
    struct ip found = client_ip_find(&peer, &listed, h, 2);
    assert_string_equal(text_of(&found), "10.0.0.1");
    h[1].value = SPAN("for=203.0.113.7");
    found = client_ip_find(&peer, &listed, h, 2);
    assert_string_equal(text_of(&found), "203.0.113.7");
}

static void several_lines_of_a_field_are_one_list(void **state) {
    (void)state;
    struct ip_ranges listed = ranges_of("10.0.0.0/8", NULL);
    struct ip peer = ip_of("10.0.0.1");
    const struct http_header h[] = {{SPAN("X-Forwarded-For"), SPAN("6.6.6.6, 203.0.113.7")},
                                    {SPAN("X-Forwarded-For"), SPAN("10.0.0.2")}};
    struct ip found = client_ip_find(&peer, &listed, h, 2);
    assert_string_equal(text_of(&found), "203.0.113.7");
}

static enum err proxy(const unsigned char *bytes, size_t len, bool *has_client, struct ip *ip) {
    size_t rest;
    uint16_t port = 0;
    enum err e = proxy_fixed_parse(bytes, &rest);
    if (e)
        return e;
    assert_int_equal(rest, len - PROXY_FIXED_BYTES);
    /* A copy of exactly that size: ASan sees a look beyond. */
    unsigned char *copy = malloc(rest ? rest : 1);
    memcpy(copy, bytes + PROXY_FIXED_BYTES, rest);
    e = proxy_header_parse(bytes, copy, rest, has_client, ip, &port);
    free(copy);
    return e;
}

static void proxy_headers_parse_exactly(void **state) {
    (void)state;
    unsigned char v4[28] =
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\x7f\0\0\1\x12\x67\1\xbb";
    bool has_client;
    struct ip ip;
    assert_int_equal(proxy(v4, sizeof v4, &has_client, &ip), ERR_OK);
    assert_true(has_client);
    assert_string_equal(text_of(&ip), "203.0.113.7");
    v4[12] = 0x20; /* LOCAL */
    assert_int_equal(proxy(v4, sizeof v4, &has_client, &ip), ERR_OK);
    assert_false(has_client);
    v4[12] = 0x21;
    v4[13] = 0; /* UNSPEC */
    assert_int_equal(proxy(v4, sizeof v4, &has_client, &ip), ERR_OK);
    assert_false(has_client);
    v4[13] = 0x21; /* IPv6 in 12 bytes */
    assert_int_equal(proxy(v4, sizeof v4, &has_client, &ip), ERR_SYNTAX);
    v4[13] = 0x11;
    v4[12] = 0x11; /* version 1 in binary */
    assert_int_equal(proxy(v4, sizeof v4, &has_client, &ip), ERR_SYNTAX);
    v4[12] = 0x22; /* no such command */
    assert_int_equal(proxy(v4, sizeof v4, &has_client, &ip), ERR_SYNTAX);
    v4[12] = 0x21;
    v4[14] = 0xFF;
    assert_int_equal(proxy(v4, sizeof v4, &has_client, &ip), ERR_TOO_LONG);
    for (size_t i = 0; i < 12; i++) {
        unsigned char bad[28];
        memcpy(bad, v4, sizeof bad);
        bad[i] ^= 1;
        assert_int_equal(proxy(bad, sizeof bad, &has_client, &ip), ERR_SYNTAX);
    }
}

static void listen_addresses_parse(void **state) {
    (void)state;
    struct sockaddr_storage a;
    socklen_t len;
    static const char *const good[] = {"127.0.0.1:8080", "[::1]:0", "[::]:65535", "localhost:1",
                                       "::1:80"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(listen_address_parse(span_of(good[i]), &a, &len), ERR_OK);
    static const char *const bad[] = {"",
                                      ":",
                                      ":80",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:x",
                                      "127.0.0.1:-1",
                                      "[::1:80",
                                      "host:80",
                                      "127.0.0.1:123456"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_not_equal(listen_address_parse(span_of(bad[i]), &a, &len), ERR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_parse_strictly),
        cmocka_unit_test(ranges_hold_what_they_say),
        cmocka_unit_test(networks_are_24_and_64),
        cmocka_unit_test(T07_a_peer_that_is_not_listed_speaks_for_itself),
        cmocka_unit_test(T07_the_rightmost_address_that_is_not_listed_counts),
        cmocka_unit_test(T07_what_is_no_address_ends_the_walk_at_the_last_proxy),
        cmocka_unit_test(T07_two_fields_that_contradict_each_other_are_both_ignored),
        cmocka_unit_test(several_lines_of_a_field_are_one_list),
        cmocka_unit_test(proxy_headers_parse_exactly),
        cmocka_unit_test(listen_addresses_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
