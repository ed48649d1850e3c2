/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: `idpctl jose verify` answers 0 only for what the strict verifier accepts under the
 * algorithm that --alg, else the key, else its curve says; 1 for what it refuses; 2 for a command
 * that does not say what to do. One final LF is ignored, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/ctl/jose.h"
#include "keys/jws.h"
#include "tests/unit/keys/forge.h"
#include "tests/unit/keys/rfc_keys.h"

static char folder[] = "/tmp/idp-test-jose-XXXXXX";
static struct arena arena = ARENA_INIT(4 * 1024 * 1024);
static const char *rsa_public, *rsa_open; /* with and without alg */
static EVP_PKEY *rsa_pkey;
static struct span hs_token, ec_token, rs_token, ps_token, okp_token;

static const char *file_with(const char *name, struct span text) {
    const char *path = arena_printf(&arena, "%s/%s", folder, name);
    AUTO_CLOSE int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    return path;
}

/* Runs the command in a child, as idpctl's main does. Its standard output must stay empty. */
static int run(char **argv, struct span input) {
    int argc = 0;
    while (argv[argc])
        argc++;
    const char *in = file_with("stdin", input), *out = file_with("stdout", SPAN(""));
    pid_t child = fork();
    if (child == 0) {
        int fds[] = {open(in, O_RDONLY), open(out, O_WRONLY), open("/dev/null", O_WRONLY)};
        for (int i = 0; i < 3; i++)
            if (dup2(fds[i], i) < 0)
                _exit(99);
        _exit(ctl_jose(argc, argv));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    AUTO_CLOSE int fd = open(out, O_RDONLY);
    char byte;
    assert_int_equal(read(fd, &byte, 1), 0);
    return WEXITSTATUS(status);
}

static int verify(const char *jwk, const char *alg, struct span input) {
    char noun[] = "jose", verb[] = "verify", jwk_option[] = "--jwk", alg_option[] = "--alg";
    char *path = arena_strdup(&arena, file_with("key", span_of(jwk)));
    char *argv[] = {noun,
                    verb,
                    jwk_option,
                    path,
                    alg ? alg_option : NULL,
                    alg ? arena_strdup(&arena, alg) : NULL,
                    NULL};
    return run(argv, input);
}

static struct span signed_by(const char *jwk, const char *typ) {
    AUTO_JWK struct jwk *k = NULL;
    struct jws_signer *s = NULL;
    CLEANUP(buf_done) struct buf out = BUF_INIT(JWS_MAX_BYTES);
    assert_int_equal(jwk_parse(span_of(jwk), &k), ERR_OK);
    assert_int_equal(jws_signer_new(k, &s), ERR_OK);
    assert_int_equal(jws_sign(s, typ, SPAN("\0any bytes\xff"), &out), ERR_OK);
    jws_signer_free(s);
    return arena_dup(&arena, buf_span(&out));
}

static int init(void **state) {
    (void)state;
    AUTO_JWK struct jwk *k = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT(JWK_MAX_BYTES);
    if (secret_init() || !mkdtemp(folder))
        return -1;
    rsa_pkey = EVP_RSA_gen(2048);
    EVP_PKEY_up_ref(rsa_pkey);
    assert_int_equal(jwk_from_pkey(rsa_pkey, jose_alg_find(SPAN("RS256")), "", &k), ERR_OK);
    assert_int_equal(jwk_public_add(k, &text), ERR_OK);
    rsa_public = arena_strdup(&arena, text.data);
    buf_reset(&text);
    k->alg = NULL;
    assert_int_equal(jwk_public_add(k, &text), ERR_OK);
    rsa_open = arena_strdup(&arena, text.data);

    struct span key;
    assert_int_equal(b64url_decode_arena(&arena, SPAN(RFC7515_A1_K), &key), ERR_OK);
    hs_token = forge_hs256(&arena, key, "{\"alg\":\"HS256\"}", SPAN("x"));
    struct span t = forge_text(&arena, SPAN("{\"alg\":\"RS256\"}"), SPAN("x"));
    rs_token = forge_join(&arena, t, forge_rsa(&arena, rsa_pkey, "SHA256", t));
    t = forge_text(&arena, SPAN("{\"alg\":\"PS256\"}"), SPAN("x"));
    ps_token = forge_join(&arena, t, forge_pss(&arena, rsa_pkey, "SHA256", 32, t));
    ec_token = signed_by(RFC7515_A3_PRIVATE_KEY, "at+jwt");
    okp_token = signed_by(RFC8037_A_PRIVATE_KEY, NULL);
    return 0;
}

static int done(void **state) {
    (void)state;
    static const char *const names[] = {"key", "stdin", "stdout"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)unlink(arena_printf(&arena, "%s/%s", folder, names[i]));
    EVP_PKEY_free(rsa_pkey);
    arena_done(&arena);
    return rmdir(folder);
}

#define OCT_OPEN "{\"kty\":\"oct\",\"k\":\"" RFC7515_A1_K "\"}"

static void test_algorithm_by_option_key_or_curve(void **state) {
    (void)state;
    const struct {
        const char *jwk, *alg;
        struct span token;
        int want;
    } cases[] = {
        {RFC7515_A3_KEY, NULL, ec_token, 0},
        {RFC7515_A3_PRIVATE_KEY, NULL, ec_token, 0},
        {RFC7515_A3_KEY, "ES256", ec_token, 0},
        {RFC7515_A3_KEY, "EdDSA", ec_token, 1},
        {RFC7515_A3_KEY, NULL, okp_token, 1},
        {RFC8037_A_KEY, NULL, okp_token, 0},
        {RFC8037_A_KEY, NULL, ec_token, 1},
        {rsa_public, NULL, rs_token, 0},
        {rsa_public, NULL, ps_token, 1},
        {rsa_public, "RS256", rs_token, 0},
        {rsa_public, "PS256", ps_token, 1}, /* the key says RS256: it is used with nothing else */
        {rsa_open, NULL, rs_token, 2},
        {rsa_open, "RS256", rs_token, 0},
        {rsa_open, "RS256", ps_token, 1},
        {rsa_open, "PS256", ps_token, 0},
        {rsa_open, "HS256", hs_token, 1},
        {RFC7515_A1_KEY, NULL, hs_token, 0},
        {OCT_OPEN, NULL, hs_token, 2},
        {OCT_OPEN, "HS256", hs_token, 0},
        {OCT_OPEN, "RS256", hs_token, 1},
        {rsa_open, "none", rs_token, 2},
        {rsa_open, "RS384", rs_token, 2},
        {rsa_open, "rs256", rs_token, 2},
        {rsa_open, "", rs_token, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(verify(cases[i].jwk, cases[i].alg, cases[i].token), cases[i].want);
}

static void test_one_final_lf_and_nothing_else(void **state) {
    (void)state;
    const char *t = ec_token.ptr;
    static const struct {
        const char *format;
        int want;
    } cases[] = {{"%s", 0},  {"%s\n", 0}, {"%s\n\n", 1},         {"%s\r\n", 1}, {"%s ", 1},
                 {" %s", 1}, {"\n%s", 1}, {"\xEF\xBB\xBF%s", 1}, {"%s\n ", 1},  {"%s\t\n", 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf input = BUF_INIT(JWS_MAX_BYTES);
        const char *hole = strstr(cases[i].format, "%s");
        buf_add(&input, cases[i].format, (size_t)(hole - cases[i].format));
        buf_add_str(&input, t);
        buf_add_str(&input, hole + 2);
        assert_int_equal(verify(RFC7515_A3_KEY, NULL, buf_span(&input)), cases[i].want);
    }
    assert_int_equal(verify(RFC7515_A3_KEY, NULL, SPAN("")), 1);
    assert_int_equal(verify(RFC7515_A3_KEY, NULL, SPAN("\n")), 1);
    /* A NUL is a byte like any other: it does not end the token. */
    assert_int_equal(verify(RFC7515_A3_KEY, NULL, (struct span){t, ec_token.len + 1}), 1);
}

static void test_sizes_e14(void **state) {
    (void)state;
    struct span key;
    assert_int_equal(b64url_decode_arena(&arena, SPAN(RFC7515_A1_K), &key), ERR_OK);
    size_t head = forge_hs256(&arena, key, "{\"alg\":\"HS256\"}", SPAN("")).len;
    size_t room = (JWS_MAX_BYTES - head) * 3 / 4;
    char *payload = arena_alloc(&arena, room + 1);
    for (size_t more = 0; more < 2; more++) {
        struct span token =
            forge_hs256(&arena, key, "{\"alg\":\"HS256\"}", span_bytes(payload, room + more));
        struct span line = span_of(arena_printf(&arena, "%.*s\n", SPAN_FMT(token)));
        assert_int_equal(verify(RFC7515_A1_KEY, NULL, token), (int)more);
        assert_int_equal(verify(RFC7515_A1_KEY, NULL, line), (int)more);
    }
    char *huge = arena_alloc(&arena, 1024 * 1024);
    memset(huge, 'A', 1024 * 1024);
    assert_int_equal(verify(RFC7515_A1_KEY, NULL, span_bytes(huge, 1024 * 1024)), 1);
}

static void test_refused_keys(void **state) {
    (void)state;
    static const struct {
        const char *jwk;
        int want;
    } cases[] = {
        {"{" EC_MEMBERS ",\"use\":\"enc\"}", 1},
        {"{" EC_MEMBERS ",\"key_ops\":[\"sign\"]}", 1},
        {"{" EC_MEMBERS ",\"alg\":\"ES384\"}", 1},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" RFC7515_A3_X "\",\"y\":\"" RFC7515_A3_Y "\"}",
         1},
        {"{\"kty\":\"new\"}", 1},
        {"{}", 1},
        {"{\"keys\":[" RFC7515_A3_KEY "]}", 1}, /* a set is no key */
        {"", 2},
        {"no JSON", 2},
        {"[" RFC7515_A3_KEY "]", 2},
        {"-----BEGIN PUBLIC KEY-----", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(verify(cases[i].jwk, NULL, ec_token), cases[i].want);
}

static void test_usage(void **state) {
    (void)state;
    char *key = arena_strdup(&arena, file_with("key", SPAN(RFC7515_A3_KEY)));
    char *missing = arena_printf(&arena, "%s/missing", folder);
    char jose[] = "jose", verb[] = "verify", sign[] = "sign", jwk[] = "--jwk", alg[] = "--alg";
    char es[] = "ES256", unknown[] = "--key", extra[] = "extra", prefix[] = "--jw";
    char *const commands[][8] = {
        {jose, NULL},
        {jose, sign, jwk, key, NULL},
        {jose, verb, NULL},
        {jose, verb, jwk, NULL},
        {jose, verb, alg, es, NULL},
        {jose, verb, jwk, key, alg, NULL},
        {jose, verb, jwk, key, jwk, key, NULL},
        {jose, verb, jwk, key, unknown, key, NULL},
        {jose, verb, jwk, key, extra, NULL},
        {jose, verb, prefix, key, NULL},
        {jose, verb, jwk, missing, NULL},
        {jose, verb, jwk, folder, NULL},
        {jose, jwk, key, verb, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        assert_int_equal(run((char **)commands[i], ec_token), 2);
    char *const good[] = {jose, verb, alg, es, jwk, key, NULL};
    assert_int_equal(run((char **)good, ec_token), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_algorithm_by_option_key_or_curve),
        cmocka_unit_test(test_one_final_lf_and_nothing_else),
        cmocka_unit_test(test_sizes_e14),
        cmocka_unit_test(test_refused_keys),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests_name("idp/ctl/jose", tests, init, done);
}
