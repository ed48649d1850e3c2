/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a resource is taken whole and typed or refused with the member's name; a set finds
 * exactly what it holds, enabled ones only, and no scope has two owners; what a request found stays
 * valid after the set was replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "idp/resource.h"
#include "idp/store/store.h"

#define API "https://api.example.vn/dossiers"

static enum err parse(const char *text, struct resource *ret, char reason[256]) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    json_t *metadata = json_loads(text, 0, NULL);
    const char *why = "";
    assert_non_null(metadata);
    enum err e = resource_parse(&a, metadata, true, ret, &why);
    (void)snprintf(reason, 256, "%s", e ? why : "");
    if (e)
        json_decref(metadata);
    return e;
}

static struct resource good(const char *text) {
    struct resource r;
    char reason[256];
    if (parse(text, &r, reason))
        fail_msg("%s: %s", text, reason);
    return r;
}

static void test_all_members(void **state) {
    (void)state;
    struct resource r = good(
        "{\"resource\":\"" API "\",\"resource_name\":\"Hồ sơ\",\"resource_name#en\":\"Dossiers\","
        "\"scopes_supported\":[\"dossier.read\",\"dossier.write\"],\"minimum_level\":2,"
        "\"access_token_format\":\"opaque\",\"access_token_signed_response_alg\":\"PS256\","
        "\"access_token_seconds\":120,\"sector\":\"shared\",\"introspection_clients\":[\"api\"]}");
    assert_true(span_is(r.identifier, API) && span_is(r.name, "Hồ sơ") &&
                span_is(r.name_en, "Dossiers") && span_is(r.sector, "shared"));
    assert_true(r.is_enabled && r.minimum_level == 2 && r.access_token_seconds == 120);
    assert_int_equal(r.access_token_format, ACCESS_TOKEN_OPAQUE);
    assert_string_equal(r.access_token_alg->name, "PS256");
    assert_true(resource_has_scope(&r, SPAN("dossier.write")));
    assert_false(resource_has_scope(&r, SPAN("dossier")));
    assert_false(resource_has_scope(&r, SPAN("dossier.write2")));
    assert_true(resource_introspector_allowed(&r, SPAN("api")));
    assert_false(resource_introspector_allowed(&r, SPAN("ap")));
    assert_false(resource_introspector_allowed(&r, SPAN_NONE));
    resource_done(&r);
}

static void test_defaults(void **state) {
    (void)state;
    struct resource r = good("{\"resource\":\"" API "\"}");
    assert_true(span_is(r.name, API) && span_is(r.name_en, API) &&
                span_is(r.sector, "api.example.vn"));
    assert_int_equal(r.access_token_format, ACCESS_TOKEN_JWT);
    assert_string_equal(r.access_token_alg->name, "ES256");
    assert_int_equal(r.minimum_level, 0);
    assert_int_equal(r.access_token_seconds, 0);
    assert_false(resource_introspector_allowed(&r, SPAN_NONE));
    resource_done(&r);
    r = good("{\"resource\":\"urn:vn:dvc:dossiers\",\"resource_name\":\"H\"}");
    assert_true(span_is(r.sector, "urn:vn:dvc:dossiers") && span_is(r.name_en, "H"));
    resource_done(&r);
}

