/* SPDX-License-Identifier: Apache-2.0
 *
 * One new account from a JSON object; see user_import.h. */
#include "idp/user_import.h"

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

#define SEALED_IDENTIFIERS_MAX 8192

struct import {
    struct idp *idp;
    const struct user_order *order;
    struct arena *a;
    const json_t *object;
    struct user user;
    struct span password;         /* as typed */
    json_t *claims, *identifiers; /* normalised */
    json_t *keys;                 /* texts that no two accounts may share */
    bool number_disagrees;
    const char *why;
};

static void import_done(struct import *im) {
    json_cleanup(&im->claims);
    json_cleanup(&im->identifiers);
    json_cleanup(&im->keys);
}

static enum err refuse(struct import *im, enum err e, const char *member, const char *why) {
    im->why = arena_printf(im->a, "%s %s", member, why);
    if (!im->why)
        im->why = err_text(ERR_NOMEM);
    return e;
}

/* ---- members ---- */

static enum err take_username(struct import *im, const json_t *value) {
    enum err e = username_fold(im->a, json_text(value), &im->user.username);
    return e ? refuse(im, e, "username",
                      e == ERR_TOO_LONG ? "is too long"
                                        : "must be text without spaces or invisible characters")
             : ERR_OK;
}

static enum err take_password(struct import *im, const json_t *value) {
    im->password = json_text(value);
    return im->password.len ? ERR_OK : refuse(im, ERR_SYNTAX, "password", "must be text");
}

static enum err take_password_hash(struct import *im, const json_t *value) {
    im->user.password_hash = json_text(value);
    enum err e = password_hash_check(im->user.password_hash);
    return !e ? ERR_OK
              : refuse(
                    im, e, "password_hash",
                    e == ERR_RANGE
                        ? "asks for more memory or time than is allowed"
                        : "must be argon2id, scrypt or pbkdf2-sha256/512 as PHC string, or bcrypt");
}

static enum err take_type(struct import *im, const json_t *value) {
    return user_type_find(json_text(value), &im->user.type)
               ? refuse(im, ERR_SYNTAX, "type", "must be citizen, enterprise or official")
               : ERR_OK;
}

static enum err take_ial(struct import *im, const json_t *value) {
    json_int_t ial = json_is_integer(value) ? json_integer_value(value) : 0;
    if (ial < 1 || ial > 2)
        return refuse(im, ERR_SYNTAX, "ial", "must be 1 or 2");
    im->user.ial = (int)ial;
    return ERR_OK;
}

static enum err take_identifiers(struct import *im, const json_t *value) {
    const char *name = NULL;
    if (!json_is_object(value))
        return refuse(im, ERR_SYNTAX, "identifiers", "must be an object");
    enum err e = identifiers_check(im->a, value, &im->identifiers, &name);
    if (!e)
        return ERR_OK;
    const struct identifier_kind *kind = name ? identifier_kind_find(span_of(name)) : NULL;
    return refuse(im, e, arena_printf(im->a, "identifiers.%s", name ? name : "?"),
                  kind ? arena_printf(im->a, "is not valid (%s)", kind->spec) : "is not known");
}

static enum err take_claims(struct import *im, const json_t *value) {
    const char *name = NULL;
    if (!json_is_object(value))
        return refuse(im, ERR_SYNTAX, "claims", "must be an object");
    enum err e = claims_check(im->a, value, &im->claims, &name);
    if (!e)
        return ERR_OK;
    const char *why = e != ERR_UNSUPPORTED ? "is not valid"
                      : name && identifier_kind_find(span_of(name))
                          ? "belongs into identifiers"
                          : "is no claim that an account can hold";
    return refuse(im, e, arena_printf(im->a, "claims.%s", name ? name : "?"), why);
}

static enum err take_require_change(struct import *im, const json_t *value) {
    im->user.require_change = json_is_true(value);
    return json_is_boolean(value)
               ? ERR_OK
               : refuse(im, ERR_SYNTAX, "require_change", "must be true or false");
}

