/* SPDX-License-Identifier: Apache-2.0
 *
 * See signer_policy.h. */
#include "keys/signer_policy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/json_members.h"
#include "keys/wrap.h"

#define CLAIMS_MAX 12288 /* bytes of JSON: a JWS of ours stays below JWS_MAX_BYTES */
#define LIFETIME_CEILING 86400
#define LIFETIME_NONE    0 /* such a JWT carries no exp */

static const struct {
    const char *typ;
    int64_t lifetime_max;
} default_tokens[] = {
    {"JWT", 3600},       /* ID token */
    {"at+jwt", 3600},    /* RFC 9068 */
    {"logout+jwt", 120}, /* Back-Channel Logout 2.4 */
    {"token-introspection+jwt", LIFETIME_NONE}, /* RFC 9701 5: an answer, never a token */
    {"userinfo+jwt", LIFETIME_NONE},            /* OIDC Core 5.3.2: likewise */
};

static enum err fail(const char **reterr_text, const char *why) {
    *reterr_text = why;
    return ERR_SYNTAX;
}

static enum err read_file(const char *path, struct arena *a, struct span *ret_text) {
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return ERR_IO;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 022) != 0)
        return ERR_REFUSED;
    if (st.st_size > POLICY_FILE_MAX)
        return ERR_TOO_LONG;
    char *text = arena_alloc(a, (size_t)st.st_size + 1);
    ssize_t n = text ? read(fd, text, (size_t)st.st_size) : -1;
    if (n != st.st_size)
        return ERR_IO;
    *ret_text = span_bytes(text, (size_t)n);
    return ERR_OK;
}

static bool members_known(const json_t *object, const char *const *known) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (!known[i])
            return false;
    }
    return true;
}

static enum err parse_algs(const json_t *algs, struct policy_token *t) {
    size_t i;
    const json_t *name;
    if (!json_is_array(algs) || json_array_size(algs) == 0 || json_array_size(algs) > POLICY_ALGS_MAX)
        return ERR_SYNTAX;
    json_array_foreach(algs, i, name) {
        const struct jose_alg *alg =
            json_is_string(name) ? jose_alg_find(span_of(json_string_value(name))) : NULL;
        if (!alg || !alg->signs_tokens)
            return ERR_UNSUPPORTED;
        t->alg[t->n_algs++] = alg;
    }
    return ERR_OK;
}

static void allow_all_algs(struct policy_token *t) {
    for (size_t i = 0; i < jose_algs_count; i++)
        if (jose_algs[i].signs_tokens)
            t->alg[t->n_algs++] = &jose_algs[i];
}

static enum err parse_token(const json_t *j, struct arena *a, struct policy_token *t) {
    static const char *const known[] = {"typ", "lifetime_max", "algs", NULL};
    if (!json_is_object(j) || !members_known(j, known))
        return ERR_SYNTAX;
    struct span typ = json_str(j, "typ");
    t->typ = typ.len ? arena_strndup(a, typ.ptr, typ.len) : NULL;
    enum err e = json_int(j, "lifetime_max", &t->lifetime_max);
    if (!t->typ || e || t->lifetime_max < LIFETIME_NONE || t->lifetime_max > LIFETIME_CEILING)
        return ERR_SYNTAX;
    if (!json_object_get(j, "algs")) {
        allow_all_algs(t);
        return ERR_OK;
    }
    return parse_algs(json_object_get(j, "algs"), t);
}

static enum err parse_tokens(const json_t *tokens, struct signer_policy *p) {
    size_t i;
    const json_t *item;
    if (!tokens) {
        for (i = 0; i < ARRAY_LEN(default_tokens); i++) {
            struct policy_token *t = &p->token[p->n_tokens++];
            t->typ = default_tokens[i].typ;
            t->lifetime_max = default_tokens[i].lifetime_max;
            allow_all_algs(t);
        }
        return ERR_OK;
    }
    if (!json_is_array(tokens) || json_array_size(tokens) > POLICY_TOKENS_MAX)
        return ERR_SYNTAX;
    json_array_foreach(tokens, i, item) {
        enum err e = parse_token(item, &p->arena, &p->token[p->n_tokens++]);
        if (e)
            return e;
    }
    return ERR_OK;
}

static const char *text_member(const json_t *j, const char *name, struct arena *a) {
    struct span s = json_str(j, name);
    return s.len ? arena_strndup(a, s.ptr, s.len) : NULL;
}

/* A switch that is "on" or "off", or not there. */
static enum err parse_switch(const json_t *j, const char *name, bool otherwise, bool *ret_on) {
    struct span value = json_str(j, name);
    if (json_object_get(j, name) && !span_is(value, "on") && !span_is(value, "off"))
        return ERR_SYNTAX;
    *ret_on = value.ptr ? span_is(value, "on") : otherwise;
    return ERR_OK;
}

