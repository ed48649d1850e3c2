/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: idp-signer opens what a partner wrapped for an envelope key, and gives of whatever else it is
 * sent an answer of the same form; it does neither with a key of another use, nor when its policy does
 * not say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "keys/jwk.h"
#include "keys/rsa15.h"
#include "keys/signer_client.h"
#include "keys/wrap.h"
#include "tests/unit/support/signer_fixture.h"
#include "tests/unit/support/vneid_vectors.h"

#define KID     "partner"
#define MODULUS 256

struct fixture {
    struct signer_files files;
    struct signer *signer;
    struct arena arena;
    struct jwk *key; /* of the vectors */
};

static struct signer_answer ask(struct fixture *f, struct signer_request q) {
    struct signer_answer a = {.err = ERR_INTERNAL};
    assert_int_equal(signer_call(signer_channel(f->signer, 0), &q, 1, &f->arena, &a), ERR_OK);
    return a;
}
#define ASK(o, k, ...) ask(f, (struct signer_request){.op = (o), .kid = (k), __VA_ARGS__})

/* The vectors' key as the store would have it. */
static enum err load_as(struct fixture *f, enum key_use wrapped_as, enum key_use use, const char *alg) {
    CLEANUP(secret_done) struct secret kek = SECRET_INIT;
    CLEANUP(buf_done) struct buf wrapped = BUF_INIT(16384);
    const struct wrap_label label = {SPAN(KID), wrapped_as, span_of(alg), SPAN(FIXTURE_ISSUER)};
    assert_int_equal(secret_read_file(f->files.kek, KEK_BYTES, &kek), ERR_OK);
    assert_int_equal(key_wrap(&kek, &label, span_bytes(vneid_private_der, sizeof vneid_private_der), &wrapped), ERR_OK);
    return ASK(SIGNER_OP_LOAD, SPAN(KID), .use = use, .alg = span_of(alg), .bytes = buf_span(&wrapped)).err;
}

static void start(struct fixture *f, const char *more) {
    char policy[512];
    int n = snprintf(policy, sizeof policy, "{\"issuer\":\"" FIXTURE_ISSUER "\",\"kek_file\":\"%s\",\"sandbox\":\"" FIXTURE_SANDBOX "\"%s}",
                     f->files.kek, more);
    file_write(f->files.policy, policy, (size_t)n);
    assert_int_equal(signer_start(getenv("IDP_SIGNER"), f->files.policy, 1, &f->signer), ERR_OK);
}

static int setup_with(void **state, const char *more) {
    struct fixture *f = calloc(1, sizeof *f);
    signer_files_make(&f->files);
    f->arena = ARENA_INIT(16 * 1024 * 1024);
    assert_int_equal(jwk_from_private_der(span_bytes(vneid_private_der, sizeof vneid_private_der), &jose_rsa1_5, KID, &f->key), ERR_OK);
    start(f, more);
    *state = f;
    return 0;
}

static int setup(void **state) {
    return setup_with(state, ",\"envelopes\":\"on\"");
}

static int setup_default(void **state) {
    return setup_with(state, "");
}

