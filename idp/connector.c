/* SPDX-License-Identifier: Apache-2.0
 *
 * A connector's file: rules between its settings, its typed form, its secret; see connector.h. */
#include "idp/connector.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/secret.h"
#include "idp/claims.h"
#include "idp/client_uri.h"
#include "idp/connector_internal.h"
#include "idp/identifiers.h"

#define SECRET_FILE_MAX 512 /* bytes */

struct check {
    struct config_reader *reader;
    struct connector_draft *draft;
    struct connector *c;
};

static void complain(const struct check *k, const char *path, const char *why) {
    config_complain(k->reader, path, why);
}

/* A text around a word. */
static const char *around(const struct check *k, const char *before, struct span word,
                          const char *after) {
    const char *text = arena_printf(k->draft->arena, "%s%.*s%s", before, SPAN_FMT(word), after);
    return text ? text : "out of memory";
}

/* No ID token that could be relied on, and nothing to discover. */
static bool is_userinfo_only(const struct connector *c) {
    return c->dialect == DIALECT_DVCQG || c->dialect == DIALECT_VNEID_PARTNER;
}

static void apply_dialect(const struct check *k) {
    for (size_t d = DIALECT_OIDC; d < DIALECTS; d++)
        if (span_is(k->draft->dialect, connector_dialects[d]))
            k->c->dialect = (enum connector_dialect)d;
    for (size_t i = 0; k->c->dialect && i < connector_defaults_count; i++)
        if (connector_defaults[i].value[k->c->dialect])
            config_default(k->reader, connector_defaults[i].path,
                           connector_defaults[i].value[k->c->dialect]);
}

