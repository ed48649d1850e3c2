/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: of what upstream says of a person, exactly what the connector names is taken over, in the
 * account's own forms, each value judged alone; who it is, is one text of at most 255 characters (U03);
 * a level is never overstated; what has changed takes what was verified of the old value with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/upstream_person.h"

#define PAIR(ours, theirs)                                                                         \
    { SPAN(ours), SPAN(theirs) }

static struct connector portal(void) {
    return (struct connector){
        .id = SPAN("dvcqg"),
        .issuer = SPAN("https://xacthuc.example.vn"),
        .dialect = DIALECT_DVCQG,
        .identity_from_userinfo = true,
        .logs_out_upstream = true,
        .subject = SPAN("TechID"),
        .level_claim = SPAN("loAs"),
        .level = {{SPAN("LoA1"), 1}, {SPAN("LoA2"), 2}, {SPAN("LoA3"), 3}, {SPAN("2"), 2}},
        .n_levels = 4,
        .most_level = 2,
        .claim = {PAIR("LoaiTaiKhoan", "LoaiTaiKhoan"), PAIR("TechID", "TechID"),
                  PAIR("HoVaTen", "HoVaTen"), PAIR("SoDinhDanh", "SoDinhDanh"),
                  PAIR("SoCMND", "SoCMND"), PAIR("NgayThangNamSinh", "NgayThangNamSinh"),
                  PAIR("birthdate", "born"), PAIR("GioiTinh", "GioiTinh"),
                  PAIR("SoDienThoai", "SoDienThoai"), PAIR("MaSoThue", "MaSoThue"),
                  PAIR("ThuDienTu", "ThuDienTu"), PAIR("email_verified", "email_verified")},
        .n_claims = 12,
    };
}

static json_t *json_of(const char *text) {
    json_t *json = NULL;
    if (text)
        assert_int_equal(json_parse_object(span_of(text), 65536, &json), ERR_OK);
    return json;
}

struct built {
    struct arena a;
    struct upstream_person p;
    struct span dropped;
};

static void built_done(struct built *b) {
    upstream_person_done(&b->p);
    arena_done(&b->a);
}

static enum err build(const struct connector *c, const char *id_claims, const char *userinfo,
                      struct built *ret) {
    AUTO_JSON json_t *token = json_of(id_claims);
    AUTO_JSON json_t *info = json_of(userinfo);
    *ret = (struct built){.a = ARENA_INIT(ARENA_LIMIT_DEFAULT)};
    return upstream_person_build(c, &ret->a, token, info, &ret->p, &ret->dropped);
}

static void expect_json(const json_t *got, const char *want) {
    AUTO_JSON json_t *expected = json_of(want);
    if (!json_equal(got, expected)) {
        AUTO_FREE char *text = got ? json_dumps(got, JSON_SORT_KEYS) : NULL;
        fail_msg("%s instead of %s", text ? text : "nothing", want);
    }
}

static void expect_person(const struct connector *c, const char *userinfo, const char *claims,
                          const char *identifiers, const char *dropped) {
    CLEANUP(built_done) struct built b;
    assert_int_equal(build(c, NULL, userinfo, &b), ERR_OK);
    expect_json(b.p.claims, claims);
    expect_json(b.p.identifiers, identifiers);
    assert_true(span_is(b.dropped, dropped));
}

static void test_a_person(void **state) {
    (void)state;
    const struct connector c = portal();
    CLEANUP(built_done) struct built b;
    assert_int_equal(
        build(&c, NULL,
              "{\"sub\":\"x\",\"TechID\":\"T-1\",\"LoaiTaiKhoan\":1,\"HoVaTen\":\"Nguye\u0302\u0303n An\","
              "\"SoDinhDanh\":\"001 190 000 001\",\"NgayThangNamSinh\":\"19900212\",\"GioiTinh\":1,"
              "\"SoDienThoai\":\"0912 345 678\",\"SoCMND\":\"\",\"MaSoThue\":null,"
              "\"loAs\":\"LoA2\",\"auth_time\":1700000000,\"TonGiao\":\"Phật\",\"Cha\":\"B\","
              "\"logoutUri\":\"https://sso.example.vn/out?t=abc%2F\",\"admin\":true}",
              &b),
        ERR_OK);
    assert_true(span_is(b.p.subject, "T-1") && span_is(b.p.connector_id, "dvcqg"));
    assert_true(span_is(b.p.issuer, "https://xacthuc.example.vn"));
    assert_int_equal(b.p.type, USER_CITIZEN);
    assert_int_equal(b.p.level, 2);
    assert_int_equal(b.p.auth_time, 1700000000);
    assert_int_equal(b.p.session_ends_at, 0);
    assert_true(span_is(b.p.logout_uri, "https://sso.example.vn/out?t=abc%2F"));
    assert_false(b.p.actor_number.ptr || b.p.sid.ptr);
    expect_json(b.p.claims, "{\"HoVaTen\":\"Nguyễn An\",\"NgayThangNamSinh\":\"19900212\","
                            "\"GioiTinh\":1}"); /* in NFC; no religion, no father */
    expect_json(b.p.identifiers, "{\"TechID\":\"T-1\",\"SoDinhDanh\":\"001190000001\","
                                 "\"SoDienThoai\":\"+84912345678\"}");
    assert_int_equal(b.dropped.len, 0);
}

