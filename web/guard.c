/* SPDX-License-Identifier: Apache-2.0
 *
 * The guard in front of every request; see guard.h. */
#include "web/guard.h"

#include "base/cleanup.h"

#define METHOD_MAX    16
#define VERSION_BYTES 8 /* "HTTP/1.1" */

bool guard_layout_is_known(const char *mhd_version) {
    return strcmp(mhd_version, "0.9.75") == 0;
}

/* ---- fields ---- */

static size_t field_count(const struct guard_input *in, const char *name, struct span *last) {
    size_t n = 0;
    for (size_t i = 0; i < in->n_headers; i++)
        if (field_is(in->header[i].name, name)) {
            *last = in->header[i].value;
            n++;
        }
    return n;
}

/* RFC 9110 5.6.2 */
static bool is_token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           (c && strchr("!#$%&'*+.^_`|~", c));
}

static bool is_token(struct span s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char(s.ptr[i]))
            return false;
    return s.len > 0;
}

static bool is_field_text(struct span s) {
    bool is_bad = false; /* to the end in any case: the compiler takes many at once */
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        is_bad |= (c < 0x20 && c != '\t') || c == 0x7F;
    }
    return !is_bad;
}

static bool has_too_many_fields(const struct guard_input *in) {
    return in->n_headers > HTTP_HEADERS_MAX || in->header_bytes > GUARD_HEADER_MAX;
}

//= https://www.rfc-editor.org/rfc/rfc9112#section-5.1
//# A server MUST reject, with a response status code of 400 (Bad Request), any received request
//# message that contains whitespace between a header field name and colon.
static bool has_bad_field(const struct guard_input *in) {
    for (size_t i = 0; i < in->n_headers; i++)
        if (!is_token(in->header[i].name) || !is_field_text(in->header[i].value))
            return true;
    return false;
}

/* ---- request line ---- */

static bool has_long_target(const struct guard_input *in) {
    return in->target.len > GUARD_TARGET_MAX;
}

static bool has_bad_method(const struct guard_input *in) {
    struct span method = span_of(in->method);
    return method.len > METHOD_MAX || !is_token(method);
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

//= https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
//= type=exception
//= reason=Origin server only: two hosts in one request are what smuggling lives on.
//# To allow for transition to the absolute-form for all requests in some future version of HTTP, a
//# server MUST accept the absolute-form in requests
static bool has_bad_target(const struct guard_input *in) {
    const char *t = in->target_text;
    size_t len = in->target.len;
    if (len == 0 || t[0] != '/')
        return true;
    bool in_query = false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)t[i];
        if (c <= 0x20 || c >= 0x7F || c == '#')
            return true;
        in_query = in_query || c == '?';
        if (c != '%')
            continue;
        bool is_escape = len - i > 2 && is_hex(t[i + 1]) && is_hex(t[i + 2]);
        if (is_escape && t[i + 1] == '0' && t[i + 2] == '0')
            return true;
        if (!is_escape && !in_query) /* in a query it is a parameter's error, and named there */
            return true;
    }
    return false;
}

/* CONNECT's target is an authority and belongs to no resource of ours. */
static bool is_connect(const struct guard_input *in) {
    return strcmp(in->method, "CONNECT") == 0;
}

/* ---- framing ---- */

//= https://www.rfc-editor.org/rfc/rfc9112#section-6.1
//# A server MAY reject a request that contains both Content-Length and Transfer-Encoding or
//# process such a request in accordance with the Transfer-Encoding alone.
static bool has_two_framings(const struct guard_input *in) {
    struct span unused;
    return field_count(in, "Transfer-Encoding", &unused) &&
           field_count(in, "Content-Length", &unused);
}

static bool has_transfer_encoding(const struct guard_input *in) {
    struct span unused;
    return field_count(in, "Transfer-Encoding", &unused) > 0;
}

static bool has_bad_length(const struct guard_input *in) {
    struct span value;
    size_t n = field_count(in, "Content-Length", &value);
    if (n == 0)
        return false;
    if (n > 1 || value.len == 0 || value.len > 18)
        return true;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return true;
    return false;
}

