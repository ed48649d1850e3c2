/* SPDX-License-Identifier: Apache-2.0
 *
 * Keycloak's realm export (its ClientRepresentation and UserRepresentation) into our form. What has
 * no counterpart here is named, never guessed; a clear password is never looked at, and of a
 * client's secret only the hash goes on. See docs/IMPORT.md for the table. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/sha256.h"
#include "idp/ctl/import_form.h"

#define SECRET_CHARACTERS_MIN 32 /* Keycloak makes 32 of 62 characters: 190 bits */
#define CREDENTIAL_JSON_MAX   4096
#define NAMES_SHOWN           40

/* ---- reading members ---- */

static struct span text_member(struct import_item *item, const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    if (value && !json_is_null(value) && !json_is_string(value))
        import_refuse(item, "%s must be text", name);
    return json_str(object, name);
}

static bool flag_member(struct import_item *item, const json_t *object, const char *name, bool otherwise) {
    const json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value))
        return otherwise;
    if (!json_is_boolean(value))
        import_refuse(item, "%s must be true or false", name);
    return json_is_true(value);
}

static const json_t *list_member(struct import_item *item, const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    if (value && !json_is_null(value) && !json_is_array(value))
        import_refuse(item, "%s must be an array", name);
    return json_is_array(value) ? value : NULL;
}

static const json_t *object_member(struct import_item *item, const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    if (value && !json_is_null(value) && !json_is_object(value))
        import_refuse(item, "%s must be an object", name);
    return json_is_object(value) ? value : NULL;
}

static struct span item_text(const json_t *list, size_t i) {
    return json_text(json_array_get(list, i));
}

static void set_text(json_t *entry, const char *name, struct span text) {
    if (text.len)
        json_object_set_new(entry, name, json_stringn(text.ptr, text.len));
}

static void append_text(json_t *list, struct span text) {
    json_array_append_new(list, json_stringn(text.ptr, text.len));
}

/* false, 0, "", {}, [] and null say nothing. */
static bool says_something(const json_t *value) {
    if (json_is_object(value) || json_is_array(value))
        return json_object_size(value) + json_array_size(value) > 0;
    if (json_is_string(value))
        return json_string_length(value) > 0 && strcmp(json_string_value(value), "false") != 0;
    return json_is_true(value) || json_number_value(value) != 0;
}

/* Members that hold something and stand in neither list. Names only: values may be secrets. */
static json_t *unread_members(const json_t *object, const char *const *read, const char *const *idle) {
    json_t *names = json_array();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        bool is_known = !says_something(value);
        for (size_t i = 0; !is_known && read[i]; i++)
            is_known = strcmp(read[i], name) == 0;
        for (size_t i = 0; !is_known && idle[i]; i++)
            is_known = strcmp(idle[i], name) == 0;
        if (!is_known && json_array_size(names) < NAMES_SHOWN)
            json_array_append_new(names, json_string(name));
    }
    return names;
}

static void note_unread(struct import_item *item, const char *prefix, const json_t *object,
                        const char *const *read, const char *const *idle) {
    AUTO_JSON json_t *names = unread_members(object, read, idle);
    for (size_t i = 0; i < json_array_size(names); i++)
        import_note(item, "%s%s: not taken", prefix, json_string_value(json_array_get(names, i)));
}

/* ---- clients: how they authenticate ---- */

static void take_secret(struct import_item *item, const json_t *given) {
    struct span secret = text_member(item, given, "secret");
    unsigned char hash[32];
    char hex[2 * sizeof hash + 1];
    if (secret.len < SECRET_CHARACTERS_MIN || memchr(secret.ptr, '*', secret.len)) {
        import_note(item, "secret: %s; make one with client rotate-secret",
                    secret.len ? "masked, or shorter than 32 characters" : "not in the file");
        return;
    }
    sha256(secret, hash);
    hex_encode(hash, sizeof hash, hex);
    json_object_set_new(item->entry, "secrets", json_pack("[{ss}]", "sha256", hex));
}

static void take_keys(struct import_item *item, const json_t *attributes) {
    struct span uri = text_member(item, attributes, "jwks.url"),
                keys = text_member(item, attributes, "jwks.string");
    json_t *set;
    if (uri.len)
        set_text(item->entry, "jwks_uri", uri);
    else if (keys.len && json_parse_object(keys, IMPORT_FILE_MAX, &set) == ERR_OK)
        json_object_set_new(item->entry, "jwks", set);
    else
        import_refuse(item, "client-jwt without jwks.url or jwks.string: register its keys as jwks");
}

