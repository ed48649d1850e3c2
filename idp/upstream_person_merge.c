/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upstream answer changes in an account; see upstream_person.h. */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/claims.h"
#include "idp/upstream_person.h"

/* Claims that a new value makes stale: the one that says the same in the other vocabulary, and those
 * that are about the old value. "Verified" above all: it was another address that was. */
static const struct succession {
    const char *name, *twin;
    const char *also; /* space-separated */
} successions[] = {
    {"HoVaTen", "name", "family_name given_name middle_name"},
    {"name", "HoVaTen", "family_name given_name middle_name"},
    {"NgayThangNamSinh", "birthdate", ""},
    {"birthdate", "NgayThangNamSinh", ""},
    {"GioiTinh", "gender", ""},
    {"gender", "GioiTinh", ""},
    {"ThuDienTu", "email", "email_verified"},
    {"email", "ThuDienTu", "email_verified"},
    {"SoDienThoai", "phone_number", "SoDienThoai phone_number_verified"},
    {"phone_number", "SoDienThoai", "phone_number_verified"},
    {"DiaChi", "address", ""},
    {"address", "DiaChi", ""},
};

struct merge {
    const struct upstream_person *p;
    json_t *claims, *identifiers; /* the account's, changed in place */
    json_t *changes;
};

/* A name that is both claim and identifier (SoDienThoai) is one change, with the value that was. */
static enum err note(struct merge *m, const char *name, const json_t *old, const json_t *new) {
    json_t *known = json_object_get(m->changes, name);
    if (known)
        return old && json_is_null(json_array_get(known, 0)) &&
                       json_array_set(known, 0, (json_t *)old)
                   ? ERR_NOMEM
                   : ERR_OK;
    AUTO_JSON json_t *pair = json_array();
    if (json_array_append_new(pair, old ? json_incref((json_t *)old) : json_null()) ||
        json_array_append_new(pair, new ? json_incref((json_t *)new) : json_null()) ||
        json_object_set(m->changes, name, pair))
        return ERR_NOMEM;
    return ERR_OK;
}

/* Takes a claim out of the account, unless this answer gives it anew. */
static enum err outdate(struct merge *m, const char *name) {
    const json_t *old = json_object_get(m->claims, name);
    if (!old || json_object_get(m->p->claims, name))
        return ERR_OK;
    enum err e = note(m, name, old, NULL);
    (void)json_object_del(m->claims, name);
    return e;
}

static enum err succeed(struct merge *m, const struct succession *s) {
    enum err e = outdate(m, s->twin);
    for (struct span rest = span_of(s->also), word; !e && (word = span_word(&rest)).len;) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(1024);
        const char *name = arena_strndup(&a, word.ptr, word.len);
        e = name ? outdate(m, name) : ERR_NOMEM;
    }
    return e;
}

static enum err take(struct merge *m, json_t *into, const char *name, json_t *value) {
    const json_t *old = json_object_get(into, name);
    if (old && json_equal(old, value))
        return ERR_OK;
    enum err e = note(m, name, old, value);
    for (size_t i = 0; !e && i < ARRAY_LEN(successions); i++) {
        const struct succession *s = &successions[i];
        const json_t *twin = json_object_get(m->claims, s->twin);
        bool is_known = !old && twin && json_equal(twin, value);
        if (strcmp(s->name, name) == 0 && !is_known)
            e = succeed(m, s);
    }
    if (!e && json_object_set(into, name, value))
        e = ERR_NOMEM;
    return e;
}

static enum err take_all(struct merge *m, json_t *into, const json_t *from) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)from, name, value) {
        enum err e = take(m, into, name, value);
        if (e)
            return e;
    }
    return ERR_OK;
}

static json_t *copy_of(const json_t *object) {
    return object ? json_deep_copy(object) : json_object();
}

enum err upstream_person_merge(const struct upstream_person *p, const json_t *claims,
                               const json_t *identifiers, json_t **ret_claims,
                               json_t **ret_identifiers, json_t **ret_changes) {
    AUTO_JSON json_t *new_claims = copy_of(claims);
    AUTO_JSON json_t *new_identifiers = copy_of(identifiers);
    AUTO_JSON json_t *changes = json_object();
    if (!new_claims || !new_identifiers || !changes)
        return ERR_NOMEM;
    struct merge m = {p, new_claims, new_identifiers, changes};
    enum err e = take_all(&m, new_identifiers, p->identifiers);
    if (!e)
        e = take_all(&m, new_claims, p->claims);
    if (e)
        return e;
    if (json_dumpb(new_claims, NULL, 0, JSON_COMPACT) > CLAIMS_JSON_MAX)
        return ERR_TOO_LONG;
    *ret_claims = TAKE(new_claims);
    *ret_identifiers = TAKE(new_identifiers);
    *ret_changes = json_object_size(changes) ? TAKE(changes) : NULL;
    return ERR_OK;
}
