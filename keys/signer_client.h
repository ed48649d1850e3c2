/* SPDX-License-Identifier: Apache-2.0
 *
 * idpd's side of the signer: starts idp-signer by fork+exec, restarts it when it dies, and asks it
 * typed questions over one SEQPACKET channel per thread. Wire format: keys/PROTOCOL.signer.
 *
 * What the signer refuses (issuer, typ, lifetime, algorithm outside its own policy) comes back as
 * ERR_REFUSED; a dead or stuck signer as ERR_UNAVAILABLE, which callers turn into 503. */
#ifndef IDP_KEYS_SIGNER_CLIENT_H
#define IDP_KEYS_SIGNER_CLIENT_H

#include <stdint.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"

#define SIGNER_BATCH_MAX 16
#define SIGNER_MESSAGE_MAX 65536 /* bytes */
#define SIGNER_DEADLINE_MS 5000  /* generating an RSA key is the slowest */

/* What a key is for. Sealed keys name their use in their associated data, so that one kind can
 * never be presented as another. */
enum key_use {
    KEY_USE_NONE = 0,
    KEY_USE_SIG,      /* token signing: stays in the signer */
    KEY_USE_PEPPER,   /* password pepper: stays in the signer */
    KEY_USE_DATA,     /* encrypts personal numbers and secrets at rest: released to idpd */
    KEY_USE_INDEX,    /* HMAC look-up index of identifiers: released to idpd */
    KEY_USE_CODE,     /* seals codes, flows and cookies; MACs refresh tokens: released to idpd */
    KEY_USE_PAIRWISE, /* HMAC for pairwise sub: released to idpd */
    KEY_USE_ENVELOPE, /* opens what a partner wraps for us (RSA1_5): stays in the signer */
    KEY_USE_COUNT
};
const char *key_use_name(enum key_use use); /* "sig", "pepper", "data", ... */
enum key_use key_use_find(struct span name); /* KEY_USE_NONE when unknown */

enum signer_op {
    SIGNER_OP_STATUS = 1, /* -> bytes: JSON {sandbox, landlock, keys, signatures} */
    SIGNER_OP_GENERATE,   /* use, alg -> kid, bytes: wrapped, text: public JWK (sig, envelope) */
    SIGNER_OP_LOAD,       /* kid, use, alg, bytes: wrapped -> text: public JWK (sig, envelope) */
    SIGNER_OP_UNLOAD,     /* kid */
    SIGNER_OP_SIGN_JWT,   /* kid, typ, bytes: claims JSON -> text: compact JWS */
    SIGNER_OP_PEPPER,     /* kid, bytes: password -> bytes: 32-byte HMAC-SHA-256 */
    SIGNER_OP_RELEASE,    /* kid (already loaded; data, index, code, pairwise) -> bytes: 32 */
    SIGNER_OP_SIGN_BOUND, /* as SIGN_JWT; at_hash of the answer before it is added to the claims */
    SIGNER_OP_UNWRAP      /* kid (envelope), bytes: wrapped AES key -> bytes: UNWRAPPED_BYTES */
};

/* What UNWRAP answers: how long the key is (16, 24 or 32), then 32 bytes that begin with it. Whatever
 * was wrapped wrongly gives one too, of noise that is always the same for the same bytes: who asks
 * cannot tell, and finds out only that nothing opens with it. */
#define UNWRAPPED_KEY_MAX 32
#define UNWRAPPED_BYTES   (1 + UNWRAPPED_KEY_MAX)

struct signer_request {
    enum signer_op op;
    struct span kid;
    enum key_use use;
    struct span alg;
    struct span typ;   /* "JWT" (ID token), "at+jwt", "logout+jwt", ... */
    struct span bytes;
};

struct signer_answer {
    enum err err;
    struct span kid;
    struct span text;  /* in the arena given to signer_call */
    struct span bytes; /* likewise: the arena wipes it */
};

struct signer;
struct signer_channel;

/* Starts `binary` with `--policy policy_path` and `channels` channels. The environment given to it
 * is empty but for CREDENTIALS_DIRECTORY. ERR_UNAVAILABLE when it does not say hello in time. */
must_check enum err signer_start(const char *binary, const char *policy_path, unsigned channels,
                                 struct signer **ret_signer);
/* One channel per thread; index < channels. Borrowed from the signer. */
struct signer_channel *signer_channel(struct signer *s, unsigned index);
/* Sends up to SIGNER_BATCH_MAX requests in one message and waits for the answers: one round trip.
 * The return value is about the exchange as a whole; each answer has its own err. Safe for one
 * thread per channel. */
must_check enum err signer_call(struct signer_channel *c, const struct signer_request *requests,
                                size_t n, struct arena *a, struct signer_answer *ret_answers);
/* The same for several askers: answer i is copied into arena[i], and alone gets ERR_NOMEM when there
 * is no room in it. Token requests whose signer_room() together is at most SIGNER_MESSAGE_MAX fit. */
must_check enum err signer_call_each(struct signer_channel *c, const struct signer_request *requests,
                                     size_t n, struct arena *const *arena,
                                     struct signer_answer *ret_answers);
/* Bytes that a request to sign takes in a message, there or back, at most. */
size_t signer_room(const struct signer_request *request);

/* Supervision, from idpd's main loop: a pidfd that polls readable when the signer died. */
int signer_death_fd(const struct signer *s);
pid_t signer_pid(const struct signer *s);
/* Reaps the dead process and starts a new one on the same channel objects; calls `reload` on
 * channel 0 so that the owner can load the wrapped keys again before others are served. */
must_check enum err signer_restart(struct signer *s,
                                   enum err (*reload)(struct signer_channel *c, void *ctx),
                                   void *ctx);
/* False while no signer is there to answer. */
bool signer_is_ready(const struct signer *s);
/* Closes the channels, waits for the process, ends it by its pid after 2 s. Accepts NULL. */
void signer_stop(struct signer *s);

#endif
