/* SPDX-License-Identifier: Apache-2.0
 *
 * idp/upstream_person*.c: whatever upstream says, a person is made of it only with a subject in form,
 * at a level that is not overstated; what is taken over stands the check of every account, comes out
 * of a pending row as it went in, and is taken over only once (U03). Input: the userinfo of a portal,
 * one JSON object; or what is to be unpacked. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "idp/claims.h"
#include "idp/identifiers.h"
#include "idp/upstream_person.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 65536

#define SAME(name)                                                                                 \
    { SPAN(name), SPAN(name) }

static const struct connector portal = {
    .id = SPAN("dvcqg"),
    .issuer = SPAN("https://xacthuc.example.vn"),
    .dialect = DIALECT_DVCQG,
    .identity_from_userinfo = true,
    .logs_out_upstream = true,
    .subject = SPAN("TechID"),
    .level_claim = SPAN("loAs"),
    .level = {{SPAN("LoA1"), 1}, {SPAN("LoA2"), 2}, {SPAN("3"), 3}},
    .n_levels = 3,
    .most_level = 2,
    .claim = {SAME("LoaiTaiKhoan"), SAME("TechID"), SAME("HoVaTen"), SAME("SoDinhDanh"), SAME("SoCMND"),
              SAME("HoChieu"), SAME("NgayThangNamSinh"), SAME("birthdate"), SAME("GioiTinh"),
              SAME("SoDienThoai"), SAME("MaSoThue"), SAME("MaSoDoanhNghiep"), SAME("email"),
              SAME("email_verified"), SAME("address"), SAME("roles")},
    .n_claims = 16,
};

static void checked(struct arena *a, const struct upstream_person *p) {
    AUTO_JSON json_t *claims = NULL;
    AUTO_JSON json_t *identifiers = NULL;
    const char *at_fault;
    FUZZ_CHECK(claims_check(a, p->claims, &claims, &at_fault) == ERR_OK);
    FUZZ_CHECK(identifiers_check(a, p->identifiers, &identifiers, &at_fault) == ERR_OK);
    FUZZ_CHECK(json_equal(claims, p->claims) && json_equal(identifiers, p->identifiers));
    FUZZ_CHECK(p->subject.len && p->subject.len <= UPSTREAM_SUBJECT_MAX && ascii_printable(p->subject));
    FUZZ_CHECK(p->level == 1 || p->level == 2);
    FUZZ_CHECK(p->type == USER_CITIZEN || p->type == USER_ENTERPRISE);
    FUZZ_CHECK(p->type == USER_ENTERPRISE ? !json_object_get(p->identifiers, "SoDinhDanh")
                                          : !p->actor_number.ptr);
    FUZZ_CHECK(!p->logout_uri.ptr || span_starts(p->logout_uri, "https://"));
}

static void packed(struct arena *a, const struct upstream_person *p) {
    CLEANUP(buf_done) struct buf once = BUF_INIT(INPUT_MAX), twice = BUF_INIT(INPUT_MAX);
    CLEANUP(upstream_person_done) struct upstream_person again = {0};
    FUZZ_CHECK(upstream_person_pack(p, &once) == ERR_OK);
    FUZZ_CHECK(upstream_person_unpack(a, buf_span(&once), &again) == ERR_OK);
    checked(a, &again);
    FUZZ_CHECK(upstream_person_pack(&again, &twice) == ERR_OK);
    FUZZ_CHECK(span_eq(buf_span(&once), buf_span(&twice)));
}

static void merged(const struct upstream_person *p) {
    AUTO_JSON json_t *claims = NULL;
    AUTO_JSON json_t *identifiers = NULL;
    AUTO_JSON json_t *changes = NULL;
    AUTO_JSON json_t *claims_again = NULL;
    AUTO_JSON json_t *identifiers_again = NULL;
    json_t *changes_again = NULL;
    FUZZ_CHECK(upstream_person_merge(p, NULL, NULL, &claims, &identifiers, &changes) == ERR_OK);
    FUZZ_CHECK(json_equal(claims, p->claims) && json_equal(identifiers, p->identifiers));
    FUZZ_CHECK(upstream_person_merge(p, claims, identifiers, &claims_again, &identifiers_again,
                                     &changes_again) == ERR_OK);
    FUZZ_CHECK(!changes_again && json_equal(claims, claims_again));
}

static void unpack(struct span bytes) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct upstream_person p = {0};
    if (upstream_person_unpack(&a, bytes, &p))
        return;
    FUZZ_CHECK(p.subject.len && p.level >= 1 && p.level <= 3 && p.claims && p.identifiers);
    upstream_person_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(upstream_person_done) struct upstream_person p = {0};
    AUTO_JSON json_t *userinfo = NULL;
    struct span dropped = SPAN_NONE;
    unpack(span_bytes(data, size));
    if (json_parse_object(span_bytes(data, size), INPUT_MAX, &userinfo) ||
        upstream_person_build(&portal, &a, NULL, userinfo, &p, &dropped))
        return 0;
    for (struct span rest = dropped, word; (word = span_word(&rest)).len;)
        FUZZ_CHECK(ascii_printable(word));
    checked(&a, &p);
    packed(&a, &p);
    merged(&p);
    return 0;
}
