/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl user ... Answers never hold a personal number or a hash. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "idp/ctl/ctl_call.h"
#include "idp/throttle.h"
#include "idp/user_import.h"

#define USER_LINE_MAX (256 * 1024)
#define LIST_DEFAULT 100

struct span ctl_id_hex(struct ctl_call *c, const struct user_id *id) {
    char hex[2 * USER_ID_BYTES + 1];
    hex_encode(id->b, USER_ID_BYTES, hex);
    return span_of(arena_strdup(c->arena, hex));
}

bool ctl_find_user_of(struct ctl_call *c, const char *arg, struct user *ret_user) {
    struct span folded;
    *ret_user = (struct user){.found = false};
    enum err e = username_fold(c->arena, ctl_arg(c, arg), &folded);
    if (!e) {
        struct batch b = BATCH_INIT(c->arena);
        store_user_by_name(&b, folded, ret_user);
        e = store_write_wait(c->idp->store, &b);
    }
    if (!e && !ret_user->found)
        e = ERR_NOT_FOUND;
    if (e)
        ctl_refuse_err(c, e, strcmp(arg, "username") == 0 ? "user" : arg);
    return !e;
}

bool ctl_find_user(struct ctl_call *c, struct user *ret_user) {
    return ctl_find_user_of(c, "username", ret_user);
}

/* ---- add ---- */

#define ERRORS_SHOWN 20
#define ERROR_TEXT_MAX 16384

struct adding {
    struct ctl_call *c;
    struct buf errors; /* one a line */
    const char *code;  /* of the first */
    size_t failed;
};

static void add_failed(struct adding *g, size_t line, const char *code, const char *why) {
    if (g->failed++ == 0)
        g->code = code;
    if (g->failed > ERRORS_SHOWN)
        return;
    if (g->errors.len)
        buf_add_char(&g->errors, '\n');
    if (line)
        buf_addf(&g->errors, "line %zu: ", line);
    buf_add_str(&g->errors, why);
}

static void add_one(struct adding *g, const json_t *object, size_t line) {
    struct ctl_call *c = g->c;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct user_id id;
    const char *why = "";
    enum err e = user_import(c->idp, c->channel, &a, object, c->actor, &id, &why);
    if (e) {
        add_failed(g, line, e == ERR_EXISTS ? "already_exists" : "invalid_request", why);
        return;
    }
    struct span hex = ctl_id_hex(c, &id), name = json_str(object, "username");
    json_array_append_new(c->out, json_pack("{ss% ss%}", "id", hex.ptr, hex.len, "username", name.ptr, name.len));
    buf_addf(&c->text, "added %.*s\n", SPAN_FMT(name));
}

/* Each line stands alone: good ones are added, and each bad one is named by its number. */
static void add_lines(struct adding *g, struct span text) {
    for (size_t line = 1; text.ptr && text.len; line++) {
        struct span one = span_cut(&text, '\n');
        AUTO_JSON json_t *object = NULL;
        if (one.len && one.ptr[one.len - 1] == '\r')
            one.len--;
        if (one.len == 0)
            continue;
        if (json_parse_object(one, USER_LINE_MAX, &object))
            add_failed(g, line, "invalid_request", "not one JSON object");
        else
            add_one(g, object, line);
    }
}

void ctl_user_add(struct ctl_call *c) {
    struct span text = ctl_arg(c, "file");
    struct adding g = {.c = c, .errors = BUF_INIT(ERROR_TEXT_MAX)};
    AUTO_JSON json_t *object = NULL;
    c->out = json_array();
    if (json_parse_object(text, USER_LINE_MAX, &object) == ERR_OK)
        add_one(&g, object, 0);
    else
        add_lines(&g, text);
    size_t added = json_array_size(c->out);
    if (g.failed > ERRORS_SHOWN)
        buf_addf(&g.errors, "\nand %zu more", g.failed - ERRORS_SHOWN);
    if (g.failed && added)
        buf_addf(&g.errors, "\n%zu other accounts were added", added);
    if (g.failed)
        ctl_refuse(c, g.code, "%.*s", SPAN_FMT(buf_span(&g.errors)));
    else if (added == 0)
        ctl_refuse(c, "invalid_request", "the file holds no account");
    buf_done(&g.errors);
}

