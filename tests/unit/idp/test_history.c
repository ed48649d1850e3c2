/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: history opens for the account that it was sealed for and is no other sealed thing of it; a
 * subject's index is of its issuer, and of nobody else's cut of the same bytes. With a real store and a
 * real idp-signer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "idp/history.h"
#include "idp/identifiers.h"
#include "idp/linking.h"
#include "tests/unit/support/signer_fixture.h"

struct fixture {
    struct signer_files files;
    struct signer *signer;
    struct store *store;
    struct keyring *keyring;
    struct arena arena;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    const char *why = "";
    assert_non_null(f);
    f->arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    signer_files_make(&f->files);
    assert_int_equal(signer_start(getenv("IDP_SIGNER"), f->files.policy, 1, &f->signer), ERR_OK);
    assert_int_equal(store_open(f->files.store, &f->arena, &f->store, &why), ERR_OK);
    assert_int_equal(keyring_new(f->store, signer_channel(f->signer, 0), &f->keyring), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    keyring_free(f->keyring);
    store_close(f->store);
    signer_stop(f->signer);
    signer_files_remove(&f->files);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static void test_history_opens_for_its_account_alone(void **state) {
    struct fixture *f = *state;
    const struct user_id mine = {{1}}, other = {{2}};
    AUTO_JSON json_t *changes = json_pack("{s[ns]}", "SoCMND", "030012345"), *opened = NULL, *none = NULL;
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(4096);
    assert_int_equal(history_seal(f->keyring, &mine, changes, &sealed), ERR_OK);
    assert_null(memmem(sealed.data, sealed.len, "030012345", 9));
    struct history_item item = {.user = mine, .sealed = buf_span(&sealed)};
    assert_int_equal(history_open(f->keyring, &f->arena, &item, &opened), ERR_OK);
    assert_true(json_equal(opened, changes));
    item.user = other;
    assert_int_not_equal(history_open(f->keyring, &f->arena, &item, &none), ERR_OK);
}

/* Neither can stand in the other's place in the file. */
static void test_history_and_identifiers_are_not_each_other(void **state) {
    struct fixture *f = *state;
    struct user u = {.id = {{1}}};
    AUTO_JSON json_t *numbers = json_pack("{ss}", "SoCMND", "030012345"), *opened = NULL, *none = NULL;
    CLEANUP(buf_done) struct buf identifiers = BUF_INIT(4096), history = BUF_INIT(4096);
    assert_int_equal(identifiers_seal(f->keyring, &u.id, numbers, &identifiers), ERR_OK);
    assert_int_equal(history_seal(f->keyring, &u.id, numbers, &history), ERR_OK);
    struct history_item item = {.user = u.id, .sealed = buf_span(&identifiers)};
    assert_int_not_equal(history_open(f->keyring, &f->arena, &item, &none), ERR_OK);
    u.identifiers = buf_span(&history);
    assert_int_not_equal(identifiers_open(f->keyring, &f->arena, &u, &none), ERR_OK);
    u.identifiers = buf_span(&identifiers);
    assert_int_equal(identifiers_open(f->keyring, &f->arena, &u, &opened), ERR_OK);
}

static void test_changes_have_a_limit(void **state) {
    struct fixture *f = *state;
    const struct user_id id = {{1}};
    char *text = arena_alloc(&f->arena, HISTORY_JSON_MAX + 1);
    memset(text, 'a', HISTORY_JSON_MAX);
    AUTO_JSON json_t *most = json_pack("{s[ss%]}", "x", "", text, (size_t)HISTORY_JSON_MAX - 13);
    AUTO_JSON json_t *more = json_pack("{s[ss%]}", "x", "", text, (size_t)HISTORY_JSON_MAX - 12);
    AUTO_JSON json_t *opened = NULL;
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(2 * HISTORY_JSON_MAX), none = BUF_INIT(2 * HISTORY_JSON_MAX);
    assert_int_equal(history_seal(f->keyring, &id, most, &sealed), ERR_OK);
    assert_int_equal(history_seal(f->keyring, &id, more, &none), ERR_TOO_LONG);
    struct history_item item = {.user = id, .sealed = buf_span(&sealed)};
    assert_int_equal(history_open(f->keyring, &f->arena, &item, &opened), ERR_OK);
}

static bool same_index(const struct fixture *f, struct span issuer_a, struct span subject_a,
                       struct span issuer_b, struct span subject_b) {
    unsigned char a[SUBJECT_INDEX_BYTES], b[SUBJECT_INDEX_BYTES];
    assert_int_equal(linking_subject_index(f->keyring, issuer_a, subject_a, a), ERR_OK);
    assert_int_equal(linking_subject_index(f->keyring, issuer_b, subject_b, b), ERR_OK);
    return memcmp(a, b, sizeof a) == 0;
}

/* U04: the key is (issuer, subject). */
static void test_U04_a_subject_is_its_issuers(void **state) {
    struct fixture *f = *state;
    unsigned char index[SUBJECT_INDEX_BYTES], direct[SUBJECT_INDEX_BYTES];
    struct span issuer = SPAN("https://a.vn"), subject = SPAN("1");
    assert_true(same_index(f, issuer, subject, issuer, subject));
    assert_false(same_index(f, issuer, subject, issuer, SPAN("2")));
    assert_false(same_index(f, issuer, subject, SPAN("https://b.vn"), subject));
    assert_false(same_index(f, issuer, subject, SPAN("https://a.vn1"), SPAN("")));
    assert_false(same_index(f, issuer, subject, SPAN("https://a.v"), SPAN("n1")));
    assert_int_equal(linking_subject_index(f->keyring, issuer, subject, index), ERR_OK);
    keyring_index(f->keyring, "upstream", SPAN("https://a.vn\0001"), direct);
    assert_memory_equal(index, direct, sizeof index);
    char *text = arena_alloc(&f->arena, UPSTREAM_URI_MAX + 1);
    memset(text, 'a', UPSTREAM_URI_MAX + 1);
    assert_int_equal(linking_subject_index(f->keyring, (struct span){text, UPSTREAM_URI_MAX},
                                           (struct span){text, UPSTREAM_SUBJECT_MAX}, index), ERR_OK);
    assert_int_equal(linking_subject_index(f->keyring, (struct span){text, UPSTREAM_URI_MAX + 1},
                                           subject, index), ERR_TOO_LONG);
    assert_int_equal(linking_subject_index(f->keyring, issuer,
                                           (struct span){text, UPSTREAM_SUBJECT_MAX + 1}, index), ERR_TOO_LONG);
}

int main(void) {
    if (secret_init())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_history_opens_for_its_account_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_history_and_identifiers_are_not_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_have_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_U04_a_subject_is_its_issuers, setup, teardown),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
