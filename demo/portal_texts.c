/* SPDX-License-Identifier: Apache-2.0
 *
 * See portal_pages.h: every text of the portals' own pages. */
#include "base/cleanup.h"
#include "demo/portal_pages.h"

static const struct text_row rows[] = {
#include "demo/portal_texts.tbl.h"
};

const struct text_table portal_texts = {rows, ARRAY_LEN(rows)};
