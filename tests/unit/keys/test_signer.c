/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a real, sandboxed idp-signer does each typed operation, refuses each thing that its
 * policy or labels forbid, and is replaced when it dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/json.h"
#include "keys/at_hash.h"
#include "keys/jws.h"
#include "keys/signer_client.h"
#include "tests/unit/support/signer_fixture.h"

struct fixture {
    struct signer_files files;
    struct signer *signer;
    struct arena arena;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    signer_files_make(&f->files);
    f->arena = ARENA_INIT(16 * 1024 * 1024);
    assert_int_equal(signer_start(getenv("IDP_SIGNER"), f->files.policy, 3, &f->signer), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    signer_stop(f->signer);
    signer_files_remove(&f->files);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static struct signer_answer ask(struct fixture *f, struct signer_request q) {
    struct signer_answer a = {.err = ERR_INTERNAL};
    assert_int_equal(signer_call(signer_channel(f->signer, 1), &q, 1, &f->arena, &a), ERR_OK);
    return a;
}

static struct signer_answer generate(struct fixture *f, enum key_use use, const char *alg) {
    struct signer_answer a =
        ask(f, (struct signer_request){.op = SIGNER_OP_GENERATE, .use = use, .alg = span_of(alg)});
    assert_int_equal(a.err, ERR_OK);
    return a;
}

static struct span claims(struct fixture *f, const char *iss, int64_t iat, int64_t exp) {
    return span_of(arena_printf(&f->arena, "{\"iss\":\"%s\",\"iat\":%lld,\"exp\":%lld}", iss,
                                (long long)iat, (long long)exp));
}

static enum err sign(struct fixture *f, struct span kid, const char *typ, struct span text) {
    return ask(f, (struct signer_request){.op = SIGNER_OP_SIGN_JWT, .kid = kid, .typ = span_of(typ),
                                          .bytes = text})
        .err;
}

static void test_signs_what_the_public_key_verifies(void **state) {
    struct fixture *f = *state;
    static const char *const algs[] = {"ES256", "RS256", "PS256", "EdDSA"};
    for (size_t i = 0; i < 4; i++) {
        struct signer_answer key = generate(f, KEY_USE_SIG, algs[i]);
        int64_t now = clock_now();
        struct signer_answer token = ask(
            f, (struct signer_request){.op = SIGNER_OP_SIGN_JWT, .kid = key.kid, .typ = SPAN("at+jwt"),
                                       .bytes = claims(f, FIXTURE_ISSUER, now, now + 300)});
        assert_int_equal(token.err, ERR_OK);
        struct jwk_set set = {.count = 1};
        assert_int_equal(jwk_parse(key.text, &set.key[0]), ERR_OK);
        assert_false(set.key[0]->is_private);
        struct jws jws;
        static const char *const typ[] = {"at+jwt", NULL};
        assert_int_equal(jws_verify(&f->arena, token.text, &(struct jws_expect){.typ = typ}, &set, &jws),
                         ERR_OK);
        assert_true(span_eq(jws.kid, key.kid));
        char *edited = arena_strndup(&f->arena, token.text.ptr, token.text.len);
        edited[token.text.len / 2] ^= 1;
        assert_int_not_equal(jws_verify(&f->arena, span_of(edited), &(struct jws_expect){.typ = typ},
                                        &set, &jws), ERR_OK);
        jwk_set_done(&set);
    }
}

static void test_policy_is_not_widened_by_what_idpd_sends(void **state) {
    struct fixture *f = *state;
    struct span kid = generate(f, KEY_USE_SIG, "ES256").kid;
    int64_t now = clock_now();
    assert_int_equal(sign(f, kid, "JWT", claims(f, FIXTURE_ISSUER, now, now + 300)), ERR_OK);
    assert_int_equal(sign(f, kid, "JWT", claims(f, "https://evil.example", now, now + 300)), ERR_REFUSED);
    assert_int_equal(sign(f, kid, "JWT", claims(f, FIXTURE_ISSUER, now, now + 3601)), ERR_REFUSED);
    assert_int_equal(sign(f, kid, "JWT", claims(f, FIXTURE_ISSUER, now, now)), ERR_REFUSED);
    assert_int_equal(sign(f, kid, "JWT", claims(f, FIXTURE_ISSUER, now - 90, now + 30)), ERR_REFUSED);
    assert_int_equal(sign(f, kid, "JWT", claims(f, FIXTURE_ISSUER, now + 90, now + 100)), ERR_REFUSED);
    assert_int_equal(sign(f, kid, "dpop+jwt", claims(f, FIXTURE_ISSUER, now, now + 30)), ERR_REFUSED);
    assert_int_equal(sign(f, kid, "logout+jwt", claims(f, FIXTURE_ISSUER, now, now + 121)), ERR_REFUSED);
    assert_int_equal(sign(f, kid, "JWT", SPAN("not json")), ERR_REFUSED);
    assert_int_equal(sign(f, kid, "JWT", SPAN("{\"iss\":\"a\",\"iss\":\"b\"}")), ERR_REFUSED);
    assert_int_equal(sign(f, SPAN("nobody"), "JWT", claims(f, FIXTURE_ISSUER, now, now + 30)), ERR_NOT_FOUND);
}

static void test_keys_stay_within_their_use(void **state) {
    struct fixture *f = *state;
    struct span sig = generate(f, KEY_USE_SIG, "ES256").kid, pepper = generate(f, KEY_USE_PEPPER, "HS256").kid,
                data = generate(f, KEY_USE_DATA, "XC20P").kid;
    int64_t now = clock_now();
#define ASK(o, k, ...) ask(f, (struct signer_request){.op = (o), .kid = (k), __VA_ARGS__})
    assert_int_equal(ASK(SIGNER_OP_RELEASE, data).err, ERR_OK);
    assert_int_equal(ASK(SIGNER_OP_RELEASE, data).bytes.len, 32);
    assert_int_equal(ASK(SIGNER_OP_RELEASE, sig).err, ERR_REFUSED);
    assert_int_equal(ASK(SIGNER_OP_RELEASE, pepper).err, ERR_REFUSED);
    assert_int_equal(ASK(SIGNER_OP_PEPPER, pepper, .bytes = SPAN("x")).err, ERR_OK);
    assert_int_equal(ASK(SIGNER_OP_PEPPER, data, .bytes = SPAN("x")).err, ERR_REFUSED);
    assert_int_equal(sign(f, data, "JWT", claims(f, FIXTURE_ISSUER, now, now + 30)), ERR_REFUSED);
    assert_true(span_eq(ASK(SIGNER_OP_PEPPER, pepper, .bytes = SPAN("x")).bytes,
                        ASK(SIGNER_OP_PEPPER, pepper, .bytes = SPAN("x")).bytes));
    assert_false(span_eq(ASK(SIGNER_OP_PEPPER, pepper, .bytes = SPAN("x")).bytes,
                         ASK(SIGNER_OP_PEPPER, pepper, .bytes = SPAN("y")).bytes));
}

static void test_a_wrapped_key_opens_under_its_own_labels_only(void **state) {
    struct fixture *f = *state;
    struct signer_answer key = generate(f, KEY_USE_SIG, "ES256");
    assert_int_equal(ASK(SIGNER_OP_UNLOAD, key.kid).err, ERR_OK);
    struct signer_request load = {.op = SIGNER_OP_LOAD, .kid = key.kid, .use = KEY_USE_SIG,
                                  .alg = SPAN("ES256"), .bytes = key.bytes};
    struct signer_request other = load;
    other.kid = SPAN("another");
    assert_int_equal(ask(f, other).err, ERR_BAD_SIGNATURE);
    other = load;
    other.use = KEY_USE_DATA;
    assert_int_equal(ask(f, other).err, ERR_BAD_SIGNATURE);
    other = load;
    other.alg = SPAN("RS256");
    assert_int_equal(ask(f, other).err, ERR_BAD_SIGNATURE);
    other = load;
    char *edited = arena_strndup(&f->arena, key.bytes.ptr, key.bytes.len);
    edited[key.bytes.len - 1] ^= 1;
    other.bytes = span_bytes(edited, key.bytes.len);
    assert_int_equal(ask(f, other).err, ERR_BAD_SIGNATURE);
    assert_int_equal(ask(f, load).err, ERR_OK);
    assert_int_equal(ask(f, load).err, ERR_EXISTS);
}

static void test_a_message_takes_as_many_requests_as_it_says(void **state) {
    struct fixture *f = *state;
    struct span kid = generate(f, KEY_USE_PEPPER, "HS256").kid;
    struct signer_request q[SIGNER_BATCH_MAX + 1];
    struct signer_answer a[SIGNER_BATCH_MAX + 1];
    for (size_t i = 0; i <= SIGNER_BATCH_MAX; i++)
        q[i] = (struct signer_request){.op = SIGNER_OP_PEPPER, .kid = kid, .bytes = SPAN("x")};
    struct signer_channel *c = signer_channel(f->signer, 1);
    assert_int_equal(signer_call(c, q, SIGNER_BATCH_MAX, &f->arena, a), ERR_OK);
    for (size_t i = 0; i < SIGNER_BATCH_MAX; i++)
        assert_int_equal(a[i].err, ERR_OK);
    assert_int_equal(signer_call(c, q, SIGNER_BATCH_MAX + 1, &f->arena, a), ERR_RANGE);
    assert_int_equal(signer_call(c, q, 1, &f->arena, a), ERR_OK); /* the channel took no harm */
}

/* Who has no room for the answer is the only one to go without. */
static void test_askers_of_one_message_do_not_share_memory(void **state) {
    struct fixture *f = *state;
    struct span kid = generate(f, KEY_USE_PEPPER, "HS256").kid;
    struct arena small = ARENA_INIT(0);
    struct arena *const arena[] = {&f->arena, &small, &f->arena};
    struct signer_request q[3];
    struct signer_answer a[3];
    for (size_t i = 0; i < 3; i++)
        q[i] = (struct signer_request){.op = SIGNER_OP_PEPPER, .kid = kid, .bytes = SPAN("x")};
    assert_int_equal(signer_call_each(signer_channel(f->signer, 1), q, 3, arena, a), ERR_OK);
    assert_int_equal(a[0].err, ERR_OK);
    assert_int_equal(a[1].err, ERR_NOMEM);
    assert_null(a[1].bytes.ptr);
    assert_int_equal(a[2].err, ERR_OK);
}

/* B35: at_hash is of the access token that the same message made, by the ID token's algorithm. */
static void test_B35_an_id_token_is_bound_to_the_token_before_it(void **state) {
    struct fixture *f = *state;
    static const char *const algs[] = {"ES256", "RS256", "PS256", "EdDSA"};
    struct span access = generate(f, KEY_USE_SIG, "ES256").kid;
    for (size_t i = 0; i < 4; i++) {
        struct signer_answer key = generate(f, KEY_USE_SIG, algs[i]), a[2];
        int64_t now = clock_now();
        struct span text = claims(f, FIXTURE_ISSUER, now, now + 300);
        const struct signer_request q[] = {
            {.op = SIGNER_OP_SIGN_JWT, .kid = access, .typ = SPAN("at+jwt"), .bytes = text},
            {.op = SIGNER_OP_SIGN_BOUND, .kid = key.kid, .typ = SPAN("JWT"), .bytes = text},
        };
        assert_int_equal(signer_call(signer_channel(f->signer, 1), q, 2, &f->arena, a), ERR_OK);
        assert_int_equal(a[0].err, ERR_OK);
        assert_int_equal(a[1].err, ERR_OK);

        struct jwk_set set = {.count = 1};
        assert_int_equal(jwk_parse(key.text, &set.key[0]), ERR_OK);
        struct jws jws;
        const struct jws_expect expect = {.typ = (const char *const[]){"JWT", NULL}};
        assert_int_equal(jws_verify(&f->arena, a[1].text, &expect, &set, &jws), ERR_OK);
        AUTO_JSON json_t *j = NULL;
        char hash[AT_HASH_MAX];
        assert_int_equal(json_parse_object(jws.payload, JWS_MAX_BYTES, &j), ERR_OK);
        assert_int_equal(at_hash_build(jose_alg_find(span_of(algs[i])), a[0].text, hash), ERR_OK);
        assert_true(span_is(json_str(j, "at_hash"), hash));
        assert_true(span_is(json_str(j, "iss"), FIXTURE_ISSUER));
        jwk_set_done(&set);
    }
}

static enum err bound(struct fixture *f, struct span kid, struct span before, struct span text) {
    const struct signer_request q[] = {
        {.op = SIGNER_OP_SIGN_JWT, .kid = kid, .typ = SPAN("at+jwt"), .bytes = before},
        {.op = SIGNER_OP_SIGN_BOUND, .kid = kid, .typ = SPAN("JWT"), .bytes = text},
    };
    struct signer_answer a[2];
    assert_int_equal(signer_call(signer_channel(f->signer, 1), q, 2, &f->arena, a), ERR_OK);
    return a[1].err;
}

static void test_B35_nothing_is_bound_to_what_was_not_signed(void **state) {
    struct fixture *f = *state;
    struct span kid = generate(f, KEY_USE_SIG, "ES256").kid;
    int64_t now = clock_now();
    struct span good = claims(f, FIXTURE_ISSUER, now, now + 300),
                foreign = claims(f, "https://other", now, now + 300);
    struct span own_hash = span_of(
        arena_printf(&f->arena, "{\"iss\":\"%s\",\"iat\":%lld,\"exp\":%lld,\"at_hash\":\"x\"}",
                     FIXTURE_ISSUER, (long long)now, (long long)now + 300));
    assert_int_equal(bound(f, kid, good, good), ERR_OK);
    assert_int_equal(bound(f, kid, foreign, good), ERR_SYNTAX);  /* the one before was refused */
    assert_int_equal(bound(f, kid, good, foreign), ERR_REFUSED); /* the policy holds here too */
    assert_int_equal(bound(f, kid, good, own_hash), ERR_REFUSED);
    assert_int_equal(bound(f, kid, good, SPAN("{}")), ERR_SYNTAX);
    assert_int_equal(bound(f, kid, good, SPAN("{\"a\":[}")), ERR_REFUSED);
    assert_int_equal(bound(f, kid, good, SPAN("\"")), ERR_SYNTAX);
    const struct signer_request alone = {
        .op = SIGNER_OP_SIGN_BOUND, .kid = kid, .typ = SPAN("JWT"), .bytes = good};
    assert_int_equal(ask(f, alone).err, ERR_SYNTAX);
}

static void test_status_counts_and_chains(void **state) {
    struct fixture *f = *state;
    struct span kid = generate(f, KEY_USE_SIG, "EdDSA").kid;
    int64_t now = clock_now();
    for (int i = 0; i < 3; i++)
        assert_int_equal(sign(f, kid, "JWT", claims(f, FIXTURE_ISSUER, now, now + 30)), ERR_OK);
    AUTO_JSON json_t *status = NULL;
    assert_int_equal(json_parse_object(ASK(SIGNER_OP_STATUS, SPAN_NONE).text, 65536, &status), ERR_OK);
    assert_true(json_is_true(json_object_get(status, "sandbox")) == (strcmp(FIXTURE_SANDBOX, "on") == 0));
    const json_t *key = json_array_get(json_object_get(status, "keys"), 0);
    assert_int_equal(json_integer_value(json_object_get(key, "signatures")), 3);
    assert_int_equal(json_str(key, "chain").len, 64);
}

static enum err load_again(struct signer_channel *c, void *ctx) {
    (void)c;
    ++*(int *)ctx;
    return ERR_OK;
}

static void test_a_killed_signer_is_unavailable_until_it_is_replaced(void **state) {
    struct fixture *f = *state;
    struct signer_request q = {.op = SIGNER_OP_STATUS};
    struct signer_answer a;
    int loads = 0;
    pid_t first = signer_pid(f->signer);
    assert_int_equal(kill(first, SIGKILL), 0);
    struct pollfd p = {.fd = signer_death_fd(f->signer), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(signer_call(signer_channel(f->signer, 1), &q, 1, &f->arena, &a), ERR_UNAVAILABLE);
    assert_false(signer_is_ready(f->signer));
    assert_int_equal(signer_restart(f->signer, load_again, &loads), ERR_OK);
    assert_int_equal(loads, 1);
    assert_int_not_equal(signer_pid(f->signer), first);
    assert_true(signer_is_ready(f->signer));
    assert_int_equal(signer_call(signer_channel(f->signer, 1), &q, 1, &f->arena, &a), ERR_OK);
}

static void test_a_bad_policy_or_kek_is_no_signer(void **state) {
    struct fixture *f = *state;
    struct signer *none;
    const char *const bad[] = {
        "{}", "{\"issuer\":\"x\"}", "not json",
        "{\"issuer\":\"x\",\"kek_file\":\"/nonexistent\"}",
        "{\"issuer\":\"x\",\"kek_file\":\"/nonexistent\",\"lifetime\":1}",
    };
    for (size_t i = 0; i < 5; i++) {
        file_write(f->files.policy, bad[i], strlen(bad[i]));
        assert_int_equal(signer_start(getenv("IDP_SIGNER"), f->files.policy, 1, &none), ERR_UNAVAILABLE);
    }
    signer_files_remove(&f->files);
    signer_files_make(&f->files);
    assert_int_equal(chmod(f->files.kek, 0640), 0); /* readable by a group */
    assert_int_equal(signer_start(getenv("IDP_SIGNER"), f->files.policy, 1, &none), ERR_UNAVAILABLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_signs_what_the_public_key_verifies),
        T(test_policy_is_not_widened_by_what_idpd_sends),
        T(test_keys_stay_within_their_use),
        T(test_a_wrapped_key_opens_under_its_own_labels_only),
        T(test_a_message_takes_as_many_requests_as_it_says),
        T(test_askers_of_one_message_do_not_share_memory),
        T(test_B35_an_id_token_is_bound_to_the_token_before_it),
        T(test_B35_nothing_is_bound_to_what_was_not_signed),
        T(test_status_counts_and_chains),
        T(test_a_killed_signer_is_unavailable_until_it_is_replaced),
        T(test_a_bad_policy_or_kek_is_no_signer),
#undef T
    };
    if (secret_init())
        return 1;
    return cmocka_run_group_tests_name("signer", tests, NULL, NULL);
}
