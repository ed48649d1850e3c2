/* SPDX-License-Identifier: Apache-2.0
 *
 * Renders one page with a sample model, as a server would: for looking at pages, and for tests.
 *
 * usage: page_preview PAGE LANG MODEL.json [provincial|ministry]  > page.html
 *        page_preview --static URL                                > file
 *
 * The model may carry "_request": {method, target, client}, which becomes the request. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "demo/portal_pages.h"
#include "web/pages.h"

#define MODEL_MAX (256 * 1024) /* bytes */
#define SAMPLE_TIME 1795427400 /* 23/11/2026 16:50 in Vietnam */

static const struct page_site provider = {
    .brand_vi = SPAN("Cổng đăng nhập dịch vụ công"),
    .brand_en = SPAN("Public Services Sign-in"),
    .contact_vi = SPAN("1900 1234 hoặc Trung tâm Phục vụ hành chính công"),
    .contact_en = SPAN("1900 1234 or the Public Administration Service Centre"),
};

static struct page_site site_find(const char *theme) {
    struct page_site site = provider;
    if (!theme)
        return site;
    bool provincial = strcmp(theme, "provincial") == 0;
    site.brand_vi = provincial ? SPAN("Cổng Dịch vụ công của tỉnh") : SPAN("Cổng Dịch vụ công của bộ");
    site.brand_en = provincial ? SPAN("Provincial Service Portal") : SPAN("Ministry Service Portal");
    site.theme = theme;
    site.templates = &portal_templates;
    site.statics = &portal_statics;
    site.texts = &portal_texts;
    return site;
}

static struct span file_read(const char *path, char *bytes, size_t size) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return SPAN_NONE;
    size_t n = fread(bytes, 1, size, f);
    (void)fclose(f);
    return span_bytes(bytes, n);
}

static void request_fill(struct request *req, const json_t *model) {
    const json_t *r = json_object_get(model, "_request");
    struct span target = json_str(r, "target");
    req->method = span_is(json_str(r, "method"), "POST") ? HTTP_POST : HTTP_GET;
    req->target = target.ptr ? target : SPAN("/");
    req->now = SAMPLE_TIME;
    memcpy(req->id, "4bf92f3577b34da6a3ce929d0e0e4736", sizeof req->id);
}

static int write_out(struct span s) {
    return fwrite(s.ptr, 1, s.len, stdout) == s.len ? 0 : 1;
}

static int static_write(const char *url) {
    const struct asset *file = pages_static_find(span_of(url));
    return file ? write_out(asset_span(file)) : 1;
}

static int page_write(const char *page, const char *lang, const char *path) {
    static char bytes[MODEL_MAX];
    AUTO_JSON json_t *model = NULL;
    if (json_parse_object(file_read(path, bytes, sizeof bytes), sizeof bytes, &model)) {
        fprintf(stderr, "page_preview: %s: no JSON object\n", path);
        return 1;
    }
    struct request req = {.lang = strcmp(lang, "en") == 0 ? LANG_EN : LANG_VI};
    req.response.page = page;
    req.response.model = model;
    request_fill(&req, model);
    CLEANUP(buf_done) struct buf out = BUF_INIT(RESPONSE_MAX);
    enum err e = pages_render(&req, &out);
    if (e) {
        fprintf(stderr, "page_preview: %s: %s: %s\n", page, path, err_text(e));
        return 1;
    }
    return write_out(buf_span(&out));
}

int main(int argc, char **argv) {
    bool is_static = argc == 3 && strcmp(argv[1], "--static") == 0;
    if (!is_static && argc != 4 && argc != 5) {
        fputs("usage: page_preview PAGE LANG MODEL.json [provincial|ministry]\n"
              "       page_preview --static URL\n",
              stderr);
        return 2;
    }
    const struct page_site site = site_find(is_static ? "provincial" : argc == 5 ? argv[4] : NULL);
    if (pages_init(&site)) {
        fprintf(stderr, "page_preview: %s\n", pages_init_error());
        return 1;
    }
    int status = is_static ? static_write(argv[2]) : page_write(argv[1], argv[2], argv[3]);
    pages_done();
    return status;
}
