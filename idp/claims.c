/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of scopes and claims, and how each claim is made from an account; see claims.h. */
#include "idp/claims.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "idp/claims_internal.h"

/* clang-format off */
const struct scope_def scope_defs[] = {
    /* name            least  numbers  legal basis  dvcqg */
    {"openid",         1,     false,   false,       false},
    {"profile",        1,     false,   false,       false},
    {"email",          1,     false,   false,       false},
    {"phone",          1,     false,   false,       false},
    {"address",        1,     false,   false,       false},
    {"vn_profile",     1,     false,   false,       true },
    {"vn_id",          2,     true,    false,       true },
    {"vn_contact",     1,     false,   false,       true },
    {"vn_org",         2,     true,    false,       true },
    {"vn_assurance",   1,     false,   false,       true },
    {"vn_agency",      2,     false,   false,       false},
    {"vn_sensitive",   2,     false,   true,        false},
    {"offline_access", 1,     false,   false,       false},
};
/* clang-format on */
const size_t scope_defs_count = ARRAY_LEN(scope_defs);

const struct scope_def *scope_def_find(struct span name) {
    for (size_t i = 0; i < scope_defs_count; i++)
        if (span_is(name, scope_defs[i].name))
            return &scope_defs[i];
    return NULL;
}

/* ---- how a claim is made ---- */

static struct span text_of(const json_t *object, const char *name) {
    return name ? json_str(object, name) : SPAN_NONE;
}

/* The account's own claim, else the one of the other vocabulary that says the same. */
static void make_text(struct json_out *o, const struct claim_def *d,
                      const struct claims_source *s) {
    struct span text = text_of(s->claims, d->name);
    if (!text.len)
        text = text_of(s->claims, d->other);
    if (text.len)
        json_add_str(o, d->name, text);
}

static void make_value(struct json_out *o, const struct claim_def *d,
                       const struct claims_source *s) {
    const json_t *value = json_object_get(s->claims, d->name);
    if (value)
        json_add_value(o, d->name, value);
}

/* It follows from the grant, not from the account: protocols/oidc/act.c. */
static void make_elsewhere(struct json_out *o, const struct claim_def *d,
                           const struct claims_source *s) {
    (void)o, (void)d, (void)s;
}

static void make_identifier(struct json_out *o, const struct claim_def *d,
                            const struct claims_source *s) {
    struct span text = text_of(s->identifiers, d->name);
    if (text.len)
        json_add_str(o, d->name, text);
}

/* Whether an address or number was verified: false is said only of what is there. */
static void make_verified(struct json_out *o, const struct claim_def *d,
                          const struct claims_source *s) {
    bool has_it = text_of(s->claims, d->other).len || text_of(s->claims, d->other2).len ||
                  text_of(s->identifiers, d->other2).len;
    if (has_it)
        json_add_bool(o, d->name, json_is_true(json_object_get(s->claims, d->name)));
}

/* 19900212 -> 1990-02-12 (OIDC Core 5.1). */
static void make_birthdate(struct json_out *o, const struct claim_def *d,
                           const struct claims_source *s) {
    struct span iso = text_of(s->claims, d->name), plain = text_of(s->claims, d->other);
    char text[11];
    if (!iso.len && plain.len == 8) {
        memcpy(text, plain.ptr, 4);
        memcpy(text + 5, plain.ptr + 4, 2);
        memcpy(text + 8, plain.ptr + 6, 2);
        text[4] = text[7] = '-';
        iso = span_bytes(text, 10);
    }
    if (iso.len)
        json_add_str(o, d->name, iso);
}

static void make_plain_date(struct json_out *o, const struct claim_def *d,
                            const struct claims_source *s) {
    struct span plain = text_of(s->claims, d->name), iso = text_of(s->claims, d->other);
    char text[8];
    if (!plain.len && iso.len == 10) {
        memcpy(text, iso.ptr, 4);
        memcpy(text + 4, iso.ptr + 5, 2);
        memcpy(text + 6, iso.ptr + 8, 2);
        plain = span_bytes(text, sizeof text);
    }
    if (plain.len)
        json_add_str(o, d->name, plain);
}

