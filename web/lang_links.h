/* SPDX-License-Identifier: Apache-2.0
 *
 * The language switch: links to the page that is being shown, in each language. */
#ifndef IDP_WEB_LANG_LINKS_H
#define IDP_WEB_LANG_LINKS_H

#include <jansson.h>

#include "idp/request.h"

/* [{code, label, url, current}], or an empty list when there is no URL that may be repeated: the
 * answer is to a POST and `model` has no self_url, or the target is not a path of this origin.
 * A `lang` parameter that is already there gives way. NULL: no memory. */
json_t *lang_links_new(const struct request *req, const json_t *model);

#endif