static int teardown(void **state) {
    struct fixture *f = *state;
    signer_stop(f->signer);
    signer_files_remove(&f->files);
    jwk_unref(f->key);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static struct signer_answer unwrap(struct fixture *f, struct span wrapped) {
    return ASK(SIGNER_OP_UNWRAP, SPAN(KID), .bytes = wrapped);
}

static struct span wrapped_of(struct fixture *f, size_t i) {
    AUTO_JSON json_t *j = NULL;
    struct span wrapped;
    assert_int_equal(json_parse_object(span_of(vneid_vectors[i].body), 65536, &j), ERR_OK);
    assert_int_equal(b64_decode_arena(&f->arena, json_str(j, "key"), &wrapped), ERR_OK);
    return wrapped;
}

/* Whatever is in a message of our own making, padded or not: the bare power with the public key. */
static struct span raised(struct fixture *f, EVP_PKEY *key, const unsigned char em[MODULUS]) {
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    unsigned char *out = arena_alloc(&f->arena, MODULUS);
    size_t len = MODULUS;
    assert_int_equal(EVP_PKEY_encrypt_init(c), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_encrypt(c, out, &len, em, MODULUS), 1);
    EVP_PKEY_CTX_free(c);
    return span_bytes(out, len);
}

static void padded(unsigned char em[MODULUS], size_t key_len) {
    memset(em, 0xA5, MODULUS);
    em[0] = 0;
    em[1] = 2;
    em[MODULUS - key_len - 1] = 0;
    memset(em + MODULUS - key_len, 0x5A, key_len);
}

static bool has_key(struct span bytes, size_t len) {
    unsigned char key[32];
    memset(key, 0x5A, sizeof key);
    return bytes.len == UNWRAPPED_BYTES && (unsigned char)bytes.ptr[0] == len && memcmp(bytes.ptr + 1, key, len) == 0;
}

/* The form of every answer; of a rejected message its value is the message's own. */
static void assert_noise(struct fixture *f, struct span wrapped) {
    struct signer_answer one = unwrap(f, wrapped), two = unwrap(f, wrapped);
    static const char zeros[UNWRAPPED_BYTES];
    assert_int_equal(one.err, ERR_OK);
    assert_int_equal(one.bytes.len, UNWRAPPED_BYTES);
    assert_true(span_eq(one.bytes, two.bytes));
    size_t len = (size_t)one.bytes.ptr[0];
    assert_true(len == 16 || len == 24 || len == 32);
    assert_memory_not_equal(one.bytes.ptr + 1, zeros, 16);
    assert_memory_equal(one.bytes.ptr + 1 + len, zeros, 32 - len);
    for (size_t n = 16; n <= 32; n += 8)
        assert_false(has_key(one.bytes, n));
}

static void test_what_another_implementation_wrapped_opens(void **state) {
    struct fixture *f = *state;
    assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_ENVELOPE, "RSA1_5"), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(vneid_vectors); i++) {
        struct signer_answer a = unwrap(f, wrapped_of(f, i));
        assert_int_equal(a.err, ERR_OK);
        assert_int_equal(a.bytes.len, UNWRAPPED_BYTES);
        assert_int_equal((unsigned char)a.bytes.ptr[0], vneid_vectors[i].aes_len);
        assert_memory_equal(a.bytes.ptr + 1, vneid_vectors[i].aes, vneid_vectors[i].aes_len);
    }
}

static void test_E15_each_damage_to_the_padding_gets_noise_of_the_same_form(void **state) {
    struct fixture *f = *state;
    unsigned char em[MODULUS];
    assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_ENVELOPE, "RSA1_5"), ERR_OK);
    for (size_t n = 16; n <= 32; n += 8) {
        padded(em, n);
        assert_true(has_key(unwrap(f, raised(f, f->key->pkey, em)).bytes, n));
        static const struct {
            size_t at;
            unsigned char value;
        } damage[] = {{0, 1}, {1, 1}, {1, 0}, {1, 3}, {2, 0}, {9, 0}, {10, 0}, {100, 0}};
        for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
            padded(em, n);
            em[damage[i].at] = damage[i].value;
            assert_noise(f, raised(f, f->key->pkey, em));
        }
        padded(em, n);
        em[MODULUS - n - 1] = 0x5A; /* nothing ends the padding */
        assert_noise(f, raised(f, f->key->pkey, em));
    }
    for (size_t n = 0; n <= 200; n++) { /* no AES key is so long */
        if (n == 16 || n == 24 || n == 32)
            continue;
        padded(em, n);
        assert_noise(f, raised(f, f->key->pkey, em));
    }
    memset(em, 0, sizeof em);
    assert_noise(f, raised(f, f->key->pkey, em));
}

