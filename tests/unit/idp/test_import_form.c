/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: whatever a file holds, each entry becomes either an entry of our form or a reason; what
 * Keycloak says of hashes is carried over exactly; no clear secret goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/ctl/import_form.h"

#define CLEAR "0123456789abcdefghijklmnopqrstuv"
#define REALM(client, user)                                                                      \
    "{\"realm\":\"r\",\"clients\":[" client "],\"users\":[" user "]}"
#define CLIENT                                                                                   \
    "{\"clientId\":\"c\",\"name\":\"n\",\"enabled\":true,\"protocol\":\"openid-connect\","        \
    "\"publicClient\":false,\"bearerOnly\":false,\"clientAuthenticatorType\":\"client-secret\","  \
    "\"secret\":\"" CLEAR "\",\"standardFlowEnabled\":true,\"implicitFlowEnabled\":false,"        \
    "\"directAccessGrantsEnabled\":false,\"serviceAccountsEnabled\":false,"                       \
    "\"redirectUris\":[\"https://c.example/cb\"],\"webOrigins\":[\"+\"],"                         \
    "\"rootUrl\":\"https://c.example\",\"baseUrl\":\"/\",\"attributes\":{\"logoUri\":\"https://l\"," \
    "\"post.logout.redirect.uris\":\"+\",\"pkce.code.challenge.method\":\"S256\"},"               \
    "\"defaultClientScopes\":[\"profile\"],\"optionalClientScopes\":[\"email\"]}"
#define USER                                                                                     \
    "{\"username\":\"u\",\"enabled\":true,\"email\":\"u@example.vn\",\"emailVerified\":true,"     \
    "\"firstName\":\"An\",\"lastName\":\"Vu\",\"attributes\":{\"locale\":[\"vi\"]},"              \
    "\"credentials\":[],\"requiredActions\":[\"UPDATE_PASSWORD\"]}"

static enum err read_file(const char *text, struct import_list *ret_list) {
    AUTO_JSON json_t *document = json_loads(text, JSON_DECODE_ANY, NULL);
    const char *why = NULL;
    assert_non_null(document);
    enum err e = import_read(document, ret_list, &why);
    assert_true((why == NULL) == (e == ERR_OK));
    return e;
}

static void assert_entry(const struct import_item *item, const char *want) {
    AUTO_JSON json_t *wanted = json_loads(want, 0, NULL);
    AUTO_FREE char *got = json_dumps(item->entry, JSON_INDENT(1));
    assert_non_null(wanted);
    if (!json_equal(item->entry, wanted))
        fail_msg("%s", got ? got : json_string_value(item->error));
}

static void test_keycloak_entries(void **state) {
    (void)state;
    CLEANUP(import_list_done) struct import_list list = {.item = NULL};
    assert_int_equal(read_file(REALM(CLIENT, USER), &list), ERR_OK);
    assert_int_equal(list.count, 2);
    /* SHA-256 of CLEAR, by sha256sum */
    assert_entry(&list.item[0],
        "{\"client_id\":\"c\",\"client_name\":\"n\",\"token_endpoint_auth_method\":\"client_secret_basic\","
        "\"secrets\":[{\"sha256\":\"73337f479fe170d73e53e247f3052e4243cc9c2a0ffa621853d9385c619efb77\"}],\"grant_types\":[\"authorization_code\","
        "\"refresh_token\"],\"redirect_uris\":[\"https://c.example/cb\"],\"post_logout_redirect_uris\":["
        "\"https://c.example/cb\"],\"client_uri\":\"https://c.example\",\"scope\":\"openid profile email\","
        "\"logo_uri\":\"https://l\",\"require_pkce\":true}");
    assert_entry(&list.item[1],
        "{\"username\":\"u\",\"claims\":{\"given_name\":\"An\",\"family_name\":\"Vu\",\"name\":\"Vu An\","
        "\"email\":\"u@example.vn\",\"email_verified\":true,\"locale\":\"vi\"},\"require_change\":true}");
}

