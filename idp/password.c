/* SPDX-License-Identifier: Apache-2.0
 *
 * Password hashes; see password.h. */
#include "idp/password.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/secret.h"
#include "idp/password_import.h"

#define PEPPER_PREFIX      "pepper:"
#define TYPED_PASSWORD_MAX (4 * PASSWORD_MAX) /* before NFKC, which can shorten */

enum err password_normalise(struct arena *a, struct span typed, struct span *ret_password) {
    if (typed.len > TYPED_PASSWORD_MAX)
        return ERR_TOO_LONG;
    if (typed.len == 0 || !utf8_valid(typed))
        return ERR_SYNTAX;
    size_t len = 0;
    uint8_t *normal = u8_normalize(UNINORM_NFKC, (const uint8_t *)typed.ptr, typed.len, NULL, &len);
    if (!normal)
        return ERR_NOMEM;
    struct span copy = len <= PASSWORD_MAX ? arena_dup(a, span_bytes(normal, len)) : SPAN_NONE;
    wipe(normal, len);
    free(normal);
    if (len > PASSWORD_MAX)
        return ERR_TOO_LONG;
    if (!copy.ptr)
        return ERR_NOMEM;
    *ret_password = copy;
    return ERR_OK;
}

/* Cuts "pepper:KID" off; the rest is the PHC string. */
static bool pepper_cut(struct span *hash, struct span *ret_kid) {
    if (!span_starts(*hash, PEPPER_PREFIX))
        return false;
    struct span kid = *hash;
    const char *dollar = memchr(hash->ptr, '$', hash->len);
    if (!dollar)
        return false;
    kid.ptr += strlen(PEPPER_PREFIX);
    kid.len = (size_t)(dollar - kid.ptr);
    hash->len -= (size_t)(dollar - hash->ptr);
    hash->ptr = dollar;
    *ret_kid = kid;
    return kid.len > 0;
}

enum err password_hash(struct arena *a, const struct password_params *p, struct span peppered,
                       struct span pepper_kid, struct span *ret_hash) {
    char phc[crypto_pwhash_argon2id_STRBYTES];
    if (crypto_pwhash_argon2id_str(phc, peppered.ptr, peppered.len, (unsigned long long)p->passes,
                                   (size_t)p->memory_kib * 1024))
        return ERR_NOMEM;
    char *text = arena_printf(a, PEPPER_PREFIX "%.*s%s", SPAN_FMT(pepper_kid), phc);
    if (!text)
        return ERR_NOMEM;
    *ret_hash = span_of(text);
    return ERR_OK;
}

bool password_hash_pepper(struct span hash, struct span *ret_pepper_kid) {
    struct span kid = SPAN_NONE;
    bool is_ours = pepper_cut(&hash, &kid);
    *ret_pepper_kid = is_ours ? kid : SPAN_NONE;
    return is_ours;
}

enum verdict password_verify(struct span hash, struct span password, struct span peppered) {
    struct span kid;
    bool is_ours = pepper_cut(&hash, &kid);
    struct hash_parts parts;
    if (hash_parts_parse(hash, &parts) || (is_ours && parts.scheme != HASH_ARGON2ID))
        return DENY;
    return hash_parts_verify(&parts, is_ours ? peppered : password);
}

bool password_needs_upgrade(struct span hash, const struct password_params *p,
                            struct span pepper_kid) {
    struct span kid;
    struct hash_parts parts;
    if (!pepper_cut(&hash, &kid) || !span_eq(kid, pepper_kid) || hash_parts_parse(hash, &parts))
        return true;
    return parts.memory_kib != p->memory_kib || parts.passes != p->passes || parts.lanes != 1;
}

enum err password_hash_check(struct span hash) {
    struct hash_parts parts;
    return hash_parts_parse(hash, &parts);
}

enum verdict password_dummy(const struct password_params *p, struct span peppered) {
    static const unsigned char salt[crypto_pwhash_argon2id_SALTBYTES] = {0};
    unsigned char out[32];
    int failed = crypto_pwhash_argon2id(out, sizeof out, peppered.ptr, peppered.len, salt,
                                        (unsigned long long)p->passes, (size_t)p->memory_kib * 1024,
                                        crypto_pwhash_argon2id_ALG_ARGON2ID13);
    (void)failed; /* the answer is no in any case */
    wipe(out, sizeof out);
    return DENY;
}
