/* SPDX-License-Identifier: Apache-2.0
 *
 * See pages.h. */
#include "web/pages.h"

#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "web/lang_links.h"
#include "web/template.h"

#define WHERE_MAX 1024 /* bytes of pages_init_error() */
#define MINUTE 60      /* seconds */

static struct {
    struct page_site site;
    struct template_set *set;
    struct buf where;
} pages = {.where = BUF_INIT(WHERE_MAX)};

enum err pages_init(const struct page_site *site) {
    pages_done();
    const struct template_sources sources = {
        .templates = {site->templates, &web_templates},
        .statics = {site->statics, &web_statics},
        .texts = {site->texts, &i18n_texts},
    };
    enum err e = template_set_new(&sources, &pages.set, &pages.where);
    if (!e)
        pages.site = *site;
    return e;
}

const char *pages_init_error(void) {
    return pages.where.data ? pages.where.data : "";
}

void pages_done(void) {
    template_set_free(TAKE(pages.set));
    buf_done(&pages.where);
    pages.where = BUF_INIT(WHERE_MAX);
    pages.site = (struct page_site){0};
}

const struct asset *pages_static_find(struct span path) {
    const struct asset_table *const tables[] = {pages.site.statics, &web_statics};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (size_t j = 0; tables[i] && j < tables[i]->count; j++)
            if (span_is(path, tables[i]->item[j].url))
                return &tables[i]->item[j];
    return NULL;
}

/* ---- the outer scope ---- */

static json_t *text_new(struct span s) {
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static json_t *year_new(int64_t now) {
    char text[32]; /* "23/11/2026 16:50" */
    clock_format_vn(now, text, sizeof text);
    return strlen(text) == 16 ? json_stringn(text + 6, 4) : json_string("");
}

static json_t *now_new(int64_t now) {
    char text[32];
    clock_format_vn(now, text, sizeof text);
    return json_string(text);
}

/* A wait in words: seconds up to two minutes, whole minutes, rounded up, beyond. */
static json_t *retry_new(const json_t *model) {
    int64_t seconds;
    if (json_int(model, "retry_seconds", &seconds) || seconds <= 0)
        return json_null();
    bool is_short = seconds <= 2 * MINUTE;
    return json_pack("{sI}", is_short ? "seconds" : "minutes",
                     (json_int_t)(is_short ? seconds : (seconds + MINUTE - 1) / MINUTE));
}

/* The input that an error of a form is about: the summary links to it. */
static const struct {
    const char *key, *field;
} error_fields[] = {
    {"sign_in.error.wrong", "username"},
    {"password.error.mismatch", "new_password2"},
    {"password.error.too_short", "new_password"},
    {"password.error.too_long", "new_password"},
    {"password.error.unreadable", "new_password"},
    {"password.error.same", "new_password"},
    {"password.error.wrong_current", "current_password"},
};

/* NULL when the error is about none, as when there is nothing to do but wait. */
static const char *error_field(const json_t *model) {
    struct span key = json_str(model, "error_key");
    for (size_t i = 0; i < ARRAY_LEN(error_fields); i++)
        if (span_is(key, error_fields[i].key))
            return error_fields[i].field;
    return NULL;
}

static json_t *error_on_new(const char *field) {
    json_t *on = json_object();
    if (field)
        json_object_set_new(on, field, json_true());
    return on;
}

static json_t *common_new(const struct request *req, const json_t *model) {
    const struct page_site *site = &pages.site;
    bool en = req->lang == LANG_EN;
    const char *field = error_field(model);
    json_t *links = lang_links_new(req, model);
    return json_pack("{ss ss so so ss ss so so so so sb ss? so}", "page", req->response.page, "lang",
                     i18n_lang_code(req->lang), "brand",
                     text_new(en ? site->brand_en : site->brand_vi), "contact",
                     text_new(en ? site->contact_en : site->contact_vi), "theme",
                     site->theme ? site->theme : "provider", "request_id", req->id, "now",
                     now_new(req->now), "year", year_new(req->now), "lang_links",
                     links, "retry", retry_new(model), "has_lang_links",
                     (int)(json_array_size(links) > 0), "error_field", field, "error_on",
                     error_on_new(field));
}

enum err pages_render(struct request *req, struct buf *out) {
    if (!pages.set || !req->response.page)
        return ERR_NOT_FOUND;
    AUTO_JSON json_t *empty = req->response.model ? NULL : json_object();
    const json_t *model = req->response.model ? req->response.model : empty;
    AUTO_JSON json_t *common = common_new(req, model);
    if (!model || !common)
        return ERR_NOMEM;
    struct span missing = SPAN_NONE;
    return template_render(pages.set, span_of(req->response.page), req->lang, common, model, out,
                           &missing);
}
