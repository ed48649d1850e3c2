/* SPDX-License-Identifier: Apache-2.0
 *
 * protocols/oidc/authz_request.c: what is redirected to was registered, byte for byte; what is good
 * has the scopes that the client may have, a whole S256 challenge, one prompt of sense; and it is
 * the same request after it travelled through a sign-in flow. Input: a query. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/config.h"
#include "protocols/oidc/authz_request.h"
#include "protocols/oidc/redirect.h"
#include "tests/fuzz/fuzz.h"

#define ISSUER "https://id.example.vn"

static const struct config cfg = {.issuer = {ISSUER, sizeof ISSUER - 1}};

static const struct client *client(void) {
    static struct client c = {
        .is_enabled = true,
        .grant_types = GRANT_AUTHORIZATION_CODE | GRANT_REFRESH_TOKEN,
        .response_modes = RESPONSE_MODE_QUERY | RESPONSE_MODE_FORM_POST,
        .n_redirect_uris = 2,
        .default_max_age = -1,
        .is_public = true,
    };
    c.client_id = SPAN("portal");
    c.scope = SPAN("openid profile email offline_access");
    c.redirect_uri[0].uri = SPAN("https://portal.example/cb?a=b");
    c.redirect_uri[1] = (struct client_uri){SPAN("http://127.0.0.1/cb"), true};
    return &c;
}

/* As it goes back in a Location field (A31). */
static void state_goes_back(struct span raw) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
    redirect_add_octets(&b, raw);
    FUZZ_CHECK(!buf_err(&b));
    for (size_t i = 0; i < b.len; i++)
        FUZZ_CHECK((unsigned char)b.data[i] > 0x20 && (unsigned char)b.data[i] < 0x7F &&
                   !strchr("&#\"<>", b.data[i]));
}

/* OIDC_INVALID_CLIENT stands for: nobody may be redirected. */
static enum oidc_error read_request(struct arena *a, const struct params *params, struct authz_request *r) {
    const struct audience_rules rules = {.cfg = &cfg, .client = client()};
    struct span id;
    *r = (struct authz_request){0};
    if (authz_client_id_parse(params, &id) || !span_eq(id, rules.client->client_id) ||
        authz_redirect_uri_check(params, rules.client, r))
        return OIDC_INVALID_CLIENT;
    FUZZ_CHECK(client_redirect_uri_allowed(rules.client, r->redirect_uri));
    FUZZ_CHECK(params_count(params, "redirect_uri") == 1);
    state_goes_back(r->state_raw);
    return authz_request_check(a, &rules, params, r).error;
}

static void good_request(const struct authz_request *r) {
    FUZZ_CHECK(span_is(r->response_type, "code") && r->scope.len);
    for (struct span rest = r->scope, word; (word = span_word(&rest)).len;)
        FUZZ_CHECK(span_list_has(client()->scope, word) && span_list_has(r->scope_asked, word));
    FUZZ_CHECK(r->has_challenge && span_is(r->challenge_method, "S256")); /* a public client */
    FUZZ_CHECK(!(r->prompt & PROMPT_NONE) || r->prompt == PROMPT_NONE);
    FUZZ_CHECK(r->max_age >= -1 && r->max_age <= INT32_MAX);
    FUZZ_CHECK(r->nonce.len <= NONCE_MAX && utf8_valid(r->nonce) && utf8_valid(r->login_hint));
    for (size_t i = 0; i < r->resource.count; i++)
        FUZZ_CHECK(span_is(r->resource.item[i], ISSUER));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct params params, again;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    CLEANUP(buf_done) struct buf built = BUF_INIT(65536);
    struct authz_request first, second;
    params.count = again.count = 0;
    if (size > 32768 || params_split(&a, span_bytes(data, size), &params) ||
        read_request(&a, &params, &first))
        return 0;
    good_request(&first);
    authz_request_build(&params, &built);
    struct span text = arena_dup(&a, buf_span(&built));
    FUZZ_CHECK(!buf_err(&built) && params_split(&a, text, &again) == ERR_OK);
    FUZZ_CHECK(read_request(&a, &again, &second) == OIDC_NO_ERROR);
    FUZZ_CHECK(span_eq(first.redirect_uri, second.redirect_uri) && span_eq(first.scope, second.scope) &&
               span_eq(first.nonce, second.nonce) && span_eq(first.state, second.state) &&
               first.prompt == second.prompt && first.max_age == second.max_age &&
               memcmp(first.challenge, second.challenge, sizeof first.challenge) == 0);
    return 0;
}