static void test_one_bad_value_is_dropped_alone(void **state) {
    (void)state;
    const struct connector c = portal();
    expect_person(&c,
                  "{\"TechID\":\"T\",\"SoDinhDanh\":\"12\",\"HoVaTen\":\"An\",\"SoCMND\":123456789,"
                  "\"NgayThangNamSinh\":\"19900230\",\"SoDienThoai\":\"call me\","
                  "\"ThuDienTu\":\"a@b.vn\",\"email_verified\":\"true\",\"GioiTinh\":\"x\"}",
                  "{\"HoVaTen\":\"An\",\"ThuDienTu\":\"a@b.vn\"}", "{\"TechID\":\"T\"}",
                  "SoDinhDanh SoCMND NgayThangNamSinh GioiTinh SoDienThoai email_verified");
    expect_person(&c, "{\"TechID\":\"T\",\"HoVaTen\":\"a\\nb\",\"MaSoThue\":\"0100233488\"}", "{}",
                  "{\"TechID\":\"T\",\"MaSoThue\":\"0100233488\"}", "HoVaTen");
    expect_person(&c, "{\"TechID\":\"T\",\"HoVaTen\":[\"a\"],\"MaSoThue\":\"0100233489\"}", "{}",
                  "{\"TechID\":\"T\"}", "HoVaTen MaSoThue");
}

