/* SPDX-License-Identifier: Apache-2.0
 *
 * See lang_links.h. */
#include "web/lang_links.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "web/i18n.h"
#include "web/template.h"

#define URL_MAX (20 * 1024) /* bytes: the longest request line that the server takes, and more */

static const struct {
    enum lang lang;
    const char *label;
} languages[] = {
    {LANG_VI, "Tiếng Việt"},
    {LANG_EN, "English"},
};

/* A GET that shows the page again; absent when there is none. */
static struct span page_url(const struct request *req, const json_t *model) {
    struct span url = json_str(model, "self_url");
    if (!url.len && (req->method == HTTP_GET || req->method == HTTP_HEAD))
        url = req->target;
    bool is_path = url.len && url.ptr[0] == '/' && url.len < URL_MAX && template_link_is_safe(url);
    return is_path ? url : SPAN_NONE;
}

static bool is_lang_param(struct span pair) {
    return span_is(pair, "lang") || span_starts(pair, "lang=");
}

static void url_add(struct buf *b, struct span url, const char *code) {
    struct span rest = url;
    struct span query = span_cut(&rest, '#'); /* a fragment would hide the parameter */
    rest = query;
    buf_add_span(b, span_cut(&rest, '?'));
    char separator = '?';
    while (rest.ptr) {
        struct span pair = span_cut(&rest, '&');
        if (!pair.len || is_lang_param(pair))
            continue;
        buf_add_char(b, separator);
        buf_add_span(b, pair);
        separator = '&';
    }
    buf_add_char(b, separator);
    buf_add_str(b, "lang=");
    buf_add_str(b, code);
}

json_t *lang_links_new(const struct request *req, const json_t *model) {
    json_t *links = json_array();
    struct span url = page_url(req, model);
    for (size_t i = 0; url.ptr && i < ARRAY_LEN(languages); i++) {
        const char *code = i18n_lang_code(languages[i].lang);
        CLEANUP(buf_done) struct buf b = BUF_INIT(URL_MAX + 32);
        url_add(&b, url, code);
        if (!buf_err(&b))
            json_array_append_new(links, json_pack("{ss ss ss% sb}", "code", code, "label",
                                                   languages[i].label, "url", b.data, b.len,
                                                   "current", languages[i].lang == req->lang));
    }
    return links;
}