static const char *const sexes[] = {NULL, "male", "female"}; /* by GioiTinh */

static void make_gender(struct json_out *o, const struct claim_def *d,
                        const struct claims_source *s) {
    struct span text = text_of(s->claims, d->name);
    json_int_t number = json_integer_value(json_object_get(s->claims, d->other));
    if (!text.len && number > 0 && number < (json_int_t)ARRAY_LEN(sexes))
        text = span_of(sexes[number]);
    if (text.len)
        json_add_str(o, d->name, text);
}

static void make_sex_number(struct json_out *o, const struct claim_def *d,
                            const struct claims_source *s) {
    const json_t *number = json_object_get(s->claims, d->name);
    struct span text = text_of(s->claims, d->other);
    if (json_is_integer(number)) {
        json_add_i64(o, d->name, (int64_t)json_integer_value(number));
        return;
    }
    for (size_t i = 1; i < ARRAY_LEN(sexes); i++)
        if (span_is(text, sexes[i]))
            json_add_i64(o, d->name, (int64_t)i);
}

/* The number of the account, wherever it was given. */
static void make_phone(struct json_out *o, const struct claim_def *d,
                       const struct claims_source *s) {
    struct span text = text_of(s->claims, d->name);
    if (!text.len)
        text = text_of(s->identifiers, "SoDienThoai");
    if (!text.len)
        text = text_of(s->claims, d->other);
    if (text.len)
        json_add_str(o, d->name, text);
}

static void make_address(struct json_out *o, const struct claim_def *d,
                         const struct claims_source *s) {
    const json_t *object = json_object_get(s->claims, d->name);
    struct span text = text_of(s->claims, d->other);
    if (json_is_object(object)) {
        json_add_value(o, d->name, object);
    } else if (text.len) {
        json_open_object(o, d->name);
        json_add_str(o, "formatted", text);
        json_close_object(o);
    }
}

static void make_address_text(struct json_out *o, const struct claim_def *d,
                              const struct claims_source *s) {
    struct span text = text_of(s->claims, d->name);
    if (!text.len)
        text = json_str(json_object_get(s->claims, d->other), "formatted");
    if (text.len)
        json_add_str(o, d->name, text);
}

/* A user name may be a personal or tax number, which goes to nobody without its own scope. */
static bool is_a_number(struct span name, const json_t *identifiers) {
    const char *kind;
    json_t *value;
    bool has_letter = false;
    for (size_t i = 0; i < name.len; i++)
        has_letter = has_letter || !strchr("0123456789+-.", name.ptr[i]);
    json_object_foreach((json_t *)identifiers, kind, value) {
        if (json_is_string(value) && span_is(name, json_string_value(value)))
            return true;
    }
    return !has_letter;
}

static void make_preferred_username(struct json_out *o, const struct claim_def *d,
                                    const struct claims_source *s) {
    struct span name = text_of(s->claims, d->name);
    if (!name.len)
        name = s->user->username;
    if (name.len && !is_a_number(name, s->identifiers))
        json_add_str(o, d->name, name);
}

static void make_updated_at(struct json_out *o, const struct claim_def *d,
                            const struct claims_source *s) {
    if (s->user->updated_at > 0)
        json_add_i64(o, d->name, s->user->updated_at);
}

/* 1 person, 2 enterprise: what the national portal says. */
static void make_account_type(struct json_out *o, const struct claim_def *d,
                              const struct claims_source *s) {
    json_add_i64(o, d->name, s->user->type == USER_ENTERPRISE ? 2 : 1);
}

static void make_technical_id(struct json_out *o, const struct claim_def *d,
                              const struct claims_source *s) {
    if (s->sub.len)
        json_add_str(o, d->name, s->sub);
}

static void make_ial(struct json_out *o, const struct claim_def *d, const struct claims_source *s) {
    json_add_i64(o, d->name, s->user->ial);
}

