/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl representation ...: which person may act for which enterprise, for what, from and until when. */
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/random.h"
#include "idp/ctl/ctl_call.h"

#define SCOPE_MAX     200
#define DAY_SECONDS   86400
#define VN_SECONDS    (7 * 3600) /* Asia/Ho_Chi_Minh is ahead of UTC by this */
#define DATE_CHARS    10         /* 2026-11-23 */
#define ID_HEX_SIZE   (2 * REPRESENTATION_ID_BYTES + 1)

/* When that day begins here. */
static bool take_date(struct ctl_call *c, const char *name, int64_t otherwise, int64_t *ret_at) {
    struct span text = ctl_arg(c, name);
    struct tm day = {0};
    char again[DATE_CHARS + 1] = "", end = 0;
    int64_t at = 0;
    *ret_at = otherwise;
    if (!text.ptr)
        return true;
    bool good = text.len == DATE_CHARS &&
                sscanf(text.ptr, "%4d-%2d-%2d%c", &day.tm_year, &day.tm_mon, &day.tm_mday, &end) == 3;
    if (good) {
        day.tm_year -= 1900;
        day.tm_mon -= 1;
        at = timegm(&day); /* brings 2026-02-30 to March: then it is written otherwise than it came */
        good = strftime(again, sizeof again, "%Y-%m-%d", &day) == DATE_CHARS && span_is(text, again);
    }
    if (!good) {
        ctl_refuse(c, "invalid_request", "%s: a date is needed, as 2026-11-23", name);
        return false;
    }
    *ret_at = at - VN_SECONDS;
    return true;
}

static bool take_scope(struct ctl_call *c, struct span *ret_scope) {
    struct span scope = ctl_arg(c, "scope");
    bool good = scope.len <= SCOPE_MAX && (!scope.ptr || (scope.len && utf8_valid(scope)));
    for (size_t i = 0; i < scope.len; i++)
        good = good && (unsigned char)scope.ptr[i] >= 0x20 && scope.ptr[i] != 0x7F;
    if (!good)
        ctl_refuse(c, "invalid_request", "scope: at most %d bytes of text", SCOPE_MAX);
    *ret_scope = scope;
    return good;
}

/* The last day is one of it. */
static bool take_dates(struct ctl_call *c, struct representation *r) {
    int64_t last_day;
    if (!take_date(c, "from", c->now, &r->valid_from) || !take_date(c, "until", 0, &last_day))
        return false;
    r->valid_until = ctl_arg(c, "until").ptr ? last_day + DAY_SECONDS : 0;
    if (!r->valid_until || (r->valid_until > r->valid_from && r->valid_until > c->now))
        return true;
    ctl_refuse(c, "invalid_request", "until: it would end before it begins, or be over already");
    return false;
}

static bool take_accounts(struct ctl_call *c, struct user *person, struct user *represented) {
    if (!ctl_find_user_of(c, "person", person) || !ctl_find_user_of(c, "represented", represented))
        return false;
    if (person->type == USER_ENTERPRISE || represented->type != USER_ENTERPRISE)
        ctl_refuse(c, "invalid_request", "a person acts for an enterprise");
    else if (person->status != USER_ACTIVE || represented->status != USER_ACTIVE)
        ctl_refuse(c, "refused", "both accounts must be active");
    return !c->error;
}

static json_t *representation_out(const struct representation *r) {
    char id[ID_HEX_SIZE];
    hex_encode(r->id, sizeof r->id, id);
    json_t *out = json_pack("{ss ss% ss% sI}", "id", id, "represented", r->represented.username.ptr,
                            r->represented.username.len, "source", r->source.ptr, r->source.len,
                            "valid_from", (json_int_t)r->valid_from);
    if (r->scope.ptr)
        json_object_set_new(out, "scope", json_stringn(r->scope.ptr, r->scope.len));
    if (r->valid_until)
        json_object_set_new(out, "valid_until", json_integer(r->valid_until));
    return out;
}

static void representation_line(struct ctl_call *c, const struct representation *r) {
    char id[ID_HEX_SIZE], from[DATE_CHARS + 1] = "", last[DATE_CHARS + 1] = "open end";
    struct tm day;
    time_t at = r->valid_from + VN_SECONDS;
    hex_encode(r->id, sizeof r->id, id);
    if (gmtime_r(&at, &day))
        (void)strftime(from, sizeof from, "%Y-%m-%d", &day);
    at = r->valid_until - 1 + VN_SECONDS;
    if (r->valid_until && gmtime_r(&at, &day))
        (void)strftime(last, sizeof last, "%Y-%m-%d", &day);
    buf_addf(&c->text, "%s %-24.*s %s to %s %.*s\n", id, SPAN_FMT(r->represented.username), from, last,
             SPAN_FMT(r->scope));
}

/* For the audit row: ids, never names. */
static struct span represented_detail(struct ctl_call *c, const struct representation *r) {
    char id[ID_HEX_SIZE];
    hex_encode(r->id, sizeof r->id, id);
    return span_of(arena_printf(c->arena, "{\"represented\":\"%.*s\",\"id\":\"%s\"}",
                                SPAN_FMT(ctl_id_hex(c, &r->represented.id)), id));
}

void ctl_representation_add(struct ctl_call *c) {
    struct user person;
    struct representation r = {.source = c->actor};
    if (!take_accounts(c, &person, &r.represented) || !take_scope(c, &r.scope) || !take_dates(c, &r))
        return;
    r.person = person.id;
    random_bytes(r.id, sizeof r.id);
    struct batch b = BATCH_INIT(c->arena);
    store_representation_insert(&b, &r);
    ctl_audit_detail(c, &b, "representation_added", ctl_id_hex(c, &person.id), represented_detail(c, &r));
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "representation");
        return;
    }
    c->out = representation_out(&r);
    representation_line(c, &r);
}

void ctl_representation_list(struct ctl_call *c) {
    struct user u;
    struct representation_list list = {0};
    if (!ctl_find_user(c, &u))
        return;
    struct batch b = BATCH_INIT(c->arena);
    store_representation_list(&b, &u.id, c->now, &list);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "representations");
        return;
    }
    c->out = json_array();
    for (size_t i = 0; i < list.count; i++) {
        json_array_append_new(c->out, representation_out(&list.item[i]));
        representation_line(c, &list.item[i]);
    }
}

void ctl_representation_end(struct ctl_call *c) {
    unsigned char id[REPRESENTATION_ID_BYTES];
    struct span hex = ctl_arg(c, "id");
    size_t len;
    if (hex_decode(hex, id, sizeof id, &len) || len != sizeof id) {
        ctl_refuse(c, "invalid_request", "id: %zu hexadecimal digits", 2 * sizeof id);
        return;
    }
    struct batch b = BATCH_INIT(c->arena);
    store_representation_end(&b, id, c->now);
    ctl_audit(c, &b, "representation_ended", hex);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "representation");
        return;
    }
    c->out = json_pack("{ss%}", "id", hex.ptr, hex.len);
    buf_addf(&c->text, "ended %.*s\n", SPAN_FMT(hex));
}
