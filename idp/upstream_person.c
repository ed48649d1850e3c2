/* SPDX-License-Identifier: Apache-2.0
 *
 * The connector's mapping, applied to what upstream says of a person; see upstream_person.h. Each
 * value is checked alone, so that a bad telephone number keeps nobody out. */
#include "idp/upstream_person.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "idp/claims.h"
#include "idp/client_uri.h"
#include "idp/identifiers.h"

#define ACCOUNT_TYPE    "LoaiTaiKhoan"
#define PERSONAL_NUMBER "SoDinhDanh"

/* One answer that is being read. */
struct answer {
    const struct connector *c;
    struct arena *a;
    const json_t *identity; /* where upstream says who it is */
    const json_t *more;     /* the rest, or NULL */
    const json_t *id_claims;
    struct upstream_person *p;
    const char *dropped;
};

/* Portals send "" and null for what they do not know. */
static const json_t *member(const json_t *object, struct span name) {
    const json_t *value = json_object_getn(object, name.ptr, name.len);
    return json_is_null(value) || (json_is_string(value) && !json_text(value).len) ? NULL : value;
}

static const json_t *said(const struct answer *n, struct span name) {
    const json_t *value = member(n->identity, name);
    return value ? value : member(n->more, name);
}

static enum err drop(struct answer *n, struct span name) {
    n->dropped = arena_printf(n->a, "%s%s%.*s", n->dropped, *n->dropped ? " " : "", SPAN_FMT(name));
    return n->dropped ? ERR_OK : ERR_NOMEM;
}

/* ---- forms ---- */

static bool all_digits(struct span s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

/* Digits where the form has letters, sorted into YYYYMMDD; else what the form has. */
static bool form_matches(const char *form, struct span s, char ret_digits[8]) {
    size_t year = 0, month = 4, day = 6;
    if (s.len != strlen(form))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        size_t *at = form[i] == 'Y' ? &year : form[i] == 'M' ? &month : form[i] == 'D' ? &day : NULL;
        if (at ? s.ptr[i] < '0' || s.ptr[i] > '9' : s.ptr[i] != form[i])
            return false;
        if (at)
            ret_digits[(*at)++] = s.ptr[i];
    }
    return true;
}

/* 19900212, 12/02/1990 or 1990-02-12, also as a number; whether there is such a day is
 * claims_check's to say. */
static bool date_parse(const json_t *value, char ret_digits[8]) {
    static const char *const forms[] = {"YYYYMMDD", "DD/MM/YYYY", "YYYY-MM-DD"};
    char number[24];
    struct span s = json_text(value);
    if (json_is_integer(value)) {
        int n = snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        s = span_bytes(number, (size_t)n);
    }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (form_matches(forms[i], s, ret_digits))
            return true;
    return false;
}

static json_t *convert_plain_date(const json_t *value) {
    char digits[8];
    return date_parse(value, digits) ? json_stringn(digits, sizeof digits)
                                     : json_incref((json_t *)value);
}

/* A year alone is a date too (OIDC Core 5.1): what is not one of our forms stays as it is. */
static json_t *convert_iso_date(const json_t *value) {
    char digits[8];
    return date_parse(value, digits)
               ? json_sprintf("%.4s-%.2s-%.2s", digits, digits + 4, digits + 6)
               : json_incref((json_t *)value);
}

static json_t *convert_sex(const json_t *value) {
    struct span text = json_text(value);
    return text.len == 1 && all_digits(text) ? json_integer(text.ptr[0] - '0')
                                             : json_incref((json_t *)value);
}

static const struct {
    const char *ours;
    json_t *(*convert)(const json_t *value);
} conversions[] = {
    {"NgayThangNamSinh", convert_plain_date},
    {"birthdate", convert_iso_date},
    {"GioiTinh", convert_sex},
};

static json_t *convert(struct span ours, const json_t *value) {
    for (size_t i = 0; i < ARRAY_LEN(conversions); i++)
        if (span_is(ours, conversions[i].ours))
            return conversions[i].convert(value);
    return json_incref((json_t *)value);
}

/* ---- claims and identifiers ---- */

/* A value alone, through the check of all accounts; left out and named when it is malformed. */
static enum err take_one(struct answer *n, struct span ours, const json_t *value) {
    AUTO_JSON json_t *one = json_object();
    AUTO_JSON json_t *normal = NULL;
    const char *at_fault;
    bool is_identifier = identifier_kind_find(ours) != NULL;
    if (json_object_setn_new(one, ours.ptr, ours.len, convert(ours, value)))
        return ERR_NOMEM;
    enum err e = is_identifier ? identifiers_check(n->a, one, &normal, &at_fault)
                               : claims_check(n->a, one, &normal, &at_fault);
    if (e == ERR_NOMEM)
        return e;
    if (e)
        return drop(n, ours);
    return json_object_update(is_identifier ? n->p->identifiers : n->p->claims, normal) ? ERR_NOMEM
                                                                                        : ERR_OK;
}

/* 1 and 2, as a number or text. Of what kind another account is, nobody knows here: taken for a
 * person's, it would be linked to that person. */
static enum err take_type(struct answer *n, const json_t *value) {
    struct span text = json_text(value);
    json_int_t number = json_is_integer(value)                 ? json_integer_value(value)
                        : text.len == 1 && all_digits(text) ? text.ptr[0] - '0'
                                                               : 0;
    if (number != 1 && number != 2)
        return ERR_REFUSED;
    n->p->type = number == 2 ? USER_ENTERPRISE : USER_CITIZEN;
    return ERR_OK;
}

