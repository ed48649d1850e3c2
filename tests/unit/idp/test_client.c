/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a registration is accepted only as a whole that keeps every rule (D13, D14), and a
 * redirect URI only when it is byte for byte a registered one, but for the port of loopback IP
 * literals (A01-A04). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/client.h"
#include "idp/client_metadata.h"
#include "idp/client_uri.h"

/* ---- registration ---- */

struct registration {
    const char *metadata;
    const char *code; /* NULL: accepted */
    const char *text; /* what the error text begins with */
};

#define R "\"redirect_uris\":[\"https://rp.example.vn/cb\"]"
#define JWK                                                                                        \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","     \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define META     "invalid_client_metadata"
#define REDIRECT "invalid_redirect_uri"

static const struct registration registrations[] = {
    {"{" R "}", NULL, NULL},
    {"{" R
     ",\"client_name\":\"Một cửa\",\"client_name#en\":\"One-stop\",\"x_unknown\":{\"a\":[1]}}",
     NULL, NULL},
    {"[]", META, "metadata must be an object"},
    {"{}", REDIRECT, "redirect_uris must not be empty"},
    {"{\"redirect_uris\":[]}", REDIRECT, "redirect_uris must not be empty"},
    {"{\"redirect_uris\":\"https://a.vn\"}", REDIRECT, "redirect_uris must be an array"},
    {"{\"redirect_uris\":[1]}", REDIRECT, "redirect_uris[0] must be a string"},
    {"{\"redirect_uris\":[\"https://a.vn/cb\",\"javascript:alert(1)\"]}", REDIRECT,
     "redirect_uris[1]"},
    {"{" R ",\"client_name\":5}", META, "client_name"},
    {"{" R ",\"client_name#en\":\"a\\nb\"}", META, "client_name#en"},
    {"{" R ",\"client_name\":\"\"}", META, "client_name"},
    {"{" R ",\"client_id\":\"portal-1\"}", NULL, NULL},
    {"{" R ",\"client_id\":\"a b\"}", META, "client_id"},
    {"{" R ",\"client_id\":\"\"}", META, "client_id"},
    {"{" R ",\"client_secret\":\"hunter2\"}", META, "client_secret is chosen"},
    {"{" R ",\"token_endpoint_auth_method\":\"none\"}", NULL, NULL},
    {"{" R ",\"token_endpoint_auth_method\":\"client_secret_jwt\"}", META,
     "token_endpoint_auth_method"},
    {"{" R ",\"token_endpoint_auth_method\":\"none client_secret_basic\"}", META,
     "token_endpoint_auth_method"},
    {"{" R ",\"token_endpoint_auth_method\":null}", META, "token_endpoint_auth_method"},
    {"{" R ",\"grant_types\":[\"implicit\"]}", META, "grant_types"},
    {"{" R ",\"grant_types\":[\"authorization_code\",\"password\"]}", META, "grant_types"},
    {"{" R ",\"grant_types\":[]}", META, "grant_types must not be empty"},
    {"{" R ",\"grant_types\":[\"refresh_token\"]}", META, "grant_types has refresh_token"},
    {"{\"grant_types\":[\"client_credentials\"]}", NULL, NULL},
    {"{\"grant_types\":[\"client_credentials\"],\"response_types\":[]}", NULL, NULL},
    {"{\"grant_types\":[\"client_credentials\"],\"response_types\":[\"code\"]}", META,
     "response_types"},
    {"{\"grant_types\":[\"client_credentials\"],\"token_endpoint_auth_method\":\"none\"}", META,
     "grant_types has client_credentials"},
    {"{" R ",\"response_types\":[\"code\"]}", NULL, NULL},
    {"{" R ",\"response_types\":[\"token\"]}", META, "response_types"},
    {"{" R ",\"response_types\":[\"code id_token\"]}", META, "response_types"},
    {"{" R ",\"response_types\":[]}", META, "response_types"},
    {"{" R ",\"scope\":\"openid profile\"}", NULL, NULL},
    {"{" R ",\"scope\":\"openid \\\"x\\\"\"}", META, "scope"},
    {"{" R ",\"scope\":\"openid vn_sensitive\"}", META, "scope has vn_sensitive"},
    {"{" R ",\"scope\":\"openid vn_sensitive\",\"legal_basis\":\"Luật 91/2025\"}", NULL, NULL},
    {"{" R ",\"subject_type\":\"public\"}", NULL, NULL},
    {"{" R ",\"subject_type\":\"secret\"}", META, "subject_type"},
    {"{" R ",\"id_token_signed_response_alg\":\"ES256\"}", NULL, NULL},
    {"{" R ",\"id_token_signed_response_alg\":\"HS256\"}", META, "id_token_signed_response_alg"},
    {"{" R ",\"id_token_signed_response_alg\":\"none\"}", META, "id_token_signed_response_alg"},
    {"{" R ",\"id_token_encrypted_response_alg\":\"RSA-OAEP\"}", META,
     "id_token_encrypted_response_alg is not supported"},
    {"{" R ",\"dpop_bound_access_tokens\":true}", META,
     "dpop_bound_access_tokens is not supported"},
    {"{" R ",\"dpop_bound_access_tokens\":false}", NULL, NULL},
    {"{" R ",\"require_pkce\":\"true\"}", META, "require_pkce"},
    {"{" R ",\"access_token_seconds\":60}", NULL, NULL},
    {"{" R ",\"access_token_seconds\":59}", META, "access_token_seconds"},
    {"{" R ",\"access_token_seconds\":3601}", META, "access_token_seconds"},
    {"{" R ",\"default_max_age\":-1}", META, "default_max_age"},
    {"{" R ",\"default_max_age\":1.0}", META, "default_max_age"},
    {"{" R ",\"claims_profile\":\"dvcqg\"}", NULL, NULL},
    {"{" R ",\"connectors\":[\"dvcqg\",\"vneid-2\"]}", NULL, NULL},
    {"{" R ",\"connectors\":[]}", NULL, NULL},
    {"{" R ",\"connectors\":\"dvcqg\"}", META, "connectors must be"},
    {"{" R ",\"connectors\":[1]}", META, "connectors must be"},
    {"{" R ",\"connectors\":[\"A/../b\"]}", META, "connectors must be"},
    {"{" R ",\"claims_profile\":\"x\"}", META, "claims_profile"},
    {"{" R ",\"logo_uri\":\"javascript:alert(1)\"}", META, "logo_uri"},
    {"{" R ",\"tos_uri\":\"http://a.vn\"}", META, "tos_uri"},
    {"{" R ",\"contacts\":[\"a@b.vn\"]}", NULL, NULL},
    {"{" R ",\"contacts\":\"a@b.vn\"}", META, "contacts"},
    {"{" R ",\"jwks\":{\"keys\":[" JWK "]}}", NULL, NULL},
    {"{" R ",\"jwks\":{\"keys\":[" JWK "]},\"jwks_uri\":\"https://rp.example.vn/jwks\"}", META,
     "jwks and jwks_uri"},
    {"{" R ",\"jwks\":{\"keys\":[]}}", META, "jwks"},
    {"{" R
     ",\"jwks\":{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\"}]}}",
     META, "jwks"},
    {"{" R ",\"jwks\":{\"keys\":[" JWK ",{\"kty\":\"EC\",\"crv\":\"P-384\",\"d\":\"x\"}]}}", META,
     "jwks"},
    {"{" R ",\"jwks\":\"x\"}", META, "jwks"},
    {"{" R ",\"token_endpoint_auth_method\":\"private_key_jwt\",\"jwks\":{\"keys\":[" JWK "]}}", NULL,
     NULL},
    {"{" R ",\"token_endpoint_auth_method\":\"private_key_jwt\",\"jwks_uri\":\"https://rp.vn/k\"}",
     NULL, NULL},
    {"{" R ",\"token_endpoint_auth_method\":\"private_key_jwt\"}", META,
     "token_endpoint_auth_method is private_key_jwt, which needs"},
    {"{" R ",\"token_endpoint_auth_signing_alg\":\"HS256\"}", META,
     "token_endpoint_auth_signing_alg"},
    {"{" R ",\"jwks_uri\":\"http://rp.vn/k\"}", META, "jwks_uri"},
    {"{" R ",\"request_object_signing_alg\":\"PS256\",\"jwks_uri\":\"https://rp.vn/k\"}", NULL, NULL},
    {"{" R ",\"request_object_signing_alg\":\"none\",\"jwks_uri\":\"https://rp.vn/k\"}", META,
     "request_object_signing_alg"},
    {"{" R ",\"request_object_signing_alg\":\"PS256\"}", META, "request_object_signing_alg needs"},
    {"{" R ",\"require_signed_request_object\":true}", META, "request_object_signing_alg needs"},
    {"{" R ",\"request_uris\":[\"https://rp.vn/ro.jwt\"]}", NULL, NULL},
    {"{" R ",\"request_uris\":[\"file:///etc/passwd\"]}", META, "request_uris[0]"},
    {"{" R ",\"request_uris\":\"https://rp.vn/ro.jwt\"}", META, "request_uris"},
    {"{" R ",\"userinfo_signed_response_alg\":\"EdDSA\"}", NULL, NULL},
    {"{" R ",\"userinfo_signed_response_alg\":\"none\"}", META, "userinfo_signed_response_alg"},
    {"{" R ",\"introspection_signed_response_alg\":\"ES256\"}", NULL, NULL},
    {"{" R ",\"introspection_signed_response_alg\":\"ES512\"}", META,
     "introspection_signed_response_alg"},
    {"{" R ",\"access_token_format\":\"opaque\"}", NULL, NULL},
    {"{" R ",\"access_token_format\":\"saml\"}", META, "access_token_format"},
    {"{" R ",\"minimum_level\":2}", NULL, NULL},
    {"{" R ",\"minimum_level\":4}", META, "minimum_level"},
    {"{" R ",\"numbers_level\":1}", NULL, NULL},
    {"{" R ",\"numbers_level\":0}", META, "numbers_level"},
    {"{" R ",\"response_modes\":[\"form_post\"]}", NULL, NULL},
    {"{" R ",\"response_modes\":[\"fragment\"]}", META, "response_modes"},
    {"{" R ",\"cors_origins\":[\"https://a.vn\",\"http://localhost:3000\"]}", NULL, NULL},
    {"{" R ",\"cors_origins\":[\"https://a.vn/\"]}", META, "cors_origins"},
    {"{" R ",\"cors_origins\":[\"*\"]}", META, "cors_origins"},
    {"{" R ",\"cors_origins\":[\"null\"]}", META, "cors_origins"},
    {"{" R ",\"cors_origins\":[\"https://A.vn\"]}", META, "cors_origins"},
    {"{\"redirect_uris\":[\"https://a.vn/cb\",\"https://b.vn/cb\"]}", META,
     "redirect_uris name several hosts"},
    {"{\"redirect_uris\":[\"https://a.vn/cb\",\"https://b.vn/cb\"],\"sector\":\"shared\"}", NULL,
     NULL},
    {"{\"redirect_uris\":[\"https://a.vn/cb\",\"https://b.vn/cb\"],\"subject_type\":\"public\"}",
     NULL, NULL},
    {"{\"redirect_uris\":[\"https://a.vn/cb\",\"https://b.vn/"
     "cb\"],\"sector_identifier_uri\":\"https://c.vn/s\"}",
     NULL, NULL},
    {"{\"redirect_uris\":[\"https://a.vn/cb\"],\"sector_identifier_uri\":\"http://c.vn/s\"}", META,
     "sector_identifier_uri"},
    {"{\"redirect_uris\":[\"http://127.0.0.1/cb\",\"http://[::1]/cb\"]}", NULL, NULL},
    {"{\"redirect_uris\":[\"vn.gov.app:/cb\"]}", REDIRECT, "redirect_uris[0]"},
    {"{\"redirect_uris\":[\"vn.gov.app:/cb\"],\"application_type\":\"native\"}", REDIRECT,
     "redirect_uris[0]"},
    {"{\"redirect_uris\":[\"vn.gov.app:/cb\"],\"token_endpoint_auth_method\":\"none\"}", REDIRECT,
     "redirect_uris[0]"},
    {"{\"redirect_uris\":[\"vn.gov.app:/"
     "cb\"],\"application_type\":\"native\",\"token_endpoint_auth_method\":\"none\"}",
     NULL, NULL},
};

