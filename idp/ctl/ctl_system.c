/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl keys, session, audit, backup, status. */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/workpool.h"
#include "idp/client.h"
#include "idp/config.h"
#include "idp/ctl/ctl_call.h"
#include "idp/keyring.h"
#include "idp/session.h"

#define AUDIT_DEFAULT 50
#define LOGOUTS_DEFAULT 100
#define STATUS_MAX (256 * 1024)
#define CACHE_MARGIN_SECONDS 60

/* ---- keys ---- */

static bool list_keys(struct ctl_call *c, struct key_list *ret_keys) {
    struct batch b = BATCH_INIT(c->arena);
    store_key_list(&b, ret_keys);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e)
        ctl_refuse_err(c, e, "keys");
    return !e;
}

void ctl_keys_list(struct ctl_call *c) {
    struct key_list keys = {0};
    if (!list_keys(c, &keys))
        return;
    c->out = json_array();
    for (size_t i = 0; i < keys.count; i++) {
        const struct key_row *k = &keys.item[i];
        char created[24];
        clock_format_utc(k->created_at, created, sizeof created);
        json_array_append_new(
            c->out, json_pack("{ss% ss ss% ss sI sI sI sI}", "kid", k->kid.ptr, k->kid.len, "use",
                              key_use_name(k->use), "alg", k->alg.ptr, k->alg.len, "state",
                              key_state_name(k->state), "created_at", (json_int_t)k->created_at,
                              "activated_at", (json_int_t)k->activated_at, "retiring_at",
                              (json_int_t)k->retiring_at, "expires_at", (json_int_t)k->expires_at));
        buf_addf(&c->text, "%-44.*s %-9s %-6.*s %-9s %s\n", SPAN_FMT(k->kid), key_use_name(k->use),
                 SPAN_FMT(k->alg), key_state_name(k->state), created);
    }
}

static const struct jose_alg *alg_wanted(struct ctl_call *c) {
    struct span name = ctl_arg(c, "alg");
    const struct jose_alg *alg = jose_alg_find(name.ptr ? name : SPAN("ES256"));
    if (alg && alg->signs_tokens)
        return alg;
    ctl_refuse(c, "invalid_request", "alg: ES256, RS256, PS256 or EdDSA");
    return NULL;
}

static void answer_key(struct ctl_call *c, enum err e, const struct jose_alg *alg, struct span kid,
                       const char *state) {
    if (e) {
        ctl_refuse_err(c, e, "key");
        return;
    }
    c->out = json_pack("{ss% ss ss}", "kid", kid.ptr, kid.len, "alg", alg->name, "state", state);
    buf_addf(&c->text, "%.*s %s %s\n", SPAN_FMT(kid), alg->name, state);
}

/* An envelope key knows one algorithm. */
static void generate_envelope(struct ctl_call *c) {
    const struct jose_alg *alg = &jose_rsa1_5;
    struct span kid = SPAN_NONE, name = ctl_arg(c, "alg");
    if (name.ptr && !span_is(name, alg->name)) {
        ctl_refuse(c, "invalid_request", "alg: %s, or none, with --use envelope", alg->name);
        return;
    }
    enum err e = keyring_generate(c->idp->keyring, c->idp->store, c->channel, alg, c->arena, &kid);
    if (e == ERR_REFUSED)
        ctl_refuse(c, "refused", "the signer's policy file does not say \"envelopes\": \"on\"");
    else
        answer_key(c, e, alg, kid, "active");
}

void ctl_keys_generate(struct ctl_call *c) {
    struct span use = ctl_arg(c, "use"), kid = SPAN_NONE;
    if (span_is(use, key_use_name(KEY_USE_ENVELOPE))) {
        generate_envelope(c);
        return;
    }
    if (use.ptr && !span_is(use, key_use_name(KEY_USE_SIG))) {
        ctl_refuse(c, "invalid_request", "use: sig or envelope");
        return;
    }
    const struct jose_alg *alg = alg_wanted(c);
    if (alg)
        answer_key(c, keyring_generate(c->idp->keyring, c->idp->store, c->channel, alg, c->arena, &kid), alg,
                   kid, "next");
}