static void take_authentication(struct import_item *item, const json_t *given, const json_t *attributes) {
    struct span kind = text_member(item, given, "clientAuthenticatorType");
    const char *method = NULL;
    if (flag_member(item, given, "publicClient", false))
        method = "none";
    else if (!kind.len || span_is(kind, "client-secret"))
        method = "client_secret_basic";
    else if (span_is(kind, "client-jwt"))
        method = "private_key_jwt";
    else
        import_refuse(item, "clientAuthenticatorType %.*s is not supported", SPAN_FMT(kind));
    if (!item->entry)
        return;
    json_object_set_new(item->entry, "token_endpoint_auth_method", json_string(method));
    if (strcmp(method, "private_key_jwt") == 0)
        take_keys(item, attributes);
    if (item->entry && strcmp(method, "client_secret_basic") == 0)
        take_secret(item, given);
}

static void take_grants(struct import_item *item, const json_t *given, const json_t *attributes) {
    bool has_code = flag_member(item, given, "standardFlowEnabled", true);
    bool is_machine = flag_member(item, given, "serviceAccountsEnabled", false);
    struct span refresh = text_member(item, attributes, "use.refresh.tokens");
    if (flag_member(item, given, "implicitFlowEnabled", false))
        import_note(item, "implicitFlowEnabled: there is no implicit flow");
    if (flag_member(item, given, "directAccessGrantsEnabled", false))
        import_note(item, "directAccessGrantsEnabled: there is no password grant");
    if (!has_code && !is_machine)
        import_refuse(item, "neither standardFlowEnabled nor serviceAccountsEnabled: nothing to do here");
    if (!item->entry)
        return;
    json_t *grants = json_array();
    if (has_code)
        json_array_append_new(grants, json_string("authorization_code"));
    if (has_code && !span_is(refresh, "false"))
        json_array_append_new(grants, json_string("refresh_token"));
    if (is_machine)
        json_array_append_new(grants, json_string("client_credentials"));
    json_object_set_new(item->entry, "grant_types", grants);
}

/* ---- clients: addresses ---- */

/* A path is below rootUrl; an address with an asterisk is none. */
static bool add_uri(struct import_item *item, const char *member, struct span root, struct span uri,
                    json_t *list) {
    if (uri.len && memchr(uri.ptr, '*', uri.len)) {
        import_note(item, "%s %.*s: a pattern; list the whole addresses", member, SPAN_FMT(uri));
        return false;
    }
    if (span_starts(uri, "/") && root.len) {
        if (root.ptr[root.len - 1] == '/')
            root.len--;
        json_array_append_new(list, json_sprintf("%.*s%.*s", SPAN_FMT(root), SPAN_FMT(uri)));
    } else {
        append_text(list, uri);
    }
    return true;
}

static void take_redirects(struct import_item *item, const json_t *given, struct span root) {
    const json_t *uris = list_member(item, given, "redirectUris");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(uris); i++) {
        struct span uri = item_text(uris, i);
        if (uri.ptr)
            (void)add_uri(item, "redirectUris", root, uri, list);
        else
            import_refuse(item, "redirectUris must be an array of texts");
    }
    if (item->entry)
        json_object_set_new(item->entry, "redirect_uris", list);
    else
        json_decref(list);
}

/* "+": those of redirectUris; "-": none. */
static void take_logout(struct import_item *item, const json_t *attributes, struct span root) {
    struct span uris = text_member(item, attributes, "post.logout.redirect.uris");
    json_t *list = item->entry ? json_array() : NULL;
    while (list && uris.len) {
        struct span one = span_cut(&uris, '#');
        if (span_is(one, "+"))
            json_array_extend(list, json_object_get(item->entry, "redirect_uris"));
        else if (one.len && !span_is(one, "-"))
            (void)add_uri(item, "post.logout.redirect.uris", root, one, list);
    }
    if (list)
        json_object_set_new(item->entry, "post_logout_redirect_uris", list);
}

static void take_origins(struct import_item *item, const json_t *given, struct span root) {
    const json_t *origins = list_member(item, given, "webOrigins");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(origins); i++) {
        struct span one = item_text(origins, i);
        if (one.len && !span_is(one, "+")) /* "+" is what is done without the member */
            (void)add_uri(item, "webOrigins", root, one, list);
    }
    if (item->entry && json_array_size(list))
        json_object_set(item->entry, "cors_origins", list);
    json_decref(list);
}