static enum err take_claims(struct answer *n) {
    for (size_t i = 0; i < n->c->n_claims; i++) {
        struct span ours = n->c->claim[i].ours;
        const json_t *value = said(n, n->c->claim[i].theirs);
        if (!value)
            continue;
        enum err e = span_is(ours, ACCOUNT_TYPE) ? take_type(n, value) : take_one(n, ours, value);
        if (e)
            return e;
    }
    return json_dumpb(n->p->claims, NULL, 0, JSON_COMPACT) > CLAIMS_JSON_MAX ? ERR_TOO_LONG : ERR_OK;
}

/* The numbers of the person at the keyboard are not the enterprise's: kept as its identifiers, they
 * would lead from the person to the enterprise's account. */
static enum err part_actor(struct answer *n) {
    static const char *const of_persons[] = {PERSONAL_NUMBER, "SoCMND", "HoChieu"};
    if (n->p->type != USER_ENTERPRISE)
        return ERR_OK;
    struct span number = json_str(n->p->identifiers, PERSONAL_NUMBER);
    if (number.len)
        n->p->actor_number = arena_dup(n->a, number);
    for (size_t i = 0; i < ARRAY_LEN(of_persons); i++)
        json_object_del(n->p->identifiers, of_persons[i]);
    return number.len && !n->p->actor_number.ptr ? ERR_NOMEM : ERR_OK;
}

/* ---- who, how well, until when ---- */

static enum err take_subject(struct answer *n) {
    struct span subject = json_text(member(n->identity, n->c->subject));
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-2
    //# It MUST NOT exceed 255 ASCII [RFC20] characters in length.
    if (!subject.len || subject.len > UPSTREAM_SUBJECT_MAX || !ascii_printable(subject))
        return ERR_REFUSED;
    n->p->subject = arena_dup(n->a, subject);
    return n->p->subject.ptr ? ERR_OK : ERR_NOMEM;
}

static enum err take_level(struct answer *n) {
    const json_t *value = said(n, n->c->level_claim);
    struct span text = json_text(value);
    if (json_is_integer(value)) {
        text = span_of(arena_printf(n->a, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
        if (!text.ptr)
            return ERR_NOMEM;
    }
    int level = connector_level_of(n->c, text);
    n->p->level = level ? level : 1;
    return value && !level ? drop(n, n->c->level_claim) : ERR_OK;
}

/* A time; 0 when it is none. */
static int64_t time_of(const json_t *value) {
    return json_is_integer(value) && json_integer_value(value) > 0
               ? (int64_t)json_integer_value(value)
               : 0;
}

/* `session_expiry`: OpenID Connect Enterprise Extensions 1.0, 2. */
static enum err take_session(struct answer *n) {
    n->p->auth_time = time_of(member(n->identity, SPAN("auth_time")));
    n->p->session_ends_at = time_of(member(n->id_claims, SPAN("session_expiry")));
    if (!n->p->session_ends_at)
        n->p->session_ends_at = time_of(member(n->id_claims, SPAN("exp")));
    const json_t *value = member(n->id_claims, SPAN("sid"));
    struct span sid = json_text(value);
    if (!value)
        return ERR_OK;
    if (!sid.len || sid.len > UPSTREAM_SUBJECT_MAX || !ascii_printable(sid))
        return drop(n, SPAN("sid"));
    n->p->sid = arena_dup(n->a, sid);
    return n->p->sid.ptr ? ERR_OK : ERR_NOMEM;
}

/* Where the portal ends its own session. Plain http only from a provider that is so itself. */
static enum err take_logout_uri(struct answer *n) {
    const struct uri_rules rules = {.allow_loopback_http = span_starts(n->c->issuer, "http://")};
    const json_t *value = member(n->identity, SPAN("logoutUri"));
    struct span uri = json_text(value);
    if (!value || !n->c->logs_out_upstream)
        return ERR_OK;
    if (!uri.len || uri.len > UPSTREAM_URI_MAX || client_uri_check(uri, &rules, NULL))
        return drop(n, SPAN("logoutUri"));
    n->p->logout_uri = arena_dup(n->a, uri);
    return n->p->logout_uri.ptr ? ERR_OK : ERR_NOMEM;
}

enum err upstream_person_build(const struct connector *c, struct arena *a, const json_t *id_claims,
                               const json_t *userinfo, struct upstream_person *ret_person,
                               struct span *ret_dropped) {
    CLEANUP(upstream_person_done) struct upstream_person p = {
        .connector_id = c->id,
        .issuer = c->issuer,
        .type = USER_CITIZEN,
        .claims = json_object(),
        .identifiers = json_object(),
    };
    struct answer n = {
        .c = c,
        .a = a,
        .identity = c->identity_from_userinfo ? userinfo : id_claims,
        .more = c->identity_from_userinfo ? id_claims : userinfo,
        .id_claims = id_claims,
        .p = &p,
        .dropped = "",
    };
    static enum err (*const steps[])(struct answer *n) = {take_subject, take_claims,  part_actor,
                                                          take_level,   take_session, take_logout_uri};
    if (!p.claims || !p.identifiers)
        return ERR_NOMEM;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        enum err e = steps[i](&n);
        if (e)
            return e;
    }
    *ret_dropped = span_of(n.dropped);
    *ret_person = p;
    p.claims = p.identifiers = NULL;
    return ERR_OK;
}

void upstream_person_done(struct upstream_person *p) {
    json_decref(p->claims);
    json_decref(p->identifiers);
    p->claims = p->identifiers = NULL;
}