/* ---- list, show ---- */

static json_t *user_out(struct ctl_call *c, const struct user *u) {
    struct span hex = ctl_id_hex(c, &u->id);
    return json_pack("{ss% ss% ss ss si sb sI sI}", "id", hex.ptr, hex.len, "username", u->username.ptr,
                     u->username.len, "type", user_type_name(u->type), "status",
                     user_status_name(u->status), "ial", u->ial, "require_change", (int)u->require_change,
                     "created_at", (json_int_t)u->created_at, "updated_at", (json_int_t)u->updated_at);
}

static void user_line(struct ctl_call *c, const struct user *u) {
    buf_addf(&c->text, "%-32.*s %-10s %-8s ial %d\n", SPAN_FMT(u->username), user_type_name(u->type),
             user_status_name(u->status), u->ial);
}

void ctl_user_list(struct ctl_call *c) {
    struct user_list list = {0};
    struct batch b = BATCH_INIT(c->arena);
    int64_t most;
    if (!ctl_arg_int(c, "most", 1, USER_LIST_MAX, LIST_DEFAULT, &most))
        return;
    store_user_list(&b, ctl_arg(c, "after"), (unsigned)most, &list);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "users");
        return;
    }
    c->out = json_array();
    for (size_t i = 0; i < list.count; i++) {
        json_array_append_new(c->out, user_out(c, &list.item[i]));
        user_line(c, &list.item[i]);
    }
}

void ctl_user_show(struct ctl_call *c) {
    struct user u;
    if (!ctl_find_user(c, &u))
        return;
    c->out = user_out(c, &u);
    user_line(c, &u);
}

/* ---- status ---- */

static void set_status(struct ctl_call *c, enum user_status status, const char *event) {
    struct user u;
    struct span folded;
    if (!ctl_find_user(c, &u))
        return;
    folded = u.username;
    struct batch b = BATCH_INIT(c->arena);
    store_user_set_status(&b, &u.id, status, c->now);
    if (status != USER_ACTIVE)
        store_user_end_all(&b, &u.id, NULL, c->now);
    else
        throttle_unlock(&b, folded);
    ctl_audit(c, &b, event, ctl_id_hex(c, &u.id));
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "user");
        return;
    }
    u.status = status;
    c->out = user_out(c, &u);
    user_line(c, &u);
}

void ctl_user_lock(struct ctl_call *c) {
    set_status(c, USER_LOCKED, "user_locked");
}

void ctl_user_unlock(struct ctl_call *c) {
    set_status(c, USER_ACTIVE, "user_unlocked");
}

void ctl_user_disable(struct ctl_call *c) {
    set_status(c, USER_DISABLED, "user_disabled");
}

void ctl_user_erase(struct ctl_call *c) {
    set_status(c, USER_ERASED, "user_erased");
}

/* ---- password ---- */

void ctl_user_set_password(struct ctl_call *c) {
    struct user u;
    struct span typed = ctl_arg(c, "file"), hash;
    if (typed.len && typed.ptr[typed.len - 1] == '\n')
        typed.len--;
    if (!ctl_find_user(c, &u))
        return;
    enum err e = typed.len ? user_password_make(c->idp, c->channel, c->arena, typed, &hash) : ERR_MISSING;
    if (!e) {
        struct batch b = BATCH_INIT(c->arena);
        store_user_set_password(&b, &u.id, hash, true, c->now);
        store_user_end_all(&b, &u.id, NULL, c->now);
        throttle_unlock(&b, u.username);
        ctl_audit(c, &b, "password_set_by_staff", ctl_id_hex(c, &u.id));
        e = store_write_wait(c->idp->store, &b);
    }
    if (e) {
        ctl_refuse_err(c, e, "password");
        return;
    }
    u.require_change = true;
    c->out = user_out(c, &u);
    user_line(c, &u);
}