static void take_addresses(struct import_item *item, const json_t *given, const json_t *attributes) {
    struct span root = text_member(item, given, "rootUrl"), base = text_member(item, given, "baseUrl");
    if (root.len && memchr(root.ptr, '$', root.len)) {
        import_note(item, "rootUrl: a placeholder");
        root = SPAN_NONE;
    }
    take_redirects(item, given, root);
    take_logout(item, attributes, root);
    take_origins(item, given, root);
    if (item->entry)
        set_text(item->entry, "client_uri", span_starts(base, "http") ? base : root);
}

/* ---- clients: the rest ---- */

/* Attributes of a client, and the members that they become. */
static const struct {
    const char *attribute, *member; /* NULL: looked at elsewhere in this file, or says nothing here */
} client_attributes[] = {
    {"logoUri", "logo_uri"},
    {"policyUri", "policy_uri"},
    {"tosUri", "tos_uri"},
    {"backchannel.logout.url", "backchannel_logout_uri"},
    {"frontchannel.logout.url", "frontchannel_logout_uri"},
    {"id.token.signed.response.alg", "id_token_signed_response_alg"},
    {"user.info.response.signature.alg", "userinfo_signed_response_alg"},
    {"access.token.signed.response.alg", "access_token_signed_response_alg"},
    {"jwks.url", NULL},
    {"jwks.string", NULL},
    {"use.jwks.url", NULL},
    {"use.jwks.string", NULL},
    {"use.refresh.tokens", NULL},
    {"post.logout.redirect.uris", NULL},
    {"pkce.code.challenge.method", NULL},
    {"client.secret.creation.time", NULL},
    {"backchannel.logout.session.required", NULL},
    {"display.on.consent.screen", NULL},
    {"oauth2.device.authorization.grant.enabled", NULL},
    {"realm_client", NULL},
};

static const char *const client_read[] = {
    "clientId", "name", "enabled", "protocol", "publicClient", "bearerOnly", "clientAuthenticatorType",
    "secret", "standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled",
    "serviceAccountsEnabled", "redirectUris", "webOrigins", "rootUrl", "baseUrl", "attributes",
    "defaultClientScopes", "optionalClientScopes", NULL};
/* The realm's own bookkeeping, and what every client has here. */
static const char *const client_idle[] = {
    "id", "surrogateAuthRequired", "consentRequired", "fullScopeAllowed", "nodeReRegistrationTimeout",
    "frontchannelLogout", "notBefore", "access", "description", "alwaysDisplayInConsole", NULL};

static void take_attributes(struct import_item *item, const json_t *attributes) {
    static const char *const nothing[] = {NULL};
    struct span pkce = text_member(item, attributes, "pkce.code.challenge.method");
    const char *known[ARRAY_LEN(client_attributes) + 1] = {NULL};
    for (size_t i = 0; i < ARRAY_LEN(client_attributes); i++) {
        const char *member = client_attributes[i].member;
        known[i] = client_attributes[i].attribute;
        struct span text = member && item->entry ? text_member(item, attributes, known[i]) : SPAN_NONE;
        if (item->entry && text.len)
            set_text(item->entry, member, text);
    }
    if (item->entry && span_is(pkce, "S256"))
        json_object_set_new(item->entry, "require_pkce", json_true());
    note_unread(item, "attributes.", attributes, known, nothing);
}

static void take_scopes(struct import_item *item, const json_t *given) {
    const struct span known = SPAN("profile email phone address offline_access");
    const struct span idle = SPAN("web-origins acr roles basic microprofile-jwt organization");
    static const char *const members[] = {"defaultClientScopes", "optionalClientScopes"};
    CLEANUP(buf_done) struct buf scope = BUF_INIT(IMPORT_FILE_MAX);
    buf_add_str(&scope, "openid");
    for (size_t m = 0; m < ARRAY_LEN(members); m++) {
        const json_t *list = list_member(item, given, members[m]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            struct span name = item_text(list, i);
            if (span_list_has(known, name) && !span_list_has(buf_span(&scope), name))
                buf_addf(&scope, " %.*s", SPAN_FMT(name));
            else if (!span_list_has(known, name) && !span_list_has(idle, name))
                import_note(item, "%s %.*s: no such scope here", members[m], SPAN_FMT(name));
        }
    }
    if (item->entry)
        set_text(item->entry, "scope", buf_span(&scope));
}

/* What every realm has for Keycloak's own pages. */
static bool is_keycloaks_own(struct span client_id) {
    const struct span names =
        SPAN("account account-console admin-cli broker realm-management security-admin-console");
    return span_list_has(names, client_id);
}

