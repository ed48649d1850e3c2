/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: whatever a model holds, it reaches the page as text (F19) and links cannot run or
 * leave by disguise (F18); and a template that is wrong in any way never gets as far as a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "web/template.h"

#define ASSET(name_, text_) {name_, NULL, NULL, (const unsigned char *)(text_), sizeof(text_) - 1}

static const struct text_row rows[] = {
    {"hello", "Xin chào <b>{name}</b>", "Hello <b>{name}</b>"},
    {"scope.email.title", "Thư điện tử", "E-mail"},
};
static const struct text_table texts = {rows, ARRAY_LEN(rows)};
static const struct asset statics_item[] = {{"a.css", "/static/a.00.css", "text/css", NULL, 0}};
static const struct asset_table statics = {statics_item, 1};

static void set_cleanup(struct template_set **set) {
    template_set_free(*set);
}

static enum err parse(const struct asset *items, size_t count, struct template_set **ret_set,
                      struct buf *where) {
    const struct asset_table templates = {items, count};
    const struct template_sources sources = {{&templates}, {&statics}, {&texts}};
    return template_set_new(&sources, ret_set, where);
}

static enum err parse_one(const char *text) {
    const struct asset items[] = {
        {"page.html", NULL, NULL, (const unsigned char *)text, strlen(text)},
        ASSET("part.html", "[{{name}}]"),
    };
    CLEANUP(set_cleanup) struct template_set *set = NULL;
    CLEANUP(buf_done) struct buf where = BUF_INIT(1024);
    enum err e = parse(items, ARRAY_LEN(items), &set, &where);
    assert_true(e == ERR_OK || strstr(where.data, "page.html"));
    return e;
}

/* Renders `text` as a page with a partial `part` and compares. */
static enum err render(const char *text, const char *model_text, enum lang lang, struct buf *out) {
    const struct asset items[] = {
        {"page.html", NULL, NULL, (const unsigned char *)text, strlen(text)},
        ASSET("part.html", "[{{name}}]"),
    };
    CLEANUP(set_cleanup) struct template_set *set = NULL;
    CLEANUP(buf_done) struct buf where = BUF_INIT(1024);
    if (parse(items, ARRAY_LEN(items), &set, &where))
        fail_msg("%s", where.data);
    AUTO_JSON json_t *common = json_pack("{ss}", "brand", "B&B");
    AUTO_JSON json_t *model = NULL;
    assert_int_equal(json_parse_object(span_of(model_text), 65536, &model), ERR_OK);
    struct span missing;
    return template_render(set, SPAN("page"), lang, common, model, out, &missing);
}

static void expect(const char *text, const char *model, const char *expected) {
    CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
    assert_int_equal(render(text, model, LANG_VI, &out), ERR_OK);
    assert_string_equal(out.data ? out.data : "", expected);
}

static void values_and_scopes(void **state) {
    (void)state;
    expect("a {{name}} {{n}} {{x.y}} {{brand}}", "{\"name\":\"N\",\"n\":-3,\"x\":{\"y\":\"Y\"}}",
           "a N -3 Y B&amp;B");
    expect("{{#l}}{{name}}{{out}};{{/l}}{{^l}}none{{/l}}",
           "{\"out\":\"!\",\"l\":[{\"name\":\"a\"},{\"name\":\"b\"}]}", "a!;b!;");
    expect("{{#l}}<{{.}}>{{/l}}", "{\"l\":[\"&\",1]}", "<&amp;><1>");
    for (size_t i = 0; i < 5; i++) {
        static const char *const no[] = {"{}", "{\"x\":null}", "{\"x\":false}", "{\"x\":[]}", "{\"x\":0}"};
        expect("{{#x}}yes{{/x}}{{^x}}no{{/x}}", no[i], "no");
    }
    expect("{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":true}", "yes");
    expect("{{#x.y}}{{z}}{{/x.y}}", "{\"x\":{\"y\":{\"z\":\"Z\"}}}", "Z");
    expect("{{>part}}", "{\"name\":\"p\"}", "[p]");
}

static void tags_take_their_line(void **state) {
    (void)state;
    expect("a\n  {{#x}}\n  b\n  {{/x}}\nc {{! no }}d\n{{! gone }}\n", "{\"x\":true}", "a\n  b\nc d\n");
    expect("{{#x}}a{{/x}} b\n", "{\"x\":true}", "a b\n");
}

