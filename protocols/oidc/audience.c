/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom access tokens are for; see audience.h. */
#include "protocols/oidc/audience.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "idp/config.h"
#include "protocols/oidc/scope.h"

#define PASS OIDC_FAILURE(OIDC_NO_ERROR, NULL)

enum err param_resource(struct arena *a, struct span value, void *field) {
    (void)a;
    struct resource_list *list = field;
    if (list->count == ASKED_RESOURCES_MAX)
        return ERR_TOO_LONG;
    list->item[list->count++] = value;
    return ERR_OK;
}

enum err resource_list_build(struct arena *a, const struct resource_list *list,
                             struct span *ret_text) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(ASKED_RESOURCES_MAX * (RESOURCE_IDENTIFIER_MAX + 1));
    *ret_text = SPAN_NONE;
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            buf_add_char(&b, ' ');
        buf_add_span(&b, list->item[i]);
    }
    if (!b.len)
        return buf_err(&b);
    *ret_text = arena_dup(a, buf_span(&b));
    return ret_text->ptr ? ERR_OK : ERR_NOMEM;
}

/* The words of `scope` that `resource` owns, or, without one, those that no resource owns. */
static enum err scope_at(struct arena *a, const struct audience_rules *rules,
                         const struct resource *resource, struct span scope,
                         struct span *ret_scope) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(SCOPE_MAX);
    for (struct span rest = scope, word; (word = span_word(&rest)).len;) {
        if (resource ? !resource_has_scope(resource, word)
                     : resource_of_scope(rules->resources, word) != NULL)
            continue;
        if (b.len)
            buf_add_char(&b, ' ');
        buf_add_span(&b, word);
    }
    *ret_scope = SPAN_NONE;
    if (!b.len)
        return buf_err(&b);
    *ret_scope = arena_dup(a, buf_span(&b));
    return ret_scope->ptr ? ERR_OK : ERR_NOMEM;
}

static bool client_is_of(const struct client *client, const struct resource *r) {
    for (struct span rest = client->scope, word; (word = span_word(&rest)).len;)
        if (resource_has_scope(r, word))
            return true;
    return false;
}

/* The resource by that name; NULL with ALLOW: the provider. */
static enum verdict find(const struct audience_rules *rules, struct span identifier,
                         const struct resource **ret_resource) {
    *ret_resource = NULL;
    if (span_eq(identifier, rules->cfg->issuer))
        return ALLOW;
    const struct resource *r = resource_find(rules->resources, identifier);
    if (!r || !client_is_of(rules->client, r))
        return DENY;
    *ret_resource = r;
    return ALLOW;
}

static struct oidc_failure unknown(void) {
    //= https://www.rfc-editor.org/rfc/rfc8707#section-2
    //# invalid_target: The requested resource is invalid, missing, unknown, or malformed.
    return OIDC_FAILURE(OIDC_INVALID_TARGET, "the resource is not one for this client");
}

struct oidc_failure audience_check(const struct audience_rules *rules,
                                   const struct resource_list *asked, int *ret_level) {
    int level = 0;
    for (size_t i = 0; i < asked->count; i++) {
        const struct resource *r;
        if (find(rules, asked->item[i], &r) != ALLOW)
            return unknown();
        if (r && r->minimum_level > level)
            level = r->minimum_level;
    }
    *ret_level = level;
    return PASS;
}

/* Without a word from the client: the resource that owns every scope; NULL when the provider, or
 * several, do. */
static const struct resource *only_owner(const struct audience_rules *rules, struct span scope) {
    struct span rest = scope;
    const struct resource *owner = resource_of_scope(rules->resources, span_word(&rest));
    for (struct span word; owner && (word = span_word(&rest)).len;)
        if (resource_of_scope(rules->resources, word) != owner)
            owner = NULL;
    return owner;
}

static enum verdict choose(const struct audience_rules *rules, const struct resource_list *asked,
                           struct span granted, struct span scope,
                           const struct resource **ret_resource) {
    struct span rest = granted, first = span_word(&rest);
    if (asked->count) {
        bool is_granted = !granted.len || span_list_has(granted, asked->item[0]) ||
                          span_eq(asked->item[0], rules->cfg->issuer);
        return is_granted ? find(rules, asked->item[0], ret_resource) : DENY;
    }
    if (first.len && !span_word(&rest).len)
        return find(rules, first, ret_resource);
    *ret_resource = first.len ? NULL : only_owner(rules, scope);
    return ALLOW;
}

struct oidc_failure audience_choose(struct arena *a, const struct audience_rules *rules,
                                    const struct resource_list *asked, struct span granted,
                                    struct span scope, int level, struct audience *ret_audience) {
    struct audience found = {.resource = NULL};
    if (asked->count > 1)
        return OIDC_FAILURE(OIDC_INVALID_TARGET, "a token is for one resource");
    if (choose(rules, asked, granted, scope, &found.resource) != ALLOW)
        return unknown();
    if (scope_at(a, rules, found.resource, scope, &found.scope))
        return OIDC_FAILURE(OIDC_SERVER_ERROR, NULL);
    if (found.resource && !found.scope.len)
        return OIDC_FAILURE(OIDC_INVALID_TARGET, "no scope of this resource was granted");
    if (found.resource && level != AUDIENCE_NO_SESSION && level < found.resource->minimum_level)
        return OIDC_FAILURE(OIDC_INVALID_TARGET,
                            "the session's level is too low for this resource");
    *ret_audience = found;
    return PASS;
}
