/* SPDX-License-Identifier: Apache-2.0
 *
 * idp/user.c and idp/password.c: folding and normalising reach a fixed point within their limits,
 * and a name never holds white space or a control character. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/password.h"
#include "idp/user.h"
#include "tests/fuzz/fuzz.h"

static void names(struct span text) {
    enum user_type type = USER_CITIZEN;
    if (user_type_find(text, &type) == ERR_OK)
        FUZZ_CHECK(span_is(text, user_type_name(type)));
    unsigned char number = text.len ? (unsigned char)text.ptr[0] : 0;
    FUZZ_CHECK(*user_type_name((enum user_type)number) && *user_status_name((enum user_status)number));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span text = span_bytes(data, size), once, twice;
    names(text);
    if (username_fold(&a, text, &once) == ERR_OK) {
        FUZZ_CHECK(once.len > 0 && once.len <= USERNAME_MAX && utf8_valid(once));
        FUZZ_CHECK(!memchr(once.ptr, ' ', once.len) && !memchr(once.ptr, '\0', once.len));
        FUZZ_CHECK(username_fold(&a, once, &twice) == ERR_OK && span_eq(once, twice));
    }
    if (password_normalise(&a, text, &once) == ERR_OK) {
        FUZZ_CHECK(once.len > 0 && once.len <= PASSWORD_MAX && utf8_valid(once));
        FUZZ_CHECK(password_normalise(&a, once, &twice) == ERR_OK && span_eq(once, twice));
    }
    return 0;
}
