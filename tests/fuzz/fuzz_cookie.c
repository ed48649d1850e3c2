/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cookie field and what stands in our session cookie (F17): the one value of the one name is
 * found whatever stands around it, two of that name are none, and a session key that is read comes
 * from exactly one text. */
#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/request.h"
#include "idp/session.h"
#include "idp/transport.h"
#include "tests/fuzz/fuzz.h"

#define NAME  "session-a1b2c3"
#define VALUE "dmFsdWU"

static struct span own_cookie(const struct http_header *header, size_t n) {
    const struct transport t = {.header = header, .n_headers = n, .cookie_suffix = "a1b2c3"};
    static struct request req;
    req.transport = &t;
    return request_own_cookie(&req, "session");
}

static void field(struct span text) {
    const struct http_header h[] = {{SPAN("Cookie"), text}, {SPAN("cookie"), text}};
    struct span once = own_cookie(h, 1);
    FUZZ_CHECK(!once.ptr || (once.len && !memchr(once.ptr, ';', once.len)));
    FUZZ_CHECK(!once.ptr || (once.ptr >= text.ptr && once.ptr + once.len <= text.ptr + text.len));
    FUZZ_CHECK(!once.ptr || !own_cookie(h, 2).ptr || span_eq(own_cookie(h, 2), once));
}

/* Ours behind whatever the browser has besides, as long as that holds no cookie of this name. */
static void among_others(struct span text) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(16384);
    buf_add_span(&b, text);
    buf_add_str(&b, "; " NAME "=" VALUE);
    if (buf_err(&b) || (text.len && memmem(text.ptr, text.len, NAME, sizeof NAME - 1)) ||
        (text.len && memchr(text.ptr, '"', text.len)))
        return;
    const struct http_header h[] = {{SPAN("Cookie"), buf_span(&b)}};
    struct span found = own_cookie(h, 1);
    FUZZ_CHECK(!found.ptr || span_is(found, VALUE));
}

static void key(struct span text) {
    struct session_key a, b;
    if (session_cookie_parse(text, &a))
        return;
    FUZZ_CHECK(text.len == SESSION_COOKIE_CHARS);
    char changed[SESSION_COOKIE_CHARS];
    memcpy(changed, text.ptr, sizeof changed);
    changed[text.len / 2] = changed[text.len / 2] == 'A' ? 'B' : 'A';
    if (!session_cookie_parse(span_bytes(changed, sizeof changed), &b))
        FUZZ_CHECK(memcmp(a.b, b.b, SESSION_KEY_BYTES) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = span_bytes(data, size);
    field(text);
    among_others(text);
    key(text);
    return 0;
}
