/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: an account is made whole or not at all; its password opens it and nothing else does;
 * no personal number stands readable in the database; nobody gets a taken name or number. With a
 * real store and a real idp-signer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "idp/config.h"
#include "idp/identifiers.h"
#include "idp/keyring.h"
#include "idp/password.h"
#include "idp/store/store.h"
#include "idp/user_import.h"
#include "tests/unit/support/signer_fixture.h"

struct fixture {
    struct signer_files files;
    struct config config;
    struct idp idp;
    struct arena arena;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    const char *why = "";
    assert_non_null(f);
    f->arena = ARENA_INIT(64 * 1024 * 1024);
    f->config.argon2_memory_kib = 8192;
    f->config.argon2_passes = 1;
    f->idp.config = &f->config;
    signer_files_make(&f->files);
    assert_int_equal(signer_start(getenv("IDP_SIGNER"), f->files.policy, 1, &f->idp.signer),
                     ERR_OK);
    assert_int_equal(store_open(f->files.store, &f->arena, &f->idp.store, &why), ERR_OK);
    assert_int_equal(keyring_new(f->idp.store, signer_channel(f->idp.signer, 0), &f->idp.keyring),
                     ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    keyring_free(f->idp.keyring);
    store_close(f->idp.store);
    signer_stop(f->idp.signer);
    signer_files_remove(&f->files);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static enum err add(struct fixture *f, const char *text, struct user_id *ret_id, const char **why) {
    AUTO_JSON json_t *object = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(object);
    *why = "";
    return user_import(&f->idp, signer_channel(f->idp.signer, 0), &f->arena, object,
                       SPAN("staff:0"), ret_id, why);
}

static struct user find(struct fixture *f, const char *name) {
    struct batch b = BATCH_INIT(&f->arena);
    struct user u = {0};
    store_user_by_name(&b, span_of(name), &u);
    assert_int_equal(store_write_wait(f->idp.store, &b), ERR_OK);
    return u;
}

static enum verdict opens(struct fixture *f, const struct user *u, const char *password) {
    struct span kid, normal;
    if (password_normalise(&f->arena, span_of(password), &normal))
        return DENY;
    if (!password_hash_pepper(u->password_hash, &kid))
        return password_verify(u->password_hash, normal, SPAN_NONE);
    const struct signer_request ask = {.op = SIGNER_OP_PEPPER, .kid = kid, .bytes = normal};
    struct signer_answer answer;
    assert_int_equal(signer_call(signer_channel(f->idp.signer, 0), &ask, 1, &f->arena, &answer),
                     ERR_OK);
    return password_verify(u->password_hash, normal, answer.bytes);
}

static void test_whole(void **state) {
    struct fixture *f = *state;
    struct user_id id;
    const char *why;
    assert_int_equal(
        add(f,
            "{\"username\":\"Nguyen.An\",\"password\":\"mật khẩu của "
            "tôi\",\"type\":\"official\",\"ial\":2,"
            "\"identifiers\":{\"SoDinhDanh\":\"030 090 001 234\",\"SoDienThoai\":\"0912345678\"},"
            "\"claims\":{\"HoVaTen\":\"Nguyễn "
            "An\",\"GioiTinh\":1,\"NgayThangNamSinh\":\"19900212\"},"
            "\"require_change\":true}",
            &id, &why),
        ERR_OK);
    struct user u = find(f, "nguyen.an");
    assert_true(u.found);
    assert_memory_equal(&u.id, &id, sizeof id);
    assert_int_equal(u.type, USER_OFFICIAL);
    assert_int_equal(u.status, USER_ACTIVE);
    assert_int_equal(u.ial, 2);
    assert_true(u.require_change);
    assert_int_equal(opens(f, &u, "mật khẩu của tôi"), ALLOW);
    assert_int_equal(opens(f, &u,
                           "ma\xcc\xa3\xcc\x82t kha\xcc\x82\xcc\x89u cu\xcc\x89"
                           "a to\xcc\x82i"),
                     ALLOW);
    assert_int_equal(opens(f, &u, "mật khẩu của tô"), DENY);

    AUTO_JSON json_t *ids = NULL;
    assert_int_equal(identifiers_open(f->idp.keyring, &f->arena, &u, &ids), ERR_OK);
    assert_true(span_is(json_str(ids, "SoDinhDanh"), "030090001234"));
    struct user other = u;
    other.id.b[0] ^= 1; /* moved to another row */
    AUTO_JSON json_t *stolen = NULL;
    assert_int_not_equal(identifiers_open(f->idp.keyring, &f->arena, &other, &stolen), ERR_OK);

    unsigned char index[32];
    struct batch b = BATCH_INIT(&f->arena);
    struct user by_number = {0};
    keyring_index(f->idp.keyring, "SoDinhDanh", SPAN("030090001234"), index);
    store_user_by_identifier(&b, "SoDinhDanh", span_bytes(index, sizeof index), &by_number);
    assert_int_equal(store_write_wait(f->idp.store, &b), ERR_OK);
    assert_memory_equal(&by_number.id, &id, sizeof id);
}

/* The number is in no file of the store. */
static void test_nothing_readable(void **state) {
    struct fixture *f = *state;
    static const char *const needles[] = {"030090001234", "030 090 001 234", "+84912345678",
                                          "0912345678"};
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char path[128];
        CLEANUP(buf_done) struct buf content = BUF_INIT(16 * 1024 * 1024);
        snprintf(path, sizeof path, "%s%s", f->files.store, suffixes[i]);
        FILE *file = fopen(path, "r");
        char chunk[4096];
        size_t n;
        while (file && (n = fread(chunk, 1, sizeof chunk, file)) > 0)
            buf_add(&content, chunk, n);
        if (file)
            fclose(file);
        assert_int_equal(buf_err(&content), ERR_OK);
        for (size_t j = 0; content.len && j < ARRAY_LEN(needles); j++)
            assert_null(memmem(content.data, content.len, needles[j], strlen(needles[j])));
    }
}

static void test_imported_hash(void **state) {
    struct fixture *f = *state;
    struct user_id id;
    const char *why;
    assert_int_equal(add(f,
                         "{\"username\":\"legacy\",\"password_hash\":\"$2a$05$"
                         "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\"}",
                         &id, &why),
                     ERR_OK);
    struct user u = find(f, "legacy");
    assert_int_equal(u.type, USER_CITIZEN);
    assert_int_equal(u.ial, 1);
    assert_int_equal(opens(f, &u, "U*U"), ALLOW);
    assert_int_equal(opens(f, &u, "U*V"), DENY);
    assert_int_equal(add(f, "{\"username\":\"portal.only\"}", &id, &why), ERR_OK);
    u = find(f, "portal.only");
    assert_int_equal(opens(f, &u, ""), DENY);
}

static void test_taken(void **state) {
    struct fixture *f = *state;
    struct user_id id;
    const char *why;
    assert_int_equal(add(f,
                         "{\"username\":\"first\",\"identifiers\":{\"SoCMND\":\"012345678\","
                         "\"SoDienThoai\":\"0987654321\"}}",
                         &id, &why),
                     ERR_OK);
    assert_int_equal(add(f, "{\"username\":\"ＦＩＲＳＴ\"}", &id, &why), ERR_EXISTS);
    assert_string_equal(why, "username is taken");
    assert_int_equal(
        add(f, "{\"username\":\"second\",\"identifiers\":{\"SoCMND\":\"012 345 678\"}}", &id, &why),
        ERR_EXISTS);
    assert_string_equal(why, "identifiers belong to another account");
    assert_false(find(f, "second").found); /* all or nothing */
    assert_int_equal(
        add(f, "{\"username\":\"second\",\"identifiers\":{\"SoDienThoai\":\"0987654321\"}}", &id,
            &why),
        ERR_OK);
}

static void test_refused(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *object, *why;
        enum err err;
    } cases[] = {
        {"[]", "the account must be a JSON object", ERR_SYNTAX},
        {"{}", "username is missing", ERR_MISSING},
        {"{\"username\":5}", "username must be text", ERR_SYNTAX},
        {"{\"username\":\" a\"}", "username must be text", ERR_SYNTAX},
        {"{\"username\":\"r\",\"usernmae\":\"b\"}", "usernmae is not a known member",
         ERR_UNSUPPORTED},
        {"{\"username\":\"r\",\"password\":\"\"}", "password must be text", ERR_SYNTAX},
        {"{\"username\":\"r\",\"password\":5}", "password must be text", ERR_SYNTAX},
        {"{\"username\":\"r\",\"password\":\"x\",\"password_hash\":\"$2a$05$CCCCCCCCCCCCCCCCCCCCC."
         "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\"}",
         "password and password_hash", ERR_SYNTAX},
        {"{\"username\":\"r\",\"password_hash\":\"x\"}", "password_hash must be", ERR_UNSUPPORTED},
        {"{\"username\":\"r\",\"password_hash\":\"$2a$31$CCCCCCCCCCCCCCCCCCCCC."
         "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\"}",
         "password_hash asks for more", ERR_RANGE},
        {"{\"username\":\"r\",\"password_hash\":\"pepper:x$argon2id$v=19$m=8192,t=1,p=1$"
         "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\"}",
         "password_hash must be", ERR_UNSUPPORTED},
        {"{\"username\":\"r\",\"type\":\"admin\"}", "type must be", ERR_SYNTAX},
        {"{\"username\":\"r\",\"ial\":3}", "ial must be", ERR_SYNTAX},
        {"{\"username\":\"r\",\"ial\":\"2\"}", "ial must be", ERR_SYNTAX},
        {"{\"username\":\"r\",\"identifiers\":[]}", "identifiers must be an object", ERR_SYNTAX},
        {"{\"username\":\"r\",\"identifiers\":{\"SoDinhDanh\":\"1\"}}",
         "identifiers.SoDinhDanh is not valid", ERR_SYNTAX},
        {"{\"username\":\"r\",\"identifiers\":{\"CCCD\":\"1\"}}", "identifiers.CCCD is not known",
         ERR_UNSUPPORTED},
        {"{\"username\":\"r\",\"claims\":{\"SoDinhDanh\":\"030090001234\"}}",
         "claims.SoDinhDanh belongs into identifiers", ERR_UNSUPPORTED},
        {"{\"username\":\"r\",\"claims\":{\"sub\":\"x\"}}", "claims.sub is no claim",
         ERR_UNSUPPORTED},
        {"{\"username\":\"r\",\"claims\":{\"email\":5}}", "claims.email is not valid", ERR_SYNTAX},
        {"{\"username\":\"r\",\"require_change\":\"yes\"}", "require_change must be", ERR_SYNTAX},
        {"{\"username\":\"r\",\"status\":\"active\"}", "status is not a known member",
         ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct user_id id;
        const char *why;
        assert_int_equal(add(f, cases[i].object, &id, &why), cases[i].err);
        if (!span_starts(span_of(why), cases[i].why))
            fail_msg("%s: \"%s\"", cases[i].object, why);
        assert_false(find(f, "r").found);
    }
    struct user_id id;
    const char *why;
    AUTO_JSON json_t *object = json_pack("{ss}", "username", "r");
    AUTO_FREE char *big = malloc(1 << 20);
    assert_non_null(big);
    memset(big, 'a', 1 << 20);
    json_object_set_new(object, "password", json_stringn(big, 1 << 20));
    assert_int_equal(user_import(&f->idp, signer_channel(f->idp.signer, 0), &f->arena, object,
                                 SPAN("staff:0"), &id, &why),
                     ERR_TOO_LONG);
    assert_string_equal(why, "password must be UTF-8 text of at most 1024 bytes");
}

/* Who made it, of whom; a number that disagrees with sex or birth is noted, not refused. */
static void test_audit(void **state) {
    struct fixture *f = *state;
    struct user_id id;
    const char *why;
    assert_int_equal(add(f,
                         "{\"username\":\"noted\",\"identifiers\":{\"SoDinhDanh\":\"030190001235\"}"
                         ",\"claims\":{\"gender\":\"male\"}}",
                         &id, &why),
                     ERR_OK);
    struct batch b = BATCH_INIT(&f->arena);
    struct audit_list list = {0};
    store_audit_newest(&b, 1, &list);
    assert_int_equal(store_write_wait(f->idp.store, &b), ERR_OK);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.item[0].e.event, "user_created");
    assert_true(span_is(list.item[0].e.actor, "staff:0"));
    assert_int_equal(list.item[0].e.target.len, 2 * USER_ID_BYTES);
    assert_true(span_is(list.item[0].e.detail, "{\"warning\":\"personal_number_disagrees\"}"));
}

