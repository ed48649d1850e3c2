/* SPDX-License-Identifier: Apache-2.0
 *
 * idp-signer: the only process that holds private keys, the KEK and the pepper. It reads its policy
 * and the KEK, starts one thread a channel, gives up files and the network, and then answers the
 * typed requests of PROTOCOL.signer until its channels close. It trusts nothing that idpd says. */
#include <getopt.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "keys/at_hash.h"
#include "keys/sandbox.h"
#include "keys/signer_keys.h"
#include "keys/signer_policy.h"
#include "keys/signer_proto.h"
#include "keys/wrap.h"

#define CHANNELS_MAX 128
#define THREAD_STACK_BYTES (256 * 1024)
#define KID_BYTES 16
#define PEPPER_DOMAIN "idp password pepper 1"

struct signer_state {
    struct signer_policy policy;
    struct secret kek;
    struct signer_keys *keys;
    bool landlock;
    pthread_barrier_t started; /* a thread's own start needs calls that the filter forbids */
};

struct channel_thread {
    struct signer_state *state;
    struct signer_contexts *contexts;
    struct arena arena;       /* of one message */
    struct span answer_before; /* text of the answer to the request before, in this message */
    int fd;
    pthread_t thread;
};

static struct span issuer_of(const struct signer_state *st) {
    return span_of(st->policy.issuer);
}

/* ---- operations ---- */

static enum err op_status(struct channel_thread *t, const struct signer_request *q, struct signer_answer *a) {
    (void)q;
    CLEANUP(buf_done) struct buf keys = BUF_INIT(SIGNER_MESSAGE_MAX);
    CLEANUP(buf_done) struct buf text = BUF_INIT(SIGNER_MESSAGE_MAX);
    signer_keys_report(t->state->keys, &keys);
    struct json_out o = JSON_OUT(&text);
    json_open_object(&o, NULL);
    json_add_bool(&o, "sandbox", !t->state->policy.sandbox_off);
    json_add_bool(&o, "landlock", t->state->landlock);
    json_add_raw(&o, "keys", buf_span(&keys));
    json_close_object(&o);
    if (buf_err(&keys) || buf_err(&text))
        return ERR_TOO_LONG;
    a->text = arena_dup(&t->arena, buf_span(&text));
    return a->text.ptr ? ERR_OK : ERR_NOMEM;
}

static enum err answer_public(struct channel_thread *t, const struct jwk *k, struct signer_answer *a) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(JWK_MAX_BYTES);
    enum err e = jwk_public_add(k, &text);
    if (e)
        return e;
    a->text = arena_dup(&t->arena, buf_span(&text));
    return a->text.ptr ? ERR_OK : ERR_NOMEM;
}

static enum err answer_wrapped(struct channel_thread *t, struct span kid, enum key_use use, struct span alg,
                               struct span key, struct signer_answer *a) {
    const struct wrap_label label = {kid, use, alg, issuer_of(t->state)};
    CLEANUP(buf_done) struct buf wrapped = BUF_INIT(SIGNER_MESSAGE_MAX);
    enum err e = key_wrap(&t->state->kek, &label, key, &wrapped);
    if (e)
        return e;
    a->kid = arena_dup(&t->arena, kid);
    a->bytes = arena_dup(&t->arena, buf_span(&wrapped));
    return a->kid.ptr && a->bytes.ptr ? ERR_OK : ERR_NOMEM;
}

/* What a key of a use may be; NULL: nothing that there is. */
static const struct jose_alg *alg_for(enum key_use use, struct span name) {
    if (use == KEY_USE_ENVELOPE)
        return span_is(name, jose_rsa1_5.name) ? &jose_rsa1_5 : NULL;
    return jose_alg_find(name);
}

static enum err keep_pair(struct channel_thread *t, struct span kid, enum key_use use, struct jwk *k,
                          const struct secret *der) {
    unsigned char digest[SHA256_BYTES];
    sha256(secret_span(der), digest);
    enum err e = signer_keys_add(t->state->keys, kid, use, k, span_bytes(digest, sizeof digest));
    wipe(digest, sizeof digest);
    return e;
}

