/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: exactly the right password opens a hash, of ours or of another system, and no hash
 * string makes us spend more than the limits. The imported hashes below were made with Python's
 * hashlib, argon2-cffi and bcrypt, and come from the test suites of crypt_blowfish and
 * phc-winner-argon2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "idp/password.h"
#include "idp/password_import.h"

static const struct {
    const char *hash, *password;
} imported[] = {
    {"$pbkdf2-sha256$i=60000,l=32$c29tZXNhbHQxMjM0NTY3OA$2G5CrDXiiXev/"
     "KVUtBryaQFoDB+nFNa+GPAeOE+kRMs",
     "mật khẩu"},
    {"$pbkdf2-sha512$i=25000$c29tZXNhbHQxMjM0NTY3OA$ON9WYs8Pms+sQGw39E1fhXD5bpkHRB+"
     "iTP20AWX9XKRdARYbkzh"
     "ipi7RfouKujjGV91pjTjlgYblXt4P5bCPsQ",
     "mật khẩu"},
    {"$pbkdf2-sha256$29000$8PHy8/T19vf4.fr7/P3./w$YEsryuQeLpX.S7h/44VEsbkSPUZOYT9iuY71Ms.KDi0",
     "password"},
    {"$scrypt$ln=14,r=8,p=1$c29tZXNhbHQxMjM0NTY3OA$9eFqwVMlEgtyQ5bjzKx6T3rziYLUf1cDAulhKzzBECU",
     "mật khẩu"},
    {"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$3C9s367usWnOj7Fcuap642OT+"
     "grdCTptWb1YHUJ7biQ",
     "mật khẩu"},
    {"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$XRHLN1xRKAaWKXDu3ohrXIvfZHy4Ux08u2m/0/"
     "zZwMc",
     "mật khẩu"},
    {"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
     "password"},
    {"$2b$06$abcdefghijklmnopqrstuu95yul0zR5gqy9AC9FSE/P7RRIVk9rzq", "mật khẩu"},
    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"},
    {"$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"},
};

static void test_imported(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(imported); i++) {
        struct span hash = span_of(imported[i].hash), password = span_of(imported[i].password), kid;
        assert_int_equal(password_hash_check(hash), ERR_OK);
        assert_false(password_hash_pepper(hash, &kid));
        assert_null(kid.ptr);
        assert_int_equal(password_verify(hash, password, SPAN("pepper")), ALLOW);
        assert_int_equal(
            password_verify(hash, span_bytes(password.ptr, password.len - 1), SPAN("pepper")),
            DENY);
        assert_int_equal(password_verify(hash, SPAN("pepper"), password), DENY);
        assert_int_equal(password_verify(hash, SPAN(""), SPAN("")), DENY);
        assert_int_equal(password_verify(hash, SPAN_NONE, SPAN_NONE), DENY);

        char flipped[PASSWORD_HASH_MAX];
        memcpy(flipped, hash.ptr, hash.len);
        flipped[hash.len - 8] = flipped[hash.len - 8] == 'A' ? 'B' : 'A';
        assert_int_equal(password_verify(span_bytes(flipped, hash.len), password, SPAN("pepper")),
                         DENY);
    }
}

