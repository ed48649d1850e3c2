/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: whoever reads the audit can tell whether a row was changed, taken out, put in or moved,
 * and a batch that was refused leaves no hole. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define ROWS 12

static void write_rows(struct fixture *f) {
    for (int i = 0; i < ROWS; i++) {
        char detail[32];
        struct audit_event e = {.at = NOW + i, .event = "login", .actor = SPAN("a")};
        (void)snprintf(detail, sizeof detail, "{\"n\":%d}", i);
        if (i % 3)
            e.detail = span_of(detail);
        if (i == 4)
            e.target = SPAN(""); /* empty is not absent */
        store_audit(fresh(f), &e);
        assert_int_equal(run_write(f), ERR_OK);
    }
}

static struct audit_list read_rows(struct fixture *f) {
    struct audit_list list = {0};
    store_audit_tail(fresh(f), 0, 1000, &list);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, ROWS);
    return list;
}

static bool chain_holds(const struct audit_row *row, size_t n) {
    unsigned char hash[AUDIT_HASH_BYTES] = {0};
    for (size_t i = 0; i < n; i++)
        if (row[i].seq != (int64_t)i + 1 || store_audit_hash(hash, &row[i], hash) != ERR_OK ||
            row[i].hash.len != sizeof hash || memcmp(hash, row[i].hash.ptr, sizeof hash) != 0)
            return false;
    return true;
}

static void test_the_chain_holds_as_written(void **state) {
    struct fixture *f = *state;
    write_rows(f);
    struct audit_list list = read_rows(f);
    assert_true(chain_holds(list.item, list.count));
    assert_true(list.item[4].e.target.ptr && !list.item[5].e.target.ptr);
}

static void test_any_change_breaks_it(void **state) {
    struct fixture *f = *state;
    write_rows(f);
    struct audit_list list = read_rows(f);
    struct audit_row saved = list.item[5], *row = &list.item[5];
    const struct {
        const char *what;
        struct audit_event e;
    } change[] = {
        {"at", {NOW + 99, saved.e.event, saved.e.actor, .detail = saved.e.detail}},
        {"event", {saved.e.at, "logout", saved.e.actor, .detail = saved.e.detail}},
        {"actor", {saved.e.at, saved.e.event, SPAN("b"), .detail = saved.e.detail}},
        {"detail", {saved.e.at, saved.e.event, saved.e.actor, .detail = SPAN("{\"n\":6}")}},
        {"detail gone", {saved.e.at, saved.e.event, saved.e.actor}},
        {"moved to the next column",
         {saved.e.at, saved.e.event, .target = saved.e.actor, .detail = saved.e.detail}},
        {"absent made empty",
         {saved.e.at, saved.e.event, saved.e.actor, .target = SPAN(""), .detail = saved.e.detail}},
    };
    for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
        row->e = change[i].e;
        if (chain_holds(list.item, list.count))
            fail_msg("not noticed: %s", change[i].what);
    }
    *row = saved;
    assert_true(chain_holds(list.item, list.count));
    list.item[5] = list.item[6];
    assert_false(chain_holds(list.item, list.count));
    list.item[5] = saved;
    memmove(&list.item[5], &list.item[6], (ROWS - 6) * sizeof *row);
    assert_false(chain_holds(list.item, list.count - 1));
}

static void test_it_goes_on_after_reopening_and_a_refusal(void **state) {
    struct fixture *f = *state;
    write_rows(f);
    fixture_close(f);
    fixture_open(f);
    struct session s = make_session(f, 1);
    store_audit(fresh(f), &(struct audit_event){.at = NOW, .event = "refused"});
    store_user_insert(&f->b, &s.user);
    assert_int_equal(run_write(f), ERR_EXISTS);
    store_audit(fresh(f), &(struct audit_event){.at = NOW, .event = "last"});
    assert_int_equal(run_write(f), ERR_OK);
    struct audit_list list = {0}, newest = {0};
    store_audit_tail(fresh(f), 0, 1000, &list);
    store_audit_newest(&f->b, 2, &newest);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, ROWS + 1);
    assert_true(chain_holds(list.item, list.count));
    assert_true(newest.count == 2 && newest.item[0].seq == ROWS && newest.item[1].seq == ROWS + 1);
    assert_string_equal(newest.item[1].e.event, "last");
}

static void test_a_row_too_long_is_refused_with_its_batch(void **state) {
    struct fixture *f = *state;
    static char big[70000];
    static const unsigned char key[PENDING_KEY_BYTES] = {1};
    memset(big, 'x', sizeof big);
    store_once(fresh(f), key, NOW);
    store_audit(&f->b, &(struct audit_event){.at = NOW, .event = "e", .detail = {big, sizeof big}});
    assert_int_equal(run_write(f), ERR_TOO_LONG);
    store_once(fresh(f), key, NOW);
    store_audit(&f->b, &(struct audit_event){.at = NOW, .event = "e", .detail = {big, 60000}});
    assert_int_equal(run_write(f), ERR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_the_chain_holds_as_written),
        STORE_TEST(test_any_change_breaks_it),
        STORE_TEST(test_it_goes_on_after_reopening_and_a_refusal),
        STORE_TEST(test_a_row_too_long_is_refused_with_its_batch),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
