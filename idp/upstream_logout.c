/* SPDX-License-Identifier: Apache-2.0
 *
 * See upstream_logout.h. */
#include "idp/upstream_logout.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "idp/config.h"
#include "idp/flow.h"
#include "idp/idp.h"
#include "idp/keyring.h"

#define PURPOSE    "upstream_logout"
#define TICKET_MAX 8192 /* bytes */
#define ROW_MAX    24576

enum err upstream_logout_build(struct request *req, const struct upstream_session *s,
                               struct span next, struct upstream_logout *ret_logout) {
    AUTO_JSON json_t *object = NULL;
    struct span plain;
    const struct connector *c =
        s->found ? config_connector_find(request_config(req), s->connector) : NULL;
    if (!c || !c->is_enabled || !c->logs_out_upstream)
        return ERR_NOT_FOUND;
    enum err e = keyring_data_open(request_idp(req)->keyring, req->arena,
                                   span_bytes(s->subject_index, SUBJECT_INDEX_BYTES), s->sealed, &plain);
    if (!e)
        e = json_parse_object(plain, ROW_MAX, &object);
    if (e)
        return e;
    *ret_logout = (struct upstream_logout){
        .connector_id = c->id,
        .id_token = arena_dup(req->arena, json_str(object, "id_token")),
        .logout_uri = arena_dup(req->arena, json_str(object, "logout_uri")),
        .next = next,
    };
    return ERR_OK;
}

enum err upstream_logout_seal(struct request *req, const struct upstream_logout *l,
                              struct span *ret_ticket) {
    CLEANUP(buf_done) struct buf plain = BUF_INIT(TICKET_MAX), sealed = BUF_INIT(TICKET_MAX + 128);
    /* The flow cookie is the browser's name here; csrf_token makes one where there is none. */
    if (!csrf_token(req, PURPOSE).len)
        return ERR_NOMEM;
    buf_add_block(&plain, l->connector_id);
    buf_add_block(&plain, l->id_token);
    buf_add_block(&plain, l->logout_uri);
    buf_add_block(&plain, l->next);
    enum err e = buf_err(&plain);
    if (!e)
        e = keyring_seal(request_idp(req)->keyring, PURPOSE, req->browser, buf_span(&plain), req->now,
                         &sealed);
    if (e)
        return e;
    char *text = arena_alloc(req->arena, B64URL_LEN(sealed.len) + 1);
    if (!text)
        return ERR_NOMEM;
    *ret_ticket = span_bytes(text, b64url_encode(sealed.data, sealed.len, text));
    return ERR_OK;
}

enum err upstream_logout_link(struct request *req, const struct upstream_logout *l,
                              struct span *ret_link) {
    struct span ticket;
    enum err e = upstream_logout_seal(req, l, &ticket);
    if (e)
        return e;
    *ret_link =
        span_of(arena_printf(req->arena, "/upstream/sign-out?ticket=%.*s", SPAN_FMT(ticket)));
    return ret_link->ptr ? ERR_OK : ERR_NOMEM;
}

enum err upstream_logout_open(struct request *req, struct span ticket,
                              struct upstream_logout *ret_logout) {
    struct span sealed, plain;
    req->browser = request_own_cookie(req, "flow");
    if (!req->browser.len)
        return ERR_BAD_SIGNATURE;
    enum err e = b64url_decode_arena(req->arena, ticket, &sealed);
    if (!e)
        e = keyring_unseal(request_idp(req)->keyring, req->arena, PURPOSE, req->browser, sealed, req->now,
                           &plain);
    if (e)
        return e;
    struct reader r = READER_INIT(plain);
    struct upstream_logout l;
    l.connector_id = reader_block(&r);
    l.id_token = reader_block(&r);
    l.logout_uri = reader_block(&r);
    l.next = reader_block(&r);
    e = reader_end(&r);
    if (!e)
        *ret_logout = l;
    return e;
}