static void texts_of_the_catalogue(void **state) {
    (void)state;
    expect("{{t.hello}}", "{\"name\":\"<i>\"}", "Xin chào &lt;b&gt;&lt;i&gt;&lt;/b&gt;");
    CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
    assert_int_equal(render("{{t.hello}}", "{\"name\":\"x\"}", LANG_EN, &out), ERR_OK);
    assert_string_equal(out.data, "Hello &lt;b&gt;x&lt;/b&gt;");
    expect("{{t.scope.{name}.title}}", "{\"name\":\"email\"}", "Thư điện tử");
    expect("{{t.{key}}}", "{\"key\":\"scope.email.title\"}", "Thư điện tử");
    /* What the catalogue does not know is shown as it is, escaped; also when it is long. */
    expect("{{t.scope.{name}.title}}", "{\"name\":\"<x>\"}", "&lt;x&gt;");
    expect("{{t.{key}}}", "{\"key\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    expect("{{asset.a.css}}", "{}", "/static/a.00.css");
}

/* F19: each payload in text and in a quoted attribute. */
static void payloads_stay_text(void **state) {
    (void)state;
    static const char *const payloads[] = {
        "<script>alert(1)</script>", "\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)", "' onfocus='alert(1)' autofocus='", "</title><svg onload=alert(1)>",
        "<svg/onload=alert(1)>", "{{7*7}}", "{{>part}}", "{{{name}}}", "&lt;script&gt;", "&#x3c;script&#x3e;",
        "<!--", "]]>", "</textarea><script>", "\\u003cscript\\u003e", "<a href=javascript:alert(1)>",
        "<<script>alert(1)//<</script>", "<iframe srcdoc='<script>'>", "<math><mi xlink:href=\"data:x\">",
        ("<\xc5\xbf" "cript>"),
        "\xef\xbc\x9cscript\xef\xbc\x9e", "\"`'><", "\t\r\n<", "<plaintext>", "<base href=//evil>",
    };
    for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
        AUTO_JSON json_t *model = json_pack("{ss s[s]}", "name", payloads[i], "l", payloads[i]);
        AUTO_FREE char *text = json_dumps(model, 0);
        CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
        const char *page = "|{{name}}|a=\"{{name}}\"|{{#l}}{{.}}{{/l}}|{{t.hello}}|{{t.{name}}}|{{>part}}|";
        assert_int_equal(render(page, text, LANG_VI, &out), ERR_OK);
        assert_null(strpbrk(out.data, "<>'"));
        size_t quotes = 0;
        for (const char *p = out.data; *p; p++)
            quotes += *p == '"';
        assert_int_equal(quotes, 2); /* the attribute's own */
        for (const char *p = strchr(out.data, '&'); p; p = strchr(p + 1, '&'))
            assert_true(strncmp(p, "&lt;", 4) == 0 || strncmp(p, "&gt;", 4) == 0 ||
                        strncmp(p, "&amp;", 5) == 0 || strncmp(p, "&quot;", 6) == 0 ||
                        strncmp(p, "&#39;", 5) == 0);
    }
}

