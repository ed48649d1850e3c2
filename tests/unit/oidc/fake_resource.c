/* SPDX-License-Identifier: Apache-2.0
 *
 * Two registered resources, found by name; see fake_resource.h. */
#include "base/cleanup.h"
#include "idp/resource.h"
#include "tests/unit/oidc/fake_resource.h"

struct resource_set {
    struct resource item[2];
};

const struct resource_set fake_resources = {{
    {.identifier = SPAN("https://api.example.vn"),
     .is_enabled = true,
     .scope = {SPAN("dossier.read"), SPAN("dossier.write")},
     .n_scopes = 2},
    {.identifier = SPAN("https://tax.example.vn"),
     .is_enabled = true,
     .scope = {SPAN("tax.read")},
     .n_scopes = 1,
     .minimum_level = 2},
}};

const struct resource *resource_find(const struct resource_set *set, struct span identifier) {
    for (size_t i = 0; set && i < ARRAY_LEN(set->item); i++)
        if (span_eq(set->item[i].identifier, identifier))
            return &set->item[i];
    return NULL;
}

bool resource_has_scope(const struct resource *r, struct span scope) {
    for (size_t i = 0; i < r->n_scopes; i++)
        if (span_eq(r->scope[i], scope))
            return true;
    return false;
}

const struct resource *resource_of_scope(const struct resource_set *set, struct span scope) {
    for (size_t i = 0; set && i < ARRAY_LEN(set->item); i++)
        if (resource_has_scope(&set->item[i], scope))
            return &set->item[i];
    return NULL;
}
