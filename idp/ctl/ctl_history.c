/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl user history: what other providers and staff changed in an account. Values are masked; that
 * they were read is logged, as reading the log is. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "idp/ctl/ctl_call.h"
#include "idp/ctl/mask.h"
#include "idp/history.h"

#define MASKED_MAX 4096

static json_t *masked(const json_t *value) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(MASKED_MAX);
    if (json_is_null(value))
        return json_null();
    mask_add(&text, value);
    return json_stringn(text.data ? text.data : "", text.len);
}

static void show_change(struct ctl_call *c, json_t *list, const char *name, const json_t *change) {
    const json_t *old = json_array_get(change, 0), *new = json_array_get(change, 1);
    json_array_append_new(list, json_pack("{ss so so}", "name", name, "old", masked(old), "new", masked(new)));
    buf_addf(&c->text, "    %-20s ", name);
    mask_add(&c->text, old);
    buf_add_str(&c->text, " -> ");
    mask_add(&c->text, new);
    buf_add_char(&c->text, '\n');
}

/* One that does not open is shown as that: it does not hide the others. */
static json_t *show_changes(struct ctl_call *c, const struct history_item *h) {
    AUTO_JSON json_t *changes = NULL;
    const char *name;
    json_t *change;
    if (history_open(c->idp->keyring, c->arena, h, &changes)) {
        buf_add_str(&c->text, "    cannot be opened\n");
        return json_null();
    }
    json_t *list = json_array();
    json_object_foreach(changes, name, change) {
        show_change(c, list, name, change);
    }
    return list;
}

void ctl_user_history(struct ctl_call *c) {
    struct user u;
    struct history_list list = {0};
    if (!ctl_find_user(c, &u))
        return;
    struct batch b = BATCH_INIT(c->arena);
    store_history_list(&b, &u.id, &list);
    ctl_audit(c, &b, "history_read", ctl_id_hex(c, &u.id));
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "history");
        return;
    }
    c->out = json_array();
    for (size_t i = 0; i < list.count; i++) {
        const struct history_item *h = &list.item[i];
        char when[24];
        clock_format_utc(h->at, when, sizeof when);
        buf_addf(&c->text, "%s %.*s\n", when, SPAN_FMT(h->source));
        json_array_append_new(c->out, json_pack("{sI ss% so}", "at", (json_int_t)h->at, "source",
                                                h->source.ptr, h->source.len, "changes",
                                                show_changes(c, h)));
    }
}
