/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a connector's file is either understood completely, or refused with every error in one
 * run; what would let anyone on the way, or another provider, be anybody is refused (U02); the secret
 * comes from a file of its owner's alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/client.h"
#include "idp/client_metadata.h"
#include "idp/config.h"

static char folder[] = "/tmp/idp-test-connector-XXXXXX";

static const char *place(const char *name) {
    static char path[4][128];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static void write_file(const char *name, const char *text, mode_t mode) {
    FILE *f = fopen(place(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(place(name), mode), 0);
}

/* The report without the folder's name. */
static void shorten(const struct buf *raw, struct buf *report) {
    struct span rest = buf_span(raw);
    while (rest.len) {
        struct span line = span_cut(&rest, '\n');
        if (span_starts(line, folder)) {
            line.ptr += strlen(folder) + 1;
            line.len -= strlen(folder) + 1;
        }
        buf_add_span(report, line);
        buf_add_char(report, '\n');
    }
}

static enum err load(const char *text, bool is_https, struct arena *a, struct buf *report,
                     struct connector *ret_connector) {
    write_file("c.yaml", text, 0644);
    CLEANUP(buf_done) struct buf raw = BUF_INIT(65536);
    enum err e = connector_load(place("c.yaml"), is_https, a, &raw, ret_connector);
    shorten(&raw, report);
    return e;
}

static void expect_under(bool is_https, const char *text, const char *report) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(buf_done) struct buf got = BUF_INIT(65536);
    struct connector c;
    enum err e = load(text, is_https, &a, &got, &c);
    assert_string_equal(got.data ? got.data : "", report);
    assert_int_equal(e, *report ? ERR_SYNTAX : ERR_OK);
}

static void expect(const char *text, const char *report) {
    expect_under(true, text, report);
}

#define NAMES "id: a\nname: A\n"
#define CLIENT "client:\n  id: me\n  secret_file: secret\n"
#define ISSUER "issuer: https://op.example.vn\n"
#define OIDC NAMES "dialect: oidc\n" ISSUER CLIENT
#define PLACES                                                                                     \
    "endpoints:\n  authorization: https://op.example.vn/oauth2/authorize\n"                        \
    "  token: https://op.example.vn/oauth2/token\n  userinfo: https://op.example.vn/oauth2/userinfo\n"
#define DVCQG   NAMES "dialect: dvcqg\n" ISSUER CLIENT PLACES
#define PARTNER NAMES "dialect: vneid-partner\n" ISSUER PLACES CLIENT "  envelope_kid: vneid\n"

static const struct connector *loaded(struct arena *a, const char *text) {
    static struct connector c;
    CLEANUP(buf_done) struct buf report = BUF_INIT(65536);
    enum err e = load(text, true, a, &report, &c);
    assert_string_equal(report.data ? report.data : "", "");
    assert_int_equal(e, ERR_OK);
    return &c;
}

static struct span theirs_of(const struct connector *c, const char *ours) {
    for (size_t i = 0; i < c->n_claims; i++)
        if (span_is(c->claim[i].ours, ours))
            return c->claim[i].theirs;
    return SPAN_NONE;
}

static void test_defaults_of_dialects(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    const struct connector *c = loaded(&a, OIDC);
    assert_int_equal(c->dialect, DIALECT_OIDC);
    assert_true(c->is_enabled && !c->secret_in_body && !c->identity_from_userinfo);
    assert_true(span_is(c->redirect_path, "/upstream/callback/a"));
    assert_true(span_is(c->client_secret, "s3cret value"));
    assert_true(span_is(c->subject, "sub") && span_is(c->name_en, "A"));
    assert_int_equal(c->most_level, 1);
    assert_false(c->proves_identity || c->takes_backchannel_logout);
    assert_int_equal(c->passes,
                     PASS_ACR_VALUES | PASS_UI_LOCALES | PASS_PROMPT_LOGIN | PASS_MAX_AGE);

    c = loaded(&a, DVCQG);
    assert_int_equal(c->dialect, DIALECT_DVCQG);
    assert_true(c->secret_in_body && c->identity_from_userinfo && c->logs_out_upstream);
    assert_true(span_is(c->subject, "TechID") && span_is(c->level_claim, "loAs"));
    assert_true(span_is(theirs_of(c, "SoDinhDanh"), "SoDinhDanh"));
    assert_false(theirs_of(c, "TonGiao").ptr || theirs_of(c, "DanToc").ptr);
    assert_int_equal(c->on_unknown, UNKNOWN_CREATE);

    c = loaded(&a, NAMES "dialect: vneid\n" ISSUER CLIENT);
    assert_int_equal(c->dialect, DIALECT_VNEID);
    assert_true(span_is(c->id_token_alg, "RS256") && span_is(c->acr_values, "1"));
    assert_true(c->takes_backchannel_logout);

    c = loaded(&a, PARTNER);
    assert_int_equal(c->dialect, DIALECT_VNEID_PARTNER);
    assert_true(span_is(c->subject, "citizenPid") && span_is(c->envelope_kid, "vneid"));
    assert_true(span_is(theirs_of(c, "HoVaTen"), "fullName"));
    assert_true(span_is(theirs_of(c, "LoaiTaiKhoan"), "accountType"));
}

static void test_values(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    const struct connector *c = loaded(
        &a, OIDC "  redirect_path: /commonauth\n  auth: client_secret_post\nenabled: false\n"
                 "name_en: B\nrequest:\n  pass: [login_hint]\n  scope: profile openid\n"
                 "person:\n  claims: [HoVaTen=full_name, SoDinhDanh=pid]\n  unknown: refuse\n"
                 "levels:\n  map: [\"urn:x=y=2\", low=1, high=3]\n  most: 2\n"
                 "network:\n  connections: 2\n  retry: 1m\n");
    assert_true(!c->is_enabled && c->secret_in_body && span_is(c->name_en, "B"));
    assert_true(span_is(c->redirect_path, "/commonauth"));
    assert_int_equal(c->passes, PASS_LOGIN_HINT); /* the file's own list, not the dialect's and it */
    assert_int_equal(c->n_claims, 2);
    assert_true(span_is(theirs_of(c, "SoDinhDanh"), "pid"));
    assert_int_equal(c->on_unknown, UNKNOWN_REFUSE);
    assert_int_equal(c->connections, 2);
    assert_int_equal(c->retry_seconds, 60);
    assert_int_equal(connector_level_of(c, SPAN("urn:x=y")), 2);
    assert_int_equal(connector_level_of(c, SPAN("low")), 1);
    assert_int_equal(connector_level_of(c, SPAN("high")), 2); /* never above levels.most */
    assert_int_equal(connector_level_of(c, SPAN("other")), 0);
    assert_int_equal(connector_level_of(c, SPAN_NONE), 0);
    assert_true(span_is(connector_acr_for(c, 1), "low urn:x=y"));
    assert_true(span_is(connector_acr_for(c, 2), "urn:x=y"));
    assert_false(connector_acr_for(c, 3).ptr); /* "high" is worth 2 here: asking for it is no use */
    assert_false(connector_acr_for(c, 0).ptr || connector_acr_for(c, 4).ptr);
}

static void test_all_errors_in_one_run(void **state) {
    (void)state;
    expect("id: A_b\nname: A\ndialcet: oidc\nissuer: ftp://op.vn\n"
           "client:\n  id: me\n  secret_file: nowhere\n  auth: none\n"
           "request:\n  pass: [nonce]\n"
           "person:\n  claims: [HoVaTen, LoaiTaiKhoan=t]\n"
           "levels:\n  map: [LoA1=4]\n  most: 4\n",
           "c.yaml:3:1: dialcet: unknown setting (did you mean dialect?)\n"
           "c.yaml:8:9: client.auth: must be one of: client_secret_basic client_secret_post\n"
           "c.yaml:10:10: request.pass: must be a list of: acr_values login_hint ui_locales prompt "
           "max_age\n"
           "c.yaml:12:12: person.claims: must be a pair, like one=other, with no spaces\n"
           "c.yaml:15:9: levels.most: must be between 1 and 3\n"
           "c.yaml:1:1: dialect: is missing\n"
           "c.yaml:1:1: id: must be letters a-z, digits and '-', which stands inside only\n"
           "c.yaml:4:1: issuer: must be https (http only while our own issuer is http)\n"
           "c.yaml:7:3: client.secret_file: cannot be read\n"
           "c.yaml:14:3: levels.map: must be pairs like LoA2=2, with 1, 2 or 3 at the end\n");
    expect(OIDC "name: B\n", "c.yaml:8:1: name: stands in the file twice\n");
    expect(OIDC "name_en: *a\n", "c.yaml:8:10: name_en: aliases are not allowed\n");
    expect(OIDC "levels:\n  map: [1=1, 2=2, 3=3, 4=1, 5=1, 6=1, 7=1, 8=1, 9=1]\n",
           "c.yaml:9:49: levels.map: has too many items\n");
    /* As many as one group of requests may be: with more, none of them would be sent. */
    expect(OIDC "network:\n  connections: 64\n", "");
    expect(OIDC "network:\n  connections: 65\n",
           "c.yaml:9:16: network.connections: must be between 1 and 64\n");
}

static void test_rules_between_settings(void **state) {
    (void)state;
    expect(OIDC "person:\n  claims: [HoVaTen=a, Mood=b, HoVaTen=c, IAL=d, act=e]\n",
           "c.yaml:9:3: person.claims: has Mood, which no account takes over\n"
           "c.yaml:9:3: person.claims: has HoVaTen twice\n"
           "c.yaml:9:3: person.claims: has IAL, which no account takes over\n"
           "c.yaml:9:3: person.claims: has act, which no account takes over\n");
    expect(OIDC "levels:\n  map: [a=1, a=2]\n", "c.yaml:9:3: levels.map: has a twice\n");
    expect(OIDC "request:\n  scope: profile\n",
           "c.yaml:9:3: request.scope: must have the word openid\n");
    expect(DVCQG "request:\n  scope: profile\n", "");
    expect(OIDC "  envelope_kid: k\n", "c.yaml:8:3: client.envelope_kid: is for vneid-partner only\n");
    expect(NAMES "dialect: vneid-partner\n" ISSUER CLIENT PLACES,
           "c.yaml:1:1: client.envelope_kid: is missing: the key that opens the answers\n");
    expect(NAMES "dialect: dvcqg\n" ISSUER CLIENT,
           "c.yaml:1:1: endpoints.authorization: is missing: dvcqg has nothing to discover it from\n"
           "c.yaml:1:1: endpoints.token: is missing: dvcqg has nothing to discover it from\n"
           "c.yaml:1:1: endpoints.userinfo: is missing: dvcqg has nothing to discover it from\n");
    expect(DVCQG "person:\n  from_userinfo: false\nsession:\n  within_upstream: true\n"
                 "  backchannel_logout: true\n",
           "c.yaml:13:3: person.from_userinfo: must be true: dvcqg has no ID token to rely on\n"
           "c.yaml:15:3: session.within_upstream: must be false: dvcqg has no ID token to rely on\n"
           "c.yaml:16:3: session.backchannel_logout: must be false: dvcqg has no ID token to rely "
           "on\n");
}

/* Plain http only on loopback, and only where we are http ourselves. */
static void test_endpoints(void **state) {
    (void)state;
    static const struct {
        const char *uri;
        bool under_https, under_http;
    } cases[] = {
        {"https://op.example.vn/oauth2/token", true, true},
        {"https://op.example.vn:8443/t?x=1", true, true},
        {"http://localhost:9000/token", false, true},
        {"http://127.0.0.1:9000/token", false, true},
        {"http://op.example.vn/token", false, false},
        {"http://localhost.evil.vn/token", false, false},
        {"https://user@op.example.vn/token", false, false},
        {"https://op.example.vn/token#x", false, false},
        {"file:///etc/passwd", false, false},
        {"javascript:alert(1)", false, false},
    };
    static const char *const keys[] = {"authorization", "token", "userinfo", "jwks", "end_session"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t k = 0; k < ARRAY_LEN(keys); k++)
            for (int is_https = 0; is_https < 2; is_https++) {
                CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
                CLEANUP(buf_done) struct buf text = BUF_INIT(65536), report = BUF_INIT(65536);
                struct connector c;
                buf_addf(&text, "%sendpoints:\n  %s: \"%s\"\n", OIDC, keys[k], cases[i].uri);
                enum err e = load(text.data, is_https, &a, &report, &c);
                if ((e == ERR_OK) != (is_https ? cases[i].under_https : cases[i].under_http))
                    fail_msg("%s under %s: %s", cases[i].uri, is_https ? "https" : "http",
                             report.data ? report.data : "accepted");
            }
    expect(NAMES "dialect: oidc\nissuer: http://localhost:9000\n" CLIENT,
           "c.yaml:4:1: issuer: must be https (http only while our own issuer is http)\n");
    expect_under(false, NAMES "dialect: oidc\nissuer: http://localhost:9000\n" CLIENT, "");
    expect(NAMES "dialect: oidc\nissuer: https://op.vn/?a=b\n" CLIENT,
           "c.yaml:4:1: issuer: must have no query\n");
}

static void test_redirect_path(void **state) {
    (void)state;
    expect(OIDC "  redirect_path: /upstream/callback/a\n", "");
    expect(OIDC "  redirect_path: /upstream/callback/b\n",
           "c.yaml:8:3: client.redirect_path: must be /upstream/callback/a or /commonauth\n");
    expect(OIDC "  redirect_path: https://evil.vn/\n",
           "c.yaml:8:3: client.redirect_path: must be /upstream/callback/a or /commonauth\n");
}

static void expect_secret(const char *text, mode_t mode, const char *why) {
    char report[200] = "";
    write_file("secret", text, mode);
    if (*why)
        snprintf(report, sizeof report, "c.yaml:7:3: client.secret_file: %s\n", why);
    expect(OIDC, report);
}

static void test_secret_file(void **state) {
    (void)state;
    static const char owner[] = "must be a regular file that only its owner may read (mode 0600)";
    static const char line[] = "must hold one line of printable ASCII";
    expect_secret("s3cret value\n", 0600, "");
    expect_secret("s3cret value", 0400, "");
    expect_secret("s3cret value\n", 0640, owner);
    expect_secret("s3cret value\n", 0604, owner);
    expect_secret("", 0600, line);
    expect_secret("\n", 0600, line);
    expect_secret("a\n\n", 0600, line);
    expect_secret("mật khẩu\n", 0600, line);
    char big[600] = {0};
    memset(big, 'x', sizeof big - 1);
    expect_secret(big, 0600, "is longer than a secret");
    assert_int_equal(unlink(place("secret")), 0);
    assert_int_equal(mkfifo(place("secret"), 0600), 0);
    expect(OIDC, "c.yaml:7:3: client.secret_file: must be a regular file that only its owner may "
                 "read (mode 0600)\n");
    assert_int_equal(unlink(place("secret")), 0);
    expect(OIDC, "c.yaml:7:3: client.secret_file: cannot be read\n");
    expect_secret("s3cret value\n", 0600, "");
}

static void test_ids(void **state) {
    (void)state;
    assert_true(connector_id_good(SPAN("dvcqg")) && connector_id_good(SPAN("vneid-2")));
    static const char *const bad[] = {"",   "A",   "a_b", "a/b", "-a",
                                      "a-", "a b", "é",   "..",  "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(connector_id_good(span_of(bad[i])));
    assert_false(connector_id_good(SPAN("a\0b")));
}

/* ---- as part of idpd's own settings ---- */

#define IDPD                                                                                       \
    "issuer: http://localhost:8080\nbrand:\n  name: N\n  contact: C\nsigner:\n  policy: s.json\n"    \
    "store:\n  path: idp.db\noutbound:\n  upstream: [op.example.vn]\n"

static void expect_config(const char *text, const char *report) {
    CLEANUP(buf_done) struct buf raw = BUF_INIT(65536), got = BUF_INIT(65536);
    struct config *c = NULL;
    write_file("idpd.yaml", text, 0644);
    enum err e = config_load(place("idpd.yaml"), &raw, &c);
    shorten(&raw, &got);
    assert_string_equal(got.data ? got.data : "", report);
    assert_int_equal(e, *report ? ERR_SYNTAX : ERR_OK);
    config_free(c);
}

static void test_listed(void **state) {
    (void)state;
    write_file("one.yaml", OIDC, 0644);
    write_file("two.yaml",
               "id: b\nname: B\ndialect: oidc\nissuer: http://localhost:9000\n" CLIENT, 0644);
    write_file("idpd.yaml", IDPD "federation:\n  connectors: [one.yaml, two.yaml]\n", 0644);
    CLEANUP(buf_done) struct buf raw = BUF_INIT(65536);
    struct config *c = NULL;
    assert_int_equal(config_load(place("idpd.yaml"), &raw, &c), ERR_OK);
    assert_int_equal(c->n_connectors, 2);
    assert_true(span_is(c->connector[1].issuer, "http://localhost:9000"));
    assert_ptr_equal(config_connector_find(c, SPAN("b")), &c->connector[1]);
    assert_null(config_connector_find(c, SPAN("c")));
    assert_null(config_connector_find(c, SPAN_NONE));
    config_free(c);
}

static void test_U02_no_two_connectors_share_what_tells_them_apart(void **state) {
    (void)state;
    write_file("one.yaml", OIDC "  redirect_path: /commonauth\n", 0644);
    write_file("two.yaml",
               "id: b\nname: B\ndialect: oidc\nissuer: https://two.vn\n" CLIENT
               "  redirect_path: /commonauth\n",
               0644);
    expect_config(IDPD "federation:\n  connectors: [one.yaml, two.yaml]\n",
                  "two.yaml:1:1: client.redirect_path: is also that of the connector a\n");
    write_file("two.yaml", NAMES "dialect: oidc\nissuer: https://two.vn\n" CLIENT, 0644);
    expect_config(IDPD "federation:\n  connectors: [one.yaml, two.yaml]\n",
                  "two.yaml:1:1: id: is also that of the connector a\n");
    write_file("two.yaml", "id: b\nname: B\ndialect: oidc\n" ISSUER CLIENT, 0644);
    expect_config(IDPD "federation:\n  connectors: [one.yaml, two.yaml]\n",
                  "two.yaml:1:1: issuer: is also that of the connector a\n");
}

static void test_errors_of_all_files_in_one_run(void **state) {
    (void)state;
    write_file("one.yaml", OIDC "enabled: maybe\n", 0644);
    expect_config("isuer: x\n" IDPD "federation:\n  connectors: [one.yaml, none.yaml]\n",
                  "idpd.yaml:1:1: isuer: unknown setting (did you mean issuer?)\n"
                  "one.yaml:8:10: enabled: must be true or false\n"
                  "none.yaml:1:1: the file cannot be read\n");
    CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
    buf_add_str(&text, IDPD "federation:\n  connectors: [x.yaml");
    for (int i = 1; i <= CONNECTORS_MAX; i++)
        buf_add_str(&text, ",x.yaml");
    buf_add_str(&text, "]\n");
    CLEANUP(buf_done) struct buf raw = BUF_INIT(65536);
    struct config *c = NULL;
    write_file("idpd.yaml", text.data, 0644);
    assert_int_equal(config_load(place("idpd.yaml"), &raw, &c), ERR_SYNTAX);
    assert_non_null(strstr(raw.data, "federation.connectors: has too many items"));
}

static void test_listed_but_out_of_reach(void **state) {
    (void)state;
    write_file("one.yaml", OIDC, 0644);
    expect_config("issuer: http://localhost:8080\nbrand:\n  name: N\n  contact: C\n"
                  "signer:\n  policy: s.json\nstore:\n  path: idp.db\n"
                  "federation:\n  connectors: [one.yaml]\n",
                  "idpd.yaml:10:3: federation.connectors: cannot be reached: outbound.upstream lists no "
                  "place\n");
}

/* The secret that the example names, and the example itself. */
static void expect_example(struct span text) {
    CLEANUP(buf_done) struct buf copy = BUF_INIT(65536);
    buf_add_span(&copy, text);
    char name[64];
    const char *at = strstr(copy.data, "secret_file: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "secret_file: %63s", name), 1);
    write_file(name, "s3cret\n", 0600);
    expect(copy.data, "");
    unlink(place(name));
}

/* docs/FEDERATION.md: staff copy these. */
static void test_examples_of_the_guide(void **state) {
    (void)state;
    static const char fence[] = "\n```yaml\nid:";
    CLEANUP(buf_done) struct buf guide = BUF_INIT(1024 * 1024);
    FILE *f = fopen(IDP_SOURCE_ROOT "/docs/FEDERATION.md", "r");
    assert_non_null(f);
    for (int ch; (ch = fgetc(f)) != EOF;)
        buf_add_char(&guide, (char)ch);
    fclose(f);
    size_t examples = 0;
    for (const char *at = guide.data; (at = strstr(at, fence)); examples++) {
        const char *begin = at + strlen("\n```yaml\n");
        const char *end = strstr(begin, "```");
        assert_non_null(end);
        expect_example(span_bytes(begin, (size_t)(end - begin)));
        at = end;
    }
    assert_int_equal(examples, 4);
}

/* Without a list all connectors, with one only those on it; an empty one is none. */
static void test_clients_choose_connectors(void **state) {
    (void)state;
    static const struct {
        const char *metadata, *id;
        bool allowed;
    } cases[] = {
        {"{}", "dvcqg", true},
        {"{\"connectors\":[\"vneid\",\"dvcqg\"]}", "dvcqg", true},
        {"{\"connectors\":[\"vneid\",\"dvcqg\"]}", "dvc", false},
        {"{\"connectors\":[\"vneid\",\"dvcqg\"]}", "", false},
        {"{\"connectors\":[]}", "dvcqg", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        AUTO_JSON json_t *given = NULL;
        json_t *normal = NULL;
        const char *code, *why;
        assert_int_equal(json_parse_object(span_of(cases[i].metadata), 4096, &given), ERR_OK);
        assert_int_equal(json_object_set_new(given, "redirect_uris",
                                             json_pack("[s]", "https://rp.example.vn/cb")),
                         0);
        assert_int_equal(client_metadata_check(&a, REGISTRAR_STAFF, given, &normal, &code, &why),
                         ERR_OK);
        CLEANUP(client_done) struct client c = {0};
        assert_int_equal(client_from_metadata(normal, true, NULL, 0, &c), ERR_OK);
        assert_int_equal(client_allows_connector(&c, span_of(cases[i].id)), cases[i].allowed);
    }
}

int main(void) {
    assert_non_null(mkdtemp(folder));
    write_file("secret", "s3cret value\n", 0600);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_of_dialects),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_all_errors_in_one_run),
        cmocka_unit_test(test_rules_between_settings),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_redirect_path),
        cmocka_unit_test(test_secret_file),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_U02_no_two_connectors_share_what_tells_them_apart),
        cmocka_unit_test(test_errors_of_all_files_in_one_run),
        cmocka_unit_test(test_listed_but_out_of_reach),
        cmocka_unit_test(test_examples_of_the_guide),
        cmocka_unit_test(test_clients_choose_connectors),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const files[] = {"secret", "c.yaml", "one.yaml", "two.yaml", "idpd.yaml"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(place(files[i]));
    rmdir(folder);
    return failed;
}