static enum err generate_pair(struct channel_thread *t, const struct signer_request *q,
                              struct signer_answer *a) {
    const struct jose_alg *alg = alg_for(q->use, q->alg);
    if (!alg || alg->signs_tokens != (q->use == KEY_USE_SIG))
        return ERR_UNSUPPORTED;
    if (q->use == KEY_USE_ENVELOPE && !t->state->policy.envelopes_on)
        return ERR_REFUSED;
    AUTO_JWK struct jwk *k = NULL;
    CLEANUP(secret_done) struct secret der = SECRET_INIT;
    enum err e = jwk_generate(alg, &k);
    if (!e)
        e = jwk_private_der(k, &der);
    if (!e)
        e = answer_wrapped(t, span_of(k->kid), q->use, q->alg, secret_span(&der), a);
    if (!e)
        e = answer_public(t, k, a);
    return e ? e : keep_pair(t, span_of(k->kid), q->use, k, &der);
}

static enum err op_generate(struct channel_thread *t, const struct signer_request *q, struct signer_answer *a) {
    if (q->use == KEY_USE_NONE)
        return ERR_SYNTAX;
    if (signer_use_is_pair(q->use))
        return generate_pair(t, q, a);
    CLEANUP(secret_done) struct secret key = SECRET_INIT;
    unsigned char id[KID_BYTES];
    char kid[B64URL_LEN(KID_BYTES)];
    random_bytes(id, sizeof id);
    struct span name = span_bytes(kid, b64url_encode(id, sizeof id, kid));
    enum err e = secret_random(SYMMETRIC_BYTES, &key);
    if (!e)
        e = answer_wrapped(t, name, q->use, q->alg, secret_span(&key), a);
    return e ? e : signer_keys_add(t->state->keys, name, q->use, NULL, secret_span(&key));
}

static enum err op_load(struct channel_thread *t, const struct signer_request *q, struct signer_answer *a) {
    const struct wrap_label label = {q->kid, q->use, q->alg, issuer_of(t->state)};
    CLEANUP(secret_done) struct secret key = SECRET_INIT;
    enum err e = key_unwrap(&t->state->kek, &label, q->bytes, &key);
    if (e)
        return e;
    if (!signer_use_is_pair(q->use))
        return signer_keys_add(t->state->keys, q->kid, q->use, NULL, secret_span(&key));

    const struct jose_alg *alg = alg_for(q->use, q->alg);
    const char *kid = arena_strndup(&t->arena, q->kid.ptr, q->kid.len);
    AUTO_JWK struct jwk *k = NULL;
    if (!alg || !kid)
        return alg ? ERR_NOMEM : ERR_UNSUPPORTED;
    e = jwk_from_private_der(secret_span(&key), alg, kid, &k);
    if (!e)
        e = answer_public(t, k, a);
    return e ? e : keep_pair(t, q->kid, q->use, k, &key);
}

static enum err op_unload(struct channel_thread *t, const struct signer_request *q, struct signer_answer *a) {
    (void)a;
    return signer_keys_remove(t->state->keys, q->kid);
}

/* What is checked is what is signed: at_hash, if any, is in the claims before the policy sees them. */
static enum err sign_jwt(struct channel_thread *t, const struct signer_request *q, struct span token_before,
                         struct signer_answer *a) {
    AUTO_JWK struct jwk *k = NULL;
    struct span claims = q->bytes;
    enum err e = signer_keys_find_jwk(t->state->keys, q->kid, &k);
    if (!e && token_before.ptr)
        e = at_hash_add(&t->arena, k->alg, token_before, &claims);
    if (e)
        return e;
    if (signer_policy_jwt(&t->state->policy, k->alg, q->typ, claims, clock_now()) != ALLOW)
        return ERR_REFUSED;
    const char *typ = arena_strndup(&t->arena, q->typ.ptr, q->typ.len);
    CLEANUP(buf_done) struct buf token = BUF_INIT(JWS_MAX_BYTES);
    e = typ ? signer_keys_sign(t->state->keys, t->contexts, q->kid, typ, claims, &token) : ERR_NOMEM;
    if (e)
        return e;
    a->text = arena_dup(&t->arena, buf_span(&token));
    return a->text.ptr ? ERR_OK : ERR_NOMEM;
}

