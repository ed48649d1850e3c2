/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl link ...: identities at other providers, and the merge of two accounts of one person. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "idp/ctl/ctl_call.h"
#include "idp/history.h"
#include "idp/identifiers.h"
#include "idp/linking.h"

#define SEALED_MAX (HISTORY_JSON_MAX + 256)

/* ---- list ---- */

static bool find_links(struct ctl_call *c, struct upstream_link_list *links) {
    struct span subject = ctl_arg(c, "subject"), issuer = ctl_arg(c, "issuer");
    bool by_user = ctl_arg(c, "username").ptr, by_subject = subject.ptr && issuer.ptr;
    struct batch b = BATCH_INIT(c->arena);
    enum err e = ERR_OK;
    if (by_user == by_subject || (by_user && (subject.ptr || issuer.ptr))) {
        ctl_refuse(c, "invalid_request", "either an account, or --subject with its --issuer");
        return false;
    }
    if (by_user) {
        struct user u;
        if (!ctl_find_user(c, &u))
            return false;
        store_upstream_link_list(&b, &u.id, links);
    } else {
        unsigned char index[SUBJECT_INDEX_BYTES];
        e = linking_subject_index(c->idp->keyring, issuer, subject, index);
        if (!e)
            store_upstream_link_find(&b, issuer, index, links);
    }
    if (!e)
        e = store_write_wait(c->idp->store, &b);
    if (e)
        ctl_refuse_err(c, e, "links");
    return !e;
}

void ctl_link_list(struct ctl_call *c) {
    struct upstream_link_list links = {0};
    if (!find_links(c, &links))
        return;
    c->out = json_array();
    for (size_t i = 0; i < links.count; i++) {
        const struct upstream_link *l = &links.item[i];
        const struct span id = ctl_id_hex(c, &l->user.id);
        char used[24];
        clock_format_utc(l->last_used_at, used, sizeof used);
        json_array_append_new(
            c->out, json_pack("{ss% ss% ss% ss% ss sI sI}", "user", id.ptr, id.len, "username",
                              l->user.username.ptr, l->user.username.len, "connector",
                              l->connector.ptr, l->connector.len, "issuer", l->issuer.ptr,
                              l->issuer.len, "how", upstream_link_how_name(l->how), "linked_at",
                              (json_int_t)l->linked_at, "last_used_at", (json_int_t)l->last_used_at));
        buf_addf(&c->text, "%-24.*s %-16.*s %-8s last used %s %.*s\n", SPAN_FMT(l->user.username),
                 SPAN_FMT(l->connector), upstream_link_how_name(l->how), used, SPAN_FMT(l->issuer));
    }
}

/* ---- unlink ---- */

static struct span detail(struct ctl_call *c, const char *name, struct span value) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(512);
    struct json_out o = JSON_OUT(&text);
    json_open_object(&o, NULL);
    json_add_str(&o, name, value);
    json_close_object(&o);
    return arena_dup(c->arena, buf_span(&text));
}

/* Of one account: it has one, or a few; so many at once fit a commit. Whoever came in that way is out,
 * too. */
#define UNLINK_MOST 16

void ctl_link_unlink(struct ctl_call *c) {
    struct user u;
    struct span connector = ctl_arg(c, "connector");
    struct upstream_link_list links = {0};
    if (!ctl_find_user(c, &u))
        return;
    struct batch look = BATCH_INIT(c->arena), b = BATCH_INIT(c->arena);
    store_upstream_link_list(&look, &u.id, &links);
    enum err e = store_write_wait(c->idp->store, &look);
    size_t n = 0;
    for (size_t i = 0; i < links.count; i++)
        if (n < UNLINK_MOST && span_eq(links.item[i].connector, connector)) {
            store_upstream_link_delete(&b, &links.item[i]);
            n++;
        }
    if (!e && !n)
        e = ERR_NOT_FOUND;
    if (!e) {
        store_user_end_all(&b, &u.id, NULL, c->now);
        ctl_audit_detail(c, &b, "upstream_unlinked", ctl_id_hex(c, &u.id), detail(c, "connector", connector));
        e = store_write_wait(c->idp->store, &b);
    }
    if (e) {
        ctl_refuse_err(c, e, "link");
        return;
    }
    c->out = json_pack("{ss% ss% si}", "username", u.username.ptr, u.username.len, "connector",
                       connector.ptr, connector.len, "unlinked", (int)n);
    buf_addf(&c->text, "unlinked %.*s from %.*s\n", SPAN_FMT(u.username), SPAN_FMT(connector));
}

