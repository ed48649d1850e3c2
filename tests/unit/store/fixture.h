/* SPDX-License-Identifier: Apache-2.0
 *
 * A store of its own for each test, in a folder that goes with it, and sample rows. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "idp/store/store.h"

#define NOW 1700000000

struct fixture {
    char folder[64], path[96];
    struct store *store;
    struct store_reader *reader;
    struct arena arena;
    struct batch b;
};

int folder_setup(void **state); /* the folder and the path only */
int setup(void **state);
int teardown(void **state);
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);

/* Empties the fixture's batch. */
struct batch *fresh(struct fixture *f);
enum err run_write(struct fixture *f);
enum err run_read(struct fixture *f);

struct user sample_user(unsigned char id, const char *name);
struct session sample_session(const struct user *u, unsigned char key);
struct grant sample_grant(const struct session *s, unsigned char key);
/* A user "userID" and a session of theirs, both written. */
struct session make_session(struct fixture *f, unsigned char id);

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
