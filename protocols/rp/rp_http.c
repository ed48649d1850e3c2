/* SPDX-License-Identifier: Apache-2.0
 *
 * Outbound HTTP of the relying party: short, capped, without redirects, proxies from the
 * environment or compression; and which addresses it may go to. The only user of libcurl here. */
#include <curl/curl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "protocols/rp/rp_internal.h"

static void curl_cleanup(CURL **c) {
    curl_easy_cleanup(*c);
}
static void url_cleanup(CURLU **u) {
    curl_url_cleanup(*u);
}
static void text_cleanup(char **text) {
    curl_free(*text);
}

/* ---- addresses ---- */

static bool has_part(CURLU *u, CURLUPart part) {
    CLEANUP(text_cleanup) char *text = NULL;
    return curl_url_get(u, part, &text, 0) == CURLUE_OK;
}

static bool part_is(CURLU *u, CURLUPart part, const char *const *wanted) {
    CLEANUP(text_cleanup) char *text = NULL;
    if (curl_url_get(u, part, &text, 0) != CURLUE_OK)
        return false;
    while (*wanted && strcmp(*wanted, text) != 0)
        wanted++;
    return *wanted != NULL;
}

enum err rp_url_check(const char *url, bool http_loopback) {
    static const char *const https[] = {"https", NULL}, *const http[] = {"http", NULL},
                             *const loopback[] = {"localhost", "127.0.0.1", "[::1]", NULL};
    CLEANUP(url_cleanup) CURLU *u = curl_url();
    if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
        return ERR_REFUSED;
    if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD) ||
        has_part(u, CURLUPART_FRAGMENT))
        return ERR_REFUSED;
    if (part_is(u, CURLUPART_SCHEME, https))
        return ERR_OK;
    bool here = part_is(u, CURLUPART_SCHEME, http) && part_is(u, CURLUPART_HOST, loopback);
    return http_loopback && here ? ERR_OK : ERR_REFUSED;
}

/* ---- one exchange ---- */

struct answer {
    struct buf body;
    size_t header_bytes;
};

static size_t take_body(char *bytes, size_t size, size_t n, void *ctx) {
    struct answer *answer = ctx;
    buf_add(&answer->body, bytes, size * n);
    return buf_err(&answer->body) ? 0 : size * n; /* 0 aborts the transfer */
}

static size_t count_header(char *bytes, size_t size, size_t n, void *ctx) {
    struct answer *answer = ctx;
    (void)bytes;
    answer->header_bytes += size * n;
    return answer->header_bytes > RP_HTTP_HEADERS_MAX ? 0 : size * n;
}

/* A limit that was not taken is no limit: every option must have been. */
static bool set_limits(CURL *c, const struct rp_http_request *q) {
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, q->https_only ? "https" : "http,https") ==
               CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)RP_HTTP_SECONDS) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           (!q->ca_file || curl_easy_setopt(c, CURLOPT_CAINFO, q->ca_file) == CURLE_OK);
}

static bool set_request(CURL *c, const struct rp_http_request *q) {
    bool good = curl_easy_setopt(c, CURLOPT_URL, q->url) == CURLE_OK;
    if (q->form.ptr)
        good = good && curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)q->form.len) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->form.ptr) == CURLE_OK;
    if (q->user)
        good = good && curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_USERNAME, q->user) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_PASSWORD, q->password) == CURLE_OK;
    return good;
}

static bool set_bearer(CURL *c, struct arena *a, struct span bearer) {
    if (!bearer.len)
        return true;
    const char *text = arena_strndup(a, bearer.ptr, bearer.len);
    return text && curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, text) == CURLE_OK;
}

static bool set_answer(CURL *c, struct answer *answer) {
    return curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, answer) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, count_header) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, answer) == CURLE_OK;
}

static void answer_done(struct answer *answer) {
    buf_done(&answer->body);
}

enum err rp_http(const struct rp_http_request *q, struct arena *a, long *ret_status,
                 struct span *ret_body) {
    CLEANUP(curl_cleanup) CURL *c = curl_easy_init();
    CLEANUP(answer_done) struct answer answer = {.body = BUF_INIT(RP_HTTP_MAX)};
    if (!ascii_printable(q->bearer))
        return ERR_SYNTAX;
    if (!c || !set_limits(c, q) || !set_request(c, q) || !set_bearer(c, a, q->bearer) ||
        !set_answer(c, &answer))
        return ERR_NOMEM;
    if (curl_easy_perform(c) != CURLE_OK ||
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, ret_status) != CURLE_OK)
        return ERR_UNAVAILABLE;
    *ret_body = arena_dup(a, buf_span(&answer.body));
    return ret_body->ptr || !answer.body.len ? ERR_OK : ERR_NOMEM;
}