static void make_level(struct json_out *o, const struct claim_def *d,
                       const struct claims_source *s) {
    char text[] = "LoA0";
    text[3] = (char)('0' + (s->loa >= 0 && s->loa <= 3 ? s->loa : 0));
    json_add_str(o, d->name, span_of(text));
}

/* Which provider the person signed in with: this one, for accounts of its own. */
static void make_login_idp(struct json_out *o, const struct claim_def *d,
                           const struct claims_source *s) {
    (void)s;
    json_add_str(o, d->name, SPAN("LOCAL"));
}

/* clang-format off */
const struct claim_def claim_defs[] = {
    /* name                   scope           make                     kind, other, other2 */
    {"LoaiTaiKhoan",          "openid",       make_account_type,       CLAIM_DERIVED},
    {"TechID",                "openid",       make_technical_id,       CLAIM_DERIVED},

    {"name",                  "profile",      make_text,               CLAIM_TEXT, "HoVaTen"},
    {"family_name",           "profile",      make_text,               CLAIM_TEXT},
    {"given_name",            "profile",      make_text,               CLAIM_TEXT},
    {"middle_name",           "profile",      make_text,               CLAIM_TEXT},
    {"nickname",              "profile",      make_text,               CLAIM_TEXT},
    {"preferred_username",    "profile",      make_preferred_username, CLAIM_TEXT},
    {"profile",               "profile",      make_text,               CLAIM_TEXT},
    {"picture",               "profile",      make_text,               CLAIM_TEXT},
    {"website",               "profile",      make_text,               CLAIM_TEXT},
    {"gender",                "profile",      make_gender,             CLAIM_TEXT, "GioiTinh"},
    {"birthdate", "profile", make_birthdate, CLAIM_ISO_DATE, "NgayThangNamSinh"},
    {"zoneinfo",              "profile",      make_text,               CLAIM_TEXT},
    {"locale",                "profile",      make_text,               CLAIM_TEXT},
    {"updated_at",            "profile",      make_updated_at,         CLAIM_DERIVED},

    {"email",                 "email",        make_text,               CLAIM_EMAIL, "ThuDienTu"},
    {"email_verified", "email", make_verified, CLAIM_BOOL, "email", "ThuDienTu"},
    {"phone_number",          "phone",        make_phone,              CLAIM_PHONE, "SoDienThoai"},
    {"phone_number_verified", "phone", make_verified, CLAIM_BOOL, "phone_number", "SoDienThoai"},
    {"address",               "address",      make_address,            CLAIM_TEXTS, "DiaChi"},

    {"HoVaTen",               "vn_profile",   make_text,               CLAIM_TEXT, "name"},
    {"NgayThangNamSinh", "vn_profile", make_plain_date, CLAIM_PLAIN_DATE, "birthdate"},
    {"GioiTinh",              "vn_profile",   make_sex_number,         CLAIM_INT, "gender"},
    {"QuocTich",              "vn_profile",   make_text,               CLAIM_TEXT},

    {"SoDinhDanh",            "vn_id",        make_identifier,         CLAIM_IDENTIFIER},
    {"SoCMND",                "vn_id",        make_identifier,         CLAIM_IDENTIFIER},
    {"HoChieu",               "vn_id",        make_identifier,         CLAIM_IDENTIFIER},

    {"SoDienThoai",           "vn_contact",   make_phone,              CLAIM_PHONE, "phone_number"},
    {"ThuDienTu",             "vn_contact",   make_text,               CLAIM_EMAIL, "email"},
    {"DiaChi",                "vn_contact",   make_address_text,       CLAIM_TEXT, "address"},
    {"ThuongTru",             "vn_contact",   make_text,               CLAIM_TEXT},
    {"NoiOHienNay",           "vn_contact",   make_text,               CLAIM_TEXT},

    {"MaSoThue",              "vn_org",       make_identifier,         CLAIM_IDENTIFIER},
    {"MaSoDoanhNghiep",       "vn_org",       make_identifier,         CLAIM_IDENTIFIER},
    {"TenDoanhNghiep",        "vn_org",       make_text,               CLAIM_TEXT},
    {"NguoiDaiDien",          "vn_org",       make_text,               CLAIM_TEXT},
    {"act",                   "vn_org",       make_elsewhere,          CLAIM_DERIVED},

    {"IAL",                   "vn_assurance", make_ial,                CLAIM_DERIVED},
    {"loAs",                  "vn_assurance", make_level,              CLAIM_DERIVED},
    {"loginIdp",              "vn_assurance", make_login_idp,          CLAIM_DERIVED},
    {"verified_at",           "vn_assurance", make_value,              CLAIM_INT},

    {"ma_dinh_danh_co_quan",  "vn_agency",    make_text,               CLAIM_AGENCY},
    {"roles",                 "vn_agency",    make_value,              CLAIM_WORDS},

    {"DanToc",                "vn_sensitive", make_text,               CLAIM_TEXT},
    {"TonGiao",               "vn_sensitive", make_text,               CLAIM_TEXT},
    {"NhomMau",               "vn_sensitive", make_text,               CLAIM_TEXT},
    {"TinhTrangHonNhan",      "vn_sensitive", make_text,               CLAIM_TEXT},
    {"Cha",                   "vn_sensitive", make_text,               CLAIM_TEXT},
    {"Me",                    "vn_sensitive", make_text,               CLAIM_TEXT},
    {"VoChong",               "vn_sensitive", make_text,               CLAIM_TEXT},
    {"ChuHo",                 "vn_sensitive", make_text,               CLAIM_TEXT},
};
/* clang-format on */
const size_t claim_defs_count = ARRAY_LEN(claim_defs);

