/* SPDX-License-Identifier: Apache-2.0
 *
 * The portals' own pages, for struct page_site (web/pages.h). Themes: "provincial", "ministry",
 * "national", "onestop", "payment", "overview".
 *
 *   portal_home  portal_name tagline signed_in services [{title detail href?}]
 *                signed out: sign_in_url
 *                signed in:  user_name claims [{name value}] sign_out_action csrf
 *                others [{other_portal_name other_portal_url}] overview_url
 *   portal_procedure  portal_name code title detail has_facts facts [{name value}] signed_in
 *                signed out: sign_in_url; signed in: user_name
 *   overview     tiers [{heading lead systems [{title detail address href?}]}]
 *                journeys [{title detail href?}] accounts [{username at what}]
 *
 * Errors use the provider's `error` page in the portal's dress. */
#ifndef IDP_DEMO_PORTAL_PAGES_H
#define IDP_DEMO_PORTAL_PAGES_H

#include "web/assets.h"
#include "web/i18n.h"

extern const struct asset_table portal_templates;
extern const struct asset_table portal_statics;
extern const struct text_table portal_texts;

#endif