/* The parser of keys takes those that verify. Here only the numbers matter, not what they are for. */
static enum err add_pem(struct span public_jwk, struct buf *out) {
    AUTO_JSON json_t *j = NULL;
    AUTO_JWK struct jwk *key = NULL;
    CLEANUP(buf_done) struct buf numbers = BUF_INIT(JWK_MAX_BYTES);
    enum err e = json_parse_object(public_jwk, JWK_MAX_BYTES, &j);
    if (e)
        return e;
    json_object_del(j, "use");
    json_object_del(j, "alg");
    json_add_value(&JSON_OUT(&numbers), NULL, j);
    e = buf_err(&numbers);
    if (!e)
        e = jwk_parse(buf_span(&numbers), &key);
    return e ? e : jwk_public_pem(key, out);
}

void ctl_keys_public(struct ctl_call *c) {
    struct key_list keys = {0};
    struct span kid = ctl_arg(c, "kid");
    const struct key_row *key = NULL;
    if (!list_keys(c, &keys))
        return;
    for (size_t i = 0; i < keys.count; i++)
        if (span_eq(keys.item[i].kid, kid) && keys.item[i].public_jwk.len)
            key = &keys.item[i];
    enum err e = key ? add_pem(key->public_jwk, &c->text) : ERR_NOT_FOUND;
    if (e) {
        ctl_refuse_err(c, e, "key");
        return;
    }
    json_t *jwk = NULL;
    if (json_parse_object(key->public_jwk, JWK_MAX_BYTES, &jwk) == ERR_OK)
        c->out = json_pack("{ss% ss so ss%}", "kid", kid.ptr, kid.len, "use", key_use_name(key->use), "jwk", jwk,
                           "pem", c->text.data, c->text.len);
}

/* The old key stays published until nothing that it signed is still valid anywhere. */
static int64_t retire_seconds(const struct config *cfg) {
    int64_t longest = CLIENT_ACCESS_SECONDS_MAX;
    if (cfg->id_token_seconds > longest)
        longest = cfg->id_token_seconds;
    if (cfg->access_token_seconds > longest)
        longest = cfg->access_token_seconds;
    return longest + cfg->jwks_max_age + CACHE_MARGIN_SECONDS;
}

void ctl_keys_rotate(struct ctl_call *c) {
    const struct jose_alg *alg = alg_wanted(c);
    struct span kid = SPAN_NONE;
    if (alg)
        answer_key(c, keyring_rotate(c->idp->keyring, c->idp->store, c->channel, alg,
                                     retire_seconds(idp_config(c->idp)), c->arena, &kid),
                   alg, kid, "active");
}

/* ---- sessions ---- */

void ctl_session_list(struct ctl_call *c) {
    struct user u;
    struct session_list list = {0};
    if (!ctl_find_user(c, &u))
        return;
    struct batch b = BATCH_INIT(c->arena);
    store_session_list(&b, &u.id, c->now, &list);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "sessions");
        return;
    }
    c->out = json_array();
    for (size_t i = 0; i < list.count; i++) {
        const struct session *s = &list.item[i];
        char id[2 * SESSION_KEY_BYTES + 1], since[24];
        hex_encode(s->key.b, SESSION_KEY_BYTES, id);
        clock_format_utc(s->auth_time, since, sizeof since);
        int64_t seen = session_activity_last(c->idp->activity, &s->key, s->last_seen);
        json_array_append_new(c->out, json_pack("{ss sI sI sI ss% si}", "session_id", id, "auth_time",
                                                (json_int_t)s->auth_time, "last_seen", (json_int_t)seen,
                                                "expires_at", (json_int_t)s->expires_at, "network",
                                                s->network.ptr ? s->network.ptr : "", s->network.len,
                                                "level", session_loa(s)));
        buf_addf(&c->text, "%s %s %.*s\n", id, since, SPAN_FMT(s->network));
    }
}