static enum err op_sign_jwt(struct channel_thread *t, const struct signer_request *q, struct signer_answer *a) {
    return sign_jwt(t, q, SPAN_NONE, a);
}

static enum err op_sign_bound(struct channel_thread *t, const struct signer_request *q,
                              struct signer_answer *a) {
    return t->answer_before.len ? sign_jwt(t, q, t->answer_before, a) : ERR_SYNTAX;
}

static enum err op_pepper(struct channel_thread *t, const struct signer_request *q, struct signer_answer *a) {
    CLEANUP(secret_done) struct secret key = SECRET_INIT;
    enum err e = signer_keys_copy(t->state->keys, q->kid, KEY_USE_PEPPER, &key);
    if (e)
        return e;
    CLEANUP(buf_done) struct buf text = BUF_INIT(SIGNER_MESSAGE_MAX);
    buf_add_block(&text, SPAN(PEPPER_DOMAIN));
    buf_add_span(&text, q->bytes);
    unsigned char *mac = arena_alloc(&t->arena, SYMMETRIC_BYTES);
    size_t len;
    if (buf_err(&text) || !mac)
        return ERR_NOMEM;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.ptr, key.len, (unsigned char *)text.data,
                   text.len, mac, SYMMETRIC_BYTES, &len))
        return ERR_CRYPTO;
    a->bytes = span_bytes(mac, len);
    return ERR_OK;
}

static enum err op_release(struct channel_thread *t, const struct signer_request *q, struct signer_answer *a) {
    CLEANUP(secret_done) struct secret key = SECRET_INIT;
    enum err e = signer_keys_copy(t->state->keys, q->kid, KEY_USE_NONE, &key);
    if (e)
        return e;
    a->bytes = arena_dup(&t->arena, secret_span(&key));
    return a->bytes.ptr ? ERR_OK : ERR_NOMEM;
}

static enum err op_unwrap(struct channel_thread *t, const struct signer_request *q, struct signer_answer *a) {
    if (!t->state->policy.envelopes_on)
        return ERR_REFUSED;
    unsigned char *key = arena_alloc(&t->arena, UNWRAPPED_BYTES);
    if (!key)
        return ERR_NOMEM;
    enum err e = signer_keys_unwrap(t->state->keys, t->contexts, q->kid, q->bytes, key);
    if (!e)
        a->bytes = span_bytes(key, UNWRAPPED_BYTES);
    return e;
}

static enum err (*const operations[])(struct channel_thread *, const struct signer_request *,
                                      struct signer_answer *) = {
    [SIGNER_OP_STATUS] = op_status,     [SIGNER_OP_GENERATE] = op_generate,
    [SIGNER_OP_LOAD] = op_load,         [SIGNER_OP_UNLOAD] = op_unload,
    [SIGNER_OP_SIGN_JWT] = op_sign_jwt, [SIGNER_OP_PEPPER] = op_pepper,
    [SIGNER_OP_RELEASE] = op_release,   [SIGNER_OP_SIGN_BOUND] = op_sign_bound,
    [SIGNER_OP_UNWRAP] = op_unwrap,
};

/* ---- channels ---- */

static enum err send_message(int fd, const struct buf *b) {
    return send(fd, b->data, b->len, MSG_NOSIGNAL) == (ssize_t)b->len ? ERR_OK : ERR_IO;
}

static enum err answer_message(struct channel_thread *t, struct span message) {
    struct signer_request q[SIGNER_BATCH_MAX];
    struct signer_answer a[SIGNER_BATCH_MAX] = {{.err = ERR_OK}};
    uint32_t sequence;
    size_t n;
    enum err e = signer_requests_parse(message, &sequence, q, &n);
    if (e)
        return e;
    t->answer_before = SPAN_NONE;
    for (size_t i = 0; i < n; i++) {
        a[i].err = operations[q[i].op](t, &q[i], &a[i]);
        if (a[i].err)
            a[i] = (struct signer_answer){.err = a[i].err};
        t->answer_before = a[i].text;
    }
    CLEANUP(buf_done) struct buf out = BUF_INIT(SIGNER_MESSAGE_MAX);
    e = signer_answers_build(sequence, a, n, &out);
    return e ? e : send_message(t->fd, &out);
}

