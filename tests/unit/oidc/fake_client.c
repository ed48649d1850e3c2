/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for idp/client.c in tests of this folder: plain comparisons, the same contract. */
#include <openssl/sha.h>

#include "base/secret.h"
#include "idp/client.h"

bool client_redirect_uri_allowed(const struct client *c, struct span uri) {
    for (size_t i = 0; i < c->n_redirect_uris; i++)
        if (span_eq(c->redirect_uri[i].uri, uri))
            return true;
    return false;
}

bool client_secret_matches(const struct client *c, struct span secret) {
    unsigned char hash[32];
    SHA256((const unsigned char *)(secret.ptr ? secret.ptr : ""), secret.len, hash);
    return c->has_secret && ct_equal(span_bytes(hash, 32), span_bytes(c->secret_hash, 32));
}