static void test_E15_what_is_no_message_at_all_gets_noise_too(void **state) {
    struct fixture *f = *state;
    char bytes[2 * MODULUS];
    assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_ENVELOPE, "RSA1_5"), ERR_OK);
    memset(bytes, 0xFF, sizeof bytes);
    assert_noise(f, SPAN_NONE);
    assert_noise(f, span_bytes(bytes, MODULUS)); /* above the modulus */
    assert_noise(f, span_bytes(bytes, sizeof bytes));
    unsigned char em[MODULUS];
    padded(em, 16);
    struct span good = raised(f, f->key->pkey, em);
    assert_true(has_key(unwrap(f, good).bytes, 16));
    assert_noise(f, span_bytes(good.ptr, good.len - 1));
    memcpy(bytes, good.ptr, good.len);
    assert_noise(f, span_bytes(bytes, good.len + 1)); /* a good one, and a byte behind it */
    bytes[good.len - 1] ^= 1;
    assert_noise(f, span_bytes(bytes, good.len));
}

/* Noise belongs to the message and to the key; its length tells nothing either. */
static void test_noise_differs_with_message_and_key(void **state) {
    struct fixture *f = *state;
    struct signer_answer other = ASK(SIGNER_OP_GENERATE, SPAN_NONE, .use = KEY_USE_ENVELOPE, .alg = SPAN("RSA1_5"));
    unsigned seen[33] = {0};
    struct span before = SPAN_NONE;
    assert_int_equal(other.err, ERR_OK);
    assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_ENVELOPE, "RSA1_5"), ERR_OK);
    for (int i = 0; i < 60; i++) {
        unsigned char bytes[MODULUS] = {0, (unsigned char)i};
        struct span mine = unwrap(f, span_bytes(bytes, MODULUS)).bytes;
        struct span theirs = ASK(SIGNER_OP_UNWRAP, other.kid, .bytes = span_bytes(bytes, MODULUS)).bytes;
        assert_false(span_eq(mine, before));
        assert_memory_not_equal(mine.ptr + 1, theirs.ptr + 1, 16);
        seen[(unsigned char)mine.ptr[0]]++;
        before = mine;
    }
    assert_true(seen[16] && seen[24] && seen[32] && seen[16] + seen[24] + seen[32] == 60);
}

static void test_a_made_key_opens_what_its_public_half_wrapped(void **state) {
    struct fixture *f = *state;
    struct signer_answer key = ASK(SIGNER_OP_GENERATE, SPAN_NONE, .use = KEY_USE_ENVELOPE, .alg = SPAN("RSA1_5"));
    AUTO_JSON json_t *j = NULL;
    unsigned char em[MODULUS];
    assert_int_equal(key.err, ERR_OK);
    assert_int_equal(json_parse_object(key.text, JWK_MAX_BYTES, &j), ERR_OK);
    assert_true(span_is(json_str(j, "use"), "enc"));
    assert_true(span_is(json_str(j, "alg"), "RSA1_5"));
    assert_true(span_eq(json_str(j, "kid"), key.kid));
    assert_null(json_object_get(j, "d"));
    AUTO_JWK struct jwk *public = NULL, *none = NULL;
    assert_int_equal(jwk_parse(key.text, &none), ERR_UNSUPPORTED); /* it verifies nothing */
    struct span numbers = span_of(arena_printf(&f->arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", json_str(j, "n").ptr,
                                               json_str(j, "e").ptr));
    assert_int_equal(jwk_parse(numbers, &public), ERR_OK);
    assert_int_equal(EVP_PKEY_get_bits(public->pkey), 2048);
    padded(em, 32);
    struct span wrapped = raised(f, public->pkey, em);
    assert_true(has_key(ASK(SIGNER_OP_UNWRAP, key.kid, .bytes = wrapped).bytes, 32));
    /* and again after a restart */
    assert_int_equal(ASK(SIGNER_OP_UNLOAD, key.kid).err, ERR_OK);
    assert_int_equal(ASK(SIGNER_OP_UNWRAP, key.kid, .bytes = wrapped).err, ERR_NOT_FOUND);
    assert_int_equal(ASK(SIGNER_OP_LOAD, key.kid, .use = KEY_USE_ENVELOPE, .alg = SPAN("RSA1_5"), .bytes = key.bytes).err, ERR_OK);
    assert_true(has_key(ASK(SIGNER_OP_UNWRAP, key.kid, .bytes = wrapped).bytes, 32));
}