/* ---- merge ---- */

struct merge {
    struct user from, into;
    struct span identifiers, history; /* sealed for `into` */
    json_t *gained;                   /* {name: [null, value]} */
};

static void merge_done(struct merge *m) {
    json_cleanup(&m->gained);
}

static enum err keep(struct ctl_call *c, enum err e, const struct buf *sealed, struct span *ret) {
    if (e)
        return e;
    *ret = arena_dup(c->arena, buf_span(sealed));
    return ret->ptr ? ERR_OK : ERR_NOMEM;
}

/* What `into` has not is taken from the other; of what both have, its own stays. (Both are found by
 * either number from now on: the index moves as it is.) */
static enum err merge_identifiers(struct ctl_call *c, struct merge *m) {
    AUTO_JSON json_t *old = NULL, *all = NULL;
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(SEALED_MAX), history = BUF_INIT(SEALED_MAX);
    const struct keyring *k = c->idp->keyring;
    const char *name;
    json_t *value;
    enum err e = identifiers_open(k, c->arena, &m->from, &old);
    if (!e)
        e = identifiers_open(k, c->arena, &m->into, &all);
    m->gained = json_object();
    if (e || !m->gained)
        return e ? e : ERR_NOMEM;
    json_object_foreach(old, name, value) {
        if (json_object_get(all, name))
            continue;
        if (json_object_set(all, name, value) ||
            json_object_set_new(m->gained, name, json_pack("[nO]", value)))
            return ERR_NOMEM;
    }
    m->identifiers = m->into.identifiers;
    if (!json_object_size(m->gained))
        return ERR_OK;
    e = keep(c, identifiers_seal(k, &m->into.id, all, &sealed), &sealed, &m->identifiers);
    return e ? e : keep(c, history_seal(k, &m->into.id, m->gained, &history), &history, &m->history);
}

static enum err merge_write(struct ctl_call *c, const struct merge *m) {
    struct batch b = BATCH_INIT(c->arena);
    store_user_refresh(&b, &m->into.id, m->into.claims, m->identifiers, m->into.ial,
                       m->into.updated_at, c->now);
    store_user_merge(&b, &m->from.id, &m->into.id, c->now);
    if (m->history.ptr)
        store_history_insert(&b, &m->into.id,
                             &(struct history_item){
                                 .at = c->now, .source = c->actor, .sealed = m->history});
    ctl_audit_detail(c, &b, "user_merged", ctl_id_hex(c, &m->from.id),
                     detail(c, "into", ctl_id_hex(c, &m->into.id)));
    return store_write_wait(c->idp->store, &b);
}

static bool merge_may_be(struct ctl_call *c, const struct merge *m) {
    bool same = span_eq(m->from.username, m->into.username);
    bool one_enterprise = (m->from.type == USER_ENTERPRISE) != (m->into.type == USER_ENTERPRISE);
    if (same)
        ctl_refuse(c, "invalid_request", "an account cannot be merged into itself");
    else if (one_enterprise)
        ctl_refuse(c, "invalid_request", "a person and an enterprise are not one");
    else if (m->from.status == USER_LOCKED || m->from.status == USER_DISABLED) /* or its person is let in */
        ctl_refuse(c, "refused", "the account that goes is %s: whoever it is comes in by the other",
                   user_status_name(m->from.status));
    else if (m->into.status != USER_ACTIVE)
        ctl_refuse(c, "refused", "the account that stays is %s", user_status_name(m->into.status));
    return !c->error;
}

void ctl_link_merge(struct ctl_call *c) {
    CLEANUP(merge_done) struct merge m = {.gained = NULL};
    if (!ctl_find_user_of(c, "from", &m.from) || !ctl_find_user_of(c, "into", &m.into) ||
        !merge_may_be(c, &m))
        return;
    enum err e = merge_identifiers(c, &m);
    if (!e)
        e = merge_write(c, &m);
    if (e) {
        ctl_refuse_err(c, e, "accounts");
        return;
    }
    const char *name;
    json_t *value, *gained = json_array();
    json_object_foreach(m.gained, name, value) {
        json_array_append_new(gained, json_string(name));
    }
    c->out = json_pack("{ss% ss% so}", "from", m.from.username.ptr, m.from.username.len, "into",
                       m.into.username.ptr, m.into.username.len, "identifiers", gained);
    buf_addf(&c->text, "merged %.*s into %.*s\n", SPAN_FMT(m.from.username), SPAN_FMT(m.into.username));
}
