/* SPDX-License-Identifier: Apache-2.0
 *
 * rp-example: the smallest complete relying party, to be read beside docs/RP-GUIDE.md. One person, on a
 * terminal in the browser's place: `--config FILE` names a JSON file of mode 0600 with the members of
 * struct rp_config that are texts. It prints where to sign in, takes lines of standard input as
 * requests that arrive, and prints what a service would do:
 *   code=...&state=...          what came to the redirect URI
 *   logout_token=...            the body of a POST to the backchannel_logout_uri */
#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "protocols/rp/rp.h"

#define CONFIG_MAX  65536
#define LINE_BYTES  32768
#define ARENA_BYTES (2 * ARENA_LIMIT_DEFAULT)
#define REPLAYS_MAX 64 /* logout tokens believed at one time */

/* A service has one of these for each browser, found by a cookie. */
struct session {
    struct rp_login login; /* sign-in in progress; empty: none */
    json_t *claims;        /* signed in: of the ID token */
};

/* Logout tokens that were used, until they would not be believed anyway. */
struct replays {
    struct {
        char jti[RP_JTI_MAX + 1];
        int64_t until;
    } used[REPLAYS_MAX];
};

static void say(const char *what, struct span text) {
    (void)printf("%s %.*s\n", what, SPAN_FMT(text));
    (void)fflush(stdout);
}

static void say_error(const char *what, enum err e) {
    say(what, span_of(err_text(e)));
}

static enum err start(const char *path, struct rp **ret_rp) {
    CLEANUP(secret_done) struct secret file = SECRET_INIT; /* holds the client secret */
    AUTO_JSON json_t *json = NULL;
    enum err e = secret_read_file(path, CONFIG_MAX, &file);
    if (!e)
        e = json_parse_object(secret_span(&file), CONFIG_MAX, &json);
    if (e)
        return e;
#define TEXT(name) .name = json_string_value(json_object_get(json, #name))
    const struct rp_config config = {
        TEXT(issuer),
        TEXT(client_id),
        TEXT(client_secret),
        TEXT(redirect_uri),
        TEXT(post_logout_redirect_uri),
        TEXT(scope),
        TEXT(id_token_alg),
        TEXT(ca_file),
        TEXT(authorization_endpoint), /* these only for a provider without a discovery document */
        TEXT(token_endpoint),
        TEXT(userinfo_endpoint),
        TEXT(jwks_uri),
        TEXT(end_session_endpoint),
    };
#undef TEXT
    if (!config.issuer || !config.client_id || !config.redirect_uri || !config.scope)
        return ERR_MISSING;
    return rp_new(&config, ret_rp);
}

static void send_away(struct rp *rp, struct session *s) {
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    rp_login_new(&s->login);
    enum err e = rp_discover(rp);
    if (!e)
        e = rp_authorize_url(rp, &s->login, "&ui_locales=vi", &url);
    if (e)
        say_error("unavailable:", e);
    else
        say("sign in at", buf_span(&url));
}

static void show_person(struct rp *rp, const struct rp_tokens *tokens, struct arena *a) {
    CLEANUP(buf_done) struct buf url = BUF_INIT(32768);
    AUTO_JSON json_t *userinfo = NULL;
    struct span sub = json_str(tokens->claims, "sub");
    say("signed in", sub);
    enum err e = rp_userinfo(rp, tokens->access_token, sub, a, &userinfo);
    if (e)
        say_error("no more is known:", e);
    else
        say("name", json_str(userinfo, "name"));
    if (rp_logout_url(rp, tokens->id_token, NULL, &url) == ERR_OK)
        say("sign out at", buf_span(&url));
}

static void take_answer(struct rp *rp, struct session *s, struct span query) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct rp_callback callback;
    struct rp_tokens tokens;
    const struct rp_login login = s->login;
    s->login = (struct rp_login){.state = ""}; /* one use, whatever comes of it */
    enum err e = rp_callback_parse(rp, &a, query, &callback);
    if (!e)
        e = rp_finish(rp, &login, &callback, &a, &tokens);
    if (e) {
        say_error("not signed in:", e);
        return;
    }
    json_decref(s->claims);
    s->claims = tokens.claims; /* a service gives the browser a new cookie here */
    show_person(rp, &tokens, &a);
}

/* ---- back-channel logout ---- */

/* Remembers a token; false when it was used before, or there is no room to remember it. */
static bool is_first_use(struct replays *r, const struct rp_logout_token *token) {
    int64_t now = clock_now();
    size_t room = REPLAYS_MAX;
    for (size_t i = 0; i < REPLAYS_MAX; i++) {
        if (r->used[i].until <= now)
            room = i;
        else if (span_is(token->jti, r->used[i].jti))
            return false;
    }
    if (room == REPLAYS_MAX)
        return false;
    (void)snprintf(r->used[room].jti, sizeof r->used[room].jti, "%.*s", SPAN_FMT(token->jti));
    r->used[room].until = token->expires_at;
    return true;
}

/* Of that person, and of that session of theirs at the provider, when the token names one. */
static bool is_meant(const struct session *s, const struct rp_logout_token *token) {
    return s->claims && (!token->sub.ptr || span_eq(token->sub, json_str(s->claims, "sub"))) &&
           (!token->sid.ptr || span_eq(token->sid, json_str(s->claims, "sid")));
}

static void take_logout(struct rp *rp, struct session *s, struct replays *replays,
                        struct span form) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
    struct params params = {.count = 0};
    struct rp_logout_token token;
    enum err e = params_split(&a, form, &params);
    if (!e)
        e = rp_logout_receive(rp, &a, params_find(&params, "logout_token"), &token);
    if (!e && !is_first_use(replays, &token))
        e = ERR_REPLAYED;
    if (e) { /* a service answers 400, or 503 for ERR_UNAVAILABLE; always Cache-Control: no-store */
        say_error("not signed out:", e);
        return;
    }
    bool ends = is_meant(s, &token);
    if (ends) {
        json_decref(s->claims);
        s->claims = NULL;
    }
    say(ends ? "signed out" : "nobody to sign out", token.sub.ptr ? token.sub : token.sid);
}

static void serve(struct rp *rp) {
    static char line[LINE_BYTES];
    static struct replays replays;
    struct session session = {.claims = NULL};
    send_away(rp, &session);
    while (fgets(line, sizeof line, stdin)) {
        struct span text = span_bytes(line, strcspn(line, "\n"));
        if (span_starts(text, "logout_token="))
            take_logout(rp, &session, &replays, text);
        else
            take_answer(rp, &session, text);
    }
    json_decref(session.claims);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option == 'c')
            path = optarg;
    if (!path || optind != argc) {
        fputs("usage: rp-example --config FILE\n", stderr);
        return 2;
    }
    struct rp *rp = NULL;
    enum err e = secret_init();
    if (!e)
        e = start(path, &rp);
    if (e) {
        (void)fprintf(stderr, "rp-example: %s: %s\n", path, err_text(e));
        return 1;
    }
    serve(rp);
    rp_free(rp);
    return 0;
}