static enum err check(struct arena *a, const char *text, json_t **ret_normal, const char **code,
                      const char **why) {
    AUTO_JSON json_t *given = NULL;
    assert_int_equal(json_parse(span_of(text), 65536, &given), ERR_OK);
    return client_metadata_check(a, REGISTRAR_STAFF, given, ret_normal, code, why);
}

static void test_registrations(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(registrations); i++) {
        const struct registration *r = &registrations[i];
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        AUTO_JSON json_t *normal = NULL;
        const char *code = NULL, *why = NULL;
        enum err e = check(&a, r->metadata, &normal, &code, &why);
        if ((e == ERR_OK) != (r->code == NULL))
            fail_msg("%s: %s", r->metadata, why ? why : "accepted");
        if (e) {
            assert_string_equal(code, r->code);
            if (!span_starts(span_of(why), r->text))
                fail_msg("%s: \"%s\"", r->metadata, why);
            continue;
        }
        CLEANUP(client_done) struct client c = {0};
        assert_int_equal(client_from_metadata(json_incref(normal), true, NULL, 0, &c), ERR_OK);
        assert_true(c.client_id.len > 0 && c.scope.len > 0);
        assert_null(client_secret_match(&c, SPAN(""), 1));
    }
}

/* D14: what widens trust in a client is not the client's to say. */
static void test_members_for_staff(void **state) {
    (void)state;
    static const char *const only_staff[] = {
        "{" R ",\"sector\":\"shared\"}",
        "{" R ",\"legal_basis\":\"QD 1/2026\"}",
        "{" R ",\"claims_profile\":\"dvcqg\"}",
        "{" R ",\"access_token_seconds\":3600}",
        "{" R ",\"connectors\":[\"dvcqg\"]}",
        "{" R ",\"scope\":\"openid vn_sensitive\",\"legal_basis\":\"QD 1/2026\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(only_staff); i++)
        for (int by_staff = 0; by_staff <= 1; by_staff++) {
            CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
            AUTO_JSON json_t *given = NULL, *normal = NULL;
            const char *code = NULL, *why = NULL;
            assert_int_equal(json_parse(span_of(only_staff[i]), 65536, &given), ERR_OK);
            enum err e = client_metadata_check(&a, by_staff ? REGISTRAR_STAFF : REGISTRAR_CLIENT,
                                               given, &normal, &code, &why);
            assert_int_equal(e, by_staff ? ERR_OK : ERR_SYNTAX);
            if (!by_staff)
                assert_string_equal(code, META);
        }
}

/* Pages may call the token endpoint only as a public client, from where its own pages are. */
static void test_cors_origins(void **state) {
    (void)state;
    static const struct {
        const char *metadata, *origin;
        bool allowed;
    } cases[] = {
        {"{" R ",\"token_endpoint_auth_method\":\"none\"}", "https://rp.example.vn", true},
        {"{" R ",\"token_endpoint_auth_method\":\"none\"}", "https://rp.example.vn:8443", false},
        {"{" R ",\"token_endpoint_auth_method\":\"none\"}", "null", false},
        {"{" R "}", "https://rp.example.vn", false},
        {"{" R ",\"token_endpoint_auth_method\":\"none\",\"cors_origins\":[\"https://spa.vn\"]}",
         "https://spa.vn", true},
        {"{" R ",\"token_endpoint_auth_method\":\"none\",\"cors_origins\":[\"https://spa.vn\"]}",
         "https://rp.example.vn", false},
        {"{" R ",\"cors_origins\":[\"https://spa.vn\"]}", "https://spa.vn", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        json_t *normal = NULL;
        const char *code, *why;
        assert_int_equal(check(&a, cases[i].metadata, &normal, &code, &why), ERR_OK);
        CLEANUP(client_done) struct client c = {0};
        assert_int_equal(client_from_metadata(normal, true, NULL, 0, &c), ERR_OK);
        assert_int_equal(client_cors_origin_allowed(&c, span_of(cases[i].origin)), cases[i].allowed);
    }
}

static void test_defaults(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    json_t *normal = NULL;
    const char *code, *why;
    assert_int_equal(check(&a, "{" R ",\"x_unknown\":7}", &normal, &code, &why), ERR_OK);
    CLEANUP(client_done) struct client c = {0};
    assert_int_equal(client_from_metadata(normal, true, NULL, 0, &c), ERR_OK);
    assert_int_equal(c.auth, CLIENT_AUTH_SECRET_BASIC);
    assert_false(c.is_public);
    assert_int_equal(c.grant_types,
                     GRANT_AUTHORIZATION_CODE); /* no refresh tokens unless registered */
    assert_true(span_is(c.scope, "openid profile email phone address offline_access"));
    assert_true(c.is_pairwise);
    assert_true(span_is(c.sector, "rp.example.vn"));
    assert_string_equal(c.id_token_alg->name, "RS256");
    assert_string_equal(c.access_token_alg->name, "ES256");
    assert_int_equal(c.default_max_age, -1);
    assert_int_equal(c.access_token_seconds, 0);
    assert_false(c.consent_by_legal_basis || c.require_pkce || c.dvcqg_profile);
    assert_int_equal(c.response_modes, RESPONSE_MODE_QUERY | RESPONSE_MODE_FORM_POST);
    assert_int_equal(c.access_token_format, ACCESS_TOKEN_BY_RESOURCE);
    assert_true(!c.userinfo_alg && !c.introspection_alg && !c.assertion_alg && !c.jwks.count);
    assert_int_equal(json_integer_value(json_object_get(c.metadata, "x_unknown")), 7);
    assert_int_equal(c.client_id.len, 22);
}

static void test_sectors(void **state) {
    (void)state;
    static const struct {
        const char *metadata, *sector;
    } cases[] = {
        {"{\"redirect_uris\":[\"https://a.vn:8443/cb\",\"https://a.vn/x\"]}", "a.vn"},
        {"{" R ",\"sector_identifier_uri\":\"https://group.vn/s.json\"}", "group.vn"},
        {"{" R ",\"sector\":\"shared-with-saml\",\"sector_identifier_uri\":\"https://group.vn/s\"}",
         "shared-with-saml"},
        {"{\"redirect_uris\":[\"vn.gov.app:/"
         "cb\"],\"application_type\":\"native\",\"token_endpoint_auth_method\":\"none\"}",
         "vn.gov.app"},
        {"{\"redirect_uris\":[\"http://[::1]/cb\",\"http://127.0.0.1:7/cb\"]}", "127.0.0.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
        AUTO_JSON json_t *normal = NULL;
        const char *code, *why;
        assert_int_equal(check(&a, cases[i].metadata, &normal, &code, &why), ERR_OK);
        assert_true(span_is(json_str(normal, "sector"), cases[i].sector));
    }
}

static void test_sizes(void **state) {
    (void)state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    AUTO_JSON json_t *given = json_pack("{s:[s]}", "redirect_uris", "https://a.vn/cb"),
                     *normal = NULL;
    const char *code, *why;
    json_t *uris = json_object_get(given, "redirect_uris");
    while (json_array_size(uris) < CLIENT_URIS_MAX)
        json_array_append_new(uris, json_sprintf("https://a.vn/%zu", json_array_size(uris)));
    assert_int_equal(client_metadata_check(&a, REGISTRAR_STAFF, given, &normal, &code, &why), ERR_OK);
    json_array_append_new(uris, json_string("https://a.vn/more"));
    json_cleanup(&normal);
    assert_int_equal(client_metadata_check(&a, REGISTRAR_STAFF, given, &normal, &code, &why), ERR_SYNTAX);
    json_array_clear(uris);
    AUTO_FREE char *big = malloc(70000);
    assert_non_null(big);
    memset(big, 'a', 70000);
    memcpy(big, "https://a.vn/", 13);
    json_array_append_new(uris, json_stringn(big, REDIRECT_URI_MAX));
    assert_int_equal(client_metadata_check(&a, REGISTRAR_STAFF, given, &normal, &code, &why), ERR_OK);
    json_cleanup(&normal);
    json_array_set_new(uris, 0, json_stringn(big, REDIRECT_URI_MAX + 1));
    assert_int_equal(client_metadata_check(&a, REGISTRAR_STAFF, given, &normal, &code, &why), ERR_SYNTAX);
    json_array_set_new(uris, 0, json_string("https://a.vn/cb"));
    json_object_set_new(given, "x", json_stringn(big, 70000));
    assert_int_equal(client_metadata_check(&a, REGISTRAR_STAFF, given, &normal, &code, &why), ERR_SYNTAX);
    /* What counts is what is stored, with the defaults: a client that is longer could not be read again. */
    json_object_set_new(given, "x", json_stringn(big, CLIENT_METADATA_MAX - 100));
    assert_true(json_dumpb(given, NULL, 0, JSON_COMPACT) <= CLIENT_METADATA_MAX);
    assert_int_equal(client_metadata_check(&a, REGISTRAR_STAFF, given, &normal, &code, &why), ERR_SYNTAX);
    assert_string_equal(why, "metadata is too long");
}

/* ---- URIs ---- */

static const struct {
    const char *uri;
    bool good;
} uris[] = {
    {"https://rp.example.vn/cb", true},
    {"https://rp.example.vn", true},
    {"https://rp.example.vn?x=1", true},
    {"https://rp.example.vn:8443/cb?a=b&c=%2Fd", true},
    {"https://10.0.0.7/cb", true},
    {"https://[2001:db8::1]/cb", true},
    {"https://xn--cng-hoa.vn/cb", true},
    {"http://127.0.0.1/cb", true},
    {"http://127.0.0.1:8080/cb", true},
    {"http://[::1]:8080/cb", true},
    {"http://localhost:3000/cb", true},
    {"", false},
    {"rp.example.vn/cb", false},
    {"//rp.example.vn/cb", false},
    {"/cb", false},
    {"http://rp.example.vn/cb", false},
    {"http://127.0.0.2/cb", false},
    {"http://0.0.0.0/cb", false},
    {"http://localhost.evil.vn/cb", false},
    {"http://127.0.0.1.evil.vn/cb", false},
    {"HTTPS://rp.example.vn/cb", false},
    {"https://RP.example.vn/cb", false},
    {"https:/rp.example.vn/cb", false},
    {"https:rp.example.vn/cb", false},
    {"https:///cb", false},
    {"https://", false},
    {"https://rp.example.vn/cb#f", false},
    {"https://rp.example.vn/cb#", false},
    {"https://user@rp.example.vn/cb", false},
    {"https://user:pw@rp.example.vn/cb", false},
    {"https://rp.example.vn:80@evil.vn/cb", false},
    {"https://*.example.vn/cb", false},
    {"https://rp.example.vn/*", false},
    {"https://rp.example.vn\\@evil.vn/cb", false},
    {"https://rp.example.vn/c b", false},
    {"https://rp.example.vn/c\tb", false},
    {"https://rp.example.vn/c\r\nb", false},
    {"https://rp.example.vn/%0d%0aSet-Cookie:x", false},
    {"https://rp.example.vn/cb?x=%0a", false},
    {"https://rp.example.vn/%00", false},
    {"https://rp.example.vn/%zz", false},
    {"https://rp.example.vn/%2", false},
    {"https://rp.example.vn/a/../b", false},
    {"https://rp.example.vn/a/./b", false},
    {"https://rp.example.vn/..", false},
    {"https://rp.example.vn/%2e%2e/b", false},
    {"https://rp.example.vn/a%2fb", false},
    {"https://rp.example.vn/a%5cb", false},
    {"https://rp.example%2evn/cb", false},
    {"https://rp\xe3\x80\x82"
     "example.vn/cb",
     false}, /* ideographic full stop */
    {"https://rp.example.vn./cb", false},
    {"https://rp..example.vn/cb", false},
    {"https://-rp.example.vn/cb", false},
    {"https://rp_x.example.vn/cb", false},
    {"https://2130706433/cb", false},
    {"https://127.1/cb", false},
    {"https://0x7f.0.0.1/cb", false},
    {"https://1.2.3.04/cb", false},
    {"https://[::1/cb", false},
    {"https://[zz]/cb", false},
    {"https://[::1]x/cb", false},
    {"https://rp.example.vn:/cb", false},
    {"https://rp.example.vn:0/cb", false},
    {"https://rp.example.vn:08/cb", false},
    {"https://rp.example.vn:65536/cb", false},
    {"https://rp.example.vn:8a/cb", false},
    {"javascript:alert(1)", false},
    {"data:text/html,x", false},
    {"vbscript:x", false},
    {"file:///etc/passwd", false},
    {"ftp://rp.example.vn/", false},
    {"urn:ietf:wg:oauth:2.0:oob", false},
    {"vn.gov.app:/cb", false},
    {"<https://rp.example.vn>", false},
    {"https://rp.example.vn/\"x", false},
};

static void test_uris(void **state) {
    (void)state;
    static const struct uri_rules web = {.allow_loopback_http = true};
    static const struct uri_rules native = {.allow_loopback_http = true,
                                            .allow_private_scheme = true};
    static const struct uri_rules strict = {0};
    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        const char *why = client_uri_check(span_of(uris[i].uri), &web, NULL);
        if ((why == NULL) != uris[i].good)
            fail_msg("%s: %s", uris[i].uri, why ? why : "accepted");
    }
    assert_true(client_uri_is_loopback(SPAN("http://127.0.0.1/cb")));
    assert_true(client_uri_is_loopback(SPAN("http://[::1]:5/cb")));
    assert_false(client_uri_is_loopback(
        SPAN("http://localhost/cb"))); /* RFC 8252 8.3: a name may lead elsewhere */
    assert_false(client_uri_is_loopback(SPAN("https://127.0.0.1/cb")));
    assert_null(client_uri_check(SPAN("vn.gov.app:/cb"), &native, NULL));
    assert_non_null(client_uri_check(SPAN("vn.gov.app://cb"), &native, NULL));
    assert_non_null(client_uri_check(SPAN("vn.gov.app:cb"), &native, NULL));
    assert_non_null(client_uri_check(SPAN("vn.gov.app:/../cb"), &native, NULL));
    assert_non_null(client_uri_check(SPAN("myapp:/cb"), &native, NULL));
    assert_non_null(client_uri_check(SPAN("javascript:/cb"), &native, NULL));
    assert_non_null(client_uri_check(SPAN("http://127.0.0.1/cb"), &strict, NULL));
    assert_non_null(client_uri_check(SPAN("https://rp.example.vn/\0x"), &web, NULL));
}

static const struct client *with_uris(void) {
    static struct client c = {.n_redirect_uris = 4, .n_post_logout_redirect_uris = 1};
    c.redirect_uri[0] = (struct client_uri){SPAN("https://c.ex/cb"), false};
    c.redirect_uri[1] = (struct client_uri){SPAN("http://127.0.0.1/cb"), true};
    c.redirect_uri[2] = (struct client_uri){SPAN("http://[::1]:1234/cb"), true};
    c.redirect_uri[3] = (struct client_uri){SPAN("http://localhost:3000/cb"), false};
    c.post_logout_redirect_uri[0] = SPAN("https://c.ex/bye");
    return &c;
}

static void test_redirect_comparison(void **state) {
    (void)state;
    static const struct {
        const char *uri;
        bool allowed;
    } cases[] = {
        {"https://c.ex/cb", true},
        /* A01 */
        {"https://c.ex/cb/", false},
        {"https://c.ex/../cb", false},
        {"https://c.ex/x/../cb", false},
        {"https://c.ex/cb?x", false},
        {"https://c.ex/cb?", false},
        {"https://c.ex/%63b", false},
        {"https://c.ex/cb%2e", false},
        {"https://C.ex/cb", false},
        {"https://c.ex/CB", false},
        {"HTTPS://c.ex/cb", false},
        {"https://c.ex:443/cb", false},
        {"https://c.ex:8443/cb", false},
        {"http://c.ex/cb", false},
        {"https://c.ex/c", false},
        {"https://c.ex", false},
        {"", false},
        /* A02 */
        {"https://c.ex.evil/cb", false},
        {"https://c.ex@evil/cb", false},
        {"https://evil#c.ex/cb", false},
        {"https://c.ex\\.evil/cb", false},
        {"https://c.ex\\cb", false},
        {"https://c.ex\t/cb", false},
        {"https://c.ex/cb%0d%0a", false},
        {"https://c.ex%2fcb", false},
        {"https://c\xe3\x80\x82"
         "ex/cb",
         false},
        {" https://c.ex/cb", false},
        {"https://c.ex/cb ", false},
        /* A03 */
        {"http://127.0.0.1/cb", true},
        {"http://127.0.0.1:1/cb", true},
        {"http://127.0.0.1:65535/cb", true},
        {"http://[::1]/cb", true},
        {"http://[::1]:9/cb", true},
        {"http://127.0.0.1:0/cb", false},
        {"http://127.0.0.1:65536/cb", false},
        {"http://127.0.0.1:/cb", false},
        {"http://127.0.0.1:80a/cb", false},
        {"http://127.0.0.1:80/other", false},
        {"http://127.0.0.1:80/cb?x", false},
        {"http://127.0.0.1:80/cb#f", false},
        {"https://127.0.0.1:80/cb", false},
        {"http://localhost/cb", false},
        {"http://localhost:3001/cb", false},
        {"http://localhost:3000/cb", true},
        {"http://127.0.0.2/cb", false},
        {"http://127.1/cb", false},
        {"http://127.0.0.1:80@evil.vn/cb", false},
        {"http://127.0.0.1.evil.vn/cb", false},
        {"http://[::1]evil.vn/cb", false},
        {"http://[::ffff:127.0.0.1]/cb", false},
        {"http://[0:0:0:0:0:0:0:1]/cb", false},
        /* A04 */
        {"https://c.ex/cb#", false},
        {"https://c.ex/cb#x", false},
        {"https://c.ex/bye", false},
    };
    const struct client *c = with_uris();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (client_redirect_uri_allowed(c, span_of(cases[i].uri)) != cases[i].allowed)
            fail_msg("%s", cases[i].uri);
    assert_false(client_redirect_uri_allowed(c, span_bytes("https://c.ex/cb\0", 16)));
    assert_false(client_redirect_uri_allowed(c, SPAN_NONE));
    assert_true(client_post_logout_uri_allowed(c, SPAN("https://c.ex/bye")));
    assert_false(client_post_logout_uri_allowed(c, SPAN("https://c.ex/bye/")));
    assert_false(client_post_logout_uri_allowed(c, SPAN("https://c.ex/cb")));
    assert_false(client_post_logout_uri_allowed(c, SPAN_NONE));
}

static void test_secret(void **state) {
    (void)state;
    /* SHA-256("abc"), FIPS 180-4 */
    static const unsigned char hash[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                         0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                         0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                         0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    AUTO_JSON json_t *normal = NULL;
    const char *code, *why;
    assert_int_equal(check(&a, "{" R "}", &normal, &code, &why), ERR_OK);
    CLEANUP(client_done) struct client c = {0};
    struct client_secret secret[CLIENT_SECRETS_MAX] = {{.created_at = 1}, {.expires_at = 9}};
    memcpy(secret[0].hash, hash, sizeof hash);
    memcpy(secret[1].hash, hash, sizeof hash);
    secret[1].hash[0] ^= 1;
    assert_int_equal(client_from_metadata(normal, true, secret, CLIENT_SECRETS_MAX + 1, &c),
                     ERR_SYNTAX);
    assert_int_equal(client_from_metadata(json_incref(normal), false, secret, 2, &c), ERR_OK);
    assert_false(c.is_enabled);
    assert_ptr_equal(client_secret_match(&c, SPAN("abc"), 1), &c.secret[0]);
    assert_null(client_secret_match(&c, SPAN("abd"), 1));
    assert_null(client_secret_match(&c, SPAN(""), 1));
    assert_null(client_secret_match(&c, SPAN_NONE, 1));
    memcpy(c.secret[1].hash, hash, sizeof hash); /* the previous one, until it ends */
    c.secret[0].hash[0] ^= 1;
    assert_ptr_equal(client_secret_match(&c, SPAN("abc"), 8), &c.secret[1]);
    assert_null(client_secret_match(&c, SPAN("abc"), 9));
}

/* A row that was written by hand, or by another version. */
static void test_damaged_row(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{}", "{\"client_id\":\"a\"}",
        "{\"client_id\":\"a\",\"token_endpoint_auth_method\":\"none\",\"grant_types\":["
        "\"authorization_code\"],"
        "\"id_token_signed_response_alg\":\"none\",\"access_token_signed_response_alg\":\"ES256\"}",
        "{\"client_id\":\"a\",\"token_endpoint_auth_method\":\"x\",\"grant_types\":["
        "\"authorization_code\"],"
        "\"id_token_signed_response_alg\":\"ES256\",\"access_token_signed_response_alg\":"
        "\"ES256\"}",
        "{\"client_id\":\"a\",\"token_endpoint_auth_method\":\"none\",\"grant_types\":[],"
        "\"id_token_signed_response_alg\":\"ES256\",\"access_token_signed_response_alg\":"
        "\"ES256\"}"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON json_t *row = json_loads(rows[i], 0, NULL);
        struct client c;
        assert_int_equal(client_from_metadata(row, true, NULL, 0, &c), ERR_SYNTAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registrations), cmocka_unit_test(test_members_for_staff), cmocka_unit_test(test_cors_origins),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_sectors),       cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_uris),          cmocka_unit_test(test_redirect_comparison),
        cmocka_unit_test(test_secret),        cmocka_unit_test(test_damaged_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
