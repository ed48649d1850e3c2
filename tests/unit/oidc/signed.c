/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens made by hand; see signed.h. */
#include "tests/unit/oidc/signed.h"

#include <stdlib.h>

#include "keys/jws.h"

static void must(enum err e) {
    if (e)
        abort();
}

void signed_by_new(const char *alg, const char *kid, struct signed_by *ret) {
    struct jwk *key;
    *ret = (struct signed_by){0};
    must(jwk_generate(jose_alg_find(span_of(alg)), &key));
    strncpy(key->kid, kid, sizeof key->kid - 1);
    must(jws_signer_new(key, &ret->signer));
    ret->keys.verify.key[0] = key;
    ret->keys.verify.count = 1;
}

void signed_by_free(struct signed_by *s) {
    jws_signer_free(s->signer);
    jwk_set_done(&s->keys.verify);
}

struct span signed_token(struct arena *a, struct signed_by *s, const char *typ, const char *claims) {
    struct buf b = BUF_INIT(65536);
    must(jws_sign(s->signer, typ, span_of(claims), &b));
    struct span token = arena_dup(a, buf_span(&b));
    buf_done(&b);
    return token;
}
