/* SPDX-License-Identifier: Apache-2.0
 *
 * See sign_in_session.h. Device cookie: base64url(user id 16 || issue time 8 || MAC 16); it proves
 * nothing but that this browser has signed in to the account before. */
#include "web/sign_in_session.h"

#include "base/encode.h"
#include "base/secret.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "idp/keyring.h"
#include "idp/store/store.h"

#define DEVICE_BYTES (USER_ID_BYTES + 8)
#define DEVICE_MAC_BYTES 16
#define DEVICE_SECONDS (400 * 86400) /* the longest that browsers keep a cookie */
#define USER_AGENT_MAX 200

/* What the account page and audit say of the browser: printable, in the arena. */
static struct span browser_description(struct request *req) {
    struct span agent = request_header(req, "User-Agent");
    if (agent.len > USER_AGENT_MAX)
        agent.len = USER_AGENT_MAX;
    char *copy = arena_strndup(req->arena, agent.ptr ? agent.ptr : "", agent.len);
    if (!copy)
        return SPAN_NONE;
    for (char *p = copy; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    return span_of(copy);
}

static struct span user_hex(struct request *req, const struct user_id *id) {
    char hex[2 * USER_ID_BYTES + 1];
    hex_encode(id->b, sizeof id->b, hex);
    return span_of(arena_strdup(req->arena, hex));
}

static struct span audit_detail(struct request *req, const struct sign_in_proof *proof) {
    if (!proof->connector.len)
        return SPAN_NONE;
    return span_of(arena_printf(req->arena, "{\"method\":\"%s\",\"connector\":\"%.*s\"}", proof->method,
                                SPAN_FMT(proof->connector)));
}

static int64_t ends_at(const struct request *req, const struct sign_in_proof *proof) {
    int64_t ours = req->now + request_config(req)->session_absolute_seconds;
    return proof->ends_at && proof->ends_at < ours ? proof->ends_at : ours;
}

/* The same person's session is renewed, with its grants. One in which somebody acts goes on acting, unless it is over
 * or upstream says anew who acts: an act is never inherited from a stranger (U05). */
static bool goes_on(const struct request *req, const struct session *previous, const struct user *user,
                    const struct sign_in_proof *proof) {
    if (!previous->found || previous->ended_at ||
        memcmp(previous->user.id.b, user->id.b, USER_ID_BYTES) != 0)
        return false;
    if (proof->connector.len && previous->has_actor != (proof->actor != NULL))
        return false;
    if (proof->actor && memcmp(previous->actor.b, proof->actor->b, USER_ID_BYTES) != 0)
        return false;
    return !previous->has_actor || req->now < previous->expires_at;
}

void sign_in_session_write(struct request *req, struct sign_in_session *s, const struct user *user,
                           const struct session *previous, const struct sign_in_proof *proof) {
    s->fresh = (struct session){
        .found = true,
        .user = *user,
        .created_at = req->now,
        .auth_time = proof->auth_time,
        .last_seen = req->now,
        .expires_at = ends_at(req, proof),
        .aal = proof->aal,
        .amr = proof->amr,
        .network = span_of(req->client.network),
        .user_agent = browser_description(req),
        .has_actor = proof->actor != NULL,
    };
    if (proof->actor)
        s->fresh.actor = *proof->actor;
    session_cookie_new(req->now, s->cookie, &s->fresh.key);

    store_user_unchanged(&req->write, user);
    if (goes_on(req, previous, user, proof))
        store_session_renew(&req->write, &previous->key, &s->fresh);
    else
        store_session_insert(&req->write, &s->fresh, previous->found ? &previous->key : NULL);
    store_audit(&req->write, &(struct audit_event){
                                 .at = req->now,
                                 .event = "login",
                                 .actor = user_hex(req, &user->id),
                                 .address = span_of(req->client.text),
                                 .request_id = span_of(req->id),
                                 .detail = audit_detail(req, proof),
                             });
}

static void device_mac(const struct request *req, const unsigned char bytes[DEVICE_BYTES],
                       unsigned char out[32]) {
    keyring_mac(request_idp(req)->keyring, "device", span_bytes(bytes, DEVICE_BYTES), out);
}

static void device_respond(struct request *req, const struct user_id *user) {
    unsigned char bytes[DEVICE_BYTES + 32];
    memcpy(bytes, user->b, USER_ID_BYTES);
    for (unsigned i = 0; i < 8; i++)
        bytes[USER_ID_BYTES + i] = (unsigned char)((uint64_t)req->now >> (56 - 8 * i));
    device_mac(req, bytes, bytes + DEVICE_BYTES);
    char text[B64URL_LEN(DEVICE_BYTES + DEVICE_MAC_BYTES)];
    size_t n = b64url_encode(bytes, DEVICE_BYTES + DEVICE_MAC_BYTES, text);
    respond_cookie(req, "device", arena_dup(req->arena, span_bytes(text, n)),
                   &(struct cookie_options){.max_age = DEVICE_SECONDS});
}

bool device_is_known(const struct request *req, const struct user_id *user) {
    unsigned char bytes[DEVICE_BYTES + DEVICE_MAC_BYTES], mac[32];
    size_t len;
    if (b64url_decode(request_own_cookie(req, "device"), bytes, sizeof bytes, &len) ||
        len != sizeof bytes)
        return false;
    device_mac(req, bytes, mac);
    if (!ct_equal(span_bytes(bytes + DEVICE_BYTES, DEVICE_MAC_BYTES), span_bytes(mac, DEVICE_MAC_BYTES)))
        return false;
    uint64_t issued = 0;
    for (unsigned i = 0; i < 8; i++)
        issued = issued << 8 | bytes[USER_ID_BYTES + i];
    return memcmp(bytes, user->b, USER_ID_BYTES) == 0 && req->now - (int64_t)issued < DEVICE_SECONDS;
}

void sign_in_session_respond(struct request *req, const struct sign_in_session *s) {
    respond_cookie(req, "session", arena_dup(req->arena, span_of(s->cookie)),
                   &(struct cookie_options){0});
    device_respond(req, &s->fresh.user.id);
}
