/* SPDX-License-Identifier: Apache-2.0
 *
 * Outbound HTTP of the relying party: short, capped, without redirects, proxies from the
 * environment or compression; and which addresses it may go to. The only user of libcurl here. */
#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/secret.h"
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

/* Asked after names were resolved, with the very address that is connected to. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address) {
    const struct rp *rp = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN || !rp->address_allowed(&address->addr, rp->address_ctx))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool set_addresses(CURL *c, const struct rp *rp) {
    return !rp->address_allowed ||
           (curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
            curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, (void *)(uintptr_t)rp) == CURLE_OK);
}

/* A limit that was not taken is no limit: every option must have been. */
static bool set_limits(CURL *c, const struct rp *rp) {
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, rp->https_only ? "https" : "http,https") ==
               CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)RP_HTTP_SECONDS) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           /* The time is up also for a name that is being looked for in vain. */
           curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           (!rp->ca_file || curl_easy_setopt(c, CURLOPT_CAINFO, rp->ca_file) == CURLE_OK) &&
           set_addresses(c, rp);
}

static bool set_request(CURL *c, const struct rp_exchange *x) {
    bool good = curl_easy_setopt(c, CURLOPT_URL, x->url.ptr) == CURLE_OK;
    if (x->form.ptr)
        good = good && curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)x->form.len) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_POSTFIELDS, x->form.ptr) == CURLE_OK;
    return good;
}

static bool set_authorization(CURL *c, struct arena *a, struct span value,
                              struct curl_slist **fields) {
    if (!value.ptr)
        return true;
    const char *field = arena_printf(a, "Authorization: %.*s", SPAN_FMT(value));
    *fields = field ? curl_slist_append(NULL, field) : NULL;
    return *fields && curl_easy_setopt(c, CURLOPT_HTTPHEADER, *fields) == CURLE_OK;
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

static void fields_cleanup(struct curl_slist **fields) {
    for (struct curl_slist *f = *fields; f; f = f->next)
        wipe(f->data, strlen(f->data));
    curl_slist_free_all(*fields);
}

enum err rp_http(const struct rp *rp, const struct rp_exchange *x, struct arena *a,
                 long *ret_status, struct span *ret_body) {
    CLEANUP(fields_cleanup) struct curl_slist *fields = NULL; /* outlives the handle */
    CLEANUP(curl_cleanup) CURL *c = curl_easy_init();
    CLEANUP(answer_done) struct answer answer = {.body = BUF_INIT(RP_HTTP_MAX)};
    if (!c || !set_limits(c, rp) || !set_request(c, x) ||
        !set_authorization(c, a, x->authorization, &fields) || !set_answer(c, &answer))
        return ERR_NOMEM;
    if (curl_easy_perform(c) != CURLE_OK ||
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, ret_status) != CURLE_OK)
        return ERR_UNAVAILABLE;
    *ret_body = arena_dup(a, buf_span(&answer.body));
    return ret_body->ptr || !answer.body.len ? ERR_OK : ERR_NOMEM;
}
