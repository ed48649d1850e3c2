/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying a JWS by hand; see jose.h. */
#include "idp/ctl/jose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "keys/jws.h"

enum exit_code { EXIT_VERIFIED = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct options {
    const char *jwk_path;
    const char *alg;
};

static const struct {
    const char *name;
    size_t field; /* offset in struct options */
} option_table[] = {
    {"--jwk", offsetof(struct options, jwk_path)},
    {"--alg", offsetof(struct options, alg)},
};

static int usage(const char *problem, const char *detail) {
    (void)fprintf(stderr, "idpctl jose: %s%s\nusage: idpctl jose verify --jwk FILE [--alg A]\n",
                  problem, detail);
    (void)fprintf(stderr, "A is one of:");
    for (size_t i = 0; i < jose_algs_count; i++)
        (void)fprintf(stderr, " %s", jose_algs[i].name);
    (void)fprintf(stderr, "\n");
    return EXIT_USAGE;
}

static int refused(const char *what, enum err e) {
    (void)fprintf(stderr, "idpctl jose: not verified: %s: %s\n", what, err_text(e));
    return EXIT_REFUSED;
}

static int parse_options(int argc, char **argv, struct options *ret_options) {
    struct options options = {NULL, NULL};
    if (argc < 2 || strcmp(argv[1], "verify") != 0)
        return usage("the verb must be verify", "");
    for (int i = 2; i < argc; i += 2) {
        size_t o = 0;
        while (o < ARRAY_LEN(option_table) && strcmp(argv[i], option_table[o].name) != 0)
            o++;
        if (o == ARRAY_LEN(option_table))
            return usage("unknown argument: ", argv[i]);
        const char **field = (const char **)(void *)((char *)&options + option_table[o].field);
        if (i + 1 == argc)
            return usage("no value after ", argv[i]);
        if (*field)
            return usage("given twice: ", argv[i]);
        *field = argv[i + 1];
    }
    if (!options.jwk_path)
        return usage("--jwk is required", "");
    if (options.alg && !jose_alg_find(span_of(options.alg)))
        return usage("not supported: --alg ", options.alg);
    *ret_options = options;
    return EXIT_VERIFIED;
}

/* Everything up to the end. ERR_TOO_LONG when the buffer's maximum is passed: what is longer is
 * not read further. */
static enum err read_all(int fd, struct buf *out) {
    char piece[4096];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        buf_add(out, piece, (size_t)n);
        wipe(piece, sizeof piece); /* the key may be a secret one */
        if (n == 0 || buf_err(out))
            return buf_err(out);
    }
}

static bool alg_is_open(const json_t *jwk) {
    struct span kty = json_str(jwk, "kty");
    return !json_object_get(jwk, "alg") && (span_is(kty, "RSA") || span_is(kty, "oct"));
}

static int load_key(const struct options *options, struct jwk_set *ret_set) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(JWK_MAX_BYTES);
    AUTO_CLOSE int fd = open(options->jwk_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return usage("cannot open ", options->jwk_path);
    AUTO_JSON json_t *json = NULL;
    enum err e = read_all(fd, &text);
    if (!e)
        e = json_parse_object(buf_span(&text), JWK_MAX_BYTES, &json);
    if (e)
        return usage("cannot be read as a JWK: ", options->jwk_path);
    if (!options->alg && alg_is_open(json))
        return usage("the key names no algorithm and its kind allows several: --alg is required",
                     "");
    e = jwk_parse(buf_span(&text), &ret_set->key[0]);
    if (e)
        return refused("the key", e);
    ret_set->count = 1;
    return EXIT_VERIFIED;
}

static int verify(const struct options *options, const struct jwk_set *set) {
    /* One byte for the LF, one to tell that there is more. */
    CLEANUP(buf_done) struct buf text = BUF_INIT(JWS_MAX_BYTES + 2);
    CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    enum err e = read_all(STDIN_FILENO, &text);
    if (e == ERR_IO)
        return usage("standard input cannot be read", "");
    struct span token = buf_span(&text);
    if (token.len && token.ptr[token.len - 1] == '\n')
        token.len--;
    const char *const algs[] = {options->alg ? options->alg : set->key[0]->alg->name, NULL};
    const struct jws_expect expect = {.algs = algs};
    struct jws jws;
    if (!e)
        e = jws_verify(&arena, token, &expect, set, &jws);
    if (e)
        return refused("the token", e);
    (void)fprintf(stderr, "verified: %s\n", algs[0]);
    return EXIT_VERIFIED;
}

int ctl_jose(int argc, char **argv) {
    struct options options = {NULL, NULL};
    CLEANUP(jwk_set_done) struct jwk_set set = {.count = 0};
    if (secret_init())
        return refused("no random generator", ERR_CRYPTO);
    int code = parse_options(argc, argv, &options);
    if (!code)
        code = load_key(&options, &set);
    return code ? code : verify(&options, &set);
}
