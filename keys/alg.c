/* SPDX-License-Identifier: Apache-2.0
 *
 * The algorithm table; see alg.h. */
#include "keys/alg.h"

#include "base/cleanup.h"

const struct jose_alg jose_algs[] = {
    /* name     kty      digest    pss    sig_len min_bits signs  specification */
    {"ES256", KTY_EC,  "SHA256", false, 64,     256,     true,  "RFC 7518 3.4"},
    {"RS256", KTY_RSA, "SHA256", false, 0,      2048,    true,  "RFC 7518 3.3"},
    {"PS256", KTY_RSA, "SHA256", true,  0,      2048,    true,  "RFC 7518 3.5"},
    {"EdDSA", KTY_OKP, NULL,     false, 64,     256,     true,  "RFC 8037 3.1"},
    {"HS256", KTY_OCT, "SHA256", false, 32,     256,     false, "RFC 7518 3.2"},
};
const size_t jose_algs_count = ARRAY_LEN(jose_algs);
const struct jose_alg jose_rsa1_5 = {"RSA1_5", KTY_RSA, NULL, false, 0, 2048, false, "RFC 7518 4.2"};

const struct jose_alg *jose_alg_find(struct span name) {
    for (size_t i = 0; i < jose_algs_count; i++)
        if (span_is(name, jose_algs[i].name))
            return &jose_algs[i];
    return NULL;
}