void ctl_session_end(struct ctl_call *c) {
    struct session_key key;
    struct span id = ctl_arg(c, "session_id");
    size_t len;
    if (hex_decode(id, key.b, sizeof key.b, &len) || len != sizeof key.b) {
        ctl_refuse(c, "invalid_request", "session_id: %d hexadecimal digits", 2 * SESSION_KEY_BYTES);
        return;
    }
    struct batch b = BATCH_INIT(c->arena);
    store_session_end(&b, &key, NULL, c->now);
    ctl_audit(c, &b, "session_ended_by_staff", id);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "session");
        return;
    }
    c->out = json_pack("{ss% sb}", "session_id", id.ptr, id.len, "ended", 1);
    buf_addf(&c->text, "ended %.*s\n", SPAN_FMT(id));
}

static enum logout_state logout_state_find(struct span name) {
    for (int st = LOGOUT_WAITS; st < LOGOUT_STATES; st++)
        if (span_is(name, logout_state_name((enum logout_state)st)))
            return (enum logout_state)st;
    return LOGOUT_STATES;
}

static void add_delivery(struct ctl_call *c, const struct logout_delivery *d) {
    char user[2 * USER_ID_BYTES + 1], since[24], next[24];
    hex_encode(d->user_id.b, USER_ID_BYTES, user);
    clock_format_utc(d->created_at, since, sizeof since);
    clock_format_utc(d->next_at, next, sizeof next);
    json_array_append_new(
        c->out, json_pack("{ss% ss ss sI si sI sI}", "client_id", d->client_id.ptr, d->client_id.len,
                          "user_id", user, "state", logout_state_name(d->state), "attempts",
                          (json_int_t)d->attempts, "status", (int)d->status, "created_at",
                          (json_int_t)d->created_at,
                          d->state == LOGOUT_WAITS ? "next_at" : "ended_at", (json_int_t)d->next_at));
    buf_addf(&c->text, "%-9s %-24.*s %s %s %lld attempts, status %u\n", logout_state_name(d->state),
             SPAN_FMT(d->client_id), since, next, (long long)d->attempts, d->status);
}

/* Who was told that sessions have ended. What is still to be done stands first. */
void ctl_session_logout_status(struct ctl_call *c) {
    struct span wanted = ctl_arg(c, "state");
    enum logout_state only = wanted.ptr ? logout_state_find(wanted) : LOGOUT_WAITS;
    struct logout_list list[LOGOUT_STATES] = {0};
    struct batch b = BATCH_INIT(c->arena);
    int64_t most;
    if (!ctl_arg_int(c, "most", 1, LOGOUT_LISTED_MAX, LOGOUTS_DEFAULT, &most))
        return;
    if (only == LOGOUT_STATES) {
        ctl_refuse(c, "invalid_request", "state: waits, done, refused or given_up");
        return;
    }
    for (int st = LOGOUT_WAITS; st < LOGOUT_STATES; st++)
        if (!wanted.ptr || st == (int)only)
            store_logout_list(&b, (enum logout_state)st, (unsigned)most, &list[st]);
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "deliveries");
        return;
    }
    c->out = json_array();
    for (int st = LOGOUT_WAITS; st < LOGOUT_STATES; st++)
        for (size_t i = 0; i < list[st].count; i++)
            add_delivery(c, &list[st].item[i]);
}

/* ---- audit ---- */

static json_t *audit_out(const struct audit_row *r) {
    char hash[65] = "";
    if (r->hash.len == 32)
        hex_encode(r->hash.ptr, 32, hash);
    json_t *out = json_pack("{sI sI ss ss}", "seq", (json_int_t)r->seq, "at", (json_int_t)r->e.at, "event",
                            r->e.event, "hash", hash);
    const struct {
        const char *name;
        struct span value;
    } optional[] = {{"actor", r->e.actor},     {"target", r->e.target},         {"client_id", r->e.client_id},
                    {"address", r->e.address}, {"request_id", r->e.request_id}, {"detail", r->e.detail}};
    for (size_t i = 0; i < ARRAY_LEN(optional); i++)
        if (optional[i].value.ptr)
            json_object_set_new(out, optional[i].name,
                                json_stringn(optional[i].value.ptr, optional[i].value.len));
    return out;
}

