/* SPDX-License-Identifier: Apache-2.0
 *
 * See bearer.h. */
#include "protocols/oidc/bearer.h"

#include <string.h>
#include <strings.h>

#define SCHEME "Bearer "

enum err bearer_find(const struct request *req, struct span *ret_token) {
    const size_t skip = strlen(SCHEME);
    struct span header = request_header(req, "Authorization");
    size_t n = request_header_count(req, "Authorization");
    if (n != 1)
        return n ? ERR_REPEATED : ERR_MISSING;
    if (header.len <= skip || strncasecmp(header.ptr, SCHEME, skip) != 0)
        return ERR_SYNTAX;
    *ret_token = (struct span){header.ptr + skip, header.len - skip};
    return ERR_OK;
}