void import_keycloak_client(const json_t *given, struct import_item *item) {
    struct span id = text_member(item, given, "clientId"), name = text_member(item, given, "name"),
                protocol = text_member(item, given, "protocol");
    const json_t *attributes = object_member(item, given, "attributes");
    if (is_keycloaks_own(id))
        import_refuse(item, "Keycloak's own client");
    if (protocol.len && !span_is(protocol, "openid-connect"))
        import_refuse(item, "protocol %.*s is not supported", SPAN_FMT(protocol));
    if (flag_member(item, given, "bearerOnly", false))
        import_refuse(item, "bearerOnly: register it with resource add");
    if (item->error)
        return;
    item->entry = json_object();
    set_text(item->entry, "client_id", id);
    if (!span_starts(name, "${"))
        set_text(item->entry, "client_name", name);
    if (!flag_member(item, given, "enabled", true))
        json_object_set_new(item->entry, "enabled", json_false());
    take_authentication(item, given, attributes);
    take_grants(item, given, attributes);
    take_addresses(item, given, attributes);
    take_scopes(item, given);
    take_attributes(item, attributes);
    note_unread(item, "", given, client_read, client_idle);
}

/* ---- users: passwords ---- */

static struct span unpadded(struct span base64) {
    while (base64.len && base64.ptr[base64.len - 1] == '=')
        base64.len--;
    return base64;
}

/* additionalParameters are lists of texts; the first one counts. */
static struct span extra(const json_t *data, const char *name) {
    return item_text(json_object_get(json_object_get(data, "additionalParameters"), name), 0);
}

static json_t *argon2_hash(const json_t *data, json_int_t passes, struct span salt, struct span hash) {
    struct span memory = extra(data, "memory"), lanes = extra(data, "parallelism");
    if (!span_is(extra(data, "type"), "id") || !span_is(extra(data, "version"), "1.3"))
        return NULL;
    return json_sprintf("$argon2id$v=19$m=%.*s,t=%lld,p=%.*s$%.*s$%.*s", SPAN_FMT(memory), (long long)passes,
                        SPAN_FMT(lanes), SPAN_FMT(salt), SPAN_FMT(hash));
}

/* A PHC string; NULL when it has none of our algorithms. */
static json_t *hash_of(const json_t *credential) {
    AUTO_JSON json_t *data = NULL;
    AUTO_JSON json_t *secret = NULL;
    if (json_parse_object(json_str(credential, "credentialData"), CREDENTIAL_JSON_MAX, &data) ||
        json_parse_object(json_str(credential, "secretData"), CREDENTIAL_JSON_MAX, &secret))
        return NULL;
    struct span algorithm = json_str(data, "algorithm"), salt = unpadded(json_str(secret, "salt")),
                hash = unpadded(json_str(secret, "value"));
    json_int_t rounds = json_integer_value(json_object_get(data, "hashIterations"));
    if (span_is(algorithm, "pbkdf2-sha256") || span_is(algorithm, "pbkdf2-sha512"))
        return json_sprintf("$%.*s$i=%lld$%.*s$%.*s", SPAN_FMT(algorithm), (long long)rounds,
                            SPAN_FMT(salt), SPAN_FMT(hash));
    return span_is(algorithm, "argon2") ? argon2_hash(data, rounds, salt, hash) : NULL;
}

static void take_credentials(struct import_item *item, const json_t *given) {
    const json_t *list = list_member(item, given, "credentials");
    for (size_t i = 0; i < json_array_size(list) && item->entry; i++) {
        const json_t *one = json_array_get(list, i);
        struct span type = json_str(one, "type");
        json_t *hash = NULL;
        if (!span_is(type, "password"))
            import_note(item, "credentials %.*s: not taken", SPAN_FMT(type));
        else if (json_object_get(one, "value"))
            import_note(item, "credentials password: not a hash, so it was not read");
        else if (!(hash = hash_of(one)))
            import_note(item, "credentials password: not argon2id, pbkdf2-sha256 or pbkdf2-sha512");
        else
            json_object_set_new(item->entry, "password_hash", hash);
    }
    if (item->entry && !json_object_get(item->entry, "password_hash"))
        import_note(item, "no password: set one with user set-password");
}

/* ---- users: the rest ---- */

