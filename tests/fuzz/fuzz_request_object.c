/* SPDX-License-Identifier: Apache-2.0
 *
 * protocols/oidc/request_object.c and jwt_claims.c: a token that the client did not sign is never
 * opened; one that it did is opened only when it says whose it is and for whom, and gives parameters
 * but none about itself (A23-A25). Input: the claims, which are signed here; and as a token as is. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "idp/config.h"
#include "keys/jws.h"
#include "protocols/oidc/request_object.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/oidc/signed.h"

#define ISSUER "https://id.example.vn"
#define NOW    1800000000

static const struct config cfg = {.issuer = {ISSUER, sizeof ISSUER - 1}};

static void opened(struct span claims_text, const struct params *params) {
    AUTO_JSON json_t *claims = NULL;
    FUZZ_CHECK(json_parse_object(claims_text, REQUEST_OBJECT_MAX, &claims) == ERR_OK);
    FUZZ_CHECK(span_is(json_str(claims, "iss"), "portal") && span_is(json_str(claims, "client_id"), "portal"));
    FUZZ_CHECK(!json_object_get(claims, "sub") && !json_object_get(claims, "request") &&
               !json_object_get(claims, "request_uri"));
    FUZZ_CHECK(!json_object_get(claims, "exp") || json_number_value(json_object_get(claims, "exp")) > NOW);
    static const char *const hidden[] = {"iss", "aud", "exp", "nbf", "iat", "jti"};
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        FUZZ_CHECK(params_count(params, hidden[i]) == 0);
    FUZZ_CHECK(params_count(params, "client_id") == 1);
    for (size_t i = 0; i < params->count; i++)
        FUZZ_CHECK(utf8_valid(params->item[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct signed_by key;
    static struct params params;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span text = span_bytes(data, size);
    struct client client = {.client_id = SPAN("portal")};
    if (!key.signer)
        signed_by_new("EdDSA", "k", &key);
    FUZZ_CHECK(request_object_open(&a, &cfg, &client, &key.keys.verify, text, NOW, &params) != ERR_OK);

    CLEANUP(buf_done) struct buf token = BUF_INIT(65536);
    if (jws_sign(key.signer, "oauth-authz-req+jwt", text, &token))
        return 0;
    params.count = 0;
    if (!request_object_open(&a, &cfg, &client, &key.keys.verify, buf_span(&token), NOW, &params))
        opened(text, &params);
    return 0;
}
