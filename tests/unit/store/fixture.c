/* SPDX-License-Identifier: Apache-2.0
 *
 * See fixture.h. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int folder_setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/idp-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/idp.db", f->folder);
    f->arena = ARENA_INIT(64 * 1024 * 1024);
    f->b = BATCH_INIT(&f->arena);
    *state = f;
    return 0;
}

void fixture_open(struct fixture *f) {
    const char *why = "";
    enum err e = store_open(f->path, &f->arena, &f->store, &why);
    if (e)
        print_error("%s\n", why);
    assert_int_equal(e, ERR_OK);
    assert_int_equal(store_reader_open(f->store, &f->reader), ERR_OK);
}

void fixture_close(struct fixture *f) {
    store_reader_close(f->reader);
    store_close(f->store);
    f->reader = NULL;
    f->store = NULL;
}

int setup(void **state) {
    (void)folder_setup(state);
    fixture_open(*state);
    return 0;
}

int teardown(void **state) {
    struct fixture *f = *state;
    fixture_close(f);
    arena_done(&f->arena);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    int rc = system(command);
    free(f);
    return rc;
}

struct batch *fresh(struct fixture *f) {
    f->b = BATCH_INIT(&f->arena);
    return &f->b;
}

enum err run_write(struct fixture *f) {
    return store_write_wait(f->store, &f->b);
}

enum err run_read(struct fixture *f) {
    return store_read(f->reader, &f->b);
}

struct user sample_user(unsigned char id, const char *name) {
    return (struct user){.id = {{id}},
                         .username = span_of(name),
                         .type = USER_CITIZEN,
                         .status = USER_ACTIVE,
                         .ial = 1,
                         .password_hash = SPAN("hash"),
                         .claims = SPAN("{}"),
                         .created_at = NOW,
                         .updated_at = NOW};
}

struct session sample_session(const struct user *u, unsigned char key) {
    return (struct session){.key = {{0, 0, 0, key}},
                            .user = *u,
                            .created_at = NOW,
                            .auth_time = NOW,
                            .last_seen = NOW,
                            .expires_at = NOW + 3600,
                            .aal = 1,
                            .amr = AMR_PWD,
                            .network = SPAN("127.0.0.0/24")};
}

struct grant sample_grant(const struct session *s, unsigned char key) {
    return (struct grant){.key = {{0, 0, 0, key}},
                          .user_id = s->user.id,
                          .session_key = s->key,
                          .has_session = true,
                          .client_id = SPAN("c"),
                          .scope = SPAN("openid"),
                          .acr = SPAN("1"),
                          .auth_time = NOW,
                          .has_refresh = true,
                          .issued_at = NOW,
                          .idle_expires_at = NOW + 100,
                          .expires_at = NOW + 1000};
}

struct session make_session(struct fixture *f, unsigned char id) {
    char name[16];
    (void)snprintf(name, sizeof name, "user%d", id);
    struct user u = sample_user(id, name);
    struct session s = sample_session(&u, id);
    struct batch *b = fresh(f);
    store_user_insert(b, &u);
    store_session_insert(b, &s, NULL);
    assert_int_equal(run_write(f), ERR_OK);
    return s;
}
