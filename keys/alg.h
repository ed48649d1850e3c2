/* SPDX-License-Identifier: Apache-2.0
 *
 * JOSE signature algorithms as data (RFC 7518 3.1, RFC 8037). A key carries its algorithm; nothing
 * in a token's header ever chooses one. `none` has no row. */
#ifndef IDP_KEYS_ALG_H
#define IDP_KEYS_ALG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum jose_kty { KTY_EC, KTY_RSA, KTY_OKP, KTY_OCT };

struct jose_alg {
    const char *name;   /* "ES256" */
    enum jose_kty kty;
    const char *digest; /* OpenSSL's name; NULL for EdDSA */
    bool pss;
    size_t sig_len;     /* bytes; 0: as long as the RSA modulus */
    unsigned min_bits;  /* RSA modulus (RFC 7518 3.3), oct key (3.2) */
    bool signs_tokens;  /* offered for tokens we issue; HS256 is for verification and MACs only */
    const char *spec;
};

/* ES256, RS256, PS256, EdDSA, HS256; NULL for anything else (names are case-sensitive). */
const struct jose_alg *jose_alg_find(struct span name);
/* How a partner's envelope wraps its key (RFC 7518 4.2). Not in the table: no token, key set or client
 * can name it, and it signs nothing. */
extern const struct jose_alg jose_rsa1_5;
extern const struct jose_alg jose_algs[];
extern const size_t jose_algs_count;

#endif
