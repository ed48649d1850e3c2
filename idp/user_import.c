/* SPDX-License-Identifier: Apache-2.0
 *
 * See user_import.h. */
#include "idp/user_import.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/random.h"
#include "idp/claims.h"
#include "idp/config.h"
#include "idp/identifiers.h"
#include "idp/keyring.h"
#include "idp/password.h"
#include "idp/store/store.h"

#define SEALED_MAX 16384

struct import {
    struct idp *idp;
    struct signer_channel *channel;
    struct arena *arena;
    const json_t *object;
    struct user user;
    json_t *identifiers; /* normalised; owned */
    json_t *claims;      /* checked; owned */
    const char *at_fault;
};

static void import_done(struct import *i) {
    json_decref(i->identifiers);
    json_decref(i->claims);
}

static enum err fault(struct import *i, const char *member, enum err e) {
    if (e)
        i->at_fault = member;
    return e;
}

/* ---- members, one function each ---- */

static enum err take_username(struct import *i) {
    struct span typed = json_str(i->object, "username");
    return typed.len ? username_fold(i->arena, typed, &i->user.username) : ERR_MISSING;
}

static enum err take_type(struct import *i) {
    i->user.type = USER_CITIZEN;
    if (!json_object_get(i->object, "type"))
        return ERR_OK;
    return user_type_find(json_str(i->object, "type"), &i->user.type);
}

static enum err take_ial(struct import *i) {
    int64_t ial = 1;
    enum err e = json_int(i->object, "ial", &ial);
    i->user.ial = (int)ial;
    if (e == ERR_MISSING)
        return ERR_OK;
    return e ? e : ial == 1 || ial == 2 ? ERR_OK : ERR_RANGE;
}

static enum err take_require_change(struct import *i) {
    const json_t *v = json_object_get(i->object, "require_change");
    i->user.require_change = json_is_true(v);
    return !v || json_is_boolean(v) ? ERR_OK : ERR_SYNTAX;
}

static enum err take_identifiers(struct import *i) {
    const json_t *given = json_object_get(i->object, "identifiers");
    const char *name = NULL;
    if (!given) {
        i->identifiers = json_object();
        return i->identifiers ? ERR_OK : ERR_NOMEM;
    }
    enum err e = json_is_object(given) ? identifiers_check(i->arena, given, &i->identifiers, &name) : ERR_SYNTAX;
    if (e && name)
        i->at_fault = arena_printf(i->arena, "identifiers.%s", name);
    return e;
}

static enum err take_claims(struct import *i) {
    const json_t *given = json_object_get(i->object, "claims");
    const char *name = NULL;
    if (!given) {
        i->user.claims = SPAN("{}");
        return ERR_OK;
    }
    enum err e = json_is_object(given) ? claims_check(i->arena, given, &i->claims, &name) : ERR_SYNTAX;
    if (e) {
        if (name)
            i->at_fault = arena_printf(i->arena, "claims.%s", name);
        return e;
    }
    char *text = json_dumps(i->claims, JSON_COMPACT);
    i->user.claims = text ? arena_dup(i->arena, span_of(text)) : SPAN_NONE;
    free(text);
    return i->user.claims.ptr ? ERR_OK : ERR_NOMEM;
}

static enum err hash_new(struct import *i, struct span typed) {
    const struct config *cfg = idp_config(i->idp);
    const struct password_params params = {cfg->argon2_memory_kib, cfg->argon2_passes};
    struct span normal, kid = keyring_pepper_kid(i->idp->keyring);
    struct signer_answer answer;
    enum err e = password_normalise(i->arena, typed, &normal);
    if (e)
        return e;
    const struct signer_request ask = {.op = SIGNER_OP_PEPPER, .kid = kid, .bytes = normal};
    e = signer_call(i->channel, &ask, 1, i->arena, &answer);
    if (!e)
        e = answer.err;
    return e ? e : password_hash(i->arena, &params, answer.bytes, kid, &i->user.password_hash);
}

