/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for private keys in the memory of another process: unwraps the store's key pairs with the
 * KEK, and searches every readable mapping of PID for each private number in big-endian bytes, in
 * little-endian limbs, in DER and in PEM.
 *   key_scan KEK_FILE ISSUER PID   standard input: lines of "kid use alg wrapped-in-hex"
 * Prints the hits of each form; exit 0 none, 1 some, 2 could not look. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/secret.h"
#include "keys/jwk.h"
#include "keys/wrap.h"

#define PATTERNS_MAX 512
#define CHUNK (4 * 1024 * 1024)
#define PATTERN_MAX 4096
#define NUMBER_MAX 512
#define PEM_LINE 64

enum form { FORM_BIG_ENDIAN, FORM_LIMBS, FORM_DER, FORM_PEM, FORM_COUNT };
static const char *const form_names[FORM_COUNT] = {"big-endian", "limbs", "DER", "PEM"};

struct pattern {
    enum form form;
    char kid[128];
    unsigned char bytes[PATTERN_MAX];
    size_t len;
};

static struct pattern patterns[PATTERNS_MAX];
static size_t n_patterns;
static unsigned long hits[FORM_COUNT];

static void add(enum form form, const char *kid, const void *bytes, size_t len) {
    if (n_patterns == PATTERNS_MAX || len > PATTERN_MAX || len < 16)
        return;
    struct pattern *p = &patterns[n_patterns++];
    p->form = form;
    (void)snprintf(p->kid, sizeof p->kid, "%s", kid);
    memcpy(p->bytes, bytes, len);
    p->len = len;
}

static void add_number(const char *kid, const unsigned char *big, size_t len) {
    unsigned char little[NUMBER_MAX];
    for (size_t i = 0; i < len; i++)
        little[i] = big[len - 1 - i];
    add(FORM_BIG_ENDIAN, kid, big, len);
    add(FORM_LIMBS, kid, little, len);
}

static void add_bignum(const struct jwk *k, const char *param) {
    BIGNUM *n = NULL;
    unsigned char bytes[NUMBER_MAX];
    if (EVP_PKEY_get_bn_param(k->pkey, param, &n) != 1)
        return;
    int len = BN_bn2bin(n, bytes);
    add_number(k->kid, bytes, (size_t)len);
    BN_clear_free(n);
}

/* The lines in the middle: the first holds the algorithm's name, which is no secret. */
static void add_pem(const char *kid, struct span der) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(16384);
    b64_add(&text, der.ptr, der.len);
    for (size_t at = PEM_LINE; at + PEM_LINE <= text.len; at += PEM_LINE)
        add(FORM_PEM, kid, text.data + at, PEM_LINE);
}

static void add_key(const struct jwk *k) {
    static const char *const rsa[] = {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
                                      OSSL_PKEY_PARAM_RSA_FACTOR2};
    CLEANUP(secret_done) struct secret der = SECRET_INIT;
    if (jwk_private_der(k, &der) == ERR_OK) {
        add(FORM_DER, k->kid, der.ptr, der.len);
        add_pem(k->kid, secret_span(&der));
    }
    if (k->kty == KTY_EC)
        add_bignum(k, OSSL_PKEY_PARAM_PRIV_KEY);
    for (size_t i = 0; k->kty == KTY_RSA && i < ARRAY_LEN(rsa); i++)
        add_bignum(k, rsa[i]);
    unsigned char seed[32];
    size_t len = sizeof seed;
    if (k->kty == KTY_OKP && EVP_PKEY_get_raw_private_key(k->pkey, seed, &len) == 1)
        add_number(k->kid, seed, len);
}

static int read_keys(const struct secret *kek, const char *issuer) {
    char kid[128], use_name[16], alg[16], hex[8192];
    int keys = 0;
    while (scanf("%127s %15s %15s %8191s", kid, use_name, alg, hex) == 4) {
        unsigned char wrapped[4096];
        size_t len;
        enum key_use use = key_use_find(span_of(use_name));
        const struct wrap_label label = {span_of(kid), use, span_of(alg), span_of(issuer)};
        CLEANUP(secret_done) struct secret der = SECRET_INIT;
        AUTO_JWK struct jwk *k = NULL;
        enum err e = hex_decode(span_of(hex), wrapped, sizeof wrapped, &len);
        if (!e)
            e = key_unwrap(kek, &label, span_bytes(wrapped, len), &der);
        if (!e)
            e = jwk_from_private_der(secret_span(&der),
                                     use == KEY_USE_ENVELOPE ? &jose_rsa1_5 : jose_alg_find(span_of(alg)), kid, &k);
        if (e) {
            fprintf(stderr, "key_scan: %s (%s): %s\n", kid, alg, err_text(e));
            return -1;
        }
        add_key(k);
        keys++;
    }
    return keys;
}

static void search(const unsigned char *bytes, size_t len) {
    for (size_t i = 0; i < n_patterns; i++) {
        const unsigned char *at = bytes, *hit;
        while ((hit = memmem(at, len - (size_t)(at - bytes), patterns[i].bytes, patterns[i].len))) {
            hits[patterns[i].form]++;
            at = hit + 1;
        }
    }
}

/* Chunks overlap by the longest pattern, so that none is missed at a border. */
static unsigned long scan_mapping(int mem, unsigned long from, unsigned long to, unsigned char *chunk) {
    unsigned long seen = 0;
    for (unsigned long at = from; at < to;) {
        size_t want = to - at < CHUNK ? to - at : CHUNK;
        ssize_t n = pread(mem, chunk, want, (off_t)at);
        if (n <= 0)
            break;
        search(chunk, (size_t)n);
        seen += (unsigned long)n;
        if (at + (unsigned long)n >= to)
            break;
        at += (unsigned long)n > PATTERN_MAX ? (unsigned long)n - PATTERN_MAX : (unsigned long)n;
    }
    return seen;
}

static unsigned long scan(int pid) {
    char path[64], line[1024], rights[8];
    (void)snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "r");
    (void)snprintf(path, sizeof path, "/proc/%d/mem", pid);
    AUTO_CLOSE int mem = open(path, O_RDONLY | O_CLOEXEC);
    AUTO_FREE unsigned char *chunk = malloc(CHUNK);
    unsigned long from, to, seen = 0;
    if (!maps || mem < 0 || !chunk)
        return 0;
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' &&
            !strstr(line, "[vvar") && !strstr(line, "[vsyscall"))
            seen += scan_mapping(mem, from, to, chunk);
    (void)fclose(maps);
    return seen;
}

int main(int argc, char **argv) {
    CLEANUP(secret_done) struct secret kek = SECRET_INIT;
    if (argc != 4 || secret_init() || secret_read_file(argv[1], KEK_BYTES, &kek))
        return 2;
    int keys = read_keys(&kek, argv[2]);
    if (keys <= 0)
        return 2;
    unsigned long seen = scan(atoi(argv[3]));
    if (!seen) {
        fprintf(stderr, "key_scan: cannot read the memory of %s\n", argv[3]);
        return 2;
    }
    unsigned long all = 0;
    for (size_t f = 0; f < FORM_COUNT; f++) {
        printf("%s %lu\n", form_names[f], hits[f]);
        all += hits[f];
    }
    printf("keys %d, patterns %zu, bytes %lu, hits %lu\n", keys, n_patterns, seen, all);
    return all ? 1 : 0;
}