static enum err dry_run(struct fixture *f, const json_t *object, json_t **ret_keys, const char **why) {
    const struct user_order order = {.idp = &f->idp, .is_dry = true};
    struct batch b = BATCH_INIT(&f->arena);
    struct user_id id;
    enum err e = user_import_build(&order, object, &b, &id, ret_keys, why);
    if (e)
        return e;
    b.result = store_write_wait(f->idp.store, &b);
    return user_import_result(&b, why);
}

/* What could be added is told apart from what could not, and neither leaves a trace. */
static void test_check_writes_nothing(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"{\"username\":\"Thu\",\"identifiers\":{\"SoDinhDanh\":\"030090001277\"}}", ERR_OK},
        {"{\"username\":\"THERE\"}", ERR_EXISTS},
        {"{\"username\":\"b\",\"identifiers\":{\"SoDinhDanh\":\"030190001299\"}}", ERR_EXISTS},
        {"{\"username\":\"a b\"}", ERR_SYNTAX},
    };
    struct user_id id;
    const char *why;
    assert_int_equal(add(f, "{\"username\":\"there\",\"identifiers\":{\"SoDinhDanh\":"
                            "\"030190001299\"}}", &id, &why), ERR_OK);
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) { /* twice: the first time left nothing */
        AUTO_JSON json_t *object = json_loads(cases[i / 2].text, 0, NULL);
        AUTO_JSON json_t *keys = NULL;
        why = NULL;
        assert_int_equal(dry_run(f, object, &keys, &why), cases[i / 2].err);
        assert_true((why == NULL) == (cases[i / 2].err == ERR_OK));
        if (cases[i / 2].err)
            continue;
        assert_int_equal(json_array_size(keys), 2);
        assert_string_equal(json_string_value(json_array_get(keys, 0)), "username:thu");
    }
    assert_false(find(f, "thu").found);
    assert_false(find(f, "b").found);
}

int main(void) {
    if (secret_init())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_nothing_readable),
        cmocka_unit_test(test_imported_hash), cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_audit),
        cmocka_unit_test(test_check_writes_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
