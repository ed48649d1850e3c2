/* SPDX-License-Identifier: Apache-2.0
 *
 * idp/user.c and idp/password.c: folding and normalising reach a fixed point within their limits,
 * and a name never holds white space or a control character. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/password.h"
#include "idp/user.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span text = span_bytes(data, size), once, twice;
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
