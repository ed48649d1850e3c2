/* SPDX-License-Identifier: Apache-2.0
 *
 * The document at a client's sector_identifier_uri, which is read before a registration or its
 * replacement is stored; see registration.h. */
#include "protocols/oidc/registration.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "idp/client_metadata.h"
#include "protocols/oidc/oidc_error.h"

enum err registration_sector_find(struct arena *a, const json_t *metadata, struct span *ret_uri) {
    struct span uri = json_str(metadata, "sector_identifier_uri");
    *ret_uri = arena_dup(a, uri);
    return uri.len && !ret_uri->ptr ? ERR_NOMEM : ERR_OK;
}

void registration_sector_fetch(struct request *req, struct span uri) {
    req->fetch.purpose = OUTBOUND_SECTOR;
    req->fetch.only_public = true;
    req->fetch.url = uri;
}

static bool array_has(const json_t *array, const json_t *text) {
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_equal(json_array_get(array, i), text))
            return true;
    return false;
}

/* OIDC Registration 5: "The values of the registered redirect_uris MUST be included in the elements
 * of the array". ERR_REFUSED; ERR_NOMEM and ERR_BUSY: it could not be looked at. */
static enum err sector_check(const struct request *req, struct span metadata) {
    AUTO_JSON json_t *document = NULL;
    AUTO_JSON json_t *m = NULL;
    enum err e = req->fetch.result;
    if (!e)
        e = json_parse(span_bytes(req->fetch.body, req->fetch.body_len), OUTBOUND_BODY_MAX, &document);
    if (!e)
        e = json_parse_object(metadata, CLIENT_METADATA_MAX, &m);
    if (e || !json_is_array(document))
        return e == ERR_NOMEM || e == ERR_BUSY ? e : ERR_REFUSED;
    const json_t *uris = json_object_get(m, "redirect_uris");
    for (size_t i = 0; i < json_array_size(uris); i++)
        if (!array_has(document, json_array_get(uris, i)))
            return ERR_REFUSED;
    return ERR_OK;
}

enum step registration_sector_decide(struct request *req, struct span metadata) {
    switch (sector_check(req, metadata)) {
    case ERR_OK:
        return STEP_WRITE;
    case ERR_REFUSED:
        return registration_refuse(req, "invalid_client_metadata",
                                   "sector_identifier_uri does not list all redirect_uris");
    default:
        return oidc_unavailable(req);
    }
}