/* A password, a hash of one, or neither: an account that signs in another way. */
static enum err take_password(struct import *i) {
    const json_t *plain = json_object_get(i->object, "password"),
                 *hashed = json_object_get(i->object, "password_hash");
    if ((plain && !json_is_string(plain)) || (plain && hashed))
        return ERR_SYNTAX;
    if (plain)
        return hash_new(i, json_str(i->object, "password"));
    if (!hashed)
        return ERR_OK;
    i->user.password_hash = json_str(i->object, "password_hash");
    return i->user.password_hash.ptr ? password_hash_check(i->user.password_hash) : ERR_SYNTAX;
}

static const struct {
    const char *name;
    enum err (*take)(struct import *i);
} members[] = {
    {"username", take_username},       {"type", take_type},     {"ial", take_ial},
    {"require_change", take_require_change}, {"identifiers", take_identifiers},
    {"claims", take_claims},           {"password", take_password}, {"password_hash", NULL},
};

static enum err check_names(struct import *i) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)i->object, name, value) {
        size_t m = 0;
        while (m < ARRAY_LEN(members) && strcmp(members[m].name, name) != 0)
            m++;
        if (m == ARRAY_LEN(members)) {
            i->at_fault = arena_printf(i->arena, "%s: unknown member", name);
            return ERR_UNSUPPORTED;
        }
    }
    return ERR_OK;
}

static enum err take_all(struct import *i) {
    enum err e = check_names(i);
    for (size_t m = 0; !e && m < ARRAY_LEN(members); m++) {
        i->at_fault = NULL;
        e = members[m].take ? members[m].take(i) : ERR_OK;
        if (e && !i->at_fault)
            return fault(i, members[m].name, e);
    }
    return e;
}

/* ---- the batch ---- */

static enum err seal_identifiers(struct import *i) {
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(SEALED_MAX);
    if (json_object_size(i->identifiers) == 0)
        return ERR_OK;
    enum err e = identifiers_seal(i->idp->keyring, &i->user.id, i->identifiers, &sealed);
    if (e)
        return e;
    i->user.identifiers = arena_dup(i->arena, buf_span(&sealed));
    return i->user.identifiers.ptr ? ERR_OK : ERR_NOMEM;
}

static void index_identifiers(struct import *i, struct batch *b) {
    const char *name;
    json_t *value;
    json_object_foreach(i->identifiers, name, value) {
        const struct identifier_kind *kind = identifier_kind_find(span_of(name));
        unsigned char index[32];
        if (!kind || !kind->is_unique)
            continue;
        keyring_index(i->idp->keyring, name,
                      span_bytes(json_string_value(value), json_string_length(value)), index);
        store_identifier_insert(b, name, span_bytes(index, sizeof index), &i->user.id);
    }
}

static enum err write_all(struct import *i, struct span actor) {
    char hex[2 * USER_ID_BYTES + 1];
    struct batch b = BATCH_INIT(i->arena);
    hex_encode(i->user.id.b, USER_ID_BYTES, hex);
    store_user_insert(&b, &i->user);
    index_identifiers(i, &b);
    store_audit(&b, &(struct audit_event){.at = i->user.created_at, .event = "user_added", .actor = actor,
                                          .target = span_of(hex)});
    enum err e = store_write_wait(i->idp->store, &b);
    if (e == ERR_EXISTS)
        i->at_fault = b.failed_op == 0 ? "username" : "identifiers";
    return e;
}

enum err user_import(struct idp *idp, struct signer_channel *channel, struct arena *a, const json_t *object,
                     struct span actor, struct user_id *ret_id, const char **reterr_text) {
    CLEANUP(import_done) struct import i = {.idp = idp, .channel = channel, .arena = a, .object = object};
    int64_t now = clock_now();
    i.user.status = USER_ACTIVE;
    i.user.created_at = i.user.updated_at = now;
    random_bytes(i.user.id.b, USER_ID_BYTES);
    enum err e = take_all(&i);
    if (!e)
        e = seal_identifiers(&i);
    if (!e)
        e = write_all(&i, actor);
    if (e) {
        *reterr_text = i.at_fault ? i.at_fault : "account";
        return e;
    }
    *ret_id = i.user.id;
    return ERR_OK;
}
