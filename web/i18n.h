/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue: every text that a page shows, in Vietnamese and English. One row of i18n.tbl.h a
 * text; programs with pages of their own (the demo portals) bring a second table. A text may hold
 * {placeholders}, which templates fill from the page's model, escaped; both languages of a row
 * hold the same ones (a test). Texts are plain text: no markup. */
#ifndef IDP_WEB_I18N_H
#define IDP_WEB_I18N_H

#include <stddef.h>

#include "base/span.h"
#include "idp/request.h"

struct text_row {
    const char *key; /* "sign_in.title": words of [a-z0-9_] joined by dots */
    const char *vi;
    const char *en;
};

struct text_table {
    const struct text_row *row;
    size_t count;
};

/* The provider's own. */
extern const struct text_table i18n_texts;

/* NULL when no row has that key. */
const struct text_row *i18n_find(const struct text_table *table, struct span key);
/* The row's text in a language. */
const char *i18n_row_text(const struct text_row *row, enum lang lang);
/* "vi" or "en": for lang attributes and the lang parameter. */
const char *i18n_lang_code(enum lang lang);

#endif
