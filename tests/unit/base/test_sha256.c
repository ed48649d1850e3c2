/* SPDX-License-Identifier: Apache-2.0
 *
 * The published digests of FIPS 180-4's examples; an absent text is the empty one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/sha256.h"

static void check(struct span text, const char *want) {
    unsigned char digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    sha256(text, digest);
    hex_encode(digest, sizeof digest, hex);
    assert_string_equal(hex, want);
}

static void test_published_digests(void **state) {
    (void)state;
    check(SPAN("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check(SPAN(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check(SPAN_NONE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published_digests)};
    return cmocka_run_group_tests_name("base/sha256", tests, NULL, NULL);
}
