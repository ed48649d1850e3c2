/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: every page renders from its contract's model in both languages, escapes what it is
 * given, and its language links repeat nothing that was posted and lead nowhere else. The models
 * are those of tests/browser/samples; a model without a form's token gives no page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "demo/portal_pages.h"
#include "web/device_name.h"
#include "web/lang_links.h"
#include "web/pages.h"

#define PAYLOAD "<script>'\"&"

static const struct page_site site = {
    .brand_vi = SPAN("Cổng " PAYLOAD),
    .brand_en = SPAN("Portal " PAYLOAD),
    .contact_vi = SPAN("1900 1234"),
    .contact_en = SPAN("1900 1234 (en)"),
    .theme = "provincial",
    .templates = &portal_templates,
    .statics = &portal_statics,
    .texts = &portal_texts,
};

static int start(void **state) {
    (void)state;
    enum err e = pages_init(&site);
    if (e)
        print_error("%s\n", pages_init_error());
    return e ? -1 : 0;
}

static int end(void **state) {
    (void)state;
    pages_done();
    return 0;
}

static json_t *sample_load(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("IDP_PAGE_SAMPLES"), name);
    json_t *model = json_load_file(path, 0, NULL);
    if (!model)
        fail_msg("%s", path);
    return model;
}

static enum err render(const char *page, json_t *model, enum lang lang, struct buf *out) {
    struct request req = {.lang = lang, .method = HTTP_GET, .target = SPAN("/x?y=1"), .now = 1795427400};
    memcpy(req.id, "0123456789abcdef", 17);
    req.response.page = page;
    req.response.model = model;
    return pages_render(&req, out);
}

static void every_sample(void (*check)(const char *page, json_t *model)) {
    DIR *dir = opendir(getenv("IDP_PAGE_SAMPLES"));
    assert_non_null(dir);
    size_t seen = 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (!strstr(e->d_name, ".json"))
            continue;
        char page[64];
        snprintf(page, sizeof page, "%.*s", (int)strcspn(e->d_name, "."), e->d_name);
        AUTO_JSON json_t *model = sample_load(e->d_name);
        check(page, model);
        seen++;
    }
    closedir(dir);
    assert_true(seen >= 15);
}

static size_t count(const char *text, const char *what) {
    size_t n = 0;
    for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
        n++;
    return n;
}

/* Form posts send themselves off; nothing else runs. */
static size_t scripts_of(const char *page) {
    return strcmp(page, "form_post") == 0 ? 1 : 0;
}

static void is_sound(const char *page, json_t *model) {
    for (int lang = LANG_VI; lang <= LANG_EN; lang++) {
        CLEANUP(buf_done) struct buf out = BUF_INIT(RESPONSE_MAX);
        assert_int_equal(render(page, model, (enum lang)lang, &out), ERR_OK);
        assert_int_equal(count(out.data, "<!DOCTYPE html>"), 1);
        assert_int_equal(count(out.data, "<h1"), 1);
        assert_int_equal(count(out.data, "<main id=\"main\""), 1);
        assert_int_equal(count(out.data, "<title>"), 1);
        assert_int_equal(count(out.data, "<script"), scripts_of(page)); /* the brand's is text */
        assert_int_equal(count(out.data, " style="), 0);
        assert_int_equal(count(out.data, "{{"), 0);
        assert_non_null(strstr(out.data, lang == LANG_EN ? "<html lang=\"en\">" : "<html lang=\"vi\">"));
        assert_non_null(strstr(out.data, "0123456789abcdef"));
        size_t passwords = count(out.data, "name=\"password\"");
        assert_int_equal(passwords, strcmp(page, "sign_in") == 0 ? 1 : 0);
    }
}

static void every_page_renders(void **state) {
    (void)state;
    every_sample(is_sound);
}

/* Every string of the model, wherever it is, becomes the payload. */
static json_t *poisoned(const json_t *value) {
    const char *key;
    json_t *member;
    if (json_is_string(value))
        return json_string(PAYLOAD);
    if (json_is_array(value)) {
        json_t *copy = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(copy, poisoned(json_array_get(value, i)));
        return copy;
    }
    if (json_is_object(value)) {
        json_t *copy = json_object();
        json_object_foreach((json_t *)value, key, member)
            json_object_set_new(copy, key, poisoned(member));
        return copy;
    }
    return json_deep_copy(value);
}

