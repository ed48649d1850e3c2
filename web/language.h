/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of our languages a request is answered in. Pure. */
#ifndef IDP_WEB_LANGUAGE_H
#define IDP_WEB_LANGUAGE_H

#include <stdbool.h>

#include "base/span.h"
#include "idp/request.h"

struct language_wishes {
    struct span lang;            /* our own links: "vi", "en" */
    struct span ui_locales;      /* OIDC Core 3.1.2.1: "en-GB vi" */
    struct span cookie;
    struct span accept_language; /* RFC 9110 12.5.4 */
};

/* The first wish in that order that we can meet; Vietnamese when there is none. `*ret_is_asked`:
 * it was a parameter, which the browser should be made to remember. */
enum lang language_choose(const struct language_wishes *w, bool *ret_is_asked);
const char *language_code(enum lang lang);

#endif
