/* SPDX-License-Identifier: Apache-2.0
 *
 * The connectors that idpd's file lists: all loaded, and rules between them. */
#include "idp/connector_internal.h"

/* Whose answer it is must follow from the place where it arrives, and whose link from the issuer. */
static enum err compare(const struct config *c, size_t i, struct buf *report) {
    const struct connector *mine = &c->connector[i];
    enum err e = ERR_OK;
    for (size_t j = 0; j < i; j++) {
        const struct connector *other = &c->connector[j];
        const struct {
            const char *path;
            bool is_same;
        } rules[] = {
            {"id", span_eq(mine->id, other->id)},
            {"issuer", span_eq(mine->issuer, other->issuer)},
            {"client.redirect_path", span_eq(mine->redirect_path, other->redirect_path)},
        };
        for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
            if (!rules[r].is_same)
                continue;
            buf_addf(report, "%s:1:1: %s: is also that of the connector %.*s\n",
                     c->connector_files.item[i].ptr, rules[r].path, SPAN_FMT(other->id));
            e = ERR_SYNTAX;
        }
    }
    return e;
}

enum err connector_list_load(struct config *c, struct buf *report) {
    enum err result = ERR_OK;
    for (size_t i = 0; i < c->connector_files.count; i++) {
        enum err e = connector_load(c->connector_files.item[i].ptr, c->is_https, &c->arena, report,
                                    &c->connector[i]);
        if (e && !result)
            result = e;
    }
    c->n_connectors = c->connector_files.count;
    for (size_t i = 1; !result && i < c->n_connectors; i++) {
        enum err e = compare(c, i, report);
        if (e)
            result = e;
    }
    return result;
}

const struct connector *config_connector_find(const struct config *c, struct span id) {
    for (size_t i = 0; i < c->n_connectors; i++)
        if (span_eq(c->connector[i].id, id))
            return &c->connector[i];
    return NULL;
}