static void is_escaped(const char *page, json_t *model) {
    AUTO_JSON json_t *bad = poisoned(model);
    CLEANUP(buf_done) struct buf out = BUF_INIT(RESPONSE_MAX);
    assert_int_equal(render(page, bad, LANG_VI, &out), ERR_OK);
    assert_int_equal(count(out.data, "<script"), scripts_of(page));
    assert_int_equal(count(out.data, PAYLOAD), 0);
    assert_true(count(out.data, "&lt;script&gt;&#39;&quot;&amp;") > 0);
    assert_int_equal(count(out.data, "href=\"&lt;"), 0);
    assert_int_equal(count(out.data, "action=\"&lt;"), 0);
}

static void every_page_escapes(void **state) {
    (void)state;
    every_sample(is_escaped);
}

static void needs_its_token(const char *page, json_t *model) {
    if (!json_object_get(model, "csrf") || json_is_false(json_object_get(model, "signed_in")))
        return;
    json_object_del(model, "csrf");
    CLEANUP(buf_done) struct buf out = BUF_INIT(RESPONSE_MAX);
    assert_int_equal(render(page, model, LANG_VI, &out), ERR_MISSING);
}

static void no_form_without_token(void **state) {
    (void)state;
    every_sample(needs_its_token);
}

static void unknown_pages_and_faulty_sites(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf out = BUF_INIT(RESPONSE_MAX);
    assert_int_equal(render("nothing", NULL, LANG_VI, &out), ERR_NOT_FOUND);
    static const unsigned char text[] = "{{t.no.such.text}}";
    static const struct asset item[] = {{"bad.html", NULL, NULL, text, sizeof text - 1}};
    static const struct asset_table bad = {item, 1};
    const struct page_site faulty = {.templates = &bad};
    assert_int_equal(pages_init(&faulty), ERR_NOT_FOUND);
    assert_non_null(strstr(pages_init_error(), "bad.html: line 1"));
    assert_int_equal(render("error", NULL, LANG_VI, &out), ERR_NOT_FOUND);
    assert_int_equal(pages_init(&site), ERR_OK);
}

/* ---- language links ---- */

static void link_is(const char *target, enum http_method method, const char *model_text, const char *expected) {
    struct request req = {.lang = LANG_VI, .method = method, .target = span_of(target)};
    AUTO_JSON json_t *model = NULL;
    assert_int_equal(json_parse_object(span_of(model_text), 4096, &model), ERR_OK);
    AUTO_JSON json_t *links = lang_links_new(&req, model);
    if (!expected) {
        assert_int_equal(json_array_size(links), 0);
        return;
    }
    assert_int_equal(json_array_size(links), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(links, 1), "url")), expected);
    assert_true(json_is_true(json_object_get(json_array_get(links, 0), "current")));
}

static void language_links(void **state) {
    (void)state;
    link_is("/account", HTTP_GET, "{}", "/account?lang=en");
    link_is("/a?x=1&y=%2B", HTTP_GET, "{}", "/a?x=1&y=%2B&lang=en");
    link_is("/a?lang=vi&x=1&lang=vi", HTTP_GET, "{}", "/a?x=1&lang=en");
    link_is("/a?language=1&lang", HTTP_GET, "{}", "/a?language=1&lang=en");
    link_is("/a?", HTTP_HEAD, "{}", "/a?lang=en");
    /* An answer to POST repeats only what its handler offers. */
    link_is("/sign-in?password=x", HTTP_POST, "{}", NULL);
    link_is("/sign-in", HTTP_POST, "{\"self_url\":\"/authorize/resume?flow=f\"}", "/authorize/resume?flow=f&lang=en");
    /* Never to another origin. */
    link_is("//evil.example/", HTTP_GET, "{}", NULL);
    link_is("/\\evil.example/", HTTP_GET, "{}", NULL);
    link_is("http://evil.example/", HTTP_GET, "{}", NULL);
    link_is("/a\"b", HTTP_GET, "{}", NULL);
    link_is("/sign-in", HTTP_POST, "{\"self_url\":\"https://evil.example/\"}", NULL);
}

/* ---- devices ---- */

static void devices_have_names(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
         "Safari/537.36", "Chrome, Windows"},
        {"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140.0", "Edge, Windows"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604",
         "Safari, iPhone"},
        {"Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537 SamsungBrowser/27 Chrome/125 Safari/537",
         "Samsung Internet, Android"},
        {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"},
        {"curl/8.0", ""},
        {"", ""},
        {"Windows", "Windows"},
    };
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_true(span_is(device_name(&a, span_of(cases[i][0])), cases[i][1]));
    assert_true(span_is(device_name(&a, SPAN_NONE), ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_renders),
        cmocka_unit_test(every_page_escapes),
        cmocka_unit_test(no_form_without_token),
        cmocka_unit_test(unknown_pages_and_faulty_sites),
        cmocka_unit_test(language_links),
        cmocka_unit_test(devices_have_names),
    };
    return cmocka_run_group_tests(tests, start, end);
}
