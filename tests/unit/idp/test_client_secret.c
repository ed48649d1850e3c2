/* SPDX-License-Identifier: Apache-2.0
 *
 * A client has its newest secret and at most one before it, which always ends; a use is written
 * when it is flushed and not before, and never puts the time back. */
#include <pthread.h>
#include <string.h>

#include "../store/fixture.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "idp/client_secret.h"

#define MADE_BYTES 43 /* base64url of 256 bits */
#define LAST_OF_SIX 1994 /* below 2000, 6 modulo 7 */

static struct client_secret sample(char c) {
    struct client_secret s = {.created_at = NOW};
    sha256(span_bytes(&c, 1), s.hash);
    return s;
}

static void add(struct fixture *f, struct span id, const struct client_secret *secret) {
    struct client_row row = {.client_id = id, .metadata = SPAN("{}"), .is_enabled = true};
    if (secret)
        row.secret[row.n_secrets++] = *secret;
    store_client_insert(fresh(f), &row);
    assert_int_equal(run_write(f), ERR_OK);
}

static struct client_row find(struct fixture *f, struct span id) {
    struct client_row row = {.found = false};
    store_client_find(fresh(f), id, &row);
    assert_int_equal(run_read(f), ERR_OK);
    assert_true(row.found);
    return row;
}

static enum err rotate(struct fixture *f, struct span id, const struct client_secret *s,
                       int64_t old_ends_at) {
    store_client_secret_rotate(fresh(f), id, s, old_ends_at);
    return run_write(f);
}

static enum err drop(struct fixture *f, struct span id) {
    store_client_secret_drop(fresh(f), id);
    return run_write(f);
}

static void assert_secret(const struct client_row *row, size_t i, const struct client_secret *s,
                          int64_t expires_at) {
    assert_true(i < row->n_secrets);
    assert_memory_equal(row->secret[i].hash, s->hash, sizeof s->hash);
    assert_int_equal(row->secret[i].created_at, s->created_at);
    assert_int_equal(row->secret[i].expires_at, expires_at);
}

static void test_rotation(void **state) {
    struct fixture *f = *state;
    const struct client_secret one = sample('1'), two = sample('2'), other = sample('o');
    struct client_secret three = sample('3'), four = sample('4');
    add(f, SPAN("other"), &other);
    add(f, SPAN("c"), &one);
    struct client_row row = find(f, SPAN("c"));
    assert_int_equal(row.n_secrets, 1);
    assert_secret(&row, 0, &one, 0);
    assert_int_equal(rotate(f, SPAN("c"), &two, NOW + 50), ERR_OK);
    row = find(f, SPAN("c"));
    assert_int_equal(row.n_secrets, 2);
    assert_secret(&row, 0, &two, 0);
    assert_secret(&row, 1, &one, NOW + 50);
    /* the third takes the first one's place, whether that has ended or not */
    three.expires_at = NOW + 70;
    assert_int_equal(rotate(f, SPAN("c"), &three, NOW + 60), ERR_OK);
    row = find(f, SPAN("c"));
    assert_int_equal(row.n_secrets, 2);
    assert_secret(&row, 0, &three, NOW + 70);
    assert_secret(&row, 1, &two, NOW + 60);
    /* an overlap never lengthens a life */
    assert_int_equal(rotate(f, SPAN("c"), &four, NOW + 99), ERR_OK);
    row = find(f, SPAN("c"));
    assert_secret(&row, 1, &three, NOW + 70);
    assert_int_equal(drop(f, SPAN("c")), ERR_OK);
    assert_int_equal(drop(f, SPAN("c")), ERR_NOT_FOUND);
    row = find(f, SPAN("c"));
    assert_int_equal(row.n_secrets, 1);
    assert_secret(&row, 0, &four, 0);
    row = find(f, SPAN("other"));
    assert_int_equal(row.n_secrets, 1);
    assert_secret(&row, 0, &other, 0);
}

static void test_no_secret_where_none_belongs(void **state) {
    struct fixture *f = *state;
    const struct client_secret one = sample('1');
    add(f, SPAN("public"), NULL);
    assert_int_equal(find(f, SPAN("public")).n_secrets, 0);
    assert_int_equal(rotate(f, SPAN("public"), &one, NOW), ERR_NOT_FOUND);
    assert_int_equal(rotate(f, SPAN("absent"), &one, NOW), ERR_NOT_FOUND);
    assert_int_equal(drop(f, SPAN("public")), ERR_NOT_FOUND);
    assert_int_equal(find(f, SPAN("public")).n_secrets, 0);
}

static void test_list_has_each_client_once(void **state) {
    struct fixture *f = *state;
    const struct client_secret one = sample('1'), two = sample('2'), three = sample('3');
    struct client_list list = {0};
    add(f, SPAN("b"), &one);
    add(f, SPAN("a"), NULL);
    add(f, SPAN("c"), &three);
    assert_int_equal(rotate(f, SPAN("b"), &two, NOW + 5), ERR_OK);
    store_client_list(fresh(f), &list);
    assert_int_equal(run_read(f), ERR_OK);
    assert_int_equal(list.count, 3);
    assert_true(span_is(list.item[0].client_id, "a") && list.item[0].n_secrets == 0);
    assert_true(span_is(list.item[1].client_id, "b") && list.item[1].n_secrets == 2);
    assert_secret(&list.item[1], 0, &two, 0);
    assert_true(span_is(list.item[2].client_id, "c") && list.item[2].n_secrets == 1);
}