/* Each with the member that the refusal must name. */
static void test_refusals(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"{}", "resource "},
        {"{\"resource\":7}", "resource "},
        {"{\"resource\":\"\"}", "resource "},
        {"{\"resource\":\"api\"}", "resource "},
        {"{\"resource\":\"/api\"}", "resource "},
        {"{\"resource\":\"" API "#x\"}", "resource "},
        {"{\"resource\":\"urn:\"}", "resource "},
        {"{\"resource\":\"urn:a#b\"}", "resource "},
        {"{\"resource\":\"urn:a b\"}", "resource "},
        {"{\"resource\":\"http://api.example.vn\"}", "resource "},
        {"{\"resource\":\"https://API.example.vn\"}", "resource "},
        {"{\"resource\":\"https://u@api.example.vn\"}", "resource "},
        {"{\"resource\":\"javascript:1\"}", "resource "},
        {"{\"resource#en\":\"" API "\"}", "resource#en "},
        {"{\"resource\":\"" API "\",\"minimum_levl\":2}", "minimum_levl "},
        {"{\"resource\":\"" API "\",\"minimum_level\":\"2\"}", "minimum_level "},
        {"{\"resource\":\"" API "\",\"minimum_level\":0}", "minimum_level "},
        {"{\"resource\":\"" API "\",\"minimum_level\":4}", "minimum_level "},
        {"{\"resource\":\"" API "\",\"access_token_seconds\":59}", "access_token_seconds "},
        {"{\"resource\":\"" API "\",\"access_token_seconds\":3601}", "access_token_seconds "},
        {"{\"resource\":\"" API "\",\"access_token_seconds\":60.5}", "access_token_seconds "},
        {"{\"resource\":\"" API "\",\"access_token_format\":\"JWT\"}", "access_token_format "},
        {"{\"resource\":\"" API "\",\"access_token_signed_response_alg\":\"none\"}",
         "access_token_signed_response_alg "},
        {"{\"resource\":\"" API "\",\"access_token_signed_response_alg\":\"HS256\"}",
         "access_token_signed_response_alg "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":\"a b\"}", "scopes_supported "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":[\"a b\"]}", "scopes_supported "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":[\"a\\\"\"]}", "scopes_supported "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":[\"\"]}", "scopes_supported "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":[1]}", "scopes_supported "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":[\"a\",\"a\"]}", "scopes_supported "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":[\"openid\"]}", "scopes_supported "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":[\"vn_sensitive\"]}", "scopes_supported "},
        {"{\"resource\":\"" API "\",\"scopes_supported\":[\"offline_access\"]}",
         "scopes_supported "},
        {"{\"resource\":\"" API "\",\"sector\":\"\"}", "sector "},
        {"{\"resource\":\"" API "\",\"sector\":\"a b\"}", "sector "},
        {"{\"resource\":\"" API "\",\"resource_name\":\"a\\nb\"}", "resource_name "},
        {"{\"resource\":\"" API "\",\"introspection_clients\":{}}", "introspection_clients "},
        {"{\"resource\":\"" API "\",\"introspection_clients\":[null]}", "introspection_clients "},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct resource r;
        char reason[256];
        if (parse(bad[i][0], &r, reason) == ERR_OK)
            fail_msg("taken: %s", bad[i][0]);
        if (strncmp(reason, bad[i][1], strlen(bad[i][1])) != 0)
            fail_msg("%s: %s", bad[i][0], reason);
    }
}

static void test_limits(void **state) {
    (void)state;
    char reason[256], *text;
    struct resource r;
    json_t *words = json_array(), *m = json_pack("{ss}", "resource", API);
    for (int i = 0; i < RESOURCE_SCOPES_MAX; i++)
        json_array_append_new(words, json_sprintf("s%d", i));
    json_object_set_new(m, "scopes_supported", words);
    text = json_dumps(m, 0);
    assert_int_equal(parse(text, &r, reason), ERR_OK);
    resource_done(&r);
    free(text);
    json_array_append_new(words, json_string("one.more"));
    text = json_dumps(m, 0);
    assert_int_equal(parse(text, &r, reason), ERR_SYNTAX);
    free(text);
    json_decref(m);

    char uri[RESOURCE_IDENTIFIER_MAX + 64];
    for (size_t len = RESOURCE_IDENTIFIER_MAX; len <= RESOURCE_IDENTIFIER_MAX + 1; len++) {
        memset(uri, 'a', sizeof uri);
        memcpy(uri, API, strlen(API));
        uri[len] = '\0';
        m = json_pack("{ss}", "resource", uri);
        text = json_dumps(m, 0);
        assert_int_equal(parse(text, &r, reason),
                         len == RESOURCE_IDENTIFIER_MAX ? ERR_OK : ERR_SYNTAX);
        if (len == RESOURCE_IDENTIFIER_MAX)
            resource_done(&r);
        free(text);
        json_decref(m);
    }
}

/* ---- sets ---- */

static void test_set(void **state) {
    (void)state;
    struct resource item[] = {
        good("{\"resource\":\"https://b.vn/\",\"scopes_supported\":[\"b.read\",\"b\"]}"),
        good("{\"resource\":\"https://a.vn\",\"scopes_supported\":[\"a.read\"]}"),
        good("{\"resource\":\"https://c.vn\",\"scopes_supported\":[\"c.read\"]}"),
    };
    struct resource_set *set;
    item[2].is_enabled = false;
    assert_int_equal(resource_set_new(item, ARRAY_LEN(item), &set), ERR_OK);
    assert_int_equal(resource_set_count(set), 3);
    assert_true(span_is(resource_find(set, SPAN("https://a.vn"))->identifier, "https://a.vn"));
    assert_true(span_is(resource_find(set, SPAN("https://b.vn/"))->identifier, "https://b.vn/"));
    static const char *const absent[] = {"https://b.vn", "https://a.vn/", "https://a.v", "",
                                         "https://A.vn"};
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        assert_null(resource_find(set, span_of(absent[i])));
    assert_null(resource_find(set, SPAN_NONE));
    assert_true(span_is(resource_of_scope(set, SPAN("b"))->identifier, "https://b.vn/"));
    assert_null(resource_of_scope(set, SPAN("b.rea")));
    assert_null(resource_of_scope(set, SPAN_NONE));
    /* disabled: nobody gets a token for it, and nobody else its scopes */
    assert_null(resource_find(set, SPAN("https://c.vn")));
    assert_null(resource_of_scope(set, SPAN("c.read")));
    assert_true(span_is(resource_of_scope_even_disabled(set, SPAN("c.read"))->identifier, "https://c.vn"));
    resource_set_free(set);
}

