/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for idp/client.c in tests of this folder: plain comparisons, the same contract. */
#include <openssl/sha.h>
#include <string.h>

#include "idp/client.h"

bool client_redirect_uri_allowed(const struct client *c, struct span uri) {
    for (size_t i = 0; i < c->n_redirect_uris; i++)
        if (span_eq(c->redirect_uri[i].uri, uri))
            return true;
    return false;
}

const struct client_secret *client_secret_match(const struct client *c, struct span secret,
                                                int64_t now) {
    unsigned char hash[32];
    SHA256((const unsigned char *)(secret.ptr ? secret.ptr : ""), secret.len, hash);
    for (size_t i = 0; i < c->n_secrets; i++)
        if (memcmp(hash, c->secret[i].hash, 32) == 0 &&
            (!c->secret[i].expires_at || c->secret[i].expires_at > now))
            return &c->secret[i];
    return NULL;
}
