/* SPDX-License-Identifier: Apache-2.0
 *
 * A relying party on standard input, for tests that put protocols/rp before a hostile provider: one
 * JSON object a line says what to do, one JSON object a line says what came of it.
 *   {"do":"new","issuer":...,"client_id":...,"client_secret":...,"auth":"basic|post|none",...}
 *   {"do":"discover"} {"do":"login"} {"do":"finish","query":...} {"do":"logout","id_token":...}
 *   {"do":"refresh","refresh_token":...,"sub":...} {"do":"userinfo","access_token":...,"sub":...}
 *   {"do":"receive","logout_token":...}
 * and the steps without network, whose requests the test carries out itself:
 *   {"do":"fetch_due","unknown":bool} {"do":"fetch_take","fetch":n,"turn":n,"status":n,"body":...}
 *   {"do":"code_exchange","query":...} {"do":"code_take","status":n,"body":...}
 *   {"do":"userinfo_exchange","access_token":...} {"do":"userinfo_take","sub":...,"status":n,"body":...}
 *   {"do":"check","logout_token":...}
 * With "threads": N, so many do the same at once; "results" counts how each ended. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "protocols/rp/rp.h"

#define LINE_BYTES  65536
#define THREADS_MAX 64
#define ARENA_BYTES (4 * ARENA_LIMIT_DEFAULT)

static struct rp *rp;
static struct rp_login login;

struct job {
    const json_t *command;
    enum err result;
    json_t *answer;
};

typedef void verb_fn(struct job *job);

static const char *word(const struct job *job, const char *name) {
    return json_string_value(json_object_get(job->command, name));
}

static struct span word_span(const struct job *job, const char *name) {
    return json_str(job->command, name);
}

static void show(struct job *job, const char *name, struct span value) {
    if (value.ptr)
        json_object_set_new(job->answer, name, json_stringn(value.ptr, value.len));
}

static bool flag(const struct job *job, const char *name) {
    return json_is_true(json_object_get(job->command, name));
}

/* Only the IPv4 address that `ctx` spells. */
static bool only_address(const struct sockaddr *address, void *ctx) {
    char text[INET_ADDRSTRLEN];
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
    return address->sa_family == AF_INET &&
           inet_ntop(AF_INET, &in->sin_addr, text, sizeof text) && strcmp(text, ctx) == 0;
}

static void do_new(struct job *job) {
    static char address[INET_ADDRSTRLEN];
    (void)snprintf(address, sizeof address, "%s", word(job, "address") ? word(job, "address") : "");
    const char *auth = word(job, "auth");
    const struct rp_config config = {
        .issuer = word(job, "issuer"),
        .client_id = word(job, "client_id"),
        .client_secret = word(job, "client_secret"),
        .auth = auth && strcmp(auth, "post") == 0   ? RP_AUTH_POST
                : auth && strcmp(auth, "none") == 0 ? RP_AUTH_NONE
                                                    : RP_AUTH_BASIC,
        .redirect_uri = word(job, "redirect_uri"),
        .post_logout_redirect_uri = word(job, "post_logout_redirect_uri"),
        .scope = word(job, "scope"),
        .id_token_alg = word(job, "alg"),
        .ca_file = word(job, "ca_file"),
        .address_allowed = address[0] ? only_address : NULL,
        .address_ctx = address,
        .authorization_endpoint = word(job, "authorization_endpoint"),
        .token_endpoint = word(job, "token_endpoint"),
        .userinfo_endpoint = word(job, "userinfo_endpoint"),
        .jwks_uri = word(job, "jwks_uri"),
        .end_session_endpoint = word(job, "end_session_endpoint"),
        .iss_in_answer = flag(job, "iss_in_answer"),
        .no_id_token = flag(job, "no_id_token"),
        .raw_plus = flag(job, "raw_plus"),
    };
    rp_free(TAKE(rp));
    job->result = rp_new(&config, &rp);
}

static void do_discover(struct job *job) {
    job->result = rp_discover(rp);
}

static void do_login(struct job *job) {
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    rp_login_new(&login);
    job->result = rp_authorize_url(rp, &login, word(job, "extra"), &url);
    show(job, "url", buf_span(&url));
    show(job, "state", span_of(login.state));
    show(job, "nonce", span_of(login.nonce));
}

static void show_tokens(struct job *job, struct rp_tokens *tokens) {
    show(job, "id_token", tokens->id_token);
    show(job, "access_token", tokens->access_token);
    show(job, "refresh_token", tokens->refresh_token);
    if (tokens->claims)
        json_object_set_new(job->answer, "claims", tokens->claims);
}

static void show_logout_token(struct job *job, const struct rp_logout_token *token) {
    show(job, "sub", token->sub);
    show(job, "sid", token->sid);
    show(job, "jti", token->jti);
    json_object_set_new(job->answer, "expires_at", json_integer(token->expires_at));
}

static void do_finish(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_callback callback;
    struct rp_tokens tokens;
    job->result = rp_callback_parse(rp, &a, word_span(job, "query"), &callback);
    if (!job->result)
        job->result = rp_finish(rp, &login, &callback, &a, &tokens);
    if (!job->result)
        show_tokens(job, &tokens);
}

static void do_refresh(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_tokens tokens;
    job->result =
        rp_refresh(rp, word_span(job, "refresh_token"), word_span(job, "sub"), &a, &tokens);
    if (!job->result)
        show_tokens(job, &tokens);
}

static void do_userinfo(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    json_t *claims;
    job->result =
        rp_userinfo(rp, word_span(job, "access_token"), word_span(job, "sub"), &a, &claims);
    if (!job->result)
        json_object_set_new(job->answer, "claims", claims);
}