static void say_hello(struct channel_thread *t) {
    CLEANUP(buf_done) struct buf hello = BUF_INIT(64);
    if (signer_answers_build(0, NULL, 0, &hello) || send_message(t->fd, &hello))
        LOG0(LOG_ERROR, "hello_failed");
}

static void *serve_channel(void *arg) {
    struct channel_thread *t = arg;
    static _Thread_local char message[SIGNER_MESSAGE_MAX];
    thread_prefer_latency();
    (void)pthread_barrier_wait(&t->state->started);
    for (;;) {
        ssize_t n = recv(t->fd, message, sizeof message, MSG_TRUNC);
        if (n <= 0)
            break;
        enum err e = (size_t)n > sizeof message ? ERR_TOO_LONG
                                                : answer_message(t, span_bytes(message, (size_t)n));
        wipe(message, (size_t)n < sizeof message ? (size_t)n : sizeof message);
        arena_reset(&t->arena);
        if (e) {
            LOG(LOG_ERROR, "channel_closed", LOG_STR("why", err_text(e)), LOG_INT("fd", t->fd));
            break;
        }
    }
    (void)close(t->fd);
    return NULL;
}

static enum err start_threads(struct signer_state *st, struct channel_thread *threads, unsigned n) {
    pthread_attr_t attr;
    if (pthread_barrier_init(&st->started, NULL, n + 1) != 0)
        return ERR_INTERNAL;
    if (pthread_attr_init(&attr) != 0 || pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES) != 0)
        return ERR_INTERNAL;
    for (unsigned i = 0; i < n; i++) {
        struct channel_thread *t = &threads[i];
        t->state = st;
        t->fd = SIGNER_FIRST_FD + (int)i;
        t->arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        enum err e = signer_contexts_new(&t->contexts);
        if (e)
            return e;
        if (pthread_create(&t->thread, &attr, serve_channel, t) != 0)
            return ERR_INTERNAL;
    }
    pthread_attr_destroy(&attr);
    (void)pthread_barrier_wait(&st->started);
    return ERR_OK;
}

/* ---- start ---- */

static int fail(const char *what, const char *why) {
    LOG(LOG_ERROR, "start_failed", LOG_STR("part", what), LOG_STR("why", why));
    return 1;
}

static int run(const char *policy_path, unsigned channels) {
    static struct signer_state st;
    static struct channel_thread threads[CHANNELS_MAX];
    const char *why = NULL;
    enum err e = signer_policy_load(policy_path, &st.policy, &why);
    if (e)
        return fail("policy", why);
    e = signer_policy_kek(&st.policy, &st.kek);
    if (e)
        return fail("kek", err_text(e));
    e = signer_keys_new(&st.keys);
    if (!e)
        e = start_threads(&st, threads, channels);
    if (e)
        return fail("threads", err_text(e));
    /* The first line also makes libc read what it wants to read while it still can. */
    LOG(LOG_INFO, "ready", LOG_STR("sandbox", st.policy.sandbox_off ? "off" : "on"),
        LOG_INT("channels", channels));
    if (!st.policy.sandbox_off) {
        e = sandbox_enter(&st.landlock);
        if (e)
            return fail("sandbox", err_text(e));
    }
    for (unsigned i = 0; i < channels; i++)
        say_hello(&threads[i]);
    for (unsigned i = 0; i < channels; i++)
        pthread_join(threads[i].thread, NULL);
    _exit(0);
}

static int usage(void) {
    fputs("usage: idp-signer --policy FILE --channels N\n"
          "Started by idpd, with its channels as descriptors 3 and up.\n",
          stderr);
    return 2;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"policy", required_argument, NULL, 'p'},
        {"channels", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    const char *policy = NULL;
    unsigned channels = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'p')
            policy = optarg;
        else if (option == 'c')
            channels = (unsigned)strtoul(optarg, NULL, 10);
        else
            return usage();
    }
    if (!policy || channels < 1 || channels > CHANNELS_MAX || optind != argc)
        return usage();
    log_init("idp-signer", LOG_INFO);
    sandbox_prepare();
    if (secret_init())
        return fail("crypto", "libsodium");
    return run(policy, channels);
}