/* Refused at import, and DENY without work when they stand in a row all the same. */
static void test_hostile_hashes(void **state) {
    (void)state;
    static const struct {
        const char *hash;
        enum err err;
    } cases[] = {
        {"", ERR_UNSUPPORTED},
        {"password", ERR_UNSUPPORTED},
        {"$1$salt$hash", ERR_UNSUPPORTED},
        {"$6$salt$hash", ERR_UNSUPPORTED},
        {"$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
         ERR_UNSUPPORTED},
        {"$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
         ERR_UNSUPPORTED},
        {"$argon2id$v=19$m=262145,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
         ERR_RANGE},
        {"$argon2id$v=19$m=65536,t=17,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
         ERR_RANGE},
        {"$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
         ERR_RANGE},
        {"$argon2id$v=19$m=4294967297,t=2,p=1$c29tZXNhbHQ$"
         "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
         ERR_SYNTAX},
        {"$argon2id$v=19$m=65536,m=65536,t=2,p=1$c29tZXNhbHQ$"
         "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
         ERR_SYNTAX},
        {"$argon2id$v=19$m=65536,t=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
         ERR_SYNTAX},
        {"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ", ERR_RANGE},
        {"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc$x",
         ERR_SYNTAX},
        {"$scrypt$ln=24,r=8,p=1$c29tZXNhbHQxMjM0NTY3OA$9eFqwVMlEgtyQ5bjzKx6T3rziYLUf1cDAulhKzzBECU",
         ERR_RANGE},
        {"$scrypt$ln=18,r=8,p=16$c29tZXNhbHQxMjM0NTY3OA$"
         "9eFqwVMlEgtyQ5bjzKx6T3rziYLUf1cDAulhKzzBECU",
         ERR_RANGE},
        {"$scrypt$ln=63,r=99999999,p=1$c29tZXNhbHQxMjM0NTY3OA$"
         "9eFqwVMlEgtyQ5bjzKx6T3rziYLUf1cDAulhKzzBECU",
         ERR_RANGE},
        {"$scrypt$ln=14,r=8,p=1$c29tZXNhbHQxMjM0NTY3OA==$"
         "9eFqwVMlEgtyQ5bjzKx6T3rziYLUf1cDAulhKzzBECU=",
         ERR_SYNTAX},
        {"$pbkdf2-sha256$i=99999999$c29tZXNhbHQxMjM0NTY3OA$2G5CrDXiiXev/"
         "KVUtBryaQFoDB+nFNa+GPAeOE+kRMs",
         ERR_RANGE},
        {"$pbkdf2-sha256$i=0$c29tZXNhbHQxMjM0NTY3OA$2G5CrDXiiXev/KVUtBryaQFoDB+nFNa+GPAeOE+kRMs",
         ERR_RANGE},
        {"$pbkdf2-sha256$i=60000,l=16$c29tZXNhbHQxMjM0NTY3OA$2G5CrDXiiXev/"
         "KVUtBryaQFoDB+nFNa+GPAeOE+kRMs",
         ERR_SYNTAX},
        {"$pbkdf2-sha256$$c29tZXNhbHQxMjM0NTY3OA$2G5CrDXiiXev/KVUtBryaQFoDB+nFNa+GPAeOE+kRMs",
         ERR_SYNTAX},
        {"$pbkdf2-sha256$-1$c29tZXNhbHQxMjM0NTY3OA$2G5CrDXiiXev/KVUtBryaQFoDB+nFNa+GPAeOE+kRMs",
         ERR_SYNTAX},
        {"$2b$15$abcdefghijklmnopqrstuu95yul0zR5gqy9AC9FSE/P7RRIVk9rzq", ERR_RANGE},
        {"$2b$03$abcdefghijklmnopqrstuu95yul0zR5gqy9AC9FSE/P7RRIVk9rzq", ERR_RANGE},
        {"$2b$6$abcdefghijklmnopqrstuu95yul0zR5gqy9AC9FSE/P7RRIVk9rzq", ERR_SYNTAX},
        {"$2b$06$abcdefghijklmnopqrstuu95yul0zR5gqy9AC9FSE/P7RRIVk9rz", ERR_SYNTAX},
        {"$2b$06$abcdefghijklmnopqrstuu95yul0zR5gqy9AC9FSE/P7RRIVk9r:q", ERR_SYNTAX},
        {"$2x$06$abcdefghijklmnopqrstuu95yul0zR5gqy9AC9FSE/P7RRIVk9rzq", ERR_UNSUPPORTED},
        {"pepper:k1$2b$06$abcdefghijklmnopqrstuu95yul0zR5gqy9AC9FSE/P7RRIVk9rzq", ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum err e = password_hash_check(span_of(cases[i].hash));
        if (e != cases[i].err)
            fail_msg("%s: %s", cases[i].hash, err_name(e));
        assert_int_equal(
            password_verify(span_of(cases[i].hash), SPAN("mật khẩu"), SPAN("mật khẩu")), DENY);
    }
    AUTO_FREE char *big = malloc(1 << 20);
    assert_non_null(big);
    memset(big, '$', 1 << 20);
    memcpy(big, "$2b$", 4);
    assert_int_equal(password_hash_check(span_bytes(big, 1 << 20)), ERR_TOO_LONG);
}

/* F06: no truncation. bcrypt sees 72 bytes only. */
static void test_bcrypt_beyond_72_bytes(void **state) {
    (void)state;
    static const struct span hash =
        SPAN("$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe");
    char long_one[73];
    memset(long_one, 'a', 72);
    assert_int_equal(password_verify(hash, span_bytes(long_one, 72), SPAN_NONE), ALLOW);
    long_one[72] = 'b';
    assert_int_equal(password_verify(hash, span_bytes(long_one, 73), SPAN_NONE), DENY);
    long_one[72] = 'c';
    assert_int_equal(password_verify(hash, span_bytes(long_one, 73), SPAN_NONE), DENY);
    assert_int_equal(password_verify(hash, span_bytes(long_one, 71), SPAN_NONE), DENY);
    assert_int_equal(password_verify(hash, span_bytes("a\0b", 3), SPAN_NONE), DENY);
}

static void test_our_own(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    const struct password_params params = {19456, 2}, more = {19456, 3};
    struct span hash, again, kid;
    char peppered[33];
    memset(peppered, 'a', sizeof peppered);
    peppered[32] = 'b';
    assert_int_equal(password_hash(&a, &params, span_bytes(peppered, 33), SPAN("k1"), &hash),
                     ERR_OK);
    assert_true(span_starts(hash, "pepper:k1$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_true(password_hash_pepper(hash, &kid));
    assert_true(span_is(kid, "k1"));
    assert_int_equal(password_verify(hash, SPAN("x"), span_bytes(peppered, 33)), ALLOW);
    assert_int_equal(password_verify(hash, span_bytes(peppered, 33), SPAN("x")),
                     DENY); /* not the bare one */
    peppered[32] = 'c';
    assert_int_equal(password_verify(hash, SPAN("x"), span_bytes(peppered, 33)), DENY);
    assert_int_equal(password_hash(&a, &params, span_bytes(peppered, 33), SPAN("k1"), &again),
                     ERR_OK);
    assert_false(span_eq(hash, again)); /* salted */

    assert_false(password_needs_upgrade(hash, &params, SPAN("k1")));
    assert_true(password_needs_upgrade(hash, &params, SPAN("k2")));
    assert_true(password_needs_upgrade(hash, &more, SPAN("k1")));
    for (size_t i = 0; i < ARRAY_LEN(imported); i++)
        assert_true(password_needs_upgrade(span_of(imported[i].hash), &params, SPAN("k1")));
    assert_int_equal(password_dummy(&params, span_bytes(peppered, 32)), DENY);
}

/* F06: one password typed on two keyboards. F07: 1 MB is refused before any work. */
static void test_normalise(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span composed, decomposed, wide;
    assert_int_equal(password_normalise(&a, SPAN("mật khẩu"), &composed), ERR_OK);
    assert_int_equal(
        password_normalise(&a, SPAN("ma\xcc\xa3\xcc\x82t kha\xcc\x82\xcc\x89u"), &decomposed),
        ERR_OK);
    assert_true(span_eq(composed, decomposed));
    assert_int_equal(password_normalise(&a, SPAN("ＡＢＣ"), &wide), ERR_OK);
    assert_true(span_is(wide, "ABC"));
    assert_int_equal(password_normalise(&a, SPAN("  A "), &wide), ERR_OK);
    assert_true(span_is(wide, "  A ")); /* nothing is trimmed */

    assert_int_equal(password_normalise(&a, SPAN(""), &wide), ERR_SYNTAX);
    assert_int_equal(password_normalise(&a, SPAN("a\xff"), &wide), ERR_SYNTAX);
    assert_int_equal(password_normalise(&a, SPAN("a\0b"), &wide), ERR_SYNTAX);
    AUTO_FREE char *big = malloc(1 << 20);
    assert_non_null(big);
    memset(big, 'a', 1 << 20);
    assert_int_equal(password_normalise(&a, span_bytes(big, PASSWORD_MAX), &wide), ERR_OK);
    assert_int_equal(wide.len, PASSWORD_MAX);
    assert_int_equal(password_normalise(&a, span_bytes(big, PASSWORD_MAX + 1), &wide),
                     ERR_TOO_LONG);
    clock_t before = clock();
    assert_int_equal(password_normalise(&a, span_bytes(big, 1 << 20), &wide), ERR_TOO_LONG);
    assert_true(clock() - before < CLOCKS_PER_SEC / 100);
    /* U+FDFA becomes 18 characters */
    CLEANUP(buf_done) struct buf long_form = BUF_INIT(4096);
    for (int i = 0; i < 100; i++)
        buf_add_str(&long_form, "\xef\xb7\xba");
    assert_int_equal(password_normalise(&a, buf_span(&long_form), &wide), ERR_TOO_LONG);
}

int main(void) {
    if (secret_init())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_imported),
        cmocka_unit_test(test_hostile_hashes),
        cmocka_unit_test(test_bcrypt_beyond_72_bytes),
        cmocka_unit_test(test_our_own),
        cmocka_unit_test(test_normalise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
