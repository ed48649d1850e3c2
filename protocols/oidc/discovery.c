/* SPDX-License-Identifier: Apache-2.0
 *
 * Both metadata documents (OIDC Discovery 3, RFC 8414 2), generated from the tables that the
 * endpoints themselves run on: what is announced is what works (D18). Names come from the
 * configuration, never from the request (D15). */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/claims.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "keys/alg.h"
#include "protocols/oidc/acr.h"
#include "protocols/oidc/authz_request.h"
#include "protocols/oidc/client_auth.h"
#include "protocols/oidc/oidc.h"
#include "protocols/oidc/token.h"

#define METADATA_MAX 16384
#define URL_MAX      2048
#define METADATA_AGE "public, max-age=3600" /* seconds: as long as keys are published ahead */

static const struct {
    const char *path, *key;
} endpoints[] = {
#define ENDPOINT(name, path, metadata_key) {path, metadata_key},
#include "protocols/oidc/endpoints.tbl.h"
#undef ENDPOINT
};

/* Lists that stand nowhere else as a table. */
static const struct {
    const char *key;
    const char *items[5];
    const char *spec;
} lists[] = {
    {"response_types_supported", {"code"}, "RFC 6749 3.1.1"},
    {"response_modes_supported", {"query", "form_post"}, "OAuth MRT 2.1"},
    {"subject_types_supported", {"pairwise", "public"}, "OIDC Core 8"},
    {"code_challenge_methods_supported", {"S256"}, "RFC 7636 4.2"},
    {"ui_locales_supported", {"vi", "en"}, "OIDC Discovery 3"},
    {"claim_types_supported", {"normal"}, "OIDC Core 5.6"},
    {"display_values_supported", {"page"}, "OIDC Core 3.1.2.1"},
};

static const struct {
    const char *key;
    bool value;
    const char *spec;
} flags[] = {
    {"authorization_response_iss_parameter_supported", true, "RFC 9207 3"},
    {"claims_parameter_supported", true, "OIDC Core 5.5"},
    {"request_parameter_supported", true, "OIDC Core 6.1"},
    {"request_uri_parameter_supported", true, "OIDC Core 6.2"},
    {"require_request_uri_registration", true, "OIDC Discovery 3"},
    {"backchannel_logout_supported", true, "OIDC Back-Channel Logout 2.1"},
    {"backchannel_logout_session_supported", true, "OIDC Back-Channel Logout 2.1"},
};

static bool endpoint_is_closed(const struct config *cfg, const char *key) {
    return strcmp(key, "registration_endpoint") == 0 && span_is(cfg->registration_policy, "closed");
}

static void add_endpoints(struct json_out *o, const struct config *cfg) {
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        CLEANUP(buf_done) struct buf url = BUF_INIT(URL_MAX);
        if (endpoint_is_closed(cfg, endpoints[i].key))
            continue;
        buf_add_span(&url, cfg->issuer);
        buf_add_str(&url, endpoints[i].path);
        json_add_str(o, endpoints[i].key, buf_span(&url));
    }
}

static void add_static_lists(struct json_out *o) {
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_open_array(o, lists[i].key);
        for (size_t j = 0; j < ARRAY_LEN(lists[i].items) && lists[i].items[j]; j++)
            json_add_str(o, NULL, span_of(lists[i].items[j]));
        json_close_array(o);
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        json_add_bool(o, flags[i].key, flags[i].value);
}

/* Without `with_none` for endpoints that public clients have no business at. */
static void add_auth_methods(struct json_out *o, const char *name, bool with_none) {
    json_open_array(o, name);
    for (size_t i = 0; i < client_auth_methods_count; i++)
        if (with_none || client_auth_methods[i].method != CLIENT_AUTH_NONE)
            json_add_str(o, NULL, span_of(client_auth_methods[i].name));
    json_close_array(o);
}

/* What the signer signs with. */
static void add_algs(struct json_out *o, const char *name) {
    json_open_array(o, name);
    for (size_t i = 0; i < jose_algs_count; i++)
        if (jose_algs[i].signs_tokens)
            json_add_str(o, NULL, span_of(jose_algs[i].name));
    json_close_array(o);
}

static void add_table_lists(struct json_out *o, const struct config *cfg) {
    json_open_array(o, "grant_types_supported");
    for (size_t i = 0; i < token_grant_types_count; i++)
        json_add_str(o, NULL, span_of(token_grant_types[i]->name));
    json_close_array(o);

    add_auth_methods(o, "token_endpoint_auth_methods_supported", true);
    add_auth_methods(o, "revocation_endpoint_auth_methods_supported", true);
    add_auth_methods(o, "introspection_endpoint_auth_methods_supported", false);
    /* Assertions are verified by all that we can sign with. */
    add_algs(o, "token_endpoint_auth_signing_alg_values_supported");
    add_algs(o, "revocation_endpoint_auth_signing_alg_values_supported");
    add_algs(o, "introspection_endpoint_auth_signing_alg_values_supported");
    add_algs(o, "request_object_signing_alg_values_supported");
    add_algs(o, "id_token_signing_alg_values_supported");
    add_algs(o, "userinfo_signing_alg_values_supported");
    add_algs(o, "introspection_signing_alg_values_supported");

    json_open_array(o, "prompt_values_supported");
    for (size_t i = 0; i < prompt_words_count; i++)
        json_add_str(o, NULL, span_of(prompt_words[i].name));
    json_close_array(o);
    acr_list(cfg, o, "acr_values_supported");
    claims_list_scopes(o, "scopes_supported");
    claims_list(o, "claims_supported");
}

static enum step discovery_parse(struct request *req) {
    const struct config *cfg = request_config(req);
    CLEANUP(buf_done) struct buf b = BUF_INIT(METADATA_MAX);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "issuer", cfg->issuer);
    add_endpoints(&o, cfg);
    add_static_lists(&o);
    add_table_lists(&o, cfg);
    json_close_object(&o);
    req->response.cacheable = true;
    respond_header(req, "Cache-Control", SPAN(METADATA_AGE));
    respond_buf(req, 200, "application/json", &b);
    return STEP_RESPOND;
}

const struct handler oidc_discovery_handler = {.parse = discovery_parse};