static bool is_host_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           strchr("-._~:[]", c) != NULL;
}

//= https://www.rfc-editor.org/rfc/rfc9112#section-3.2
//# A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
//# lacks a Host header field and to any request message that contains more than one Host header
//# field line or a Host header field with an invalid field value.
static bool has_bad_host(const struct guard_input *in) {
    struct span host;
    size_t n = field_count(in, "Host", &host);
    if (n == 0)
        return strcmp(in->version, "HTTP/1.0") != 0;
    if (n > 1 || host.len == 0)
        return true;
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] == '\0' || !is_host_char(host.ptr[i]))
            return true;
    return false;
}

/* ---- layout ---- */

struct cursor {
    const char *at, *end;
};

/* The next thing must begin exactly here: compared as numbers, since a pointer that the library
 * moved elsewhere (obs-fold) must not be looked through. */
static bool stands_at(const struct cursor *c, const char *p) {
    return (uintptr_t)p == (uintptr_t)c->at;
}

/* Steps over `len` bytes and a line end of CR LF. */
static bool step_line(struct cursor *c, size_t len) {
    if ((size_t)(c->end - c->at) < len + 2 || c->at[len] != '\0' || c->at[len + 1] != '\0')
        return false;
    c->at += len + 2;
    return true;
}

static bool step_field(struct cursor *c, const struct http_header *h) {
    if (!stands_at(c, h->name.ptr) || (uintptr_t)h->value.ptr <= (uintptr_t)(c->at + h->name.len) ||
        (uintptr_t)h->value.ptr > (uintptr_t)c->end)
        return false;
    const char *gap = c->at + h->name.len;
    for (const char *p = gap + 1; p < h->value.ptr; p++)
        if (*p != ' ' && *p != '\t')
            return false;
    if (*gap != '\0') /* where the colon stood */
        return false;
    c->at = h->value.ptr;
    return step_line(c, h->value.len);
}

//= https://www.rfc-editor.org/rfc/rfc9112#section-5.2
//# A server that receives an obs-fold in a request message that is not within a "message/http"
//# container MUST either reject the message by sending a 400 (Bad Request), preferably with a
//# representation explaining that obsolete line folding is unacceptable, or replace each received
//# obs-fold with one or more SP octets prior to interpreting the field value or forwarding the
//# message downstream.
static bool has_bad_layout(const struct guard_input *in) {
    if (!in->is_layout_known)
        return false;
    struct cursor c = {in->method + strlen(in->method) + 1, in->method + in->header_bytes};
    if (!stands_at(&c, in->target.ptr) ||
        !stands_at(&(struct cursor){c.at + in->target.len + 1, NULL}, in->version))
        return true;
    c.at = in->version;
    if (!step_line(&c, VERSION_BYTES))
        return true;
    for (size_t i = 0; i < in->n_headers; i++)
        if (!step_field(&c, &in->header[i]))
            return true;
    return !step_line(&c, 0) || c.at != c.end;
}

/* ---- all of them, in this order ---- */

static const struct {
    bool (*is_wrong)(const struct guard_input *in);
    struct guard_refusal refusal;
} checks[] = {
    {has_long_target, {414, "the request target is too long"}},
    {has_too_many_fields, {431, "too many or too long header fields"}},
    {has_bad_layout, {400, "malformed line ends or folded fields"}},
    {has_bad_method, {400, "malformed method"}},
    {has_bad_field, {400, "malformed header field"}},
    {has_two_framings, {400, "both Content-Length and Transfer-Encoding"}},
    {has_transfer_encoding, {411, "a body needs a Content-Length"}},
    {has_bad_length, {400, "malformed or repeated Content-Length"}},
    {has_bad_host, {400, "missing, repeated or malformed Host"}},
    {is_connect, {405, "this server is no proxy"}},
    {has_bad_target, {400, "malformed request target"}},
};

const struct guard_refusal *guard_check(const struct guard_input *in) {
    if (!in->target.ptr)
        return &checks[ARRAY_LEN(checks) - 1].refusal;
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (checks[i].is_wrong(in))
            return &checks[i].refusal;
    return NULL;
}
