/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl registration-token ...: initial access tokens (RFC 7591 3), which let a service register
 * its own clients. Each is for so many registrations until some day, and shown once. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/random.h"
#include "idp/client_secret.h"
#include "idp/ctl/ctl_call.h"

#define ID_BYTES        9
#define LABEL_MAX       200
#define USES_MAX        10000
#define SECONDS_MIN     1
#define SECONDS_MAX     (366 * 24 * 3600)
#define SECONDS_DEFAULT (24 * 3600)

static bool commit(struct ctl_call *c, struct batch *b) {
    enum err e = store_write_wait(c->idp->store, b);
    if (e)
        ctl_refuse_err(c, e, "registration token");
    return !e;
}

static json_t *token_out(const struct initial_token *t) {
    return json_pack("{ss% ss% sI sI sI}", "id", t->id.ptr, t->id.len, "label", t->label.ptr,
                     t->label.len, "uses_left", (json_int_t)t->uses_left, "created_at",
                     (json_int_t)t->created_at, "expires_at", (json_int_t)t->expires_at);
}

static bool take_limits(struct ctl_call *c, struct initial_token *t) {
    int64_t seconds;
    if (!ctl_arg_int(c, "uses", 1, USES_MAX, 1, &t->uses_left) ||
        !ctl_arg_int(c, "expires-in", SECONDS_MIN, SECONDS_MAX, SECONDS_DEFAULT, &seconds))
        return false;
    if (!t->label.ptr)
        t->label = SPAN("");
    if (t->label.len > LABEL_MAX || !utf8_valid(t->label)) {
        ctl_refuse(c, "invalid_request", "label: at most %d bytes of text", LABEL_MAX);
        return false;
    }
    t->created_at = c->now;
    t->expires_at = c->now + seconds;
    return true;
}

void ctl_registration_token_add(struct ctl_call *c) {
    unsigned char raw[ID_BYTES];
    char id[B64URL_LEN(ID_BYTES)];
    struct client_secret secret;
    struct span text;
    random_bytes(raw, sizeof raw);
    struct initial_token t = {.id = span_bytes(id, b64url_encode(raw, sizeof raw, id)),
                              .label = ctl_arg(c, "label")};
    if (!take_limits(c, &t))
        return;
    if (client_secret_make(c->arena, c->now, t.expires_at, &secret, &text)) {
        ctl_refuse_err(c, ERR_NOMEM, "registration token");
        return;
    }
    struct batch b = BATCH_INIT(c->arena);
    store_initial_token_insert(&b, &t, secret.hash);
    ctl_audit(c, &b, "registration_token_added", t.id);
    if (!commit(c, &b))
        return;
    c->out = token_out(&t);
    json_object_set_new(c->out, "initial_access_token", json_stringn(text.ptr, text.len));
    buf_addf(&c->text, "%.*s\n%.*s\n", SPAN_FMT(t.id), SPAN_FMT(text));
}

void ctl_registration_token_list(struct ctl_call *c) {
    struct initial_token_list list = {0};
    struct batch b = BATCH_INIT(c->arena);
    store_initial_token_list(&b, &list);
    if (!commit(c, &b))
        return;
    c->out = json_array();
    for (size_t i = 0; i < list.count; i++) {
        const struct initial_token *t = &list.item[i];
        const char *state = t->expires_at <= c->now ? "expired" : t->uses_left ? "usable" : "used up";
        buf_addf(&c->text, "%-14.*s %-8s %6lld %.*s\n", SPAN_FMT(t->id), state,
                 (long long)t->uses_left, SPAN_FMT(t->label));
        json_array_append_new(c->out, token_out(t));
    }
}

void ctl_registration_token_revoke(struct ctl_call *c) {
    struct span id = ctl_arg(c, "id");
    struct batch b = BATCH_INIT(c->arena);
    store_initial_token_delete(&b, id);
    ctl_audit(c, &b, "registration_token_revoked", id);
    if (!commit(c, &b))
        return;
    c->out = json_pack("{ss%}", "id", id.ptr, id.len);
    buf_addf(&c->text, "revoked %.*s\n", SPAN_FMT(id));
}
