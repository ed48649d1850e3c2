/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a configuration file is either understood completely, or refused with every error in
 * one run, each with its line, column and key; nothing is guessed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "idp/config_schema.h"

#define GOOD                                                                                       \
    "issuer: http://localhost:8080\n"                                                              \
    "brand:\n  name: Cổng đăng nhập một lần\n  contact: 1900 1234\n"                     \
    "signer:\n  policy: signer.json\n"                                                             \
    "store:\n  path: /var/lib/idp/idp.db\n"

static char folder[] = "/tmp/idp-test-config-XXXXXX";
static char path[64];

static void write_config(const char *text, size_t len) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* Loads the text; `ret_report` gets the report without the folder's name. */
static enum err load(const char *text, struct buf *report, struct config **ret_config) {
    write_config(text, strlen(text));
    CLEANUP(buf_done) struct buf raw = BUF_INIT(65536);
    enum err e = config_load(path, &raw, ret_config);
    struct span rest = buf_span(&raw);
    while (rest.len) {
        struct span line = span_cut(&rest, '\n');
        if (span_starts(line, folder)) {
            line.ptr += strlen(folder) + 1;
            line.len -= strlen(folder) + 1;
        }
        buf_add_span(report, line);
        buf_add_char(report, '\n');
    }
    return e;
}

static void expect(const char *text, const char *report) {
    CLEANUP(buf_done) struct buf got = BUF_INIT(65536);
    struct config *c = NULL;
    enum err e = load(text, &got, &c);
    assert_string_equal(got.data ? got.data : "", report);
    assert_int_equal(e, *report ? ERR_SYNTAX : ERR_OK);
    assert_true((c != NULL) == !*report);
    config_free(c);
}

static void expect_after_good(const char *more, const char *report) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
    buf_add_str(&text, GOOD);
    buf_add_str(&text, more);
    expect(text.data, report);
}

static void test_values(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf report = BUF_INIT(65536);
    struct config *c = NULL;
    assert_int_equal(load(GOOD "times:\n  code: 45s\n  session: 8h\npassword:\n  memory: 64MiB\n"
                               "listen:\n  trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\"]\n"
                               "admin:\n  uids:\n    - 1000\n    - 1001\n",
                          &report, &c),
                     ERR_OK);
    assert_true(span_is(c->issuer, "http://localhost:8080"));
    assert_true(span_is(c->host, "localhost:8080"));
    assert_false(c->is_https);
    assert_true(span_is(c->brand_name, "Cổng đăng nhập một lần"));
    assert_true(span_is(c->brand_name_en, "Cổng đăng nhập một lần"));
    assert_int_equal(c->code_seconds, 45);
    assert_int_equal(c->session_absolute_seconds, 8 * 3600);
    assert_int_equal(c->session_idle_seconds, 1800);
    assert_int_equal(c->argon2_memory_kib, 65536);
    assert_int_equal(c->trusted_proxies.count, 2);
    assert_true(span_is(c->admin_uids.item[1], "1001"));
    assert_true(c->io_threads >= 1);
    assert_int_equal(strlen(c->cookie_suffix), 6);
    assert_true(span_starts(c->signer_policy, folder)); /* relative to the file */
    assert_true(span_is(c->store_path, "/var/lib/idp/idp.db"));
    assert_int_equal(c->store_path.ptr[c->store_path.len], '\0');
    config_free(c);
}