static void test_E15_a_key_of_another_use_opens_nothing(void **state) {
    struct fixture *f = *state;
    static const struct {
        enum key_use use;
        const char *alg;
    } others[] = {{KEY_USE_SIG, "RS256"},  {KEY_USE_SIG, "ES256"},  {KEY_USE_PEPPER, "HS256"}, {KEY_USE_DATA, "XC20P"},
                  {KEY_USE_INDEX, "HS256"}, {KEY_USE_CODE, "XC20P"}, {KEY_USE_PAIRWISE, "HS256"}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct signer_answer key = ASK(SIGNER_OP_GENERATE, SPAN_NONE, .use = others[i].use, .alg = span_of(others[i].alg));
        assert_int_equal(key.err, ERR_OK);
        assert_int_equal(ASK(SIGNER_OP_UNWRAP, key.kid, .bytes = wrapped_of(f, 0)).err, ERR_REFUSED);
    }
    assert_int_equal(ASK(SIGNER_OP_UNWRAP, SPAN("nobody"), .bytes = wrapped_of(f, 0)).err, ERR_NOT_FOUND);
}

static void test_E15_an_envelope_key_does_nothing_else(void **state) {
    struct fixture *f = *state;
    int64_t now = clock_now();
    struct span claims = span_of(arena_printf(&f->arena, "{\"iss\":\"" FIXTURE_ISSUER "\",\"iat\":%lld,\"exp\":%lld}",
                                              (long long)now, (long long)now + 60));
    assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_ENVELOPE, "RSA1_5"), ERR_OK);
    assert_int_equal(ASK(SIGNER_OP_SIGN_JWT, SPAN(KID), .typ = SPAN("JWT"), .bytes = claims).err, ERR_REFUSED);
    assert_int_equal(ASK(SIGNER_OP_RELEASE, SPAN(KID)).err, ERR_REFUSED);
    assert_int_equal(ASK(SIGNER_OP_PEPPER, SPAN(KID), .bytes = SPAN("x")).err, ERR_REFUSED);
}

/* The use is in what the wrapped key is bound to: relabelling a row makes no key of another use. */
static void test_E15_a_key_does_not_change_its_use(void **state) {
    struct fixture *f = *state;
    assert_int_equal(load_as(f, KEY_USE_SIG, KEY_USE_ENVELOPE, "RSA1_5"), ERR_BAD_SIGNATURE);
    assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_SIG, "RS256"), ERR_BAD_SIGNATURE);
    assert_int_equal(load_as(f, KEY_USE_SIG, KEY_USE_SIG, "RSA1_5"), ERR_UNSUPPORTED);
    assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_ENVELOPE, "RS256"), ERR_UNSUPPORTED);
    static const char *const algs[] = {"RS256", "RSA-OAEP", "ES256", "HS256", ""};
    for (size_t i = 0; i < ARRAY_LEN(algs); i++)
        assert_int_equal(ASK(SIGNER_OP_GENERATE, SPAN_NONE, .use = KEY_USE_ENVELOPE, .alg = span_of(algs[i])).err, ERR_UNSUPPORTED);
    assert_int_equal(ASK(SIGNER_OP_GENERATE, SPAN_NONE, .use = KEY_USE_SIG, .alg = SPAN("RSA1_5")).err, ERR_UNSUPPORTED);
}

