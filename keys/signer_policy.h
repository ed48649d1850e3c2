/* SPDX-License-Identifier: Apache-2.0
 *
 * What idp-signer is willing to do, read from its own file before it gives up file access. JSON:
 *
 *   { "issuer": "https://sso.example.gov.vn",
 *     "kek_file": "/etc/idp/kek"  or  "kek_credential": "kek",
 *     "sandbox": "on",
 *     "envelopes": "off",
 *     "tokens": [ {"typ": "JWT", "lifetime_max": 3600, "algs": ["ES256", "RS256"]}, ... ] }
 *
 * kek_file: 32 raw bytes, readable by its owner only. kek_credential: a file of that name in
 * $CREDENTIALS_DIRECTORY (systemd). sandbox "off" is for debuggers and shown in the status. envelopes
 * "on" lets it make and use keys that open a partner's envelopes (RSA1_5): off unless a connector needs
 * it. Without "tokens" a table of defaults holds. Unknown members are errors: a misspelt limit is no limit. */
#ifndef IDP_KEYS_SIGNER_POLICY_H
#define IDP_KEYS_SIGNER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "keys/alg.h"

#define POLICY_TOKENS_MAX 16
#define POLICY_ALGS_MAX 8
#define POLICY_FILE_MAX 65536 /* bytes */
#define POLICY_IAT_SKEW 60    /* seconds between idpd's iat and the signer's clock */

struct policy_token {
    const char *typ;
    int64_t lifetime_max; /* seconds; 0: carries no exp */
    const struct jose_alg *alg[POLICY_ALGS_MAX];
    size_t n_algs;
};

struct signer_policy {
    struct arena arena;
    const char *issuer;
    const char *kek_file, *kek_credential;
    bool sandbox_off;
    bool envelopes_on;
    struct policy_token token[POLICY_TOKENS_MAX];
    size_t n_tokens;
};

/* `*reterr_text` says what is wrong with the file (static or in the policy's arena). The file must
 * not be writable by others than its owner. */
must_check enum err signer_policy_load(const char *path, struct signer_policy *ret_policy,
                                       const char **reterr_text);
must_check enum err signer_policy_kek(const struct signer_policy *p, struct secret *ret_kek);
/* May a JWT with these claims be signed with `alg` under header typ `typ`? `now`: the signer's own
 * clock. The verdict's zero is no. */
enum verdict signer_policy_jwt(const struct signer_policy *p, const struct jose_alg *alg,
                               struct span typ, struct span claims, int64_t now);
void signer_policy_done(struct signer_policy *p);

#endif
