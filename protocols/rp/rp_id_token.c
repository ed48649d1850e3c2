/* SPDX-License-Identifier: Apache-2.0
 *
 * ID token validation (OIDC Core 3.1.3.7). The strict gate runs first and the claims come from our
 * own parse; libjwt is the second opinion on the signature, since it alone accepts too much. There is
 * none on what the libjwt at hand cannot express: an algorithm that it has no name for (1.10.2: PS256,
 * EdDSA), and the typ of a logout token. */
#include <jwt.h>
#include <openssl/pem.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "keys/at_hash.h"
#include "protocols/rp/rp_internal.h"

#define CLAIMS_MAX 16384

static void bio_cleanup(BIO **b) {
    BIO_free(*b);
}
static void jwt_cleanup(jwt_t **j) {
    jwt_free(*j);
}

enum verdict rp_libjwt_agrees(const struct jwk *key, const struct jose_alg *alg,
                              struct span token) {
    CLEANUP(bio_cleanup) BIO *pem = BIO_new(BIO_s_mem());
    CLEANUP(jwt_cleanup) jwt_t *jwt = NULL;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(2 * JWS_MAX_BYTES);
    char *text = NULL, *copy = arena_strndup(&a, token.ptr, token.len);
    if (!pem || !copy || !key->pkey || PEM_write_bio_PUBKEY(pem, key->pkey) != 1)
        return DENY;
    long len = BIO_get_mem_data(pem, &text);
    if (jwt_decode(&jwt, copy, (const unsigned char *)text, (int)len) != 0)
        return DENY;
    return strcmp(jwt_alg_str(jwt_get_alg(jwt)), alg->name) == 0 ? ALLOW : DENY;
}

bool rp_libjwt_knows(const struct jose_alg *alg) {
    return jwt_str_alg(alg->name) != JWT_ALG_INVAL;
}

bool rp_audience_good(const struct rp *rp, const json_t *claims) {
    const char *client_id = rp->client_id;
    const json_t *aud = json_object_get(claims, "aud");
    if (json_is_string(aud))
        return span_is(json_str(claims, "aud"), client_id);
    size_t i;
    const json_t *item;
    bool found = false;
    json_array_foreach(aud, i, item) {
        if (!json_is_string(item))
            return false;
        found = found || strcmp(json_string_value(item), client_id) == 0;
    }
    /* With several audiences, azp must say that we are the one it was issued to. */
    return found && (json_array_size(aud) == 1 || span_is(json_str(claims, "azp"), client_id));
}

static bool times_good(const json_t *claims, int64_t now) {
    int64_t exp, iat, nbf = now;
    if (json_int(claims, "exp", &exp) || json_int(claims, "iat", &iat))
        return false;
    if (json_object_get(claims, "nbf") && json_int(claims, "nbf", &nbf))
        return false;
    return exp > now - RP_CLOCK_SKEW && iat <= now + RP_CLOCK_SKEW && iat >= now - RP_IAT_AGE &&
           nbf <= now + RP_CLOCK_SKEW;
}

static bool at_hash_good(const struct jose_alg *alg, struct span at_hash,
                         struct span access_token) {
    char text[AT_HASH_MAX];
    return !at_hash_build(alg, access_token, text) && span_is(at_hash, text);
}

enum err rp_id_token_claims_check(const struct rp *rp, const json_t *claims,
                                  const struct rp_id_token_expect *expect) {
    struct span sub = json_str(claims, "sub"), azp = json_str(claims, "azp"),
                at_hash = json_str(claims, "at_hash");
    if (!span_is(json_str(claims, "iss"), rp->issuer) || !rp_audience_good(rp, claims))
        return ERR_REFUSED;
    if (json_object_get(claims, "azp") && !span_is(azp, rp->client_id))
        return ERR_REFUSED;
    if (sub.len == 0 || sub.len > RP_SUB_MAX || (expect->sub.ptr && !span_eq(sub, expect->sub)))
        return ERR_REFUSED;
    if (!times_good(claims, expect->now))
        return ERR_EXPIRED;
    if (expect->nonce.ptr && !ct_equal(json_str(claims, "nonce"), expect->nonce))
        return ERR_REFUSED;
    if (expect->access_token.ptr && json_object_get(claims, "at_hash") &&
        !at_hash_good(rp->alg, at_hash, expect->access_token))
        return ERR_REFUSED;
    return ERR_OK;
}

/* libjwt takes no typ but JWT. */
static bool is_strange_to_libjwt(struct span typ) {
    static const char *const types[] = {"logout+jwt", "at+jwt"};
    static const char prefix[] = "application/";
    if (typ.len >= sizeof prefix - 1 && strncasecmp(typ.ptr, prefix, sizeof prefix - 1) == 0)
        typ = span_bytes(typ.ptr + sizeof prefix - 1, typ.len - (sizeof prefix - 1));
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (typ.len == strlen(types[i]) && strncasecmp(typ.ptr, types[i], typ.len) == 0)
            return true;
    return false;
}

enum err rp_token_open(struct rp *rp, struct arena *a, struct span token, const char *const *typ,
                       json_t **ret_claims) {
    struct jws jws;
    if (!rp->alg)
        return ERR_UNSUPPORTED;
    const char *const algs[] = {rp->alg->name, NULL};
    enum err e = rp_jwks_verify(rp, a, token, &(struct jws_expect){typ, algs}, &jws);
    if (e)
        return e;
    AUTO_JWK struct jwk *key = (struct jwk *)(uintptr_t)jws.key;
    if (rp_libjwt_knows(rp->alg) && !is_strange_to_libjwt(jws.typ) && rp_libjwt_agrees(key, rp->alg, token) != ALLOW)
        return ERR_BAD_SIGNATURE;
    return json_parse_object(jws.payload, CLAIMS_MAX, ret_claims);
}

enum err rp_id_token_check(struct rp *rp, struct arena *a, struct span token,
                           const struct rp_id_token_expect *expect, json_t **ret_claims) {
    static const char *const typ[] = {"JWT", "", NULL};
    AUTO_JSON json_t *claims = NULL;
    enum err e = rp_token_open(rp, a, token, typ, &claims);
    if (!e)
        e = rp_id_token_claims_check(rp, claims, expect);
    if (!e)
        *ret_claims = TAKE(claims);
    return e;
}