static const struct {
    const char *name;
    enum err (*take)(struct import *im, const json_t *value);
} members[] = {
    {"username", take_username},
    {"password", take_password},
    {"password_hash", take_password_hash},
    {"type", take_type},
    {"ial", take_ial},
    {"identifiers", take_identifiers},
    {"claims", take_claims},
    {"require_change", take_require_change},
};

static enum err take_members(struct import *im) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)im->object, name, value) {
        size_t i = 0;
        while (i < ARRAY_LEN(members) && strcmp(members[i].name, name) != 0)
            i++;
        enum err e = i == ARRAY_LEN(members)
                         ? refuse(im, ERR_UNSUPPORTED, name, "is not a known member")
                         : members[i].take(im, value);
        if (e)
            return e;
    }
    if (!im->user.username.len)
        return refuse(im, ERR_MISSING, "username", "is missing");
    if (im->password.len && im->user.password_hash.len)
        return refuse(im, ERR_SYNTAX, "password", "and password_hash must not both be given");
    return ERR_OK;
}

/* ---- the account ---- */

enum err user_password_make(struct idp *idp, struct signer_channel *channel, struct arena *a,
                            struct span typed, struct span *ret_hash) {
    const struct config *cfg = idp_config(idp);
    const struct password_params params = {cfg->argon2_memory_kib, cfg->argon2_passes};
    struct span normal, kid = keyring_pepper_kid(idp->keyring);
    enum err e = password_normalise(a, typed, &normal);
    if (e)
        return e;
    const struct signer_request ask = {.op = SIGNER_OP_PEPPER, .kid = kid, .bytes = normal};
    struct signer_answer answer;
    if (signer_call(channel, &ask, 1, a, &answer) || answer.err)
        return ERR_UNAVAILABLE;
    return password_hash(a, &params, answer.bytes, kid, ret_hash);
}

static int birth_year(const json_t *claims) {
    struct span date = json_str(claims, "NgayThangNamSinh");
    if (!date.len)
        date = json_str(claims, "birthdate");
    int year = 0;
    for (size_t i = 0; i < 4 && i < date.len; i++)
        year = year * 10 + (date.ptr[i] - '0');
    return year;
}

/* A slip in a register is worth a note in the log of events, never a refusal. */
static void compare_number(struct import *im) {
    struct span number = json_str(im->identifiers, "SoDinhDanh"),
                gender = json_str(im->claims, "gender");
    json_int_t sex = json_integer_value(json_object_get(im->claims, "GioiTinh"));
    if (!sex && gender.len)
        sex = span_is(gender, "male") ? 1 : span_is(gender, "female") ? 2 : 0;
    im->number_disagrees =
        number.len && !personal_number_agrees(number, sex >= 0 && sex <= 2 ? (int)sex : 0,
                                              birth_year(im->claims));
}

static enum err dump(struct import *im, const json_t *object, size_t max, struct span *ret_text) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(max);
    struct json_out o = JSON_OUT(&text);
    json_add_value(&o, NULL, object);
    enum err e = buf_err(&text);
    if (e)
        return e;
    *ret_text = arena_dup(im->a, buf_span(&text));
    return ret_text->ptr ? ERR_OK : ERR_NOMEM;
}

static enum err complete(struct import *im) {
    struct user *u = &im->user;
    u->created_at = u->updated_at = clock_now();
    random_bytes(u->id.b, sizeof u->id.b);
    enum err e = ERR_OK;
    if (im->claims && (e = dump(im, im->claims, CLAIMS_JSON_MAX, &u->claims)))
        return refuse(im, e, "claims", "are too long");
    if (json_object_size(im->identifiers)) {
        CLEANUP(buf_done) struct buf sealed = BUF_INIT(SEALED_IDENTIFIERS_MAX);
        e = identifiers_seal(im->idp->keyring, &u->id, im->identifiers, &sealed);
        if (e)
            return e;
        u->identifiers = arena_dup(im->a, buf_span(&sealed));
        if (!u->identifiers.ptr)
            return ERR_NOMEM;
    }
    if (!im->password.len || im->order->is_dry)
        return ERR_OK;
    e = user_password_make(im->idp, im->order->channel, im->a, im->password, &u->password_hash);
    if (e == ERR_SYNTAX || e == ERR_TOO_LONG)
        return refuse(im, e, "password", "must be UTF-8 text of at most 1024 bytes");
    return e;
}