static enum err parse_policy(const json_t *j, struct signer_policy *p, const char **reterr_text) {
    static const char *const known[] = {"issuer", "kek_file", "kek_credential", "sandbox", "envelopes", "tokens", NULL};
    bool sandbox_on;
    if (!members_known(j, known))
        return fail(reterr_text, "unknown member (known: issuer, kek_file, kek_credential, sandbox, envelopes, tokens)");
    p->issuer = text_member(j, "issuer", &p->arena);
    p->kek_file = text_member(j, "kek_file", &p->arena);
    p->kek_credential = text_member(j, "kek_credential", &p->arena);
    if (!p->issuer)
        return fail(reterr_text, "issuer is missing");
    if (!p->kek_file == !p->kek_credential)
        return fail(reterr_text, "exactly one of kek_file and kek_credential is needed");
    if (p->kek_credential && strchr(p->kek_credential, '/'))
        return fail(reterr_text, "kek_credential is a name, not a path");
    if (parse_switch(j, "sandbox", true, &sandbox_on))
        return fail(reterr_text, "sandbox is \"on\" or \"off\"");
    p->sandbox_off = !sandbox_on;
    if (parse_switch(j, "envelopes", false, &p->envelopes_on))
        return fail(reterr_text, "envelopes is \"on\" or \"off\"");
    if (parse_tokens(json_object_get(j, "tokens"), p))
        return fail(reterr_text, "tokens: each needs typ, lifetime_max (0: no exp; to 86400 seconds) and known algs");
    return ERR_OK;
}

enum err signer_policy_load(const char *path, struct signer_policy *ret_policy,
                            const char **reterr_text) {
    CLEANUP(signer_policy_done) struct signer_policy p = {.arena = ARENA_INIT(ARENA_LIMIT_DEFAULT)};
    struct span text;
    *reterr_text = "cannot be read";
    enum err e = read_file(path, &p.arena, &text);
    if (e == ERR_REFUSED)
        *reterr_text = "must be a regular file that only its owner can write";
    if (e)
        return e;
    AUTO_JSON json_t *j = NULL;
    e = json_parse_object(text, POLICY_FILE_MAX, &j);
    if (e)
        return fail(reterr_text, "is not one JSON object without duplicate members");
    e = parse_policy(j, &p, reterr_text);
    if (e)
        return e;
    *ret_policy = p;
    p.arena = ARENA_INIT(0);
    return ERR_OK;
}

enum err signer_policy_kek(const struct signer_policy *p, struct secret *ret_kek) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(8192);
    const char *path = p->kek_file;
    if (p->kek_credential) {
        const char *folder = getenv("CREDENTIALS_DIRECTORY");
        path = folder ? arena_printf(&a, "%s/%s", folder, p->kek_credential) : NULL;
    }
    if (!path)
        return ERR_MISSING;
    CLEANUP(secret_done) struct secret kek = SECRET_INIT;
    enum err e = secret_read_file(path, KEK_BYTES, &kek);
    if (e)
        return e;
    if (kek.len != KEK_BYTES)
        return ERR_RANGE;
    *ret_kek = kek;
    kek = SECRET_INIT;
    return ERR_OK;
}

static const struct policy_token *find_token(const struct signer_policy *p, struct span typ) {
    for (size_t i = 0; i < p->n_tokens; i++)
        if (span_is(typ, p->token[i].typ))
            return &p->token[i];
    return NULL;
}

static bool alg_allowed(const struct policy_token *t, const struct jose_alg *alg) {
    for (size_t i = 0; i < t->n_algs; i++)
        if (t->alg[i] == alg)
            return true;
    return false;
}

enum verdict signer_policy_jwt(const struct signer_policy *p, const struct jose_alg *alg,
                               struct span typ, struct span claims, int64_t now) {
    const struct policy_token *t = find_token(p, typ);
    if (!t || !alg_allowed(t, alg))
        return DENY;
    CLEANUP(json_members_done) struct json_members c = {.parsed = NULL};
    int64_t iat, exp = 0;
    if (json_members_read(claims, CLAIMS_MAX, &c) || json_members_int(&c, "iat", &iat))
        return DENY;
    if (!span_is(json_members_str(&c, "iss"), p->issuer))
        return DENY;
    if (iat < now - POLICY_IAT_SKEW || iat > now + POLICY_IAT_SKEW)
        return DENY;
    if (t->lifetime_max == LIFETIME_NONE)
        return json_members_has(&c, "exp") ? DENY : ALLOW;
    if (json_members_int(&c, "exp", &exp))
        return DENY;
    return exp > iat && exp - iat <= t->lifetime_max ? ALLOW : DENY;
}

void signer_policy_done(struct signer_policy *p) {
    arena_done(&p->arena);
}