/* Every member with every wrong kind of value: an entry or a reason, never both or neither. */
static void try_members(const char *array, const char *text) {
    static const char *const values[] = {"null", "0", "-1", "1.5", "true", "false", "\"\"", "\"${x}\"",
                                         "\"*\"", "[]", "[null]", "[[]]", "[5]", "{}", "{\"a\":[]}",
                                         "{\"type\":\"password\"}", "[{\"type\":\"password\"}]",
                                         "[{\"type\":5,\"value\":6}]"};
    AUTO_JSON json_t *whole = json_loads(text, 0, NULL);
    const char *name;
    json_t *ignored;
    json_object_foreach(whole, name, ignored) {
        for (size_t i = 0; i < ARRAY_LEN(values); i++) {
            AUTO_JSON json_t *wrong = json_copy(whole);
            json_object_set_new(wrong, name, json_loads(values[i], JSON_DECODE_ANY, NULL));
            AUTO_JSON json_t *document = json_pack("{ss s[O]}", "realm", "r", array, wrong);
            CLEANUP(import_list_done) struct import_list list = {.item = NULL};
            const char *why;
            assert_int_equal(import_read(document, &list, &why), ERR_OK);
            assert_int_equal(list.count, 1);
            assert_true((list.item[0].entry != NULL) != (list.item[0].error != NULL));
            AUTO_FREE char *got = json_dumps(list.item[0].entry, 0);
            assert_true(!got || !strstr(got, CLEAR));
        }
    }
}

static void test_wrong_kinds(void **state) {
    (void)state;
    try_members("clients", CLIENT);
    try_members("users", USER);
}

static json_t *hash_of(const char *credential_data, const char *secret_data) {
    AUTO_JSON json_t *document = json_pack(
        "{ss s[{ss s[{ss ss ss}]}]}", "realm", "r", "users", "username", "u", "credentials", "type",
        "password", "credentialData", credential_data, "secretData", secret_data);
    CLEANUP(import_list_done) struct import_list list = {.item = NULL};
    const char *why;
    assert_int_equal(import_read(document, &list, &why), ERR_OK);
    json_t *hash = json_object_get(list.item[0].entry, "password_hash");
    assert_true(hash || json_array_size(list.item[0].notes));
    return json_incref(hash);
}

static void test_keycloak_hashes(void **state) {
    (void)state;
    static const struct {
        const char *data, *want;
    } cases[] = {
        {"{\"hashIterations\":27500,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}",
         "$pbkdf2-sha256$i=27500$c2FsdA$aGFzaA"},
        {"{\"hashIterations\":210000,\"algorithm\":\"pbkdf2-sha512\"}",
         "$pbkdf2-sha512$i=210000$c2FsdA$aGFzaA"},
        {"{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],"
         "\"memory\":[\"7168\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}",
         "$argon2id$v=19$m=7168,t=5,p=1$c2FsdA$aGFzaA"},
        {"{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":{\"memory\":[\"7168\"],"
         "\"type\":[\"i\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}", NULL},
        {"{\"hashIterations\":5,\"algorithm\":\"argon2\"}", NULL},
        {"{\"hashIterations\":27500,\"algorithm\":\"pbkdf2\"}", NULL},
        {"{\"algorithm\":{}}", NULL},
        {"[]", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_JSON json_t *hash = hash_of(cases[i].data, "{\"salt\":\"c2FsdA==\",\"value\":\"aGFzaA==\"}");
        assert_int_equal(hash != NULL, cases[i].want != NULL);
        if (hash)
            assert_string_equal(json_string_value(hash), cases[i].want);
    }
    AUTO_JSON json_t *none = hash_of(cases[0].data, "not JSON");
    assert_null(none);
}

static void test_files_of_neither_form(void **state) {
    (void)state;
    static const char *const bad[] = {
        "{}", "{\"realm\":5,\"users\":[{}]}", "{\"realm\":\"r\"}", "{\"realm\":\"r\",\"users\":[]}",
        "{\"realm\":\"r\",\"users\":{}}", "{\"realm\":\"r\",\"clients\":\"x\",\"users\":[{}]}",
        "{\"format\":\"idp-export\",\"users\":[{}]}", "{\"format\":\"idp-export\",\"version\":\"1\",\"users\":[{}]}",
        "{\"format\":\"other\",\"version\":1,\"users\":[{}]}", "[]", "5", "null"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct import_list list;
        assert_int_equal(read_file(bad[i], &list), ERR_SYNTAX);
    }
    CLEANUP(import_list_done) struct import_list list = {.item = NULL};
    assert_int_equal(read_file("{\"format\":\"idp-export\",\"version\":1,\"clients\":[5,{\"client_id\":7}],"
                          "\"users\":[{\"username\":\"u\"}]}", &list), ERR_OK);
    assert_int_equal(list.count, 3);
    assert_true(list.item[0].error && !list.item[0].entry && !list.item[1].error && !list.item[1].name);
    assert_string_equal(json_string_value(list.item[2].name), "u");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keycloak_entries),
        cmocka_unit_test(test_wrong_kinds),
        cmocka_unit_test(test_keycloak_hashes),
        cmocka_unit_test(test_files_of_neither_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