/* ---- which ---- */

/* Whether this session and this client may be told what belongs to the scope. */
static bool may_be_told(const struct scope_def *d, const struct claims_source *s) {
    int own = d->is_of_numbers ? s->client->numbers_level : 0;
    return s->loa >= (own ? own : d->least_loa) && (!d->needs_legal_basis || s->client->legal_basis.len);
}

static bool is_granted(const struct scope_def *d, struct span scope,
                       const struct claims_source *s) {
    bool asked =
        span_list_has(scope, span_of(d->name)) ||
        (s->client->dvcqg_profile && d->in_dvcqg_profile && span_list_has(scope, SPAN("openid")));
    return asked && may_be_told(d, s);
}

void claims_add_for_scope(struct json_out *o, struct span scope, const struct claims_source *s) {
    for (size_t i = 0; i < scope_defs_count; i++) {
        if (!is_granted(&scope_defs[i], scope, s))
            continue;
        for (size_t j = 0; j < claim_defs_count; j++)
            if (strcmp(claim_defs[j].scope, scope_defs[i].name) == 0)
                claim_defs[j].make(o, &claim_defs[j], s);
    }
}

static const struct claim_def *claim_find(struct span name) {
    for (size_t i = 0; i < claim_defs_count; i++)
        if (span_is(name, claim_defs[i].name))
            return &claim_defs[i];
    return NULL;
}

void claims_add_named(struct json_out *o, struct span names, struct span scope,
                      const struct claims_source *s) {
    for (struct span word; (word = span_word(&names)).len;) {
        const struct claim_def *claim = claim_find(word);
        const struct scope_def *d = claim ? scope_def_find(span_of(claim->scope)) : NULL;
        if (d && !is_granted(d, scope, s) && may_be_told(d, s))
            claim->make(o, claim, s);
    }
}

const char *claims_scope_of(struct span name) {
    const struct claim_def *claim = claim_find(name);
    return claim ? claim->scope : NULL;
}

void claims_list_scopes(struct json_out *o, const char *name) {
    json_open_array(o, name);
    for (size_t i = 0; i < scope_defs_count; i++)
        json_add_str(o, NULL, span_of(scope_defs[i].name));
    json_close_array(o);
}

void claims_list(struct json_out *o, const char *name) {
    json_open_array(o, name);
    json_add_str(o, NULL, SPAN("sub"));
    for (size_t i = 0; i < claim_defs_count; i++)
        json_add_str(o, NULL, span_of(claim_defs[i].name));
    json_close_array(o);
}