static void test_E15_nothing_is_opened_unless_the_policy_says_so(void **state) {
    struct fixture *f = *state;
    static const char *const policies[] = {"", ",\"envelopes\":\"off\""};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        signer_stop(f->signer);
        start(f, policies[i]);
        assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_ENVELOPE, "RSA1_5"), ERR_OK); /* idpd starts all the same */
        assert_int_equal(unwrap(f, wrapped_of(f, 0)).err, ERR_REFUSED);
        assert_int_equal(ASK(SIGNER_OP_GENERATE, SPAN_NONE, .use = KEY_USE_ENVELOPE, .alg = SPAN("RSA1_5")).err, ERR_REFUSED);
    }
    static const char *const bad[] = {"true", "\"yes\"", "null", "\"\""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct signer *none;
        char policy[512];
        int n = snprintf(policy, sizeof policy, "{\"issuer\":\"x\",\"kek_file\":\"%s\",\"envelopes\":%s}", f->files.kek, bad[i]);
        file_write(f->files.policy, policy, (size_t)n);
        assert_int_equal(signer_start(getenv("IDP_SIGNER"), f->files.policy, 1, &none), ERR_UNAVAILABLE);
    }
}

static void test_what_is_opened_is_counted_and_chained(void **state) {
    struct fixture *f = *state;
    AUTO_JSON json_t *first = NULL, *then = NULL;
    assert_int_equal(load_as(f, KEY_USE_ENVELOPE, KEY_USE_ENVELOPE, "RSA1_5"), ERR_OK);
    assert_int_equal(unwrap(f, wrapped_of(f, 0)).err, ERR_OK);
    assert_int_equal(json_parse_object(ASK(SIGNER_OP_STATUS, SPAN_NONE).text, 65536, &first), ERR_OK);
    assert_int_equal(unwrap(f, SPAN("noise")).err, ERR_OK); /* it counts as well: nobody can tell */
    assert_int_equal(json_parse_object(ASK(SIGNER_OP_STATUS, SPAN_NONE).text, 65536, &then), ERR_OK);
    const json_t *one = json_array_get(json_object_get(first, "keys"), 0), *two = json_array_get(json_object_get(then, "keys"), 0);
    assert_true(span_is(json_str(one, "use"), "envelope"));
    assert_int_equal(json_integer_value(json_object_get(one, "unwrapped")), 1);
    assert_int_equal(json_integer_value(json_object_get(two, "unwrapped")), 2);
    assert_false(span_eq(json_str(one, "chain"), json_str(two, "chain")));
}

/* Without a process between: keys that are none. */
static void test_only_an_rsa_key_long_enough_opens(void **state) {
    (void)state;
    static const char rejection[32] = {1};
    unsigned char out[UNWRAPPED_BYTES];
    EVP_PKEY *good = EVP_RSA_gen(2048), *small = EVP_RSA_gen(1024), *other = EVP_EC_gen("P-256");
    const struct span mac = span_bytes(rejection, sizeof rejection);
    assert_int_equal(rsa15_unwrap(good, mac, SPAN("x"), out), ERR_OK);
    assert_int_equal(rsa15_unwrap(small, mac, SPAN("x"), out), ERR_RANGE);
    assert_int_equal(rsa15_unwrap(other, mac, SPAN("x"), out), ERR_RANGE);
    EVP_PKEY_free(good);
    EVP_PKEY_free(small);
    EVP_PKEY_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_what_another_implementation_wrapped_opens),
        T(test_E15_each_damage_to_the_padding_gets_noise_of_the_same_form),
        T(test_E15_what_is_no_message_at_all_gets_noise_too),
        T(test_noise_differs_with_message_and_key),
        T(test_a_made_key_opens_what_its_public_half_wrapped),
        T(test_E15_a_key_of_another_use_opens_nothing),
        T(test_E15_an_envelope_key_does_nothing_else),
        T(test_E15_a_key_does_not_change_its_use),
        cmocka_unit_test_setup_teardown(test_E15_nothing_is_opened_unless_the_policy_says_so, setup_default, teardown),
        T(test_what_is_opened_is_counted_and_chained),
        cmocka_unit_test(test_only_an_rsa_key_long_enough_opens),
#undef T
    };
    if (secret_init())
        return 1;
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
