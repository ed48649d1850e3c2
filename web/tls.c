/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificate that the public listener shows, exchanged while running. The library's callback
 * has no closure, therefore there is one certificate per process. A replaced certificate is kept
 * until the next replacement, since a handshake may still be using it. */
#include "web/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"

#define CHAIN_MAX 8
#define PEM_MAX   (64 * 1024)

/* TLS 1.2 and 1.3, forward secrecy, AEAD only (T08; RFC 9325 4.2). */
const char tls_priorities[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA256:"
    "+SIGN-ECDSA-SHA384:+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"
    "+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+COMP-NULL:+CTYPE-X509:+MAC-ALL:%SERVER_PRECEDENCE";

struct credential {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned chain_len;
    gnutls_privkey_t key;
};

struct tls {
    _Atomic(struct credential *) current;
    struct credential *replaced;
};

static _Atomic(struct tls *) the_tls;

static void credential_free(struct credential *c) {
    if (!c)
        return;
    for (unsigned i = 0; i < c->chain_len; i++)
        gnutls_pcert_deinit(&c->chain[i]);
    if (c->key)
        gnutls_privkey_deinit(c->key);
    free(c);
}

static void credential_cleanup(struct credential **c) {
    credential_free(*c);
}

static enum err chain_load(struct credential *c, const char *path) {
    gnutls_datum_t pem = {NULL, 0};
    if (gnutls_load_file(path, &pem))
        return ERR_IO;
    unsigned n = CHAIN_MAX;
    int bad = pem.size > PEM_MAX ||
              gnutls_pcert_list_import_x509_raw(c->chain, &n, &pem, GNUTLS_X509_FMT_PEM,
                                                GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    gnutls_free(pem.data);
    if (bad || n == 0)
        return ERR_SYNTAX;
    c->chain_len = n;
    return ERR_OK;
}

static enum err key_load(struct credential *c, const char *path) {
    CLEANUP(secret_done) struct secret pem = SECRET_INIT;
    enum err e = secret_read_file(path, PEM_MAX, &pem);
    if (e)
        return e;
    gnutls_datum_t datum = {pem.ptr, (unsigned)pem.len};
    if (gnutls_privkey_init(&c->key))
        return ERR_NOMEM;
    return gnutls_privkey_import_x509_raw(c->key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0) ? ERR_SYNTAX
                                                                                        : ERR_OK;
}

/* A key that belongs to another certificate would break every handshake. */
static bool key_fits(const struct credential *c) {
    gnutls_pubkey_t public_key;
    if (gnutls_pubkey_init(&public_key))
        return false;
    unsigned char of_key[64], of_certificate[64];
    size_t n = sizeof of_key, m = sizeof of_certificate;
    bool fits = !gnutls_pubkey_import_privkey(public_key, c->key, 0, 0) &&
                !gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, of_key, &n) &&
                !gnutls_pubkey_get_key_id(c->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256,
                                          of_certificate, &m) &&
                n == m && memcmp(of_key, of_certificate, n) == 0;
    gnutls_pubkey_deinit(public_key);
    return fits;
}

static enum err credential_load(const char *certificate, const char *key, struct credential **ret) {
    CLEANUP(credential_cleanup) struct credential *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    enum err e = chain_load(c, certificate);
    if (!e)
        e = key_load(c, key);
    if (!e && !key_fits(c))
        e = ERR_REFUSED;
    if (e)
        return e;
    *ret = TAKE(c);
    return ERR_OK;
}

static int certificate_callback(gnutls_session_t session, const gnutls_datum_t *ca, int n_ca,
                                const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                                gnutls_pcert_st **chain, unsigned *chain_len,
                                gnutls_privkey_t *key) {
    (void)session;
    (void)ca;
    (void)n_ca;
    (void)algorithms;
    (void)n_algorithms;
    struct tls *t = atomic_load(&the_tls);
    struct credential *c = t ? atomic_load(&t->current) : NULL;
    if (!c)
        return -1;
    *chain = c->chain;
    *chain_len = c->chain_len;
    *key = c->key;
    return 0;
}

void *tls_certificate_callback(void) {
    return (void *)(uintptr_t)certificate_callback;
}

enum err tls_new(const char *certificate, const char *key, struct tls **ret_tls) {
    struct credential *c;
    enum err e = credential_load(certificate, key, &c);
    if (e)
        return e;
    struct tls *t = calloc(1, sizeof *t);
    struct tls *none = NULL;
    if (!t || !atomic_compare_exchange_strong(&the_tls, &none, t)) {
        credential_free(c);
        free(t);
        return t ? ERR_EXISTS : ERR_NOMEM;
    }
    atomic_store(&t->current, c);
    *ret_tls = t;
    return ERR_OK;
}

enum err tls_reload(struct tls *t, const char *certificate, const char *key) {
    struct credential *c;
    enum err e = credential_load(certificate, key, &c);
    if (e)
        return e;
    credential_free(t->replaced);
    t->replaced = atomic_exchange(&t->current, c);
    return ERR_OK;
}

void tls_free(struct tls *t) {
    if (!t)
        return;
    atomic_store(&the_tls, NULL);
    credential_free(atomic_load(&t->current));
    credential_free(t->replaced);
    free(t);
}
