/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for the server in tests of this folder: what pure code never calls at run time. */
#include "idp/request.h"

void respond_header(struct request *req, const char *name, struct span value) {
    struct response *r = &req->response;
    if (r->n_headers < RESPONSE_HEADERS_MAX)
        r->header[r->n_headers++] = (struct response_header){name, value};
}

void respond_buf(struct request *req, unsigned status, const char *content_type, const struct buf *b) {
    req->response.status = status;
    req->response.content_type = content_type;
    req->response.body = arena_dup(req->arena, buf_span(b));
}