static void test_all_errors_in_one_run(void **state) {
    (void)state;
    expect(
        "issuer: https://sso.example.gov.vn/\n"
        "isuer: x\n"
        "brand:\n"
        "  name: A\n"
        "  contact:\n"
        "listen:\n"
        "  adress: 127.0.0.1:8080\n"
        "  proxy_protocol: maybe\n"
        "times:\n"
        "  code: 30\n"
        "  id_token: 80x80\n"
        "  session_idle: 13h\n"
        "  acess_token: 5m\n"
        "code: 30s\n"
        "password:\n"
        "  memory: 1KiB\n"
        "log:\n"
        "  level: loud\n",
        "config.yaml:2:1: isuer: unknown setting (did you mean issuer?)\n"
        "config.yaml:5:11: brand.contact: has no value (leave the line out for the default)\n"
        "config.yaml:7:3: listen.adress: unknown setting (did you mean listen.address?)\n"
        "config.yaml:8:19: listen.proxy_protocol: must be true or false\n"
        "config.yaml:10:9: times.code: must be a time with its unit, like 30s, 5m, 12h or 90d\n"
        "config.yaml:11:13: times.id_token: must be a time with its unit, like 30s, 5m, 12h or "
        "90d\n"
        "config.yaml:12:17: times.session_idle: must be between 1m and 12h\n"
        "config.yaml:13:3: times.acess_token: unknown setting (did you mean times.access_token?)\n"
        "config.yaml:14:1: code: unknown setting (did you mean times.code?)\n"
        "config.yaml:16:11: password.memory: must be between 8MiB and 256MiB\n"
        "config.yaml:18:10: log.level: must be one of: debug info warn error\n"
        "config.yaml:1:1: signer.policy: is missing\n"
        "config.yaml:1:1: store.path: is missing\n"
        "config.yaml:1:1: issuer: must not end in a slash\n"
        "config.yaml:1:1: issuer: is https://: serve TLS here (listen.tls_certificate, "
        "listen.tls_key) or name the proxy that does (listen.trusted_proxies)\n");
}

static void test_ambiguous_yaml(void **state) {
    (void)state;
    expect_after_good("log:\n  level: info\n  level: warn\n",
                      "config.yaml:11:3: log.level: stands in the file twice\n");
    expect_after_good("brand:\n  name_en: B\n",
                      "config.yaml:9:1: brand: stands in the file twice\n");
    expect_after_good("log:\n  level: &a info\n",
                      "config.yaml:10:10: log.level: anchors are not allowed\n");
    expect_after_good("log: *a\n", "config.yaml:9:6: log: aliases are not allowed\n");
    expect_after_good("log:\n  level: !!str info\n",
                      "config.yaml:10:10: log.level: tags are not allowed\n");
    expect_after_good("log: {level: info}\n", "");
    expect_after_good("log:\n  level: [info]\n",
                      "config.yaml:10:10: log.level: must be a single value\n");
    expect_after_good("admin:\n  uids: 1000\n", "config.yaml:10:9: admin.uids: must be a list\n");
    expect_after_good("admin:\n  uids: [{a: b}]\n",
                      "config.yaml:10:10: admin.uids: must be a list of plain values\n");
    expect_after_good("admin:\n  uids: [-1]\n",
                      "config.yaml:10:10: admin.uids: must be a numeric user id\n");
    expect_after_good("---\nlog:\n  level: info\n",
                      "config.yaml:9:1: only one document is allowed\n");
    expect_after_good("log: info\n",
                      "config.yaml:9:6: log: is a section: its settings follow, indented\n");
    expect_after_good("? [a, b]\n: c\n", "config.yaml:9:3: a key must be a word\n");
    expect_after_good("times.code: 30s\n",
                      "config.yaml:9:1: times.code: must stand indented under its section\n");
    expect_after_good("log:\n  level: \"info\nx: y",
                      "config.yaml:11:5: found unexpected end of stream\n");
}

struct issuer_case {
    const char *issuer;
    bool good;
};

