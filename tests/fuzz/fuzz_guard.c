/* SPDX-License-Identifier: Apache-2.0
 *
 * web/guard.c behind the real libmicrohttpd: what both let through is one request in the strict
 * reading of RFC 9112, with the same target and fields; so no other parser in front of us can have
 * seen another request (T01-T03). Input: the bytes of a connection. */
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "web/guard.h"

#define CONNECTION_MEMORY ((size_t)32 * 1024)
#define TURNS_MAX         64

/* Its header may need the read buffer to grow twice. */
#define TURNS_FOR_A_REQUEST 4

static struct {
    const char *wire; /* what was sent */
    size_t wire_len;
    struct span target;
    char target_text[CONNECTION_MEMORY + 1];
    struct http_header header[HTTP_HEADERS_MAX];
    size_t n_headers;
    bool was_asked, is_closed;
} now;

/* ---- the strict reading, of bytes without NUL ---- */

static bool is_among(const char *set, char c) {
    return c && strchr(set, c);
}

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static struct span token(struct span *text) {
    size_t len = 0;
    while (len < text->len && is_among(ALPHANUMERIC "!#$%&'*+-.^_`|~", text->ptr[len]))
        len++;
    struct span found = span_bytes(text->ptr, len);
    FUZZ_CHECK(len);
    *text = span_bytes(text->ptr + len, text->len - len);
    return found;
}

static void expect(struct span *text, const char *literal) {
    FUZZ_CHECK(span_starts(*text, literal));
    *text = span_bytes(text->ptr + strlen(literal), text->len - strlen(literal));
}

static struct span until_cr_lf(struct span *text) {
    const char *end = memmem(text->ptr, text->len, "\r\n", 2);
    FUZZ_CHECK(end);
    struct span line = span_bytes(text->ptr, (size_t)(end - text->ptr));
    *text = span_bytes(end + 2, text->len - line.len - 2);
    for (size_t i = 0; i < line.len; i++)
        FUZZ_CHECK((unsigned char)line.ptr[i] >= 0x20 ? line.ptr[i] != 0x7F : line.ptr[i] == '\t');
    return line;
}

static void request_line_read(struct span *text) {
    (void)token(text);
    expect(text, " ");
    size_t len = 0;
    while (len < text->len && (unsigned char)text->ptr[len] > 0x20)
        len++;
    FUZZ_CHECK(span_eq(span_bytes(text->ptr, len), span_bytes(now.target_text, now.target.len)));
    *text = span_bytes(text->ptr + len, text->len - len);
    expect(text, " HTTP/1.");
    FUZZ_CHECK(text->len && is_among("0123456789", text->ptr[0]));
    *text = span_bytes(text->ptr + 1, text->len - 1);
    expect(text, "\r\n");
}

static bool field_read(struct span *text, size_t i) {
    if (span_starts(*text, "\r\n"))
        return false;
    FUZZ_CHECK(i < now.n_headers && i < HTTP_HEADERS_MAX);
    struct span name = token(text);
    expect(text, ":");
    while (text->len && is_among(" \t", text->ptr[0]))
        *text = span_bytes(text->ptr + 1, text->len - 1);
    struct span value = until_cr_lf(text);
    FUZZ_CHECK(span_eq(name, now.header[i].name) && span_eq(value, now.header[i].value));
    FUZZ_CHECK(!(name.len == 17 && !strncasecmp(name.ptr, "Transfer-Encoding", 17)));
    return true;
}

static void one_strict_request(void) {
    struct span text = span_bytes(now.wire, now.wire_len);
    if (memchr(text.ptr, '\0', text.len) || memmem(text.ptr, text.len, "\n:", 2))
        return; /* what guard.h says is not visible */
    while (text.len && is_among("\r\n", text.ptr[0]))
        text = span_bytes(text.ptr + 1, text.len - 1); /* RFC 9112 2.2: empty lines before a request */
    request_line_read(&text);
    size_t n = 0;
    while (field_read(&text, n))
        n++;
    FUZZ_CHECK(n == now.n_headers);
}

/* ---- the library, called as web/library.c calls it ---- */

static void *on_request_line(void *cls, const char *target, struct MHD_Connection *mhd) {
    (void)cls, (void)mhd;
    now.target = span_of(target);
    if (now.target.len < sizeof now.target_text)
        memcpy(now.target_text, target, now.target.len + 1);
    return &now;
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *key,
                                size_t key_size, const char *value, size_t value_size) {
    (void)cls, (void)kind;
    size_t i = now.n_headers++;
    if (i < HTTP_HEADERS_MAX)
        now.header[i] = (struct http_header){{key, key_size}, {value ? value : "", value_size}};
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context) {
    (void)cls, (void)url, (void)upload, (void)upload_size, (void)context;
    if (now.was_asked)
        return MHD_NO;
    now.was_asked = true;
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, on_field, NULL);
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const struct guard_input in = {
        .method = method,
        .target = now.target,
        .target_text = now.target_text,
        .version = version,
        .header = now.header,
        .n_headers = now.n_headers,
        .header_bytes = size ? size->header_size : 0,
        .is_layout_known = guard_layout_is_known(MHD_get_version()),
    };
    if (!guard_check(&in))
        one_strict_request();
    return MHD_NO;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what) {
    (void)cls, (void)mhd, (void)context;
    now.is_closed = what == MHD_CONNECTION_NOTIFY_CLOSED;
}

static struct MHD_Daemon *library(void) {
    static struct MHD_Daemon *daemon;
    if (!daemon)
        daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request,
                                  NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
                                  MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_URI_LOG_CALLBACK,
                                  on_request_line, NULL, MHD_OPTION_NOTIFY_CONNECTION,
                                  on_connection, NULL, MHD_OPTION_END);
    FUZZ_CHECK(daemon);
    return daemon;
}

static void run_library(int turns) {
    for (int turn = 0; turn < turns && !now.is_closed; turn++)
        FUZZ_CHECK(MHD_run(library()) == MHD_YES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > 65536 || !guard_layout_is_known(MHD_get_version()))
        return 0;
    int pair[2];
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    now.wire = (const char *)data;
    now.wire_len = size;
    now.n_headers = 0;
    now.was_asked = now.is_closed = false;
    const struct sockaddr peer = {.sa_family = AF_UNIX};
    FUZZ_CHECK(write(pair[1], data, size) == (ssize_t)size);
    FUZZ_CHECK(MHD_add_connection(library(), pair[0], &peer, sizeof peer) == MHD_YES);
    run_library(TURNS_FOR_A_REQUEST);
    FUZZ_CHECK(close(pair[1]) == 0);
    run_library(TURNS_MAX);
    FUZZ_CHECK(now.is_closed);
    return 0;
}
