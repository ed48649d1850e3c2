/* SPDX-License-Identifier: Apache-2.0
 *
 * idp/password_import.c: whatever stands in an import file, what is accepted stays within the limits
 * on memory and time, and keeps salt and hash within their fields. */
#include <string.h>

#include "idp/password.h"
#include "idp/password_import.h"
#include "tests/fuzz/fuzz.h"

static void within_limits(const struct hash_parts *h) {
    switch (h->scheme) {
    case HASH_ARGON2ID:
        FUZZ_CHECK(h->memory_kib <= HASH_MEMORY_MAX_KIB && h->passes >= 1 && h->passes <= HASH_PASSES_MAX);
        FUZZ_CHECK(h->lanes >= 1 && h->memory_kib >= 8 * h->lanes);
        break;
    case HASH_SCRYPT:
        FUZZ_CHECK(((uint64_t)128 * h->r << h->log_n) <= (uint64_t)HASH_MEMORY_MAX_KIB * 1024);
        FUZZ_CHECK(h->p >= 1 && h->p <= HASH_PASSES_MAX);
        break;
    case HASH_PBKDF2_SHA256:
    case HASH_PBKDF2_SHA512:
        FUZZ_CHECK(h->rounds >= 1 && h->rounds <= PBKDF2_ROUNDS_MAX);
        break;
    case HASH_BCRYPT:
        FUZZ_CHECK(h->cost >= 4 && h->cost <= BCRYPT_COST_MAX);
        break;
    default:
        FUZZ_CHECK(false);
    }
    FUZZ_CHECK(h->salt_len <= HASH_SALT_MAX && h->hash_len <= HASH_BYTES_MAX);
}

static bool is_cheap(const struct hash_parts *h) {
    switch (h->scheme) {
    case HASH_ARGON2ID:
        return h->memory_kib <= 64 && h->passes <= 2;
    case HASH_SCRYPT:
        return h->log_n <= 5 && h->r <= 2 && h->p <= 2;
    case HASH_BCRYPT:
        return h->cost == 4;
    default:
        return h->rounds <= 50;
    }
}

/* A hash of this password, or of another one. */
static void verify(const struct hash_parts *h) {
    FUZZ_CHECK(hash_parts_verify(h, SPAN_NONE) == DENY);
    static char longer[100];
    memset(longer, 'x', sizeof longer);
    if (hash_parts_verify(h, SPAN("mat khau")) == ALLOW)
        FUZZ_CHECK(hash_parts_verify(h, SPAN("mat khau ")) == DENY);
    FUZZ_CHECK(hash_parts_verify(h, span_bytes(longer, sizeof longer)) == DENY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = span_bytes(data, size), kid;
    struct hash_parts h;
    if (hash_parts_parse(text, &h) == ERR_OK) {
        within_limits(&h);
        FUZZ_CHECK(span_is(text, h.text));
        FUZZ_CHECK(password_hash_check(text) == ERR_OK);
        if (is_cheap(&h))
            verify(&h);
    }
    FUZZ_CHECK(password_hash_pepper(text, &kid) == (kid.ptr != NULL));
    FUZZ_CHECK(!kid.ptr || password_hash_check(text) != ERR_OK); /* ours cannot be imported */
    return 0;
}
