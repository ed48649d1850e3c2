/* SPDX-License-Identifier: Apache-2.0
 *
 * Outbound HTTP of the relying party: short, capped, without redirects. */
#include <curl/curl.h>

#include "base/cleanup.h"
#include "protocols/rp/rp_internal.h"

static void curl_cleanup(CURL **c) {
    curl_easy_cleanup(*c);
}
static void slist_cleanup(struct curl_slist **l) {
    curl_slist_free_all(*l);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *ctx) {
    struct buf *body = ctx;
    buf_add(body, bytes, size * n);
    return buf_err(body) ? 0 : size * n; /* 0 aborts the transfer */
}

static void set_common(CURL *c, const struct rp_http_request *q, struct buf *body) {
    curl_easy_setopt(c, CURLOPT_URL, q->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, q->https_only ? "https" : "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)RP_HTTP_SECONDS);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
    if (q->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, q->ca_file);
    if (q->form.ptr) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->form.ptr);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)q->form.len);
    }
    if (q->user) {
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(c, CURLOPT_USERNAME, q->user);
        curl_easy_setopt(c, CURLOPT_PASSWORD, q->password);
    }
}

enum err rp_http(const struct rp_http_request *q, struct arena *a, long *ret_status, struct span *ret_body) {
    CLEANUP(curl_cleanup) CURL *c = curl_easy_init();
    CLEANUP(slist_cleanup) struct curl_slist *headers = NULL;
    CLEANUP(buf_done) struct buf body = BUF_INIT(RP_HTTP_MAX);
    if (!c)
        return ERR_NOMEM;
    set_common(c, q, &body);
    if (q->bearer.len) {
        const char *line = arena_printf(a, "Authorization: Bearer %.*s", SPAN_FMT(q->bearer));
        headers = line ? curl_slist_append(NULL, line) : NULL;
        if (!headers)
            return ERR_NOMEM;
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    }
    if (curl_easy_perform(c) != CURLE_OK)
        return ERR_UNAVAILABLE;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, ret_status);
    *ret_body = arena_dup(a, buf_span(&body));
    return ret_body->ptr ? ERR_OK : ERR_NOMEM;
}
