/* SPDX-License-Identifier: Apache-2.0
 *
 * The public side of the keys: which kid signs with which algorithm, the JWKS, and the four keys
 * that the signer releases into idpd once (data, index, code, pairwise). Private signing keys are
 * never here. Read by all threads; replaced as a whole when keys change (old snapshots stay valid
 * until keyring_free, changes being rare). */
#ifndef IDP_KEYRING_H
#define IDP_KEYRING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "idp/store/store.h"
#include "keys/alg.h"
#include "keys/jwk.h"
#include "keys/signer_client.h"

struct keyring;

/* An immutable picture of the keys. */
struct key_snapshot {
    struct jwk_set verify;    /* public keys that tokens of ours may be verified with */
    struct span jwks_json;    /* the JWKS document */
    struct span jwks_etag;
};

/* Loads all keys of the store into the signer, generating those that are missing (first start:
 * one signing key per algorithm, pepper, data, index, code, pairwise), through channel `c`. */
must_check enum err keyring_new(struct store *store, struct signer_channel *c, struct keyring **ret_keyring);
/* Again after the signer was restarted or keys changed. */
must_check enum err keyring_reload(struct keyring *k, struct store *store, struct signer_channel *c);
void keyring_free(struct keyring *k);

const struct key_snapshot *keyring_snapshot(const struct keyring *k);
/* kid of the active signing key of an algorithm; absent when there is none. */
struct span keyring_active_kid(const struct keyring *k, const struct jose_alg *alg);
struct span keyring_pepper_kid(const struct keyring *k);

/* generate: a new key of `alg` in state next, or for jose_rsa1_5 an envelope key, which is active at once:
 * whoever names its kid uses it (ERR_REFUSED: the signer's policy has no envelopes). rotate: the new one becomes active and the
 * old one retiring, in one commit. `ret_kid` is in the arena. */
must_check enum err keyring_generate(struct keyring *k, struct store *store, struct signer_channel *c,
                                     const struct jose_alg *alg, struct arena *a, struct span *ret_kid);
must_check enum err keyring_rotate(struct keyring *k, struct store *store, struct signer_channel *c,
                                   const struct jose_alg *alg, int64_t retire_seconds,
                                   struct arena *a, struct span *ret_kid);

/* ---- what the released keys are for ---- */

/* Authenticated encryption (XChaCha20-Poly1305) with the code key of the day (sealed values older
 * than the day before do not open; `purpose` is bound as associated data with `context`).
 * Appends version || 4-byte day || nonce || ciphertext. */
must_check enum err keyring_seal(const struct keyring *k, const char *purpose, struct span context,
                                 struct span plain, int64_t now, struct buf *out);
must_check enum err keyring_unseal(const struct keyring *k, struct arena *a, const char *purpose,
                                   struct span context, struct span sealed, int64_t now,
                                   struct span *ret_plain);
/* HMAC-SHA-256 with the code key (not of the day), separated by purpose: refresh tokens, CSRF. */
void keyring_mac(const struct keyring *k, const char *purpose, struct span bytes, unsigned char out[32]);
/* At-rest encryption of personal data with the data key; `context` (row id) is bound. */
must_check enum err keyring_data_seal(const struct keyring *k, struct span context, struct span plain,
                                      struct buf *out);
must_check enum err keyring_data_open(const struct keyring *k, struct arena *a, struct span context,
                                      struct span sealed, struct span *ret_plain);
/* Look-up index of an identifier: HMAC(index key, kind || 0 || normalised value). */
void keyring_index(const struct keyring *k, const char *kind, struct span value, unsigned char out[32]);
#define SUB_CHARS 43 /* base64url of 32 bytes */
/* sub = HMAC(pairwise key, sector || 0 || person), with a NUL behind it. For public subs the sector
 * is "public". */
void keyring_sub(const struct keyring *k, struct span sector, const struct user_id *person,
                 char out[SUB_CHARS + 1]);

#endif