static const struct {
    const char *attribute, *object, *member;
} user_attributes[] = {
    {"SoDinhDanh", "identifiers", "SoDinhDanh"},
    {"SoCMND", "identifiers", "SoCMND"},
    {"HoChieu", "identifiers", "HoChieu"},
    {"MaSoThue", "identifiers", "MaSoThue"},
    {"MaSoDoanhNghiep", "identifiers", "MaSoDoanhNghiep"},
    {"HoVaTen", "claims", "HoVaTen"},
    {"phoneNumber", "claims", "phone_number"},
    {"phone_number", "claims", "phone_number"},
    {"middleName", "claims", "middle_name"},
    {"nickname", "claims", "nickname"},
    {"gender", "claims", "gender"},
    {"birthdate", "claims", "birthdate"},
    {"locale", "claims", "locale"},
    {"zoneinfo", "claims", "zoneinfo"},
};

static const char *const user_read[] = {
    "username", "enabled", "email", "emailVerified", "firstName", "lastName", "attributes",
    "credentials", "requiredActions", "serviceAccountClientId", NULL};
static const char *const user_idle[] = {"id", "createdTimestamp", "notBefore", "access", "totp", NULL};

static void set_below(json_t *entry, const char *object, const char *member, json_t *value) {
    if (!json_object_get(entry, object))
        json_object_set_new(entry, object, json_object());
    json_object_set_new(json_object_get(entry, object), member, value);
}

static void take_attribute(struct import_item *item, const char *name, const json_t *values) {
    struct span text = json_array_size(values) == 1 ? item_text(values, 0) : SPAN_NONE;
    for (size_t i = 0; i < ARRAY_LEN(user_attributes); i++)
        if (strcmp(user_attributes[i].attribute, name) == 0 && text.len) {
            set_below(item->entry, user_attributes[i].object, user_attributes[i].member,
                      json_stringn(text.ptr, text.len));
            return;
        }
    import_note(item, "attributes.%s: not taken", name);
}

static void take_person(struct import_item *item, const json_t *given) {
    struct span given_name = text_member(item, given, "firstName"),
                family_name = text_member(item, given, "lastName"), email = text_member(item, given, "email");
    bool is_verified = flag_member(item, given, "emailVerified", false);
    const json_t *attributes = object_member(item, given, "attributes");
    if (item->error)
        return;
    if (given_name.len)
        set_below(item->entry, "claims", "given_name", json_stringn(given_name.ptr, given_name.len));
    if (family_name.len)
        set_below(item->entry, "claims", "family_name", json_stringn(family_name.ptr, family_name.len));
    if (given_name.len && family_name.len) /* the family name stands first */
        set_below(item->entry, "claims", "name",
                  json_sprintf("%.*s %.*s", SPAN_FMT(family_name), SPAN_FMT(given_name)));
    if (email.len) {
        set_below(item->entry, "claims", "email", json_stringn(email.ptr, email.len));
        set_below(item->entry, "claims", "email_verified", json_boolean(is_verified));
    }
    const char *name;
    json_t *values;
    json_object_foreach((json_t *)attributes, name, values)
        take_attribute(item, name, values);
}

static void take_actions(struct import_item *item, const json_t *given) {
    const json_t *list = list_member(item, given, "requiredActions");
    for (size_t i = 0; i < json_array_size(list) && item->entry; i++) {
        struct span action = item_text(list, i);
        if (span_is(action, "UPDATE_PASSWORD"))
            json_object_set_new(item->entry, "require_change", json_true());
        else
            import_note(item, "requiredActions %.*s: not taken", SPAN_FMT(action));
    }
}

void import_keycloak_user(const json_t *given, struct import_item *item) {
    struct span name = text_member(item, given, "username");
    if (!flag_member(item, given, "enabled", true))
        import_refuse(item, "the account is disabled");
    if (text_member(item, given, "serviceAccountClientId").len)
        import_refuse(item, "a client's service account: clients need no account here");
    if (item->error)
        return;
    item->entry = json_object();
    set_text(item->entry, "username", name);
    take_person(item, given);
    if (item->entry)
        take_credentials(item, given);
    if (item->entry)
        take_actions(item, given);
    note_unread(item, "", given, user_read, user_idle);
}

/* ---- the realm ---- */

void import_keycloak_realm(const json_t *realm, struct import_list *list) {
    static const char *const read[] = {"clients", "users", NULL};
    static const char *const idle[] = {"id", "realm", "displayName", "enabled", "keycloakVersion", NULL};
    AUTO_JSON json_t *names = unread_members(realm, read, idle);
    for (size_t i = 0; i < json_array_size(names); i++)
        json_array_append_new(list->notes, json_sprintf("realm %s: not taken",
                                                        json_string_value(json_array_get(names, i))));
}