bool connector_id_good(struct span id) {
    if (id.len == 0 || id.len > CONNECTOR_ID_MAX || id.ptr[0] == '-' || id.ptr[id.len - 1] == '-')
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (!id.ptr[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-", id.ptr[i]))
            return false;
    return true;
}

static void check_names(const struct check *k) {
    struct connector *c = k->c;
    if (c->id.ptr && !connector_id_good(c->id))
        complain(k, "id", "must be letters a-z, digits and '-', which stands inside only");
    if (!c->name_en.ptr)
        c->name_en = c->name;
}

/* ---- where it is ---- */

/* Plain http would let anyone on the way be anybody: only beside us, where we are http too. */
static void check_uri(const struct check *k, const char *path, struct span uri) {
    static const struct uri_rules rules = {.allow_loopback_http = true};
    bool is_good_scheme = span_starts(uri, "https://") ||
                          (span_starts(uri, "http://") && !k->draft->issuer_is_https);
    const char *why = !uri.ptr          ? NULL
                      : !is_good_scheme ? "must be https (http only while our own issuer is http)"
                                        : client_uri_check(uri, &rules, NULL);
    if (why)
        complain(k, path, why);
}

static void check_endpoints(const struct check *k) {
    const struct connector *c = k->c;
    const struct {
        const char *path;
        struct span uri;
        bool is_needed; /* where nothing is discovered */
    } endpoints[] = {
        {"endpoints.authorization", c->authorization_endpoint, true},
        {"endpoints.token", c->token_endpoint, true},
        {"endpoints.userinfo", c->userinfo_endpoint, true},
        {"endpoints.jwks", c->jwks_uri, false},
        {"endpoints.end_session", c->end_session_endpoint, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        check_uri(k, endpoints[i].path, endpoints[i].uri);
        if (is_userinfo_only(c) && endpoints[i].is_needed && !endpoints[i].uri.ptr)
            complain(k, endpoints[i].path,
                     around(k, "is missing: ", k->draft->dialect, " has nothing to discover it from"));
    }
    check_uri(k, "issuer", c->issuer);
    if (c->issuer.ptr && memchr(c->issuer.ptr, '?', c->issuer.len))
        complain(k, "issuer", "must have no query");
}

/* ---- who we are there ---- */

static const char *secret_take(const struct check *k, const char *path) {
    CLEANUP(secret_done) struct secret secret = SECRET_INIT;
    enum err e = secret_init();
    if (!e)
        e = secret_read_file(path, SECRET_FILE_MAX, &secret);
    if (e == ERR_REFUSED)
        return "must be a regular file that only its owner may read (mode 0600)";
    if (e == ERR_TOO_LONG)
        return "is longer than a secret";
    if (e)
        return "cannot be read";
    struct span text = secret_span(&secret);
    if (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (text.len == 0 || !ascii_printable(text))
        return "must hold one line of printable ASCII";
    k->c->client_secret = arena_dup(k->draft->arena, text);
    return k->c->client_secret.ptr ? NULL : "out of memory";
}

static void check_client(const struct check *k) {
    struct connector *c = k->c;
    const char *why = k->draft->secret_file.ptr ? secret_take(k, k->draft->secret_file.ptr) : NULL;
    if (why)
        complain(k, "client.secret_file", why);
    c->secret_in_body = span_is(k->draft->auth, "client_secret_post");

    const char *own_path = around(k, "/upstream/callback/", c->id, "");
    if (!c->redirect_path.ptr)
        c->redirect_path = span_of(own_path);
    if (c->id.ptr && !span_is(c->redirect_path, own_path) &&
        !span_is(c->redirect_path, "/commonauth"))
        complain(k, "client.redirect_path",
                 around(k, "must be ", span_of(own_path), " or /commonauth"));

    bool is_partner = c->dialect == DIALECT_VNEID_PARTNER;
    if (is_partner && !c->envelope_kid.ptr)
        complain(k, "client.envelope_kid", "is missing: the key that opens the answers");
    if (!is_partner && c->dialect && c->envelope_kid.ptr)
        complain(k, "client.envelope_kid", "is for vneid-partner only");
}

/* ---- what we ask, and make of the answer ---- */

static void check_request(const struct check *k) {
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {
        {"acr_values", PASS_ACR_VALUES}, {"login_hint", PASS_LOGIN_HINT},
        {"ui_locales", PASS_UI_LOCALES}, {"prompt", PASS_PROMPT_LOGIN},
        {"max_age", PASS_MAX_AGE},
    };
    struct connector *c = k->c;
    for (size_t i = 0; i < k->draft->passes.count; i++)
        for (size_t j = 0; j < ARRAY_LEN(words); j++)
            if (span_is(k->draft->passes.item[i], words[j].word))
                c->passes |= words[j].bit;
    //= https://openid.net/specs/openid-connect-core-1_0.html#section-3.1.2.1
    //# OpenID Connect requests MUST contain the openid scope value.
    if (c->dialect && !is_userinfo_only(c) && !span_list_has(c->scope, SPAN("openid")))
        complain(k, "request.scope", "must have the word openid");
}

/* Whether an account can take it over: as a claim, an identifier, or as its type. Who acts for whom
 * is a representation with dates (store.h), never a claim that another provider fills. */
static bool is_ours(struct span name) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(4096);
    AUTO_JSON json_t *probe = json_object();
    AUTO_JSON json_t *normal = NULL;
    const char *at_fault;
    if (identifier_kind_find(name) || span_is(name, "LoaiTaiKhoan"))
        return true;
    if (span_is(name, "act"))
        return false;
    if (json_object_setn_new(probe, name.ptr, name.len, json_null()))
        return false;
    return claims_check(&a, probe, &normal, &at_fault) != ERR_UNSUPPORTED;
}

static void check_claims(const struct check *k) {
    struct connector *c = k->c;
    for (size_t i = 0; i < k->draft->claims.count; i++) {
        struct span theirs = k->draft->claims.item[i], ours = span_cut(&theirs, '=');
        if (!is_ours(ours))
            complain(k, "person.claims", around(k, "has ", ours, ", which no account takes over"));
        for (size_t j = 0; j < c->n_claims; j++)
            if (span_eq(c->claim[j].ours, ours))
                complain(k, "person.claims", around(k, "has ", ours, " twice"));
        c->claim[c->n_claims++] = (struct connector_pair){ours, theirs};
    }
    c->on_unknown = span_is(k->draft->unknown, "refuse") ? UNKNOWN_REFUSE : UNKNOWN_CREATE;
}

/* What needs an ID token is refused where there is none, rather than silently without effect. */
static void check_dialect(const struct check *k) {
    const struct connector *c = k->c;
    const struct {
        const char *path, *must;
        bool is_wrong;
    } rules[] = {
        {"person.from_userinfo", "must be true: ", !c->identity_from_userinfo},
        {"session.within_upstream", "must be false: ", c->session_within_upstream},
        {"session.backchannel_logout", "must be false: ", c->takes_backchannel_logout},
    };
    for (size_t i = 0; is_userinfo_only(c) && i < ARRAY_LEN(rules); i++)
        if (rules[i].is_wrong)
            complain(k, rules[i].path,
                     around(k, rules[i].must, k->draft->dialect, " has no ID token to rely on"));
}

/* The last '=': a URN may have others. */
static bool level_parse(struct span pair, struct connector_level *ret_level) {
    const char *last = memrchr(pair.ptr, '=', pair.len);
    if (last != pair.ptr + pair.len - 2 || last[1] < '1' || last[1] > '3')
        return false;
    *ret_level = (struct connector_level){span_bytes(pair.ptr, pair.len - 2), last[1] - '0'};
    return true;
}

static void check_levels(const struct check *k) {
    struct connector *c = k->c;
    c->most_level = (int)k->draft->most_level;
    for (size_t i = 0; i < k->draft->levels.count; i++) {
        struct connector_level level;
        if (!level_parse(k->draft->levels.item[i], &level)) {
            complain(k, "levels.map", "must be pairs like LoA2=2, with 1, 2 or 3 at the end");
            continue;
        }
        for (size_t j = 0; j < c->n_levels; j++)
            if (span_eq(c->level[j].theirs, level.theirs))
                complain(k, "levels.map", around(k, "has ", level.theirs, " twice"));
        c->level[c->n_levels++] = level;
    }
}

/* Names that are worth at least `least` and no more than this connector may give: the least first,
 * so that nobody is asked for more than is needed. */
static struct span names_for(const struct check *k, int least) {
    const char *names = "";
    for (int level = least; names && level <= k->c->most_level; level++)
        for (size_t i = 0; names && i < k->c->n_levels; i++)
            if (k->c->level[i].level == level)
                names = arena_printf(k->draft->arena, "%s%s%.*s", names, *names ? " " : "",
                                     SPAN_FMT(k->c->level[i].theirs));
    if (!names)
        complain(k, "levels.map", "out of memory");
    return names && *names ? span_of(names) : SPAN_NONE;
}

void connector_check(struct config_reader *r, void *base) {
    struct connector_draft *draft = base;
    const struct check k = {r, draft, &draft->c};
    apply_dialect(&k);
    check_names(&k);
    check_endpoints(&k);
    check_client(&k);
    check_request(&k);
    check_claims(&k);
    check_dialect(&k);
    check_levels(&k);
    for (int level = 1; level <= 3; level++)
        draft->c.acr_for[level] = names_for(&k, level);
}

enum err connector_load(const char *path, bool issuer_is_https, struct arena *a, struct buf *report,
                        struct connector *ret_connector) {
    AUTO_FREE struct connector_draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return ERR_NOMEM;
    draft->arena = a;
    draft->issuer_is_https = issuer_is_https;
    enum err e = config_file_read(path, &connector_schema, a, draft, connector_check, report);
    if (!e)
        *ret_connector = draft->c;
    return e;
}

/* ---- levels ---- */

int connector_level_of(const struct connector *c, struct span theirs) {
    for (size_t i = 0; i < c->n_levels; i++)
        if (theirs.len && span_eq(c->level[i].theirs, theirs))
            return c->level[i].level < c->most_level ? c->level[i].level : c->most_level;
    return 0;
}

struct span connector_acr_for(const struct connector *c, int level) {
    return level >= 1 && level <= 3 ? c->acr_for[level] : SPAN_NONE;
}
