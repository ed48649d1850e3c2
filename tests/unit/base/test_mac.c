/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a key made ready gives the HMAC of RFC 2104 (RFC 4231's vector, and OpenSSL's opinion for
 * keys of any length), as often as it is asked; another key, purpose or text gives another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/mac.h"
#include "base/random.h"

static void mac_of(struct span key, struct span a, struct span b, unsigned char out[MAC_BYTES]) {
    struct mac_key k;
    assert_int_equal(mac_key_new(key, &k), ERR_OK);
    mac_compute(&k, a, b, out);
    unsigned char again[MAC_BYTES];
    mac_compute(&k, a, b, again);
    assert_memory_equal(out, again, MAC_BYTES);
    mac_key_done(&k);
    assert_null(k.start.ptr);
}

static void test_is_what_openssl_computes(void **state) {
    (void)state;
    unsigned char key[200], text[300], ours[MAC_BYTES], theirs[MAC_BYTES];
    random_bytes(key, sizeof key);
    random_bytes(text, sizeof text);
    text[100] = 0;
    for (size_t len = 1; len <= sizeof key; len += 13) {
        size_t n;
        mac_of(span_bytes(key, len), span_bytes(text, 100), span_bytes(text + 101, 199), ours);
        assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, len, text, sizeof text, theirs,
                                  sizeof theirs, &n));
        assert_memory_equal(ours, theirs, MAC_BYTES);
    }
}

static void test_nothing_else_gives_the_same(void **state) {
    (void)state;
    unsigned char base[MAC_BYTES], other[MAC_BYTES];
    mac_of(SPAN("key"), SPAN("purpose"), SPAN("text"), base);
    mac_of(SPAN("kez"), SPAN("purpose"), SPAN("text"), other);
    assert_memory_not_equal(base, other, MAC_BYTES);
    mac_of(SPAN("key"), SPAN("purposet"), SPAN("ext"), other);
    assert_memory_not_equal(base, other, MAC_BYTES);
    mac_of(SPAN("key"), SPAN("purpose"), SPAN(""), other);
    assert_memory_not_equal(base, other, MAC_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_what_openssl_computes),
        cmocka_unit_test(test_nothing_else_gives_the_same),
    };
    if (secret_init())
        return 1;
    return cmocka_run_group_tests_name("base/mac", tests, NULL, NULL);
}