void ctl_audit_tail(struct ctl_call *c) {
    struct audit_list list = {0};
    struct batch b = BATCH_INIT(c->arena);
    int64_t most, after;
    if (!ctl_arg_int(c, "most", 1, 1000, AUDIT_DEFAULT, &most) ||
        !ctl_arg_int(c, "after", 0, INT64_MAX, -1, &after))
        return;
    if (after < 0)
        store_audit_newest(&b, (unsigned)most, &list);
    else
        store_audit_tail(&b, after, (unsigned)most, &list);
    ctl_audit(c, &b, "audit_read", SPAN_NONE); /* reading the log is itself logged */
    enum err e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "audit");
        return;
    }
    c->out = json_array();
    for (size_t i = 0; i < list.count; i++) {
        const struct audit_row *r = &list.item[i];
        char at[24];
        clock_format_utc(r->e.at, at, sizeof at);
        json_array_append_new(c->out, audit_out(r));
        buf_addf(&c->text, "%lld %s %s actor=%.*s target=%.*s client=%.*s\n", (long long)r->seq, at,
                 r->e.event, SPAN_FMT(r->e.actor), SPAN_FMT(r->e.target), SPAN_FMT(r->e.client_id));
    }
}

/* ---- backup, status ---- */

void ctl_backup(struct ctl_call *c) {
    struct span path = ctl_arg(c, "path");
    const char *why = "backup";
    if (path.len == 0 || path.ptr[0] != '/') {
        ctl_refuse(c, "invalid_request", "path: an absolute path of a file that is not there yet");
        return;
    }
    enum err e = store_backup(c->idp->store, arena_strndup(c->arena, path.ptr, path.len), c->arena, &why);
    if (e) {
        ctl_refuse(c, "refused", "%s", why);
        return;
    }
    struct batch b = BATCH_INIT(c->arena);
    ctl_audit(c, &b, "backup_made", SPAN_NONE);
    e = store_write_wait(c->idp->store, &b);
    if (e) {
        ctl_refuse_err(c, e, "audit");
        return;
    }
    c->out = json_pack("{ss%}", "path", path.ptr, path.len);
    buf_addf(&c->text, "wrote and checked %.*s; the KEK is not in it\n", SPAN_FMT(path));
}

static json_t *signer_status(struct ctl_call *c) {
    const struct signer_request ask = {.op = SIGNER_OP_STATUS};
    struct signer_answer answer;
    json_t *status = NULL;
    if (signer_call(c->channel, &ask, 1, c->arena, &answer) || answer.err ||
        json_parse_object(answer.text, STATUS_MAX, &status))
        return json_pack("{sb}", "ready", 0);
    json_object_set_new(status, "ready", json_true());
    json_object_set_new(status, "pid", json_integer(signer_pid(c->idp->signer)));
    return status;
}

void ctl_status(struct ctl_call *c) {
    const struct config *cfg = idp_config(c->idp);
    struct store_stats stats;
    int64_t live = 0;
    struct batch b = BATCH_INIT(c->arena);
    store_session_count(&b, c->now, &live);
    bool healthy = store_write_wait(c->idp->store, &b) == ERR_OK && store_is_healthy(c->idp->store);
    store_stats_get(c->idp->store, &stats);
    json_t *signer = signer_status(c);
    c->out = json_pack("{ss% si sb so sI sI sI si}", "issuer", cfg->issuer.ptr, cfg->issuer.len, "pid",
                       (int)getpid(), "store_healthy", (int)healthy, "signer", signer, "sessions",
                       (json_int_t)live, "commits", (json_int_t)stats.commits, "writes",
                       (json_int_t)stats.jobs, "work_queue", (int)workpool_depth(c->idp->pool));
    buf_addf(&c->text, "%.*s\nstore %s, %lld live sessions, %llu commits\nsigner %s, sandbox %s, landlock %s\n",
             SPAN_FMT(cfg->issuer), healthy ? "healthy" : "STOPPED", (long long)live,
             (unsigned long long)stats.commits,
             json_is_true(json_object_get(signer, "ready")) ? "ready" : "NOT READY",
             json_is_true(json_object_get(signer, "sandbox")) ? "on" : "OFF",
             json_is_true(json_object_get(signer, "landlock")) ? "on" : "not available");
}
