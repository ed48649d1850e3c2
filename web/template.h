/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates: a small, strict part of mustache (https://mustache.github.io/mustache.5.html), parsed
 * once when the program starts. There is no way to write a value unescaped.
 *
 *   {{name}} {{a.b}} {{.}}     a value of the model, escaped for HTML text and quoted attributes
 *   {{#x}}..{{/x}}             once for each item of a list, or once when x is true; x is in scope
 *   {{^x}}..{{/x}}             when x is false: absent, null, false, "", 0, or an empty list
 *   {{>name}}                  the template `name`.html, in the same scope
 *   {{t.key}}                  the catalogue's text; its {placeholders} are values of the model
 *   {{t.scope.{name}.title}}   likewise, with a value of the model in the key; a key that the
 *                              catalogue does not have shows the value instead
 *   {{asset.site.css}}         URL of a static file
 *   {{! a remark }}
 *
 * A section or partial alone on its line takes the line with it. Names are looked up in the
 * innermost scope first. A value directly behind href=" src=" action=" must be a link that cannot
 * run as a script (template_link_is_safe), else "#" is written. Behind an unquoted attribute's `=`
 * values are refused at parse time. */
#ifndef IDP_WEB_TEMPLATE_H
#define IDP_WEB_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "web/assets.h"
#include "web/i18n.h"

#define TEMPLATE_SECTION_DEPTH_MAX 8 /* sections within sections, in one template */
#define TEMPLATE_PARTIAL_DEPTH_MAX 4 /* partials within partials */
#define TEMPLATE_NODES_MAX 1024      /* in one template */
#define TEMPLATE_ITEMS_MAX 1000      /* of a list; what follows is left out */
#define TEMPLATE_NAME_MAX 64         /* bytes of a name, or of a key with its hole filled */

/* What templates draw on; first table that has a name wins, so that a program can replace a
 * template of the provider's by its own. All must outlive the set. */
#define TEMPLATE_TABLES_MAX 2
struct template_sources {
    const struct asset_table *templates[TEMPLATE_TABLES_MAX];
    const struct asset_table *statics[TEMPLATE_TABLES_MAX];
    const struct text_table *texts[TEMPLATE_TABLES_MAX];
};

struct template_set;

/* Parses every template. ERR_SYNTAX, ERR_NOT_FOUND (partial, text key, static file), ERR_RANGE (a
 * maximum above), ERR_NOMEM; `reterr_where` then says where: "consent.html: line 12: ...". */
must_check enum err template_set_new(const struct template_sources *sources,
                                     struct template_set **ret_set, struct buf *reterr_where);
void template_set_free(struct template_set *set); /* accepts NULL */

/* Appends the page. `model` is the inner scope, `common` the outer one; both objects.
 * ERR_NOT_FOUND: no such template. ERR_MISSING: a value that the template shows is not there;
 * `*reterr_name` names it. ERR_TOO_LONG: past out's maximum. */
must_check enum err template_render(const struct template_set *set, struct span name, enum lang lang,
                                    const json_t *common, const json_t *model, struct buf *out,
                                    struct span *reterr_name);

/* A path of this origin ("/x", not "//x" or "/\x"), http(s)://, or a private-use scheme with a dot
 * (RFC 8252 7.1). Only characters that a URI may hold (RFC 3986). */
bool template_link_is_safe(struct span url);

#endif
