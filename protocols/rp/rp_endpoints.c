/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the provider's endpoints are: as configured, and for the rest as its metadata says (OpenID
 * Connect Discovery 1.0). */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "protocols/rp/rp_internal.h"

#define ENDPOINT_MAX 2048 /* bytes */

enum need { NEED_ALWAYS, NEED_ID_TOKEN, NEED_NO_ID_TOKEN, NEED_NEVER };

/* The members that we use; each is checked before anything is sent there. */
/* clang-format off */
static const struct endpoint_def {
    const char *name;
    size_t field; /* offset of a char * in struct rp_endpoints */
    size_t given; /* offset of a const char * in struct rp_config */
    enum need need;
} endpoint_defs[] = {
    /* name                    field                                         given                                              need */
    {"authorization_endpoint", offsetof(struct rp_endpoints, authorization), offsetof(struct rp_config, authorization_endpoint), NEED_ALWAYS},
    {"token_endpoint",         offsetof(struct rp_endpoints, token),         offsetof(struct rp_config, token_endpoint),         NEED_ALWAYS},
    {"jwks_uri",               offsetof(struct rp_endpoints, jwks),          offsetof(struct rp_config, jwks_uri),               NEED_ID_TOKEN},
    {"userinfo_endpoint",      offsetof(struct rp_endpoints, userinfo),      offsetof(struct rp_config, userinfo_endpoint),      NEED_NO_ID_TOKEN}, /* OIDC Core 5.3 */
    {"end_session_endpoint",   offsetof(struct rp_endpoints, end_session),   offsetof(struct rp_config, end_session_endpoint),   NEED_NEVER}, /* RP-Initiated Logout 2.1 */
};
/* clang-format on */

static char **field_of(struct rp_endpoints *at, const struct endpoint_def *def) {
    return (char **)(void *)((char *)at + def->field);
}

static const char *url_of(const struct rp_endpoints *at, const struct endpoint_def *def) {
    return *(char *const *)(const void *)((const char *)at + def->field);
}

static const char *given_of(const struct rp_config *config, const struct endpoint_def *def) {
    return *(const char *const *)(const void *)((const char *)config + def->given);
}

static bool is_needed(const struct rp *rp, const struct endpoint_def *def) {
    return def->need == NEED_ALWAYS ||
           def->need == (rp->no_id_token ? NEED_NO_ID_TOKEN : NEED_ID_TOKEN);
}

void rp_endpoints_done(struct rp_endpoints *at) {
    for (size_t i = 0; i < ARRAY_LEN(endpoint_defs); i++)
        free(*field_of(at, &endpoint_defs[i]));
    *at = (struct rp_endpoints){0};
}

/* ---- as configured ---- */

enum err rp_endpoints_given(const struct rp_config *config, struct rp *rp) {
    rp->given.iss_in_answer = config->iss_in_answer;
    for (size_t i = 0; i < ARRAY_LEN(endpoint_defs); i++) {
        const char *url = given_of(config, &endpoint_defs[i]);
        if (!url)
            continue;
        if (strlen(url) > ENDPOINT_MAX || rp_url_check(url, true))
            return ERR_UNSUPPORTED;
        char *copy = *field_of(&rp->given, &endpoint_defs[i]) = strdup(url);
        if (!copy)
            return ERR_NOMEM;
        rp->https_only = rp->https_only && strncmp(url, "https://", 8) == 0;
    }
    return ERR_OK;
}

bool rp_endpoints_complete(const struct rp *rp) {
    for (size_t i = 0; i < ARRAY_LEN(endpoint_defs); i++)
        if (is_needed(rp, &endpoint_defs[i]) && !url_of(&rp->given, &endpoint_defs[i]))
            return false;
    return true;
}

enum err rp_endpoints_copy(const struct rp_endpoints *from, struct rp_endpoints *ret_at) {
    CLEANUP(rp_endpoints_done) struct rp_endpoints at = {.iss_in_answer = from->iss_in_answer};
    for (size_t i = 0; i < ARRAY_LEN(endpoint_defs); i++) {
        const char *url = url_of(from, &endpoint_defs[i]);
        char *copy = *field_of(&at, &endpoint_defs[i]) = url ? strdup(url) : NULL;
        if (url && !copy)
            return ERR_NOMEM;
    }
    *ret_at = at;
    at = (struct rp_endpoints){0};
    return ERR_OK;
}

/* ---- as the metadata says ---- */

static enum err endpoint_read(const struct rp *rp, const json_t *metadata,
                              const struct endpoint_def *def, char **url) {
    struct span said = json_str(metadata, def->name);
    if (*url)
        return ERR_OK; /* given: the document is not asked */
    if (!json_object_get(metadata, def->name))
        return is_needed(rp, def) ? ERR_MISSING : ERR_OK;
    if (said.len == 0 || said.len > ENDPOINT_MAX)
        return ERR_REFUSED;
    enum err e = rp_url_check(said.ptr, !rp->is_https);
    if (e)
        return e;
    *url = strndup(said.ptr, said.len);
    return *url ? ERR_OK : ERR_NOMEM;
}

enum err rp_endpoints_read(const struct rp *rp, const json_t *metadata,
                           struct rp_endpoints *ret_at) {
    CLEANUP(rp_endpoints_done) struct rp_endpoints at = {0};
    enum err e = rp_endpoints_copy(&rp->given, &at);
    for (size_t i = 0; !e && i < ARRAY_LEN(endpoint_defs); i++)
        e = endpoint_read(rp, metadata, &endpoint_defs[i], field_of(&at, &endpoint_defs[i]));
    if (e)
        return e;
    if (json_is_true(json_object_get(metadata, "authorization_response_iss_parameter_supported")))
        at.iss_in_answer = true;
    *ret_at = at;
    at = (struct rp_endpoints){0};
    return ERR_OK;
}
