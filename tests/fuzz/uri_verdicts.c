/* SPDX-License-Identifier: Apache-2.0
 *
 * What idp/client_uri.c says of URIs, for redirect_uri.mjs to compare with another implementation.
 * In: pairs of a registered and an asked URI, each ended by a NUL. Out: a line for each pair:
 *   registered-is-good scheme host port length-of-rest | asked-is-allowed
 * with "-" for an absent part. */
#include <stdio.h>
#include <string.h>

#include "idp/client.h"
#include "idp/client_uri.h"

#define URI_BYTES 65536

static const struct uri_rules any = {.allow_loopback_http = true, .allow_private_scheme = true};

/* False at the end of the input. */
static bool read_uri(char *ret_text, struct span *ret_uri) {
    size_t len = 0;
    for (int c; (c = getchar()) != EOF;) {
        if (c == '\0') {
            *ret_uri = span_bytes(ret_text, len);
            return true;
        }
        if (len == URI_BYTES)
            return false;
        ret_text[len++] = (char)c;
    }
    return false;
}

static void print_part(struct span part) {
    if (part.ptr && part.len)
        (void)printf(" %.*s", SPAN_FMT(part));
    else
        (void)printf(" -");
}

int main(void) {
    static char texts[2][URI_BYTES];
    struct span registered, asked;
    while (read_uri(texts[0], &registered) && read_uri(texts[1], &asked)) {
        struct uri_parts p = {0};
        bool is_good = client_uri_check(registered, &any, &p) == NULL;
        struct client c = {.n_redirect_uris = 1};
        c.redirect_uri[0] = (struct client_uri){registered, client_uri_is_loopback(registered)};
        (void)printf("%d", is_good);
        print_part(is_good ? p.scheme : SPAN_NONE);
        print_part(is_good ? p.host : SPAN_NONE);
        print_part(is_good ? p.port : SPAN_NONE);
        (void)printf(" %zu | %d\n", is_good ? p.rest.len : 0, client_redirect_uri_allowed(&c, asked));
    }
    return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
