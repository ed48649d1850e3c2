/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages: response.page with response.model becomes HTML in the request's language. idpd and the
 * demo portals both use this, each with its own brand and, the portals, with templates of their
 * own. Handlers name a page and fill a model; they never see HTML.
 *
 * Added to every page (outer scope: a model's own member of the same name wins):
 *   page, lang ("vi"), brand, contact, theme, request_id, now ("23/11/2026 16:50"), year,
 *   lang_links [{code, label, url, current}] - this page in each language. For an answer to POST,
 *   and for a target that is no plain path, only when the model has `self_url` (a GET that shows
 *   the page again): what was posted must not come back in a link.
 *   retry {seconds | minutes} - when the model has retry_seconds
 *   error_field, error_on {FIELD} - the input that error_key is about
 *
 * Models (? may be left out; a missing other member is ERR_MISSING, so 500). *_key members hold
 * whole catalogue keys. Scope titles are looked up here: a handler gives only the scope's name,
 * and title/detail for scopes that the catalogue does not know.
 *   sign_in          action flow csrf username error_key? client_name? retry_seconds?
 *   password_change  action flow csrf forced min_length error_key?
 *   consent          action flow csrf client_name client_uri? policy_uri? tos_uri? user_name
 *                    scopes [{name title? detail?}] offline?
 *   sign_out         action csrf client_name? hidden? [{name value}]
 *   signed_out       client_name? return_url?
 *   hop              url
 *   error            status, and one of: key (error.KEY.title, error.KEY.text) | title_key text_key
 *                    | title text; client_name?
 *   account          user {name username type_key level} has_others? csrf csrf_logout? notice_key?
 *                    action_end action_end_all action_password action_sign_out
 *                    sessions [{id is_current started last_seen network device level
 *                               services? [{name}]}] */
#ifndef IDP_WEB_PAGES_H
#define IDP_WEB_PAGES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/request.h"
#include "web/assets.h"
#include "web/i18n.h"

/* Spans and tables must outlive the program's last page; NULL tables mean none of one's own. */
struct page_site {
    struct span brand_vi, brand_en;     /* the operator's name for this site */
    struct span contact_vi, contact_en; /* phone, mail or counter of the help desk */
    const char *theme;                  /* class of <body>: "theme-NAME"; NULL: the provider's */
    const struct asset_table *templates; /* one of the same name replaces the provider's */
    const struct asset_table *statics;
    const struct text_table *texts;
};

/* Once, before the first request: parses all templates. The copy of `site` is the process's.
 * Errors as template_set_new; pages_init_error() then tells where. */
must_check enum err pages_init(const struct page_site *site);
const char *pages_init_error(void);
/* Forgets everything (tests, and the end of the program). */
void pages_done(void);

/* struct server_config.render. Threads may call it at the same time. ERR_NOT_FOUND: no such page;
 * ERR_MISSING: the model lacks a member; ERR_TOO_LONG. */
must_check enum err pages_render(struct request *req, struct buf *out);

/* The static file that a request path ("/static/...") names exactly, or NULL. */
const struct asset *pages_static_find(struct span path);

#endif