static enum err add_key(struct import *im, const char *kind, struct span value) {
    const char *key = arena_printf(im->a, "%s:%.*s", kind, SPAN_FMT(value));
    return key && !json_array_append_new(im->keys, json_string(key)) ? ERR_OK : ERR_NOMEM;
}

/* Account and identifiers; the batch stops where something is taken. */
static enum err insert(struct import *im, struct batch *b) {
    store_user_insert(b, &im->user);
    enum err e = add_key(im, "username", im->user.username);
    const char *name;
    json_t *value;
    json_object_foreach(im->identifiers, name, value) {
        unsigned char index[32];
        char hex[2 * sizeof index + 1];
        if (e || !identifier_kind_find(span_of(name))->is_unique)
            continue;
        keyring_index(im->idp->keyring, name, json_text(value), index);
        struct span copy = arena_dup(im->a, span_bytes(index, sizeof index));
        store_identifier_insert(b, name, copy, &im->user.id);
        hex_encode(index, sizeof index, hex);
        e = add_key(im, name, span_of(hex));
    }
    return e;
}

static void add_audit(struct import *im, struct batch *b) {
    char hex[2 * USER_ID_BYTES + 1];
    hex_encode(im->user.id.b, sizeof im->user.id.b, hex);
    store_audit(b, &(struct audit_event){
                       .at = im->user.created_at,
                       .event = "user_created",
                       .actor = im->order->actor,
                       .target = span_of(arena_strdup(im->a, hex)),
                       .detail = im->number_disagrees
                                     ? SPAN("{\"warning\":\"personal_number_disagrees\"}")
                                     : SPAN_NONE,
                   });
}

static enum err build(struct import *im, struct batch *b) {
    enum err e = json_is_object(im->object)
                     ? take_members(im)
                     : refuse(im, ERR_SYNTAX, "the account", "must be a JSON object");
    if (e)
        return e;
    compare_number(im);
    e = complete(im);
    if (!e)
        e = insert(im, b);
    if (e)
        return e;
    if (im->order->is_dry)
        store_dry_run(b);
    else
        add_audit(im, b);
    return ERR_OK;
}

enum err user_import_build(const struct user_order *order, const json_t *object, struct batch *b,
                           struct user_id *ret_id, json_t **ret_keys, const char **reterr_text) {
    CLEANUP(import_done)
    struct import im = {
        .idp = order->idp,
        .order = order,
        .a = b->arena,
        .object = object,
        .user = {.found = true, .type = USER_CITIZEN, .status = USER_ACTIVE, .ial = 1},
        .keys = json_array()};
    enum err e = build(&im, b);
    if (e) {
        *reterr_text = im.why ? im.why : err_text(e);
        return e;
    }
    *ret_id = im.user.id;
    *ret_keys = TAKE(im.keys);
    return ERR_OK;
}

enum err user_import_result(const struct batch *b, const char **reterr_text) {
    enum err e = store_dry_run_passed(b) ? ERR_OK : b->result;
    if (e)
        *reterr_text = e != ERR_EXISTS     ? err_text(e)
                       : b->failed_op == 0 ? "username is taken"
                                           : "identifiers belong to another account";
    return e;
}

enum err user_import(struct idp *idp, struct signer_channel *channel, struct arena *a,
                     const json_t *object, struct span actor, struct user_id *ret_id,
                     const char **reterr_text) {
    const struct user_order order = {.idp = idp, .channel = channel, .actor = actor};
    AUTO_JSON json_t *keys = NULL;
    struct batch b = BATCH_INIT(a);
    enum err e = user_import_build(&order, object, &b, ret_id, &keys, reterr_text);
    if (e)
        return e;
    b.result = store_write_wait(idp->store, &b);
    return user_import_result(&b, reterr_text);
}
