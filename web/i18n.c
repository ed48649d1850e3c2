/* SPDX-License-Identifier: Apache-2.0
 *
 * See i18n.h. */
#include "web/i18n.h"

#include "base/cleanup.h"

static const struct text_row rows[] = {
#include "web/i18n.tbl.h"
};

const struct text_table i18n_texts = {rows, ARRAY_LEN(rows)};

const struct text_row *i18n_find(const struct text_table *table, struct span key) {
    for (size_t i = 0; i < table->count; i++)
        if (span_is(key, table->row[i].key))
            return &table->row[i];
    return NULL;
}

const char *i18n_row_text(const struct text_row *row, enum lang lang) {
    return lang == LANG_EN ? row->en : row->vi;
}

const char *i18n_lang_code(enum lang lang) {
    return lang == LANG_EN ? "en" : "vi";
}