static void links_cannot_run(void **state) {
    (void)state;
    static const char *const bad[] = {
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
        "\x01javascript:alert(1)", "data:text/html,<script>", "vbscript:x", "//evil.example",
        "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "https:evil.example", "http:/evil",
        "///evil", "", "evil.example", "javascript:a.b//", "javascript://a.example/%0aalert(1)",
        "https://a\"b", "https://a b", "mailto:x@a.b", "file:///etc/passwd", "blob:https://a.example/x",
        "?x=a.b:", "#a.b:c", "a/b.c:d", "https://\xc4\x91.vn/",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(template_link_is_safe(span_of(bad[i])));
        AUTO_JSON json_t *model = json_pack("{ss}", "u", bad[i]);
        AUTO_FREE char *text = json_dumps(model, 0);
        expect("<a href=\"{{u}}\"><form action=\"{{u}}\">", text, "<a href=\"#\"><form action=\"#\">");
    }
    static const char *const good[] = {
        "/", "/account?a=1&b=%2F", "https://a.example/x#y", "http://localhost:8080/",
        "vn.gov.example:/back", "/a//b",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(template_link_is_safe(span_of(good[i])));
    expect("<a href=\"{{u}}\">", "{\"u\":\"/a?b=1&c=2\"}", "<a href=\"/a?b=1&amp;c=2\">");
}

static void faults_are_found_at_start(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum err expected;
    } cases[] = {
        {"{{t.nothing}}", ERR_NOT_FOUND},
        {"{{>nothing}}", ERR_NOT_FOUND},
        {"{{asset.nothing.css}}", ERR_NOT_FOUND},
        {"{{>page}}", ERR_RANGE}, /* contains itself */
        {"{{#a}}", ERR_SYNTAX},
        {"{{/a}}", ERR_SYNTAX},
        {"{{#a}}{{#b}}{{/a}}{{/b}}", ERR_SYNTAX},
        {"{{name", ERR_SYNTAX},
        {"{{}}", ERR_SYNTAX},
        {"{{Name}}", ERR_SYNTAX},
        {"{{a b}}", ERR_SYNTAX},
        {"{{a..b}}", ERR_SYNTAX},
        {"{{&name}}", ERR_SYNTAX}, /* mustache's unescaped forms */
        {"{{{name}}}", ERR_SYNTAX},
        {"{{t.a.{b}.{c}}}", ERR_SYNTAX},
        {"{{t.a.{b}}", ERR_SYNTAX},
        {"<a class={{name}}>", ERR_SYNTAX},
        {"<a href=\"{{#x}}{{x}}{{/x}}\">", ERR_SYNTAX},
        {"<a href=\"{{>part}}\">", ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(parse_one(cases[i].text), cases[i].expected);
    assert_int_equal(parse_one("<a class=\"{{name}}\">"), ERR_OK);
}

static void nested(struct buf *b, unsigned depth) {
    for (unsigned i = 0; i < depth; i++)
        buf_add_str(b, "{{#a}}");
    for (unsigned i = 0; i < depth; i++)
        buf_add_str(b, "{{/a}}");
}

static void depth_and_size_are_bounded(void **state) {
    (void)state;
    CLEANUP(buf_done) struct buf just = BUF_INIT(65536), deep = BUF_INIT(65536), many = BUF_INIT(65536);
    nested(&just, TEMPLATE_SECTION_DEPTH_MAX);
    nested(&deep, TEMPLATE_SECTION_DEPTH_MAX + 1);
    assert_int_equal(parse_one(just.data), ERR_OK);
    assert_int_equal(parse_one(deep.data), ERR_RANGE);
    for (unsigned i = 0; i <= TEMPLATE_NODES_MAX; i++)
        buf_add_str(&many, "{{a}}");
    assert_int_equal(parse_one(many.data), ERR_RANGE);

    CLEANUP(buf_done) struct buf out = BUF_INIT(64);
    assert_int_equal(render("{{#l}}0123456789{{/l}}", "{\"l\":[1,1,1,1,1,1,1]}", LANG_VI, &out), ERR_TOO_LONG);
}

static void partials_nest_so_far(void **state) {
    (void)state;
    const struct asset chain[] = {
        ASSET("a.html", "{{>b}}"), ASSET("b.html", "{{>c}}"), ASSET("c.html", "{{>d}}"),
        ASSET("d.html", "{{>e}}"), ASSET("e.html", "{{>f}}"), ASSET("f.html", "x"),
    };
    CLEANUP(set_cleanup) struct template_set *set = NULL;
    CLEANUP(buf_done) struct buf where = BUF_INIT(1024);
    assert_int_equal(parse(chain, ARRAY_LEN(chain), &set, &where), ERR_RANGE);
    assert_int_equal(parse(chain + 1, ARRAY_LEN(chain) - 1, &set, &where), ERR_OK);
}

static void missing_values_are_errors(void **state) {
    (void)state;
    static const char *const pages[] = {"{{csrf}}", "<a href=\"{{csrf}}\">", "{{t.hello}}", "{{t.{csrf}}}",
                                        "{{#x}}{{csrf}}{{/x}}", "{{x.csrf}}"};
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
        assert_int_equal(render(pages[i], "{\"x\":{\"y\":1}}", LANG_VI, &out), ERR_MISSING);
    }
    CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
    assert_int_equal(render("{{a}}", "{\"a\":[1]}", LANG_VI, &out), ERR_MISSING);
    expect("{{a}}", "{\"a\":null}", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_scopes),
        cmocka_unit_test(tags_take_their_line),
        cmocka_unit_test(texts_of_the_catalogue),
        cmocka_unit_test(payloads_stay_text),
        cmocka_unit_test(links_cannot_run),
        cmocka_unit_test(faults_are_found_at_start),
        cmocka_unit_test(depth_and_size_are_bounded),
        cmocka_unit_test(partials_nest_so_far),
        cmocka_unit_test(missing_values_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
