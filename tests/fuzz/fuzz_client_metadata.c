/* SPDX-License-Identifier: Apache-2.0
 *
 * idp/client_metadata.c and client.c: what is taken is complete and judged the same a second time;
 * what a client says of itself never holds what only staff may set; every redirect URI that is taken
 * is one that may be redirected to (D13, D14). Input: one JSON object. */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/client.h"
#include "idp/client_metadata.h"
#include "idp/client_uri.h"
#include "tests/fuzz/fuzz.h"

static const char *const staffs_own[] = {"legal_basis", "claims_profile", "access_token_seconds", "sector",
                                         "connectors", "self_registered", "numbers_level"};

static void typed(const json_t *normal, bool by_client) {
    static const struct uri_rules any = {true, true};
    struct client c;
    json_t *copy = json_deep_copy(normal);
    FUZZ_CHECK(copy && client_from_metadata(copy, true, NULL, 0, &c) == ERR_OK);
    FUZZ_CHECK(c.client_id.len && c.auth != CLIENT_AUTH_INVALID && c.grant_types && c.id_token_alg);
    FUZZ_CHECK(c.is_public == (c.auth == CLIENT_AUTH_NONE) && c.is_self_registered == by_client);
    FUZZ_CHECK(!by_client || !c.consent_by_legal_basis);
    for (size_t i = 0; i < c.n_redirect_uris; i++) {
        FUZZ_CHECK(client_uri_check(c.redirect_uri[i].uri, &any, NULL) == NULL);
        FUZZ_CHECK(client_redirect_uri_allowed(&c, c.redirect_uri[i].uri));
    }
    for (size_t i = 0; i < c.jwks.count; i++)
        FUZZ_CHECK(!c.jwks.key[i]->is_private && c.jwks.key[i]->kty != KTY_OCT);
    client_done(&c);
}

static void check(const json_t *given, enum client_registrar registrar) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    AUTO_JSON json_t *normal = NULL;
    AUTO_JSON json_t *again = NULL;
    const char *code = NULL, *why = NULL;
    bool by_client = registrar == REGISTRAR_CLIENT;
    if (client_metadata_check(&a, registrar, given, &normal, &code, &why)) {
        FUZZ_CHECK(code && why && *why);
        return;
    }
    for (size_t i = 0; by_client && i < sizeof staffs_own / sizeof *staffs_own; i++)
        FUZZ_CHECK(!json_object_get(given, staffs_own[i]));
    typed(normal, by_client);
    FUZZ_CHECK(client_metadata_check(&a, REGISTRAR_STAFF, normal, &again, &code, &why) == ERR_OK);
    FUZZ_CHECK(json_equal(normal, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_JSON json_t *given = NULL;
    if (json_parse_object(span_bytes(data, size), CLIENT_METADATA_MAX, &given))
        return 0;
    check(given, REGISTRAR_CLIENT);
    check(given, REGISTRAR_STAFF);
    return 0;
}