static void test_made_secrets(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct client_secret first, second;
    struct span text, other;
    unsigned char hash[CLIENT_SECRET_HASH_BYTES];
    assert_int_equal(client_secret_make(&a, NOW, NOW + 9, &first, &text), ERR_OK);
    assert_int_equal(client_secret_make(&a, NOW, 0, &second, &other), ERR_OK);
    assert_int_equal(text.len, MADE_BYTES);
    assert_false(span_eq(text, other));
    sha256(text, hash);
    assert_memory_equal(hash, first.hash, sizeof hash);
    assert_true(first.created_at == NOW && first.expires_at == NOW + 9 && !first.last_used_at);
    assert_int_equal(second.expires_at, 0);
}

/* ---- last use ---- */

static void test_use_is_written_at_a_flush(void **state) {
    struct fixture *f = *state;
    const struct client_secret one = sample('1'), two = sample('2'), gone = sample('g');
    struct client_secret_use *u;
    add(f, SPAN("c"), &one);
    assert_int_equal(rotate(f, SPAN("c"), &two, NOW + 50), ERR_OK);
    assert_int_equal(client_secret_use_new(&u), ERR_OK);
    client_secret_use_note(u, 0, &one, NOW + 3);
    client_secret_use_note(u, 1, &one, NOW + 7); /* another thread's table, which is written later */
    client_secret_use_note(u, 17, &one, NOW + 5);
    client_secret_use_note(u, 0, &gone, NOW + 5);
    assert_int_equal(find(f, SPAN("c")).secret[1].last_used_at, 0);
    assert_int_equal(client_secret_use_flush(u, f->store), ERR_OK);
    struct client_row row = find(f, SPAN("c"));
    assert_int_equal(row.secret[0].last_used_at, 0);
    assert_in_range(row.secret[1].last_used_at, NOW + 5, NOW + 7);
    client_secret_use_note(u, 0, &one, NOW + 1); /* a clock that was put back */
    assert_int_equal(client_secret_use_flush(u, f->store), ERR_OK);
    assert_in_range(find(f, SPAN("c")).secret[1].last_used_at, NOW + 5, NOW + 7);
    client_secret_use_note(u, 0, &two, NOW + 9);
    assert_int_equal(client_secret_use_flush(u, f->store), ERR_OK);
    assert_int_equal(find(f, SPAN("c")).secret[0].last_used_at, NOW + 9);
    assert_int_equal(client_secret_use_flush(u, f->store), ERR_OK); /* nothing noted */
    client_secret_use_free(u);
}

/* More secrets than a table holds: it forgets, it does not turn round for ever. */
static void test_full_table(void **state) {
    struct fixture *f = *state;
    const struct client_secret one = sample('1');
    struct client_secret_use *u;
    add(f, SPAN("c"), &one);
    assert_int_equal(client_secret_use_new(&u), ERR_OK);
    client_secret_use_note(u, 0, &one, NOW);
    for (int i = 0; i < 5000; i++) {
        struct client_secret s = {.created_at = NOW};
        memcpy(s.hash + 8, &i, sizeof i); /* all of them belong into one slot */
        client_secret_use_note(u, 0, &s, NOW);
    }
    client_secret_use_note(u, 0, &one, NOW + 4);
    assert_int_equal(client_secret_use_flush(u, f->store), ERR_OK);
    assert_int_equal(find(f, SPAN("c")).secret[0].last_used_at, NOW + 4);
    client_secret_use_free(u);
}

struct noting {
    struct client_secret_use *u;
    unsigned thread_index;
};

static void *note_many(void *arg) {
    const struct noting *n = arg;
    for (int i = 0; i < 2000; i++) {
        const struct client_secret s = sample((char)(i % 7));
        client_secret_use_note(n->u, n->thread_index, &s, NOW + i);
    }
    return NULL;
}

static void test_threads_and_flushes(void **state) {
    struct fixture *f = *state;
    struct client_secret_use *u;
    pthread_t threads[4];
    struct noting noting[4];
    const struct client_secret six = sample((char)6);
    add(f, SPAN("c"), &six);
    assert_int_equal(client_secret_use_new(&u), ERR_OK);
    for (unsigned i = 0; i < 4; i++) {
        noting[i] = (struct noting){u, i % 2};
        assert_int_equal(pthread_create(&threads[i], NULL, note_many, &noting[i]), 0);
    }
    for (int i = 0; i < 20; i++)
        assert_int_equal(client_secret_use_flush(u, f->store), ERR_OK);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(client_secret_use_flush(u, f->store), ERR_OK);
    assert_int_equal(find(f, SPAN("c")).secret[0].last_used_at, NOW + LAST_OF_SIX);
    client_secret_use_free(u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_rotation),
        STORE_TEST(test_no_secret_where_none_belongs),
        STORE_TEST(test_list_has_each_client_once),
        STORE_TEST(test_made_secrets),
        STORE_TEST(test_use_is_written_at_a_flush),
        STORE_TEST(test_full_table),
        STORE_TEST(test_threads_and_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
