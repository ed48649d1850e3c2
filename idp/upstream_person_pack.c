/* SPDX-License-Identifier: Apache-2.0
 *
 * An upstream answer in a pending row: a version, then the fields in order; see upstream_person.h. */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/claims.h"
#include "idp/upstream_person.h"

#define PACK_VERSION         1
#define IDENTIFIERS_JSON_MAX 4096 /* bytes */

static const size_t texts[] = {
#define TEXT(name) offsetof(struct upstream_person, name)
    TEXT(connector_id), TEXT(issuer),     TEXT(subject),      TEXT(sid),
    TEXT(id_token),     TEXT(logout_uri), TEXT(actor_number),
#undef TEXT
};

static enum err add_object(struct buf *out, const json_t *object) {
    AUTO_FREE char *text = json_dumps(object, JSON_COMPACT);
    if (!text)
        return ERR_NOMEM;
    buf_add_block(out, span_of(text));
    return ERR_OK;
}

enum err upstream_person_pack(const struct upstream_person *p, struct buf *out) {
    buf_add_u8(out, PACK_VERSION);
    buf_add_u8(out, (uint8_t)p->type);
    buf_add_u8(out, (uint8_t)p->level);
    buf_add_u64(out, (uint64_t)p->auth_time);
    buf_add_u64(out, (uint64_t)p->session_ends_at);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_add_block(out, *(const struct span *)((const char *)p + texts[i]));
    enum err e = add_object(out, p->claims);
    if (!e)
        e = add_object(out, p->identifiers);
    return e ? e : buf_err(out);
}

/* Nothing is empty and there: an empty text is an absent one. */
static enum err take_text(struct arena *a, struct reader *r, struct span *ret_text) {
    struct span text = reader_block(r);
    *ret_text = text.len ? arena_dup(a, text) : SPAN_NONE;
    return text.len && !ret_text->ptr ? ERR_NOMEM : ERR_OK;
}

enum err upstream_person_unpack(struct arena *a, struct span packed,
                                struct upstream_person *ret_person) {
    struct reader r = READER_INIT(packed);
    CLEANUP(upstream_person_done) struct upstream_person p = {0};
    if (reader_u8(&r) != PACK_VERSION)
        return ERR_SYNTAX;
    p.type = (enum user_type)reader_u8(&r);
    p.level = reader_u8(&r);
    p.auth_time = (int64_t)reader_u64(&r);
    p.session_ends_at = (int64_t)reader_u64(&r);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        enum err e = take_text(a, &r, (struct span *)((char *)&p + texts[i]));
        if (e)
            return e;
    }
    struct span claims = reader_block(&r), identifiers = reader_block(&r);
    if (reader_end(&r) || (p.type != USER_CITIZEN && p.type != USER_ENTERPRISE) || p.level < 1 ||
        p.level > 3 || !p.subject.len || json_parse_object(claims, CLAIMS_JSON_MAX, &p.claims) ||
        json_parse_object(identifiers, IDENTIFIERS_JSON_MAX, &p.identifiers))
        return ERR_SYNTAX;
    *ret_person = p;
    p.claims = p.identifiers = NULL;
    return ERR_OK;
}
