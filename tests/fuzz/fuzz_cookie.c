/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cookie field and what stands in our session cookie (F17): the one value of the one name is
 * found whatever stands around it, two of that name are none, and a session key that is read comes
 * from exactly one text, and lives no longer than its limits. */
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

/* A cookie of ours names its session; a session lives within all its limits, at a level that both
 * the person and the sign-in have. */
static void session(struct span text) {
    struct session_key made, read;
    char cookie[SESSION_COOKIE_CHARS + 1];
    unsigned char b[8] = {0};
    memcpy(b, text.ptr, text.len < sizeof b ? text.len : sizeof b);
    session_cookie_new(b[0], cookie, &made);
    FUZZ_CHECK(session_cookie_parse(span_of(cookie), &read) == ERR_OK && memcmp(made.b, read.b, sizeof made.b) == 0);
    struct session s = {.found = b[1] & 1, .ended_at = b[1] & 2, .expires_at = b[2], .last_seen = b[3],
                        .aal = b[4] % 4};
    s.user.status = (enum user_status)(b[5] % 5);
    s.user.ial = b[6] % 4;
    bool is_over = !s.found || s.ended_at || s.expires_at <= b[0] || b[0] - s.last_seen >= b[7] || s.user.status != USER_ACTIVE;
    FUZZ_CHECK(session_is_live(&s, b[0], b[7]) == !is_over);
    int level = session_loa(&s);
    FUZZ_CHECK(level <= s.aal && level >= 0 && (level < 2 || s.user.ial >= 2) && (level < 1 || s.user.ial >= 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = span_bytes(data, size);
    field(text);
    among_others(text);
    key(text);
    session(text);
    return 0;
}
