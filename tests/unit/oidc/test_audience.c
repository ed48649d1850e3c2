/* SPDX-License-Identifier: Apache-2.0
 *
 * audience: a token is for one audience, with the scopes of that one only; a resource is for clients
 * that have a scope of it, as it was granted, at its level (A40, D19). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "idp/config.h"
#include "protocols/oidc/audience.h"
#include "tests/unit/oidc/fake_resource.h"

#define API "https://api.example.vn"
#define TAX "https://tax.example.vn"
#define US  "https://id.example.vn"

static struct arena arena = ARENA_INIT(1024 * 1024);
static const struct config cfg = {.issuer = {US, sizeof US - 1}};

/* `asked`: space-separated. */
static struct resource_list list_of(const char *asked) {
    struct resource_list list = {.count = 0};
    for (struct span rest = span_of(asked), word; (word = span_word(&rest)).len;)
        assert_int_equal(param_resource(&arena, word, &list), ERR_OK);
    return list;
}

struct choice {
    const char *client_scope, *asked, *granted, *scope;
    int level;
    const char *aud, *aud_scope; /* aud NULL: invalid_target */
};

static void check_choices(const struct choice *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct choice *c = &rows[i];
        const struct client client = {.scope = span_of(c->client_scope)};
        const struct audience_rules rules = {&cfg, &fake_resources, &client};
        struct resource_list asked = list_of(c->asked);
        struct audience got = {0};
        struct oidc_failure f = audience_choose(&arena, &rules, &asked, span_of(c->granted),
                                                span_of(c->scope), c->level, &got);
        if (f.error != (c->aud ? OIDC_NO_ERROR : OIDC_INVALID_TARGET))
            fail_msg("row %zu: error %d", i, (int)f.error);
        if (!c->aud)
            continue;
        struct span aud = got.resource ? got.resource->identifier : cfg.issuer;
        if (!span_is(aud, c->aud) || !span_is(got.scope, c->aud_scope))
            fail_msg("row %zu: %.*s for %.*s", i, SPAN_FMT(aud), SPAN_FMT(got.scope));
    }
}

#define ALL "openid profile dossier.read dossier.write tax.read"

static void one_audience_with_its_own_scopes(void **state) {
    (void)state;
    static const struct choice rows[] = {
        /* nothing named: the provider, with what no resource owns */
        {ALL, "", "", "openid profile", 1, US, "openid profile"},
        {ALL, "", "", "openid dossier.read", 1, US, "openid"},
        {ALL, "", "", "other", 1, US, "other"},
        {ALL, "", "", "", 1, US, ""},
        /* but scopes of one resource alone mean that one */
        {ALL, "", "", "dossier.read dossier.write", 1, API, "dossier.read dossier.write"},
        {ALL, "", "", "dossier.read tax.read", 2, US, ""},
        /* named in the authorization request */
        {ALL, "", API, "openid dossier.read", 1, API, "dossier.read"},
        {ALL, "", API " " TAX, "openid dossier.read tax.read", 2, US, "openid"},
        {ALL, API, API " " TAX, "openid dossier.read tax.read", 2, API, "dossier.read"},
        {ALL, TAX, API " " TAX, "openid dossier.read tax.read", 2, TAX, "tax.read"},
        {ALL, US, API, "openid dossier.read", 1, US, "openid"},
        /* named at the token endpoint */
        {ALL, API, "", "openid dossier.read", 1, API, "dossier.read"},
        {ALL, API, "", "dossier.read tax.read", 1, API, "dossier.read"},
        {ALL, TAX, "", "tax.read", AUDIENCE_NO_SESSION, TAX, "tax.read"},
    };
    check_choices(rows, ARRAY_LEN(rows));
}

static void what_is_not_granted_is_refused(void **state) {
    (void)state;
    static const struct choice rows[] = {
        {ALL, "https://api.example.vn/", "", "dossier.read", 1, NULL, NULL},
        {ALL, "https://API.example.vn", "", "dossier.read", 1, NULL, NULL},
        {ALL, "https://api.example.vn#x", "", "dossier.read", 1, NULL, NULL},
        {ALL, "dossier.read", "", "dossier.read", 1, NULL, NULL},
        {ALL, TAX, API, "dossier.read tax.read", 2, NULL, NULL},
        {"openid tax.read", API, "", "openid tax.read", 1, NULL, NULL}, /* none of its scopes */
        {"openid tax.read", "", API, "openid tax.read", 1, NULL, NULL},
        {ALL, API, "", "openid", 1, NULL, NULL}, /* none was granted */
        {ALL, API " " TAX, "", "dossier.read tax.read", 2, NULL, NULL},
        {ALL, API " " API, "", "dossier.read", 2, NULL, NULL},
        {ALL, TAX, "", "tax.read", 1, NULL, NULL}, /* its level */
        {ALL, "", "", "tax.read", 0, NULL, NULL},
    };
    check_choices(rows, ARRAY_LEN(rows));
}

static void an_authorization_request_names_what_its_client_may_have(void **state) {
    (void)state;
    const struct client client = {.scope = SPAN("openid dossier.read tax.read")};
    const struct audience_rules rules = {&cfg, &fake_resources, &client};
    int level = 7;
    struct resource_list list = list_of("");
    struct span text;
    assert_int_equal(audience_check(&rules, &list, &level).error, OIDC_NO_ERROR);
    assert_int_equal(level, 0);
    assert_int_equal(resource_list_build(&arena, &list, &text), ERR_OK);
    assert_null(text.ptr);
    list = list_of(API " " US " " TAX);
    assert_int_equal(audience_check(&rules, &list, &level).error, OIDC_NO_ERROR);
    assert_int_equal(level, 2);
    assert_int_equal(resource_list_build(&arena, &list, &text), ERR_OK);
    assert_true(span_is(text, API " " US " " TAX));
    list = list_of(API " https://none.example.vn");
    assert_int_equal(audience_check(&rules, &list, &level).error, OIDC_INVALID_TARGET);
    const struct client other = {.scope = SPAN("openid")};
    const struct audience_rules others = {&cfg, &fake_resources, &other};
    list = list_of(API);
    assert_int_equal(audience_check(&others, &list, &level).error, OIDC_INVALID_TARGET);
    const struct audience_rules none = {&cfg, NULL, &client};
    assert_int_equal(audience_check(&none, &list, &level).error, OIDC_INVALID_TARGET);
    struct resource_list full = {.count = ASKED_RESOURCES_MAX};
    assert_int_equal(param_resource(&arena, SPAN(API), &full), ERR_TOO_LONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_audience_with_its_own_scopes),
        cmocka_unit_test(what_is_not_granted_is_refused),
        cmocka_unit_test(an_authorization_request_names_what_its_client_may_have),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