static void test_set_conflicts(void **state) {
    (void)state;
    struct resource_set *set;
    struct resource twice[] = {good("{\"resource\":\"https://a.vn\"}"),
                               good("{\"resource\":\"https://a.vn\"}")};
    assert_int_equal(resource_set_new(twice, 2, &set), ERR_EXISTS);
    struct resource shared[] = {
        good("{\"resource\":\"https://a.vn\",\"scopes_supported\":[\"x\",\"y\"]}"),
        good("{\"resource\":\"https://b.vn\",\"scopes_supported\":[\"z\",\"y\"]}")};
    assert_int_equal(resource_set_new(shared, 2, &set), ERR_EXISTS);
    assert_int_equal(resource_set_new(NULL, 0, &set), ERR_OK);
    assert_null(resource_find(set, SPAN("https://a.vn")));
    resource_set_free(set);
    resource_set_free(NULL);
    assert_null(resource_find(NULL, SPAN("https://a.vn")));
    assert_null(resource_of_scope(NULL, SPAN("x")));
}

/* ---- the registry ---- */

static enum err insert(struct store *s, struct arena *a, const char *identifier, const char *text) {
    struct batch b = BATCH_INIT(a);
    const struct resource_row row = {span_of(identifier), span_of(text), true, 1700000000};
    store_resource_insert(&b, &row);
    return store_write_wait(s, &b);
}

static void test_registry(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    char folder[] = "/tmp/idp-resource-XXXXXX", path[64];
    struct resource_registry *g;
    struct store *s;
    const char *why;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/idp.db", folder);
    assert_int_equal(store_open(path, &a, &s, &why), ERR_OK);
    assert_int_equal(resource_registry_new(&g), ERR_OK);
    assert_null(resource_registry_current(g));
    assert_null(resource_registry_current(NULL));
    assert_int_equal(resource_registry_load(g, s), ERR_OK);
    assert_null(resource_find(resource_registry_current(g), SPAN(API)));

    assert_int_equal(insert(s, &a, API, "{\"resource\":\"" API "\"}"), ERR_OK);
    assert_int_equal(insert(s, &a, API, "{\"resource\":\"" API "\"}"), ERR_EXISTS);
    assert_int_equal(resource_registry_load(g, s), ERR_OK);
    const struct resource_set *before = resource_registry_current(g);
    const struct resource *held = resource_find(before, SPAN(API));
    assert_non_null(held);

    struct batch b = BATCH_INIT(&a);
    store_resource_set_enabled(&b, SPAN(API), false);
    assert_int_equal(store_write_wait(s, &b), ERR_OK);
    assert_int_equal(resource_registry_load(g, s), ERR_OK);
    assert_null(resource_find(resource_registry_current(g), SPAN(API)));
    assert_true(span_is(held->identifier, API)); /* still valid for who holds it */

    b = BATCH_INIT(&a);
    store_resource_set_enabled(&b, SPAN("https://unknown.vn"), false);
    assert_int_equal(store_write_wait(s, &b), ERR_NOT_FOUND);
    b = BATCH_INIT(&a);
    store_resource_update(&b, SPAN("https://unknown.vn"), SPAN("{}"));
    assert_int_equal(store_write_wait(s, &b), ERR_NOT_FOUND);

    /* A row that cannot be read leaves the set as it was. */
    const struct resource_set *current = resource_registry_current(g);
    assert_int_equal(insert(s, &a, "https://x.vn", "{\"resource\":7}"), ERR_OK);
    assert_int_equal(resource_registry_load(g, s), ERR_SYNTAX);
    assert_ptr_equal(resource_registry_current(g), current);

    resource_registry_free(g);
    resource_registry_free(NULL);
    store_close(s);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_members), cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_limits),
        cmocka_unit_test(test_set),         cmocka_unit_test(test_set_conflicts),
        cmocka_unit_test(test_registry),
    };
    return cmocka_run_group_tests_name("idp/resource", tests, NULL, NULL);
}
