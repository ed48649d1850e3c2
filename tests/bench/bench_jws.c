/* SPDX-License-Identifier: Apache-2.0
 *
 * Microseconds of CPU per signature and per verification, for each algorithm, with a payload like
 * an ID token's: `bench_jws [SECONDS]` (each, default 0.5). "prepared" is struct jws_signer, which
 * copies a prepared context; "per call" makes the signer anew each time, on the same parsed key. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "keys/jws.h"

#define PAYLOAD                                                                                    \
    "{\"iss\":\"https://id.example.gov.vn\",\"sub\":\"0f3c2a9d7b6e4f51\",\"aud\":\"portal\","      \
    "\"exp\":1795431000,\"iat\":1795427400,\"auth_time\":1795427390,\"nonce\":\"n-0S6_WzA2Mj\","   \
    "\"acr\":\"2\",\"amr\":[\"pwd\"],\"sid\":\"4f1a9c\",\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"}"

static double cpu_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct work {
    struct jwk *key;
    struct jws_signer *signer;
    struct jwk_set set;
    struct span token;
};

static enum err sign_prepared(struct work *w) {
    static struct buf out = BUF_INIT(JWS_MAX_BYTES);
    buf_reset(&out);
    return jws_sign(w->signer, "JWT", SPAN(PAYLOAD), &out);
}

static enum err sign_per_call(struct work *w) {
    struct jws_signer *kept = w->signer;
    enum err e = jws_signer_new(w->key, &w->signer);
    if (!e) {
        e = sign_prepared(w);
        jws_signer_free(w->signer);
    }
    w->signer = kept;
    return e;
}

static enum err verify(struct work *w) {
    static struct arena arena = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    static const struct jws_expect any = {.typ = NULL};
    struct jws jws;
    arena_reset(&arena);
    return jws_verify(&arena, w->token, &any, &w->set, &jws);
}

/* The best of five runs: what the machine can do when it is left alone. */
static double measure(enum err (*step)(struct work *w), struct work *w, double seconds) {
    double best = 1e12;
    for (int run = 0; run < 5; run++) {
        double start = cpu_us(), now = start;
        int n = 0;
        while (now - start < seconds * 1e6 / 5) {
            for (int i = 0; i < 50; i++, n++)
                if (step(w) != ERR_OK)
                    abort();
            now = cpu_us();
        }
        if ((now - start) / n < best)
            best = (now - start) / n;
    }
    return best;
}

static enum err run(const struct jose_alg *alg, double seconds) {
    AUTO_JWK struct jwk *key = NULL;
    CLEANUP(buf_done) struct buf token = BUF_INIT(JWS_MAX_BYTES);
    struct work w = {.set.count = 1};
    enum err e = jwk_generate(alg, &key);
    if (!e)
        e = jws_signer_new(key, &w.signer);
    if (!e)
        e = jws_sign(w.signer, "JWT", SPAN(PAYLOAD), &token);
    if (e)
        return e;
    w.key = w.set.key[0] = key;
    w.token = buf_span(&token);
    double prepared = measure(sign_prepared, &w, seconds);
    double per_call = measure(sign_per_call, &w, seconds);
    (void)printf("%-6s %10.1f %10.1f %10.1f\n", alg->name, prepared, per_call,
                 measure(verify, &w, seconds));
    jws_signer_free(w.signer);
    return ERR_OK;
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 0.5;
    if (secret_init())
        return 1;
    (void)printf("CPU us  sign       sign       verify\n       prepared   per call\n");
    for (size_t i = 0; i < jose_algs_count; i++)
        if (jose_algs[i].signs_tokens && run(&jose_algs[i], seconds))
            return 1;
    return 0;
}