static void do_logout(struct job *job) {
    CLEANUP(buf_done) struct buf url = BUF_INIT(32768);
    job->result = rp_logout_url(rp, word_span(job, "id_token"), word(job, "state"), &url);
    show(job, "url", buf_span(&url));
}

static void do_receive(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_logout_token token;
    job->result = rp_logout_receive(rp, &a, word_span(job, "logout_token"), &token);
    if (!job->result)
        show_logout_token(job, &token);
}

/* ---- without network ---- */

static long number(const struct job *job, const char *name) {
    return (long)json_integer_value(json_object_get(job->command, name));
}

static void show_exchange(struct job *job, const struct rp_exchange *x) {
    show(job, "url", x->url);
    show(job, "form", x->form);
    show(job, "authorization", x->authorization);
    json_object_set_new(job->answer, "is_joined", json_boolean(x->is_joined));
    json_object_set_new(job->answer, "fetch", json_integer(x->fetch));
    json_object_set_new(job->answer, "turn", json_integer(x->turn));
}

static void do_fetch_due(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_exchange x;
    job->result = rp_fetch_due(rp, flag(job, "unknown"), &a, &x);
    if (!job->result)
        show_exchange(job, &x);
}

static void do_fetch_take(struct job *job) {
    const struct rp_exchange x = {.fetch = (unsigned)number(job, "fetch"),
                                  .turn = (unsigned)number(job, "turn")};
    job->result = rp_fetch_take(rp, &x, number(job, "status"), word_span(job, "body"));
}

static void do_code_exchange(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_callback callback;
    struct rp_exchange x;
    job->result = rp_callback_parse(rp, &a, word_span(job, "query"), &callback);
    if (!job->result)
        job->result = rp_code_exchange(rp, &login, &callback, &a, &x);
    if (!job->result)
        show_exchange(job, &x);
}

static void do_code_take(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_tokens tokens;
    job->result =
        rp_code_take(rp, &login, &a, number(job, "status"), word_span(job, "body"), &tokens);
    if (!job->result)
        show_tokens(job, &tokens);
}

static void do_userinfo_exchange(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_exchange x;
    job->result = rp_userinfo_exchange(rp, word_span(job, "access_token"), &a, &x);
    if (!job->result)
        show_exchange(job, &x);
}

static void do_userinfo_take(struct job *job) {
    json_t *claims;
    job->result = rp_userinfo_take(word_span(job, "sub"), number(job, "status"),
                                   word_span(job, "body"), &claims);
    if (!job->result)
        json_object_set_new(job->answer, "claims", claims);
}

static void do_check(struct job *job) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_logout_token token;
    job->result = rp_logout_token_check(rp, &a, word_span(job, "logout_token"), &token);
    if (!job->result)
        show_logout_token(job, &token);
}

static const struct {
    const char *name;
    verb_fn *run;
} verbs[] = {
    {"new", do_new},
    {"discover", do_discover},
    {"login", do_login},
    {"finish", do_finish},
    {"refresh", do_refresh},
    {"userinfo", do_userinfo},
    {"logout", do_logout},
    {"receive", do_receive},
    {"fetch_due", do_fetch_due},
    {"fetch_take", do_fetch_take},
    {"code_exchange", do_code_exchange},
    {"code_take", do_code_take},
    {"userinfo_exchange", do_userinfo_exchange},
    {"userinfo_take", do_userinfo_take},
    {"check", do_check},
};

static verb_fn *verb_of(const json_t *command) {
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (span_is(json_str(command, "do"), verbs[i].name))
            return verbs[i].run;
    return NULL;
}

static void *run_job(void *context) {
    struct job *job = context;
    verb_of(job->command)(job);
    return NULL;
}

static json_t *run_command(const json_t *command) {
    struct job job[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    int64_t wanted = 1, began = clock_mono_us();
    (void)!json_int(command, "threads", &wanted);
    size_t n = wanted > 0 && wanted <= THREADS_MAX ? (size_t)wanted : 1;
    for (size_t i = 0; i < n; i++) {
        job[i] = (struct job){command, ERR_INTERNAL, json_object()};
        if (n == 1)
            run_job(&job[i]);
        else if (pthread_create(&thread[i], NULL, run_job, &job[i]) != 0)
            return NULL;
    }
    json_t *results = json_object();
    for (size_t i = 0; i < n; i++) {
        if (n > 1)
            pthread_join(thread[i], NULL);
        const char *name = err_name(job[i].result);
        json_int_t so_far = json_integer_value(json_object_get(results, name));
        json_object_set_new(results, name, json_integer(so_far + 1));
        if (i > 0)
            json_decref(job[i].answer);
    }
    json_t *answer = job[0].answer;
    json_object_set_new(answer, "result", json_string(err_name(job[0].result)));
    json_object_set_new(answer, "results", results);
    json_object_set_new(answer, "seconds", json_real((double)(clock_mono_us() - began) / 1e6));
    return answer;
}

int main(void) {
    static char line[LINE_BYTES];
    if (secret_init())
        return 1;
    while (fgets(line, sizeof line, stdin)) {
        AUTO_JSON json_t *command = NULL, *answer = NULL;
        size_t len = strcspn(line, "\n");
        if (json_parse_object(span_bytes(line, len), sizeof line, &command) || !verb_of(command))
            return 2;
        answer = run_command(command);
        if (!answer || json_dumpf(answer, stdout, JSON_COMPACT))
            return 1;
        (void)putchar('\n');
        (void)fflush(stdout);
    }
    rp_free(rp);
    return 0;
}