static void test_forms_of_dates_and_sex(void **state) {
    (void)state;
    const struct connector c = portal();
    static const struct {
        const char *said, *plain, *iso; /* NULL: dropped */
    } dates[] = {
        {"\"19900212\"", "\"19900212\"", "\"1990-02-12\""},
        {"19900212", "\"19900212\"", "\"1990-02-12\""},
        {"\"12/02/1990\"", "\"19900212\"", "\"1990-02-12\""},
        {"\"1990-02-12\"", "\"19900212\"", "\"1990-02-12\""},
        {"\"29/02/2000\"", "\"20000229\"", "\"2000-02-29\""},
        {"\"1990\"", NULL, "\"1990\""},
        {"\"29/02/1900\"", NULL, NULL},
        {"\"31/04/1990\"", NULL, NULL},
        {"\"02/13/1990\"", NULL, NULL},
        {"\"1990/02/12\"", NULL, NULL},
        {"\"12-02-1990\"", NULL, NULL},
        {"\"1990021x\"", NULL, NULL},
        {"\"+9900212\"", NULL, NULL},
        {"-1990021", NULL, NULL},
        {"1990.5", NULL, NULL},
        {"true", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        CLEANUP(buf_done) struct buf info = BUF_INIT(4096), want = BUF_INIT(4096);
        buf_addf(&info, "{\"TechID\":\"T\",\"NgayThangNamSinh\":%s,\"born\":%s}", dates[i].said,
                 dates[i].said);
        buf_add_str(&want, "{");
        if (dates[i].plain)
            buf_addf(&want, "\"NgayThangNamSinh\":%s%s", dates[i].plain, dates[i].iso ? "," : "");
        if (dates[i].iso)
            buf_addf(&want, "\"birthdate\":%s", dates[i].iso);
        buf_add_str(&want, "}");
        expect_person(&c, info.data, want.data, "{\"TechID\":\"T\"}",
                      !dates[i].iso     ? "NgayThangNamSinh birthdate"
                      : !dates[i].plain ? "NgayThangNamSinh"
                                        : "");
    }
    expect_person(&c, "{\"TechID\":\"T\",\"GioiTinh\":\"2\"}", "{\"GioiTinh\":2}",
                  "{\"TechID\":\"T\"}", "");
    expect_person(&c, "{\"TechID\":\"T\",\"GioiTinh\":\"12\"}", "{}", "{\"TechID\":\"T\"}", "GioiTinh");
}

static void test_U03_subject(void **state) {
    (void)state;
    const struct connector c = portal();
    CLEANUP(buf_done) struct buf longest = BUF_INIT(4096), longer = BUF_INIT(4096);
    buf_add_str(&longest, "{\"sub\":\"s\",\"TechID\":\"");
    for (size_t i = 0; i < UPSTREAM_SUBJECT_MAX; i++)
        buf_add_char(&longest, 'x');
    buf_add_span(&longer, buf_span(&longest));
    buf_add_str(&longest, "\"}");
    buf_add_str(&longer, "x\"}");
    const struct {
        const char *userinfo;
        enum err e;
    } cases[] = {
        {"{\"TechID\":\"T\"}", ERR_OK},
        {longest.data, ERR_OK},
        {longer.data, ERR_REFUSED},
        {"{\"sub\":\"s\"}", ERR_REFUSED}, /* another claim is no substitute */
        {"{\"TechID\":\"\"}", ERR_REFUSED},
        {"{\"TechID\":null}", ERR_REFUSED},
        {"{\"TechID\":7}", ERR_REFUSED},
        {"{\"TechID\":[\"T\"]}", ERR_REFUSED},
        {"{\"TechID\":\"a\\nb\"}", ERR_REFUSED},
        {"{\"TechID\":\"é\"}", ERR_REFUSED},
        {NULL, ERR_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(built_done) struct built b;
        assert_int_equal(build(&c, NULL, cases[i].userinfo, &b), cases[i].e);
    }
}

/* Where the ID token says who it is, userinfo cannot say otherwise (U06 is judged before). */
static void test_U03_identity_comes_from_one_place(void **state) {
    (void)state;
    struct connector c = portal();
    CLEANUP(built_done) struct built b, of_userinfo, none;
    c.identity_from_userinfo = false;
    c.subject = SPAN("sub");
    c.level_claim = SPAN("acr");
    assert_int_equal(build(&c,
                           "{\"sub\":\"token\",\"acr\":\"LoA1\",\"HoVaTen\":\"A\",\"sid\":\"s1\","
                           "\"exp\":1700000300,\"auth_time\":1700000000}",
                           "{\"sub\":\"info\",\"acr\":\"LoA2\",\"HoVaTen\":\"B\",\"GioiTinh\":1,"
                           "\"auth_time\":1800000000,\"sid\":\"s2\"}",
                           &b),
                     ERR_OK);
    assert_true(span_is(b.p.subject, "token") && span_is(b.p.sid, "s1"));
    assert_int_equal(b.p.level, 1);
    assert_int_equal(b.p.auth_time, 1700000000);
    assert_int_equal(b.p.session_ends_at, 1700000300);
    expect_json(b.p.claims, "{\"HoVaTen\":\"A\",\"GioiTinh\":1}");
    assert_int_equal(build(&c, NULL, "{\"sub\":\"info\"}", &none), ERR_REFUSED);

    c.identity_from_userinfo = true;
    assert_int_equal(build(&c, "{\"sub\":\"token\",\"session_expiry\":1700009999,\"exp\":1}",
                           "{\"sub\":\"info\",\"HoVaTen\":\"B\"}", &of_userinfo),
                     ERR_OK);
    assert_true(span_is(of_userinfo.p.subject, "info"));
    assert_int_equal(of_userinfo.p.session_ends_at, 1700009999);
}

static void test_levels_are_never_overstated(void **state) {
    (void)state;
    const struct connector c = portal();
    static const struct {
        const char *said;
        int level;
        const char *dropped;
    } cases[] = {
        {"\"LoA1\"", 1, ""},        {"\"LoA2\"", 2, ""},
        {"\"LoA3\"", 2, ""}, /* levels.most */
        {"2", 2, ""},               {"\"2\"", 2, ""},
        {"3", 1, "loAs"},           {"\"loa2\"", 1, "loAs"},
        {"\"LoA1 LoA2\"", 1, "loAs"}, {"[\"LoA2\"]", 1, "loAs"},
        {"true", 1, "loAs"},        {"null", 1, ""},
        {"2.0", 1, "loAs"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf info = BUF_INIT(4096);
        CLEANUP(built_done) struct built b;
        buf_addf(&info, "{\"TechID\":\"T\",\"IAL\":2,\"loAs\":%s}", cases[i].said);
        assert_int_equal(build(&c, NULL, info.data, &b), ERR_OK);
        assert_int_equal(b.p.level, cases[i].level);
        assert_true(span_is(b.dropped, cases[i].dropped));
    }
}

static void test_account_types(void **state) {
    (void)state;
    const struct connector c = portal();
    static const struct {
        const char *said;
        enum err e;
        enum user_type type;
    } cases[] = {
        {"1", ERR_OK, USER_CITIZEN},      {"\"1\"", ERR_OK, USER_CITIZEN},
        {"2", ERR_OK, USER_ENTERPRISE},   {"\"2\"", ERR_OK, USER_ENTERPRISE},
        {"null", ERR_OK, USER_CITIZEN},   {"\"\"", ERR_OK, USER_CITIZEN},
        {"3", ERR_REFUSED, USER_CITIZEN}, {"\"staff\"", ERR_REFUSED, USER_CITIZEN},
        {"0", ERR_REFUSED, USER_CITIZEN}, {"[2]", ERR_REFUSED, USER_CITIZEN},
        {"2.0", ERR_REFUSED, USER_CITIZEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf info = BUF_INIT(4096);
        CLEANUP(built_done) struct built b;
        buf_addf(&info, "{\"TechID\":\"T\",\"LoaiTaiKhoan\":%s}", cases[i].said);
        assert_int_equal(build(&c, NULL, info.data, &b), cases[i].e);
        if (!cases[i].e)
            assert_int_equal(b.p.type, cases[i].type);
    }
}

/* The numbers of whoever acts for an enterprise must not lead to its account, nor it to them. */
static void test_an_enterprise_and_who_acts_for_it(void **state) {
    (void)state;
    const struct connector c = portal();
    CLEANUP(built_done) struct built b;
    assert_int_equal(build(&c, NULL,
                           "{\"TechID\":\"E\",\"LoaiTaiKhoan\":2,\"SoDinhDanh\":\"001190000001\","
                           "\"SoCMND\":\"123456789\",\"MaSoThue\":\"0100233488\"}",
                           &b),
                     ERR_OK);
    assert_true(span_is(b.p.actor_number, "001190000001"));
    expect_json(b.p.identifiers, "{\"TechID\":\"E\",\"MaSoThue\":\"0100233488\"}");
}

static void test_logout_uri(void **state) {
    (void)state;
    struct connector c = portal();
    static const char *const bad[] = {"javascript:alert(1)", "http://sso.example.vn/out",
                                      "http://localhost/out", "//evil.vn", "https://a.vn/ b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_done) struct buf info = BUF_INIT(4096);
        CLEANUP(built_done) struct built b;
        buf_addf(&info, "{\"TechID\":\"T\",\"logoutUri\":\"%s\"}", bad[i]);
        assert_int_equal(build(&c, NULL, info.data, &b), ERR_OK);
        assert_false(b.p.logout_uri.ptr);
        assert_true(span_is(b.dropped, "logoutUri"));
    }
    CLEANUP(built_done) struct built local, off;
    c.issuer = SPAN("http://localhost:9000");
    assert_int_equal(build(&c, NULL, "{\"TechID\":\"T\",\"logoutUri\":\"http://localhost/o\"}", &local),
                     ERR_OK);
    assert_true(span_is(local.p.logout_uri, "http://localhost/o"));
    c.logs_out_upstream = false;
    assert_int_equal(build(&c, NULL, "{\"TechID\":\"T\",\"logoutUri\":\"http://localhost/o\"}", &off),
                     ERR_OK);
    assert_false(off.p.logout_uri.ptr);
}

static void test_too_much(void **state) {
    (void)state;
    struct connector c = portal();
    c.claim[2] = (struct connector_pair)PAIR("address", "address");
    CLEANUP(buf_done) struct buf info = BUF_INIT(65536);
    buf_add_str(&info, "{\"TechID\":\"T\",\"address\":{");
    for (int i = 0; i < 30; i++)
        buf_addf(&info, "%s\"%d\":\"%0900d\"", i ? "," : "", i, 1);
    buf_add_str(&info, "}}");
    CLEANUP(built_done) struct built b;
    assert_int_equal(build(&c, NULL, info.data, &b), ERR_TOO_LONG);
}

/* ---- packed ---- */

static void test_pack(void **state) {
    (void)state;
    const struct connector c = portal();
    CLEANUP(built_done) struct built b;
    assert_int_equal(build(&c, "{\"sid\":\"s\",\"exp\":1700000300}",
                           "{\"TechID\":\"T\",\"HoVaTen\":\"An\",\"loAs\":\"LoA2\",\"auth_time\":17,"
                           "\"SoDinhDanh\":\"001190000001\",\"LoaiTaiKhoan\":2,"
                           "\"logoutUri\":\"https://a.vn/o\"}",
                           &b),
                     ERR_OK);
    b.p.id_token = SPAN("a.b.c");
    CLEANUP(buf_done) struct buf packed = BUF_INIT(65536), tiny = BUF_INIT(20);
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(upstream_person_done) struct upstream_person p = {0};
    assert_int_equal(upstream_person_pack(&b.p, &tiny), ERR_TOO_LONG);
    assert_int_equal(upstream_person_pack(&b.p, &packed), ERR_OK);
    assert_int_equal(upstream_person_unpack(&a, buf_span(&packed), &p), ERR_OK);
    assert_true(span_eq(p.connector_id, b.p.connector_id) && span_eq(p.issuer, b.p.issuer) &&
                span_eq(p.subject, b.p.subject) && span_eq(p.sid, b.p.sid) &&
                span_eq(p.id_token, b.p.id_token) && span_eq(p.logout_uri, b.p.logout_uri) &&
                span_eq(p.actor_number, b.p.actor_number));
    assert_int_equal(p.type, USER_ENTERPRISE);
    assert_int_equal(p.level, 2);
    assert_int_equal(p.auth_time, 17);
    assert_int_equal(p.session_ends_at, 1700000300);
    assert_true(json_equal(p.claims, b.p.claims) && json_equal(p.identifiers, b.p.identifiers));

    for (size_t n = 0; n < packed.len; n++) {
        struct upstream_person cut = {0};
        assert_int_equal(upstream_person_unpack(&a, span_bytes(packed.data, n), &cut), ERR_SYNTAX);
    }
    static const struct {
        size_t at;
        char value;
    } wrong[] = {{0, 2}, {1, 0}, {1, 3}, {2, 0}, {2, 4}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct upstream_person other = {0};
        char was = packed.data[wrong[i].at];
        packed.data[wrong[i].at] = wrong[i].value;
        assert_int_equal(upstream_person_unpack(&a, buf_span(&packed), &other), ERR_SYNTAX);
        packed.data[wrong[i].at] = was;
    }
    buf_add_char(&packed, 'x');
    struct upstream_person more = {0};
    assert_int_equal(upstream_person_unpack(&a, buf_span(&packed), &more), ERR_SYNTAX);
}

/* ---- merged ---- */

struct merging {
    const char *claims, *identifiers;         /* of the answer */
    const char *had, *had_identifiers;        /* by the account; NULL: nothing */
    const char *want, *want_identifiers;      /* afterwards */
    const char *changes;                      /* NULL: none */
};

static const struct merging mergings[] = {
    {"{\"HoVaTen\":\"An\"}", "{}", NULL, NULL, "{\"HoVaTen\":\"An\"}", "{}",
     "{\"HoVaTen\":[null,\"An\"]}"},
    {"{\"HoVaTen\":\"An\"}", "{\"TechID\":\"T\"}", "{\"HoVaTen\":\"An\",\"QuocTich\":\"VN\"}",
     "{\"TechID\":\"T\",\"SoCMND\":\"123456789\"}", "{\"HoVaTen\":\"An\",\"QuocTich\":\"VN\"}",
     "{\"TechID\":\"T\",\"SoCMND\":\"123456789\"}", NULL},
    {"{\"HoVaTen\":\"Bình\"}", "{\"SoDinhDanh\":\"001190000002\"}", "{\"HoVaTen\":\"An\"}",
     "{\"SoDinhDanh\":\"001190000001\"}", "{\"HoVaTen\":\"Bình\"}",
     "{\"SoDinhDanh\":\"001190000002\"}",
     "{\"HoVaTen\":[\"An\",\"Bình\"],\"SoDinhDanh\":[\"001190000001\",\"001190000002\"]}"},
    /* the same in the other vocabulary: nothing is stale */
    {"{\"HoVaTen\":\"An\"}", "{}", "{\"name\":\"An\",\"given_name\":\"A\"}", NULL,
     "{\"HoVaTen\":\"An\",\"name\":\"An\",\"given_name\":\"A\"}", "{}",
     "{\"HoVaTen\":[null,\"An\"]}"},
    {"{\"HoVaTen\":\"Bình\"}", "{}", "{\"name\":\"An\",\"given_name\":\"A\"}", NULL,
     "{\"HoVaTen\":\"Bình\"}", "{}",
     "{\"HoVaTen\":[null,\"Bình\"],\"name\":[\"An\",null],\"given_name\":[\"A\",null]}"},
    /* another address was verified, not this one */
    {"{\"ThuDienTu\":\"b@b.vn\"}", "{}", "{\"email\":\"a@a.vn\",\"email_verified\":true}", NULL,
     "{\"ThuDienTu\":\"b@b.vn\"}", "{}",
     "{\"ThuDienTu\":[null,\"b@b.vn\"],\"email\":[\"a@a.vn\",null],\"email_verified\":[true,null]}"},
    {"{\"email\":\"b@b.vn\"}", "{}", "{\"email\":\"a@a.vn\",\"email_verified\":true}", NULL,
     "{\"email\":\"b@b.vn\"}", "{}",
     "{\"email\":[\"a@a.vn\",\"b@b.vn\"],\"email_verified\":[true,null]}"},
    {"{\"email\":\"a@a.vn\"}", "{}", "{\"email\":\"a@a.vn\",\"email_verified\":true}", NULL,
     "{\"email\":\"a@a.vn\",\"email_verified\":true}", "{}", NULL},
    {"{\"email\":\"b@b.vn\",\"email_verified\":false}", "{}",
     "{\"email\":\"a@a.vn\",\"email_verified\":true}", NULL,
     "{\"email\":\"b@b.vn\",\"email_verified\":false}", "{}",
     "{\"email\":[\"a@a.vn\",\"b@b.vn\"],\"email_verified\":[true,false]}"},
    /* a telephone number moves among the sealed identifiers */
    {"{}", "{\"SoDienThoai\":\"+84912345678\"}",
     "{\"SoDienThoai\":\"+84900000000\",\"phone_number_verified\":true}", NULL, "{}",
     "{\"SoDienThoai\":\"+84912345678\"}",
     "{\"SoDienThoai\":[\"+84900000000\",\"+84912345678\"],\"phone_number_verified\":[true,null]}"},
};

static void test_merge(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mergings); i++) {
        const struct merging *m = &mergings[i];
        CLEANUP(upstream_person_done) struct upstream_person p = {
            .claims = json_of(m->claims), .identifiers = json_of(m->identifiers)};
        AUTO_JSON json_t *had = json_of(m->had);
        AUTO_JSON json_t *before = had ? json_deep_copy(had) : NULL;
        AUTO_JSON json_t *had_identifiers = json_of(m->had_identifiers);
        AUTO_JSON json_t *claims = NULL;
        AUTO_JSON json_t *identifiers = NULL;
        AUTO_JSON json_t *changes = NULL;
        assert_int_equal(upstream_person_merge(&p, had, had_identifiers, &claims, &identifiers,
                                               &changes),
                         ERR_OK);
        expect_json(claims, m->want);
        expect_json(identifiers, m->want_identifiers);
        if (m->changes)
            expect_json(changes, m->changes);
        else
            assert_null(changes);
        assert_true(!had || json_equal(had, before));
    }
}

static void test_merge_too_much(void **state) {
    (void)state;
    CLEANUP(upstream_person_done) struct upstream_person p = {.claims = json_object(),
                                                              .identifiers = json_object()};
    AUTO_JSON json_t *had = json_object();
    char text[1001] = {0};
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 16; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        assert_int_equal(json_object_set_new(had, name, json_string(text)), 0);
    }
    assert_int_equal(json_object_set_new(p.claims, "HoVaTen", json_string(text)), 0);
    json_t *claims = NULL, *identifiers = NULL, *changes = NULL;
    assert_int_equal(upstream_person_merge(&p, had, NULL, &claims, &identifiers, &changes),
                     ERR_TOO_LONG);
    assert_true(!claims && !identifiers && !changes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_person),
        cmocka_unit_test(test_one_bad_value_is_dropped_alone),
        cmocka_unit_test(test_forms_of_dates_and_sex),
        cmocka_unit_test(test_U03_subject),
        cmocka_unit_test(test_U03_identity_comes_from_one_place),
        cmocka_unit_test(test_levels_are_never_overstated),
        cmocka_unit_test(test_account_types),
        cmocka_unit_test(test_an_enterprise_and_who_acts_for_it),
        cmocka_unit_test(test_logout_uri),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_pack),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
