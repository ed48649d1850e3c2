/* SPDX-License-Identifier: Apache-2.0
 *
 * outbound_rules: nothing is reached that the configuration does not list for the purpose, however
 * the address is written, and whoever is not trusted never reaches private networks (D12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/ip.h"
#include "idp/config.h"
#include "idp/outbound.h"

static struct config config_with(const char *first, const char *second) {
    struct config cfg = {0};
    cfg.outbound_jwks = (struct config_list){.item = {span_of(first), span_of(second)},
                                             .count = second ? 2 : first ? 1 : 0};
    return cfg;
}

static enum verdict decide(const struct config *cfg, const char *host, const char *address,
                           bool is_https, bool only_public) {
    struct ip ip;
    struct sockaddr_storage to;
    assert_int_equal(ip_parse(span_of(address), &ip), ERR_OK);
    (void)ip_to_sockaddr(&ip, 443, &to);
    return outbound_address_decide(cfg, OUTBOUND_JWKS, span_of(host), is_https, only_public,
                                   (const struct sockaddr *)&to);
}

static void D12_nothing_is_reached_unless_listed(void **state) {
    (void)state;
    struct config cfg = config_with(NULL, NULL);
    struct span host;
    assert_int_equal(outbound_url_check(&cfg, OUTBOUND_JWKS, SPAN("https://rp.example/jwks"), &host),
                     ERR_REFUSED);
    assert_int_equal(decide(&cfg, "rp.example", "9.9.9.9", true, false), DENY);
    cfg = config_with("rp.example", NULL);
    assert_int_equal(outbound_url_check(&cfg, OUTBOUND_JWKS, SPAN("https://rp.example/jwks"), &host),
                     ERR_OK);
    assert_true(span_is(host, "rp.example"));
    assert_int_equal(outbound_url_check(&cfg, OUTBOUND_SECTOR, SPAN("https://rp.example/jwks"), &host),
                     ERR_REFUSED);
    assert_int_equal(outbound_url_check(&cfg, OUTBOUND_JWKS, SPAN("https://rp.example.evil/"), &host),
                     ERR_REFUSED);
}

static void only_good_urls_are_asked_for(void **state) {
    (void)state;
    const struct config cfg = config_with("public", "127.0.0.0/8");
    struct span host;
    static const char *const good[] = {"https://rp.example/jwks", "http://127.0.0.1:8080/jwks",
                                       "https://rp.example:8443/a?b=c"};
    static const char *const bad[] = {
        "http://rp.example/jwks", "file:///etc/passwd",        "https://user@rp.example/",
        "https:/rp.example/",     "https://rp.example/#x",     "gopher://rp.example/",
        "https://rp.example/ x",  "https://rp.example\\@evil", "https://",
        "",                       "com.example:/jwks",         "HTTP://127.0.0.1/",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(outbound_url_check(&cfg, OUTBOUND_JWKS, span_of(good[i]), &host), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(outbound_url_check(&cfg, OUTBOUND_JWKS, span_of(bad[i]), &host), ERR_SYNTAX);
}

static void public_is_what_the_world_can_reach(void **state) {
    (void)state;
    const struct config cfg = config_with("public", NULL);
    static const char *const inside[] = {
        "127.0.0.1",       "10.0.0.1",     "172.16.0.1",       "172.31.255.255",     "192.168.1.1",
        "169.254.169.254", "100.64.0.1",   "0.0.0.0",          "224.0.0.1",          "255.255.255.255",
        "::1",             "::",           "::ffff:127.0.0.1", "::ffff:169.254.1.1", "::7f00:1",
        "fe80::1",         "fd00::1",      "ff02::1",          "64:ff9b::7f00:1",    "2002:7f00:1::",
        "2001:db8::1",     "192.0.2.1",    "198.18.0.1",       "203.0.113.9",        "2001:0:1::1",
    };
    static const char *const outside[] = {"9.9.9.9", "172.32.0.1", "2606:4700::1111", "100.128.0.1",
                                          "::ffff:9.9.9.9"};
    for (size_t i = 0; i < ARRAY_LEN(inside); i++)
        assert_int_equal(decide(&cfg, "rp.example", inside[i], true, false), DENY);
    for (size_t i = 0; i < ARRAY_LEN(outside); i++)
        assert_int_equal(decide(&cfg, "rp.example", outside[i], true, false), ALLOW);
    assert_int_equal(decide(&cfg, "rp.example", "9.9.9.9", false, false), DENY); /* plain http */
}

static void who_is_not_trusted_stays_outside(void **state) {
    (void)state;
    const struct config cfg = config_with("10.0.0.0/8", "rp.tinh.vn");
    assert_int_equal(decide(&cfg, "a.example", "10.1.2.3", true, false), ALLOW);
    assert_int_equal(decide(&cfg, "a.example", "10.1.2.3", true, true), DENY);
    assert_int_equal(decide(&cfg, "a.example", "11.1.2.3", true, false), DENY);
    assert_int_equal(decide(&cfg, "rp.tinh.vn", "192.168.0.9", true, false), ALLOW);
    assert_int_equal(decide(&cfg, "rp.tinh.vn", "192.168.0.9", true, true), DENY);
    assert_int_equal(decide(&cfg, "rp.tinh.vn", "9.9.9.9", true, true), ALLOW);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(D12_nothing_is_reached_unless_listed),
        cmocka_unit_test(only_good_urls_are_asked_for),
        cmocka_unit_test(public_is_what_the_world_can_reach),
        cmocka_unit_test(who_is_not_trusted_stays_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