static void test_issuer(void **state) {
    (void)state;
    static const struct issuer_case cases[] = {
        {"http://localhost:8080", true},
        {"http://127.0.0.1:9000", true},
        {"http://[::1]:9000", true},
        {"http://localhost", true},
        {"https://sso.haiphong.gov.vn", true},
        {"https://sso.haiphong.gov.vn:8443", true},
        {"https://[2001:db8::1]:8443", true},
        {"http://sso.haiphong.gov.vn", false},
        {"http://127.0.0.2", false},
        {"http://localhost.evil.vn", false},
        {"http://localhost:8080/", false},
        {"https://sso.haiphong.gov.vn/idp", false},
        {"https://sso.haiphong.gov.vn?x", false},
        {"https://sso.haiphong.gov.vn:443", false},
        {"https://sso.haiphong.gov.vn:0", false},
        {"https://sso.haiphong.gov.vn:99999", false},
        {"https://sso.haiphong.gov.vn:", false},
        {"https://SSO.haiphong.gov.vn", false},
        {"https://user@sso.haiphong.gov.vn", false},
        {"https://sso..gov.vn", false},
        {"https://", false},
        {"https://[2zz]", false},
        {"https://[::1", false},
        {"ftp://localhost", false},
        {"localhost:8080", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT(65536), report = BUF_INIT(65536);
        buf_addf(&text, "issuer: \"%s\"\n%s", cases[i].issuer, strchr(GOOD, '\n') + 1);
        buf_add_str(&text, "listen:\n  trusted_proxies: [10.0.0.1/32]\n");
        struct config *c = NULL;
        enum err e = load(text.data, &report, &c);
        if ((e == ERR_OK) != cases[i].good)
            fail_msg("%s: %s", cases[i].issuer, report.data ? report.data : "accepted");
        config_free(c);
    }
}

static void test_rules_between_settings(void **state) {
    (void)state;
    expect_after_good("listen:\n  tls_certificate: a.pem\n",
                      "config.yaml:10:3: listen.tls_certificate: needs listen.tls_key too\n");
    expect_after_good("listen:\n  tls_key: a.pem\n",
                      "config.yaml:10:3: listen.tls_key: needs listen.tls_certificate too\n");
    expect_after_good(
        "times:\n  session: 10m\n",
        "config.yaml:1:1: times.session_idle: must not be longer than times.session\n");
    expect_after_good("times:\n  session: 30m\n", "");
    expect_after_good("admin:\n  address: 127.0.0.1:8080\n",
                      "config.yaml:10:3: admin.address: must differ from listen.address\n");
    expect_after_good("listen:\n  proxy_protocol: true\n",
                      "config.yaml:10:3: listen.proxy_protocol: needs listen.trusted_proxies\n");
    expect_after_good("levels:\n  loa2: urn:vn:dvc:loa:1\n",
                      "config.yaml:10:3: levels.loa2: must differ from the other levels\n");
    expect_after_good(
        "levels:\n  loa2: a b\n",
        "config.yaml:10:3: levels.loa2: must have no space, since acr_values is a list "
        "of words\n");
    expect_after_good(
        "times:\n  code: 030s\n",
        "config.yaml:10:9: times.code: must be a time with its unit, like 30s, 5m, 12h or 90d\n");
    expect_after_good("times:\n  code: 61s\n",
                      "config.yaml:10:9: times.code: must be between 5s and 1m\n");
    expect_after_good(
        "listen:\n  trusted_proxies: [10.1.2.3/8]\n",
        "config.yaml:10:21: listen.trusted_proxies: must be a network, like 10.0.0.0/8 or "
        "2001:db8::/32, with no bits beyond its prefix\n");
    expect_after_good("listen:\n  address: localhost:80\n",
                      "config.yaml:10:12: listen.address: must be an address and a port, like "
                      "127.0.0.1:8080 or [::1]:8080\n");
}

static void test_lists_have_an_end(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
    buf_add_str(&text, "admin:\n  uids:\n");
    for (int i = 0; i < 32; i++)
        buf_addf(&text, "    - %d\n", i);
    expect_after_good(text.data, "");
    buf_add_str(&text, "    - 32\n");
    expect_after_good(text.data, "config.yaml:43:7: admin.uids: has too many items\n");
}

static void test_local_login(void **state) {
    (void)state;
    expect_after_good("local_login:\n  citizen: deny\n",
                      "config.yaml:10:3: local_login.citizen: leaves nobody a way in: there is no "
                      "federation.connectors\n");
    expect_after_good("local_login:\n  official: step-up-only\n",
                      "config.yaml:10:3: local_login.official: leaves nobody a way in: there is no "
                      "federation.connectors\n");
    expect_after_good("local_login:\n  enterprise: allow\n", "");
    expect_after_good("local_login:\n  citizen_from: 2026-12-31\n",
                      "config.yaml:10:3: local_login.citizen_from: changes nothing while "
                      "local_login.citizen is allow\n");
    expect_after_good("local_login:\n  citizen: sometimes\n",
                      "config.yaml:10:12: local_login.citizen: must be one of: allow step-up-only "
                      "deny\n");
    static const char *const bad[] = {"31/12/2026", "2026-02-30", "2026-13-01", "2026-1-1",
                                      "2026-12-31T00:00", "1999-12-31", "2200-01-01", "2026-12- 1",
                                      "+026-12-31"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
        buf_addf(&text, "local_login:\n  citizen_from: \"%s\"\n", bad[i]);
        expect_after_good(text.data, "config.yaml:10:17: local_login.citizen_from: must be a day, "
                                     "like 2026-12-31\n");
    }
}

/* A day begins at 17:00 UTC of the day before: Viet Nam is seven hours ahead. */
static void test_days_are_those_of_viet_nam(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf report = BUF_INIT(65536);
    struct config *c = NULL;
    assert_int_equal(load(GOOD, &report, &c), ERR_OK);
    const char *why = NULL;
    size_t found = 0;
    for (size_t i = 0; i < config_schema.count; i++) {
        const struct setting *s = &config_schema.settings[i];
        if (s->type != SETTING_DATE)
            continue;
        found++;
        assert_true(setting_parse(&c->arena, s, SPAN("2026-12-31"), c, &why));
    }
    assert_int_equal(found, 3);
    assert_int_equal(c->local_login_citizen_from, INT64_C(1798650000)); /* 2026-12-30T17:00:00Z */
    assert_int_equal(c->local_login_enterprise_from, INT64_C(1798650000));
    assert_int_equal(c->local_login_official_from, INT64_C(1798650000));
    config_free(c);
}

static void test_hostile_files(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf report = BUF_INIT(65536);
    struct config *c = NULL;
    assert_int_equal(config_load("/nonexistent/config.yaml", &report, &c), ERR_SYNTAX);
    assert_string_equal(report.data, "/nonexistent/config.yaml:1:1: the file cannot be read\n");

    AUTO_FREE char *big = malloc(300 * 1024);
    assert_non_null(big);
    memset(big, '[', 300 * 1024); /* nesting */
    static const size_t sizes[] = {0, 1, 1000, 100000, 300 * 1024};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        write_config(big, sizes[i]);
        assert_int_equal(config_load(path, &report, &c), ERR_SYNTAX);
    }
    static const char binary[] = "issuer: \0\xff\xfe\n";
    write_config(binary, sizeof binary - 1);
    assert_int_equal(config_load(path, &report, &c), ERR_SYNTAX);
    assert_null(c);
}

/* docs/CONFIG.md is what the table says. */
static void test_document(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf doc = BUF_INIT(1024 * 1024), file = BUF_INIT(1024 * 1024);
    config_document(&doc);
    assert_int_equal(buf_err(&doc), ERR_OK);
    FILE *f = fopen(IDP_SOURCE_ROOT "/docs/CONFIG.md", "r");
    assert_non_null(f);
    int ch;
    while ((ch = fgetc(f)) != EOF)
        buf_add_char(&file, (char)ch);
    fclose(f);
    assert_string_equal(doc.data, file.data);
}

int main(void) {
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_all_errors_in_one_run),
        cmocka_unit_test(test_ambiguous_yaml),
        cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_rules_between_settings),
        cmocka_unit_test(test_lists_have_an_end),
        cmocka_unit_test(test_local_login),
        cmocka_unit_test(test_days_are_those_of_viet_nam),
        cmocka_unit_test(test_hostile_files),
        cmocka_unit_test(test_document),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(folder);
    return failed;
}
